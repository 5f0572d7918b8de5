"""Words to typed values, driven by the declarations (``gnt.spec.Opt`` and ``Arg``).

Options and words may be mixed; ``--opt=value``, ``--opt value``, ``-oVALUE``, bundled flags
(``-fv``), unique prefixes of long options and ``--`` work as people expect.  A value is taken as
it is, also when it begins with a dash (``--disk -1:add,size=1g``).  Why neither argparse nor
optparse: ``man/adr/0050-own-parser.md``.
"""

from __future__ import annotations

from gnt.cli.slots import Slot, Table, table
from gnt.errors import UsageError
from gnt.record import Record
from gnt.spec import Arg, Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class Parsed(Record):
    """What a command line says."""

    command: Command
    general: dict[str, Any]


def parse(cls: type[Command], words: Sequence[str], general: Sequence[type[Command]]) -> Parsed:
    """Read ``words`` for ``cls`` and the general options it takes; UsageError or Invalid."""
    for word in words:
        if not word.isascii():
            _readable(word)
    options = table(cls, general)
    given, rest = scan(options, words)
    own = {slot.field: value for slot, value in given.items() if slot.owner is cls}
    shared = {slot.field: value for slot, value in given.items() if slot.owner is not cls}
    own.update(_positional(cls, rest))
    _require(cls, own)
    return Parsed(command=cls(**own), general=shared)


def _readable(word: str) -> None:
    """Refuse a word that is no text: the history is UTF-8, and so is what nodes are told."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{word!r} is not UTF-8", hint="locale; printf %s WORD | iconv -t UTF-8"
                         ) from None


def wants_help(cls: type[Command], words: Sequence[str], general: Sequence[type[Command]]) -> bool:
    """Whether ``-h`` or ``--help`` is among the words, in the place of an option."""
    if "-h" not in words and "--help" not in words:
        return False
    options = table(cls, general)
    before = words[: words.index("--")] if "--" in words else words
    return any(word == "--help" or (word == "-h" and "h" not in options.short) for word in before)


def scan(options: Table, words: Sequence[str]) -> tuple[dict[Slot, Any], list[str]]:
    """(values by option, the other words)."""
    given: dict[Slot, Any] = {}
    rest: list[str] = []
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        if word == "--":
            rest.extend(reversed(queue))
            break
        if word.startswith("--"):
            _long(options, word, queue, given)
        elif word.startswith("-") and len(word) > 1:
            _short(options, word, queue, given)
        else:
            rest.append(word)
    return given, rest


def _long(options: Table, word: str, queue: list[str], given: dict[Slot, Any]) -> None:
    name, equals, value = word[2:].partition("=")
    slot, negated = options.resolve(name)
    shown = "--" + slot.long
    if negated:
        if equals:
            raise UsageError(f"--no-{slot.long} takes no value", hint=f"{shown}={value}")
        _store(given, slot, False)
    elif equals:
        _store(given, slot, slot.opt.kind.read(value, shown))
    elif slot.flag:
        _store(given, slot, True)
    else:
        _store(given, slot, slot.opt.kind.read(_apart(queue, slot, shown), shown))


def _short(options: Table, word: str, queue: list[str], given: dict[Slot, Any]) -> None:
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        slot = options.letter(letter, word)
        shown = "-" + letter
        if slot.flag:
            _store(given, slot, True)
            continue
        value = letters.removeprefix("=") if letters else _apart(queue, slot, shown)
        _store(given, slot, slot.opt.kind.read(value, shown))
        return


def _apart(queue: list[str], slot: Slot, shown: str) -> str:
    """The value of an option that none is attached to."""
    if slot.opt.kind.bare is not None:
        return slot.opt.kind.bare
    if not queue:
        raise UsageError(f"{shown} needs a value: {slot.opt.kind.expected}",
                         hint=f"{shown}={slot.metavar}" if shown.startswith("--") else
                         f"{shown} {slot.metavar}")
    return queue.pop()


def _store(given: dict[Slot, Any], slot: Slot, value: Any) -> None:
    given[slot] = (*given.get(slot, ()), value) if slot.opt.many else value


def _positional(cls: type[Command], rest: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    left = list(rest)
    for name, field in cls.FIELDS.items():
        if not isinstance(field, Arg):
            continue
        shown = name.rstrip("_").replace("_", " ")
        if field.many and (left or not field.required):
            values[name] = tuple(field.kind.read(word, shown) for word in left) or field.default
            left = []
        elif left:
            values[name] = field.kind.read(left.pop(0), shown)
        elif field.required:
            raise UsageError(f"{called(cls)} needs: {shown}", hint=f"{called(cls)} --help")
    if left:
        raise UsageError(f"{called(cls)} cannot use {' '.join(map(repr, left))}",
                         hint=f"{called(cls)} --help")
    return values


def _require(cls: type[Command], own: dict[str, Any]) -> None:
    for name, field in cls.FIELDS.items():
        if field.required and name not in own:
            slot = Slot(name, field, cls)  # type: ignore[arg-type]  # a missing Arg was refused before
            raise UsageError(f"{called(cls)} needs --{slot.long} {slot.metavar}: {field.help}",
                             hint=f"{called(cls)} --help")


def called(cls: type[Command]) -> str:
    """How a command is typed."""
    if not cls.verb:
        return f"gnt {cls.noun}"
    return f"{cls.verb}" if cls.noun == "htools" else f"gnt-{cls.noun} {cls.verb}"


