"""gnt-network connect."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.network._one import WithGroups
from gnt.errors import Conflict
from gnt.model import address, inherit
from gnt.model.inherit import NicParams
from gnt.net.base import nic_mode
from gnt.plan import Plan
from gnt.spec import args, opt
from gnt.values import BOOL, PAIRS, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Group, Network
    from gnt.plan import Call
    from gnt.spec import Seen


class Connect(WithGroups, command="network connect"):
    """Connect a network to groups: say how NICs in it are plugged on their nodes."""

    hook = "network-connect"
    rapi = "PUT /2/networks/{name}/connect"
    examples = (
        ("gnt-network connect -N mode=bridged,link=br-lan lan rack1 rack2", "to two groups"),
        ("gnt-network connect lan", "to every group, as the cluster's NIC parameters say"),
    )

    groups: tuple[str, ...] = args(TEXT, "groups (default: all)", default=(), complete="group")
    nic_parameters: Mapping[str, str] = opt(
        PAIRS, "mode=, link=, vlan= of NICs in it (default: the cluster's)", default={}, short="-N")
    conflicts_check: bool = opt(BOOL, "refuse when an instance has one of its addresses already",
                                default=True)

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        for group in self.chosen(cfg):
            yield from self._questions(cfg, group)

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        network = cfg.network(self.name)
        level = self._level(cfg)
        edits, notes = [], []
        for group in self.chosen(cfg):
            if network.uuid in group.networks:
                raise Conflict(f"network {network.name} is connected to {group.name} already",
                               hint=f"gnt-network disconnect {network.name} {group.name}")
            if self.conflicts_check:
                _require_no_strangers(cfg, network, group)
            for call in self._questions(cfg, group):
                if seen.failed(call) is None and seen[call]:
                    notes.append(f"{call.node} has no {', '.join(seen[call])} yet")
            edits.append(change(group, networks={**group.networks, network.uuid: level}))
        return Plan(end=tuple(edits), notes=tuple(notes))

    def _level(self, cfg: Config) -> dict[str, Any]:
        """What is given; without, the cluster's parameters as they are now."""
        given = inherit.parse(NicParams, self.nic_parameters, "-N")
        if given:
            return inherit.overlay({}, given)
        default = inherit.fill(NicParams, (cfg.cluster.nicparams,), "nicparams")
        return {name: value for name, value in default.items() if value}

    def _questions(self, cfg: Config, group: Group) -> Iterator[Call[tuple[str, ...]]]:
        """Which nodes lack the bridge, or what the mode needs."""
        filled = inherit.fill(NicParams, (cfg.cluster.nicparams, self._level(cfg)), "-N")
        driver = nic_mode(filled.mode)
        for node in cfg.online():
            call = driver.missing(node.name, (filled.link,)) if node.group == group.uuid else None
            if call is not None:
                yield call

    def chosen(self, cfg: Config) -> list[Group]:
        return [cfg.group(name) for name in self.groups] if self.groups else cfg.groups


def _require_no_strangers(cfg: Config, network: Network, group: Group) -> None:
    """Raise Conflict when an instance of the group has an address of the network outside it."""
    for inst in cfg.instances:
        home = cfg.node(inst.primary_node)
        for nic in inst.nics:
            if (nic.ip and not nic.network and home.group == group.uuid
                    and address.inside_any(network, nic.ip)):
                raise Conflict(
                    f"{inst.name} has {nic.ip}, which lies in {network.name}, on a NIC outside it",
                    hint="--no-conflicts-check, or change that NIC first")
