"""One command line from words to exit code."""

from __future__ import annotations

import os

from gnt.cli import find, general
from gnt.cli.parser import parse, wants_help
from gnt.cli.slots import table
from gnt.cli.streams import put
from gnt.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.cli.general import Layout
    from gnt.spec import Command, Settings

HELP = ("-h", "--help", "help")
DEFAULTS = {  # words put before those of a list command
    "instance": "GNT_INSTANCE_LIST", "node": "GNT_NODE_LIST", "group": "GNT_GROUP_LIST",
}


def start(program: str, words: Sequence[str]) -> int:
    """Run the command that ``words`` name for a program called ``program``."""
    leading, words = leading_options(find.program_words(program, words))
    if not words or words[0] in HELP:
        return _suite_help(words)
    noun, words = words[0], words[1:]
    if _is_group(noun):
        more, words = leading_options(words)
        leading += more
        if not words or words[0] in HELP:
            return _noun_help(noun, words)
    cls, rest = find.command([noun, *words])
    if wants_help(cls, [*leading, *rest], general.groups(cls)):
        from gnt.cli.help import command_help

        put(command_help(cls))
        return 0
    from gnt.cli.perform import perform

    return perform(*_parsed(cls, [*leading, *defaults(cls), *rest], (noun, *words)))


def understood(program: str, words: Sequence[str]) -> tuple[Command, Settings, Layout]:
    """What a command line means; UsageError when it is none of a command."""
    leading, rest = leading_options(find.program_words(program, words))
    if not rest:
        raise UsageError("no command")
    cls, left = find.command(rest)
    if wants_help(cls, [*leading, *left], general.groups(cls)):
        raise UsageError("a question for help")
    return _parsed(cls, [*leading, *left], tuple(rest))


def _parsed(
    cls: type[Command], words: list[str], typed: tuple[str, ...],
) -> tuple[Command, Settings, Layout]:
    parsed = parse(cls, words, general.groups(cls))
    return (parsed.command, general.settings(parsed.general, typed),
            general.layout(parsed.general))


def leading_options(words: list[str]) -> tuple[list[str], list[str]]:
    """(general options before the next word with their values, the words from there on)."""
    options = table(general.Every, ())
    at = 0
    while at < len(words) and words[at][:1] == "-" != words[at] and words[at] not in HELP:
        word = words[at]
        if word == "--":
            raise UsageError("-- comes after the command's name", hint="gnt --help")
        name, equals, _ = word[2:].partition("=")
        slot = options.resolve(name)[0] if word.startswith("--") else options.letter(word[1], word)
        at += 1 if equals or slot.flag or slot.opt.kind.bare is not None else 2
    if at > len(words):
        raise UsageError(f"{words[-1]} needs a value", hint="gnt --help")
    return words[:at], words[at:]


def defaults(cls: type[Command]) -> list[str]:
    """What the environment puts before the words of a list command."""
    text = os.environ.get(DEFAULTS.get(cls.noun, ""), "") if cls.verb == "list" else ""
    if not text:
        return []
    import shlex

    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{DEFAULTS[cls.noun]}: {error}",
                         hint=f"unset {DEFAULTS[cls.noun]}") from None


def _is_group(noun: str) -> bool:
    """Whether verbs follow; unknown nouns are for ``find.command`` to refuse."""
    package = find.package(noun)
    return package is not None and hasattr(package, "__path__")


def _suite_help(words: list[str]) -> int:
    from gnt.cli.help import command_help, noun_help, suite_help

    if len(words) > 2:
        put(command_help(find.command(words[1:])[0]))
    elif len(words) == 2:
        put(noun_help(words[1]))
    else:
        put(suite_help())
    return 0 if words else UsageError.exit_code


def _noun_help(noun: str, words: list[str]) -> int:
    from gnt.cli.help import command_help, noun_help

    if len(words) > 1:
        put(command_help(find.command([noun, *words[1:]])[0]))
    else:
        put(noun_help(noun))
    return 0 if words else UsageError.exit_code
