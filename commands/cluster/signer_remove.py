"""gnt-cluster signer remove."""

from __future__ import annotations

from gnt.commands import _access, _gate
from gnt.commands._edits import change, path
from gnt.commands.cluster._signer import SIGNER_NAME, signer
from gnt.commands.node import _let_in, _role
from gnt.errors import Conflict
from gnt.plan import Edit, Plan
from gnt.spec import Holds, Operation, arg, opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.commands.node._setup import Host
    from gnt.model.config import Config
    from gnt.plan import Call
    from gnt.spec import Seen, Session


class SignerRemove(Operation, command="cluster signer remove"):
    """Take the right to sign changes away, and the keys that log in to nodes.

    What they signed stays valid history.  The last signer cannot be removed; oneself only with
    --force.  Keys that were put on nodes by hand stay: gnt-cluster verify lists them.
    """

    examples = (("gnt-cluster signer remove alice@laptop", "alice can sign no more"),)

    name: str = arg(SIGNER_NAME, "signer")
    force: bool = opt(BOOL, "also oneself", default=False)

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        found = signer(session.config(), self.name)
        own = found.key == session.ledger.own_key()
        if own and session.config().cluster.hardened:
            raise Conflict(f"{self.name} is you: the nodes could not be told any more",
                           hint="let another signer do it")
        if own and not self.force:
            raise Conflict(f"{self.name} is you: afterwards you could change nothing",
                           hint=f"gnt-cluster signer remove --force {self.name}")
        return (self,)

    def holds(self, cfg: Config) -> Holds:
        keys = (_role.KEYS,) if self._keys(cfg) != cfg.cluster.login_keys else ()
        return Holds(exclusive=(f"signers/{self.name}", *keys))

    def facts(self, cfg: Config) -> Iterator[Call[Host]]:
        if self._distributed(cfg):
            yield from _role.greet(cfg)

    def then(self, cfg: Config) -> tuple[Operation, ...]:
        return _gate.then(cfg)

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        found = signer(cfg, self.name)
        people = [one for one in cfg.signers if one.comment != "node" and one != found]
        if len(people) < cfg.cluster.signer_threshold > 1:
            raise Conflict(
                f"without {self.name} there would be {len(people)} signers who are people, where "
                f"{cfg.cluster.signer_threshold} must agree",
                hint="gnt-cluster signer add NAME KEY, or gnt-cluster signer threshold N, first")
        if len(cfg.signers) == 1:
            raise Conflict(f"{self.name} is the only signer: nobody could change the cluster",
                           hint="gnt-cluster signer add NAME KEY, first")
        _role.require_all(self.facts(cfg), seen)
        keys = self._keys(cfg)
        shut_out = (change(cfg.cluster, login_keys=keys),) if keys != cfg.cluster.login_keys else ()
        return Plan(
            attempt=_let_in.on_all(cfg, keys, cfg.nodes) if self._distributed(cfg) else (),
            end=(Edit(path=path(found)), *shut_out))

    def _distributed(self, cfg: Config) -> bool:
        """Whether nodes must forget keys."""
        return cfg.cluster.modify_ssh_setup and self._keys(cfg) != cfg.cluster.login_keys

    def _keys(self, cfg: Config) -> tuple[str, ...]:
        """The keys that log in afterwards: nodes' own keys are not a signer's."""
        found = signer(cfg, self.name)
        return tuple(
            key for key in cfg.cluster.login_keys
            if _access.owner_of(key) or not (
                _access.plain(key) == found.key or _access.comment_of(key) == found.name))
