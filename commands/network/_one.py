"""What commands on one network have in common."""

from __future__ import annotations

from gnt.commands import _hooks
from gnt.spec import Holds, Operation, arg
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.model.config import Config
    from gnt.model.objects import Group


class OfNetwork(Operation):
    """An operation on the network that is named."""

    name: str = arg(TEXT, "network", complete="network")

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        network = cfg.network(self.name)
        return _hooks.network(network.name, network)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"networks/{cfg.network(self.name).uuid}",))


class WithGroups(OfNetwork):
    """It changes which groups are connected to the network."""

    def chosen(self, cfg: Config) -> list[Group]:
        """These groups."""
        raise NotImplementedError

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=tuple(f"groups/{group.uuid}" for group in self.chosen(cfg)),
                     shared=(f"networks/{cfg.network(self.name).uuid}",))
