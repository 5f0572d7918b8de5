"""Changes of the signers, whose keys log in to nodes, too."""

from __future__ import annotations

from gnt.commands import _gate
from gnt.commands._edits import change
from gnt.commands.node import _let_in, _role
from gnt.spec import Holds, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.commands.node._setup import Host
    from gnt.model.config import Config
    from gnt.plan import Call, Edit, Step
    from gnt.spec import Seen


class SignerKeys(Operation):
    """What adding and removing a signer share."""

    name: str

    def login_keys(self, cfg: Config) -> tuple[str, ...]:
        """The keys that log in afterwards."""
        raise NotImplementedError

    def holds(self, cfg: Config) -> Holds:
        keys = (_role.KEYS,) if self._differs(cfg) else ()
        return Holds(exclusive=(f"signers/{self.name}", *keys))

    def facts(self, cfg: Config) -> Iterator[Call[Host]]:
        if self._distributed(cfg):
            yield from _role.greet(cfg)

    def then(self, cfg: Config) -> tuple[Operation, ...]:
        return _gate.then(cfg)

    def logins(self, cfg: Config, seen: Seen) -> tuple[tuple[Step, ...], tuple[Edit, ...]]:
        """The steps that tell the nodes whom to let in, and what is recorded of it."""
        _role.require_all(self.facts(cfg), seen)
        keys = self.login_keys(cfg)
        steps = _let_in.on_all(cfg, keys, cfg.nodes) if self._distributed(cfg) else ()
        return steps, (change(cfg.cluster, login_keys=keys),) if self._differs(cfg) else ()

    def _differs(self, cfg: Config) -> bool:
        return self.login_keys(cfg) != cfg.cluster.login_keys

    def _distributed(self, cfg: Config) -> bool:
        """Whether nodes must be told."""
        return cfg.cluster.modify_ssh_setup and self._differs(cfg)
