"""``--help``: made from the declarations, on the screen."""

from __future__ import annotations

from gnt.cli import find, general
from gnt.cli.parser import called
from gnt.cli.slots import Slot, table
from gnt.record import MISSING
from gnt.spec import Arg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.spec import Command

WIDTH = 96
COLUMN = 30  # where explanations begin


def suite_help() -> str:
    """``gnt --help``."""
    from gnt import lab

    rows = [(noun, find.summary(noun)) for noun in find.nouns()]
    rows.append(("lab", (lab.__doc__ or "").partition("\n")[0]))
    return "\n".join([
        "gnt: clusters of virtual machines over plain SSH", "",
        "usage: gnt NOUN VERB [options] …      (the same as gnt-NOUN VERB)", "",
        *_rows(sorted(rows)), "",
        "gnt NOUN --help lists the verbs; gnt NOUN VERB --help explains one.", ""])


def noun_help(noun: str) -> str:
    """``gnt-instance --help``."""
    commands = find.commands(noun)
    if not commands:
        raise find.unknown(noun)
    if not commands[0].verb:
        return command_help(commands[0])
    other = sorted(find.aliases(noun).items())
    return "\n".join([
        find.summary(noun), "",
        f"usage: gnt-{noun} VERB [options] …", "",
        *_rows([(command.verb, summary(command)) for command in commands]), "",
        *([f"also: {', '.join(f'{short} = {verb}' for short, verb in other)}", ""]
          if other else []),
        f"gnt-{noun} VERB --help explains one.", ""])


def command_help(cls: type[Command]) -> str:
    """``gnt-instance add --help``."""
    groups = general.groups(cls)
    slots = [slot for slot in table(cls, groups).slots if not slot.opt.hidden]
    own = [slot for slot in slots if slot.owner is cls]
    shared = [slot for slot in slots if slot.owner is not cls]
    lines = [f"usage: {usage(cls)}", "", *description(cls), ""]
    if own:
        lines += ["options:", *_rows([(spelled(slot), explained(slot)) for slot in own]), ""]
    lines += ["options of many commands:",
              *_rows([(spelled(slot), explained(slot)) for slot in shared]), ""]
    if cls.examples:
        lines += ["examples:"]
        for line, meaning in cls.examples:
            lines += [f"  {line}", f"      {meaning}"]
        lines.append("")
    return "\n".join(lines)


def usage(cls: type[Command]) -> str:
    """The command with its words: ``gnt-instance add [options] NAME``."""
    return " ".join([called(cls), "[options]", *arguments(cls)])


def arguments(cls: type[Command]) -> Iterator[str]:
    """The words of a command: ``NAME``, ``[NAME …]``."""
    for name, field in cls.FIELDS.items():
        if isinstance(field, Arg):
            word = name.rstrip("_").upper() + (" …" if field.many else "")
            yield word if field.required else f"[{word}]"


def summary(cls: type[Command]) -> str:
    """The first line of the help text."""
    return (cls.__doc__ or "").strip().partition("\n")[0]


def description(cls: type[Command]) -> list[str]:
    """The whole help text, its indentation taken off."""
    import textwrap

    first, _, rest = (cls.__doc__ or "").strip().partition("\n")
    return [first, *textwrap.dedent(rest).rstrip().splitlines()]


def spelled(slot: Slot) -> str:
    """How an option is written: ``-o, --output=FIELDS``."""
    short = f"-{slot.opt.short.lstrip('-')}, " if slot.opt.short else ""
    if slot.flag:
        return f"{short}--{slot.long}"
    if slot.negatable and slot.opt.default is True:
        return f"{short}--[no-]{slot.long}"
    return f"{short}--{slot.long}" + (f"[={slot.metavar}]" if slot.bare else f"={slot.metavar}")


def explained(slot: Slot) -> str:
    """What an option does, with its range and default."""
    kind, default = slot.opt.kind, slot.opt.default
    extra = []
    if kind.choices and slot.metavar != kind.metavar:
        extra.append("one of " + ", ".join(word for word in kind.choices if word))
    if slot.opt.many:
        extra.append("may be repeated")
    if default is MISSING:
        extra.append("required")
    elif slot.negatable and default is True:
        extra.append("default yes")
    elif not isinstance(default, bool) and default not in (None, 0, "", (), {}):
        extra.append(f"default {default}")
    return slot.opt.help + (f" ({'; '.join(extra)})" if extra else "")


def _rows(rows: list[tuple[str, str]]) -> Iterator[str]:
    import textwrap

    for left, right in rows:
        lines = textwrap.wrap(right, WIDTH - COLUMN) or [""]
        if len(left) > COLUMN - 4:
            yield f"  {left}"
            left = ""
        yield f"  {left}".ljust(COLUMN) + lines[0] if lines[0] else f"  {left}"
        yield from (" " * COLUMN + line for line in lines[1:])
