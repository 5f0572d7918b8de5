"""The options of one command by their names: exact, by alias, by unique prefix, negated."""

from __future__ import annotations

from gnt.errors import UsageError
from gnt.spec import Opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gnt.spec import Command


class Slot:
    """One option of one class: how it is called and what it takes."""

    def __init__(self, field: str, opt: Opt, owner: type[Command]) -> None:
        self.field, self.opt, self.owner = field, opt, owner
        self.long = opt.long or field.rstrip("_").replace("_", "-")

    @property
    def flag(self) -> bool:
        """Takes no value: a bool that is off unless given, or counted."""
        return self.opt.kind is BOOL and (self.opt.default is False or self.opt.many)

    @property
    def negatable(self) -> bool:
        """A yes/no option that is not off by itself: ``--no-NAME`` turns it off."""
        return self.opt.kind is BOOL and not self.flag

    @property
    def bare(self) -> bool:
        """May be given without its value, which then must be attached (``-pVALUE``, ``=``)."""
        return self.opt.kind.bare is not None

    @property
    def metavar(self) -> str:
        return self.opt.metavar or self.opt.kind.metavar


class Table:
    """Every option that a command line may use."""

    def __init__(self, slots: Iterable[Slot]) -> None:
        self.slots: list[Slot] = []
        self.long: dict[str, tuple[Slot, bool]] = {}
        self.short: dict[str, Slot] = {}
        for slot in slots:
            if slot.long in self.long:  # the command's own comes first and wins
                continue
            self.slots.append(slot)
            for name in (slot.long, *slot.opt.aliases):
                self.long.setdefault(name, (slot, False))
                if slot.negatable:
                    self.long.setdefault("no-" + name, (slot, True))
            if slot.opt.short:
                self.short.setdefault(slot.opt.short.lstrip("-"), slot)

    def resolve(self, name: str) -> tuple[Slot, bool]:
        """The option of this long name or unique prefix, and whether it is negated."""
        exact = self.long.get(name)
        if exact is not None:
            return exact
        matches = {known: found for known, found in self.long.items()
                   if name and known.startswith(name)}
        if len(set(matches.values())) > 1:
            raise UsageError(f"--{name} may be {', '.join('--' + m for m in sorted(matches))}",
                             hint="give the full name")
        if not matches:
            from gnt.cli.find import suggestion

            known = [n for n, (slot, _) in self.long.items() if not slot.opt.hidden]
            raise UsageError(f"there is no option --{name}", hint=suggestion(
                name, known, "--{}", "--help shows all; a word that begins with - goes after --"))
        return next(iter(matches.values()))

    def letter(self, letter: str, word: str) -> Slot:
        """The option of this letter; ``word`` is what was typed."""
        slot = self.short.get(letter)
        if slot is None:
            raise UsageError(f"there is no option -{letter}" + (
                f" (in {word})" if len(word) > 2 else ""),
                hint="--help shows all; a word that begins with - goes after --")
        return slot


def table(cls: type[Command], general: Sequence[type[Command]]) -> Table:
    """The options of ``cls`` and of the general classes, its own first."""
    return Table(Slot(name, field, owner) for owner in (cls, *general)
                 for name, field in owner.FIELDS.items() if isinstance(field, Opt))
