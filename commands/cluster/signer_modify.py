"""gnt-cluster signer modify."""

from __future__ import annotations

from gnt.commands import _gate
from gnt.commands._edits import put, unchanged
from gnt.commands.cluster._signer import SIGNER_NAME, UNTIL, require_lasting, signer
from gnt.plan import Plan
from gnt.spec import Holds, Operation, arg, opt
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.spec import Seen


class SignerModify(Operation, command="cluster signer modify"):
    """Change until when a signer may sign, or the remark about them."""

    examples = (
        ("gnt-cluster signer modify --valid-until=2027-06-30 bob", "the day's beginning, UTC"),
        ("gnt-cluster signer modify --valid-until=never bob", "no end"),
    )

    name: str = arg(SIGNER_NAME, "signer")
    valid_until: int | None = opt(UNTIL, "when the right to sign ends: YYYY-MM-DD, or never",
                                  default=None)
    comment: str | None = opt(TEXT, "a remark", default=None)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"signers/{self.name}",))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        found = signer(cfg, self.name)
        given = {"valid_until": self.valid_until, "comment": self.comment}
        new = found.replace(**{name: value for name, value in given.items() if value is not None})
        if new == found:
            return unchanged(self)
        require_lasting(cfg, new)
        return Plan(end=(put(new),))

    def then(self, cfg: Config) -> tuple[Operation, ...]:
        return _gate.then(cfg)
