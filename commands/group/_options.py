"""What can be set for a group: the options that ``add`` and ``modify`` share."""

from __future__ import annotations

from gnt.commands import _policy
from gnt.commands.cluster._options import disk_levels
from gnt.model import inherit
from gnt.spec import opt, opts
from gnt.values import NAMED_PAIRS, PAIRS, choice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.model.objects import Group


class GroupOptions(_policy.PolicyOptions):
    """Every option is None, or empty, when it is not given."""

    alloc_policy: str | None = opt(
        choice("preferred", "last_resort", "unallocable"),
        "whether new instances go there by themselves", default=None)
    node_parameters: Mapping[str, str] = opt(
        PAIRS, "node parameters of its nodes; KEY=default takes one back", default={})
    disk_parameters: tuple[tuple[str, Mapping[str, str]], ...] = opts(
        NAMED_PAIRS, "disk parameters on its nodes", short="-D", metavar="TEMPLATE:KEY=VALUE,…")

    def changed(self, group: Group) -> Group:
        """The group with everything that was given."""
        if self.alloc_policy is not None:
            group = group.replace(alloc_policy=self.alloc_policy)
        if self.node_parameters:
            typed = inherit.parse(inherit.NodeParams, self.node_parameters, "--node-parameters")
            group = group.replace(ndparams=inherit.overlay(group.ndparams, typed))
        if self.disk_parameters:
            levels = disk_levels(group.diskparams, self.disk_parameters)
            group = group.replace(diskparams=levels)
        group = group.replace(**dict(self.states(group)))
        policy = self.policy(group.ipolicy, "group")
        return group if policy is None else group.replace(ipolicy=policy)
