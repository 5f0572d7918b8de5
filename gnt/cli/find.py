"""Words to commands: a noun is a package in ``gnt.commands``, a verb a module in it.

Nothing is listed anywhere.  A verb of two words (``config log``) is the module ``config_log``.
Old names are in the noun package's ``ALIASES``; ``gnt.commands.apply`` and the like are commands
without a noun; the modules of ``gnt.commands.htools`` are programs of their own.
"""

from __future__ import annotations

import sys

from gnt.errors import GntError, NotYet, UsageError
from gnt.spec import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

ROOT = "gnt.commands"
PROGRAMS = "htools"  # the noun whose verbs are called by their own names


def program_words(program: str, words: Sequence[str]) -> list[str]:
    """The words with the noun first, for a program called by this name.

    Only the names of the suite count: ``gnt-full.pyz`` is ``gnt``.
    """
    if program.startswith("gnt-"):
        noun = package(program[4:])
        if noun is not None:
            return [program[4:], *words]
    elif program.isidentifier() and program != "gnt" and _module(PROGRAMS, program) is not None:
        return [PROGRAMS, program, *words]
    return list(words)


def command(words: Sequence[str]) -> tuple[type[Command], list[str]]:
    """The command that ``words`` (noun first) names, and the words left for it."""
    noun, rest = words[0], list(words[1:])
    home = package(noun)
    if home is None:
        raise unknown(noun)
    if not hasattr(home, "__path__"):
        return declared(home), rest
    others = aliases(noun)
    for count in (1, 2):
        typed = " ".join(rest[:count])
        verb = others.get(typed, typed)
        module = _module(noun, verb) if len(rest) >= count else None
        if module is not None:
            return declared(module), rest[count:]
    raise _unknown_verb(noun, rest[0])


def _unknown_verb(noun: str, typed: str) -> GntError:
    """The error for a word that is no verb of a noun."""
    known = verbs(noun)
    first = [verb.partition(" ")[2] for verb in known if verb.startswith(typed + " ")]
    if first:
        return UsageError(f"gnt-{noun} {typed} needs another word: {', '.join(first)}",
                          hint=f"gnt-{noun} --help")
    return _later(package(noun), typed, f"gnt-{noun} {typed}") or UsageError(
        f"gnt-{noun} has no command {typed!r}",
        hint=suggestion(typed, (*known, *aliases(noun)), f"gnt-{noun} {{}}",
                        f"gnt-{noun} --help shows all"))


def unknown(noun: str) -> GntError:
    """The error for a word that is no noun."""
    return _later(sys.modules[ROOT], noun, f"gnt-{noun}") or UsageError(
        f"there is no command {noun!r}",
        hint=suggestion(noun, (*nouns(), "lab"), "gnt {}", "gnt --help shows all"))


def _later(home: ModuleType | None, word: str, shown: str) -> NotYet | None:
    """The answer to a part of the interface that this version lacks: it is in ``NOT_YET``."""
    what = getattr(home, "NOT_YET", {}).get(word)
    return NotYet(f"{shown} ({what}) is not part of this version yet") if what else None


def declared(module: ModuleType) -> type[Command]:
    """The command that a module declares."""
    for value in vars(module).values():
        if (isinstance(value, type) and issubclass(value, Command) and value.noun
                and value.__module__ == module.__name__):
            return value
    raise UsageError(f"{module.__name__} declares no command")


def nouns() -> tuple[str, ...]:
    """Every noun, and every command without one."""
    from gnt import found

    return tuple(name.replace("_", "-") for name in found.names(ROOT))


def verbs(noun: str) -> tuple[str, ...]:
    """The commands of a noun as they are typed; none for a command without a noun."""
    from gnt import found

    home = package(noun)
    if home is None or not hasattr(home, "__path__"):
        return ()
    return tuple(sorted(declared(_required(noun, name)).verb
                        for name in found.names(home.__name__)))


def commands(noun: str) -> list[type[Command]]:
    """The declarations of a noun, in the order of their names."""
    from gnt import found

    home = package(noun)
    if home is None:
        return []
    if not hasattr(home, "__path__"):
        return [declared(home)]
    made = [declared(_required(noun, name)) for name in found.names(home.__name__)]
    return sorted(made, key=lambda one: one.verb)


def aliases(noun: str) -> dict[str, str]:
    """Other words for verbs of a noun."""
    made: dict[str, str] = getattr(package(noun), "ALIASES", {})
    return made


def summary(noun: str) -> str:
    """The first line of what the noun's package, or the command without a noun, says of itself."""
    home = package(noun)
    told = home if hasattr(home, "__path__") or home is None else declared(home)
    return (told.__doc__ or "").strip().partition("\n")[0]


def suggestion(word: str, known: Sequence[str], pattern: str, otherwise: str) -> str:
    """A hint naming the closest known word."""
    import difflib

    close = difflib.get_close_matches(word, known, 1)
    return f"did you mean {pattern.format(close[0])}?" if close else otherwise


def package(noun: str) -> ModuleType | None:
    """The package (or the module of a command without verbs) that a noun names."""
    name = noun.replace("-", "_")
    return _imported(f"{ROOT}.{name}") if _plain(name) else None


def _module(noun: str, verb: str) -> ModuleType | None:
    name = verb.replace("-", "_").replace(" ", "_")
    return _imported(f"{ROOT}.{noun.replace('-', '_')}.{name}") if _plain(name) else None


def _required(noun: str, name: str) -> ModuleType:
    module = _module(noun, name)
    assert module is not None, name
    return module


def _plain(name: str) -> bool:
    return name.isidentifier() and not name.startswith("_")


def _imported(full: str) -> ModuleType | None:
    try:
        __import__(full)
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
        return None
    return sys.modules[full]
