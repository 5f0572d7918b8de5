"""The entry point of ``gnt-lab``.

The lab needs no cluster, so it has a small front end of its own; the declarations are the suite's.
"""

from __future__ import annotations

import sys

from gnt.errors import GntError, UsageError
from gnt.spec import Arg, Opt

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any

    from gnt.lab.commands import LabCommand
    from gnt.spec import Table
    from gnt.values import Kind


class Console:
    """Where lab commands show tables and talk."""

    def show(self, table: Table) -> None:
        rows = [[c.title for c in table.columns], *table.rows]
        widths = [max(len(str(row[i])) for row in rows) for i in range(len(table.columns))]
        for row in rows:
            print("  ".join(str(v).ljust(w) for v, w in zip(row, widths, strict=True)).rstrip())

    def tell(self, message: str) -> None:
        print(message, file=sys.stderr)


def declared() -> dict[str, type[LabCommand]]:
    """Verb → declaration, in the order of the source."""
    from gnt.lab import commands
    from gnt.lab.commands import LabCommand as Base

    found = [c for c in vars(commands).values() if isinstance(c, type) and issubclass(c, Base)]
    return {c.verb: c for c in found if c.noun == "lab" and c.verb}


def parse(words: Sequence[str]) -> LabCommand:
    """The command that the words ask for."""
    import argparse

    verbs = declared()
    parser = argparse.ArgumentParser(
        prog="gnt-lab", description="Real nodes on this machine, to try gnt and to test it.")
    subs = parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    for verb, command in verbs.items():
        summary, _, rest = (command.__doc__ or "").partition("\n")
        shown = "".join(f"\n  {line}\n      {what}" for line, what in command.examples)
        sub = subs.add_parser(
            verb, help=summary, description=summary + "\n" + rest, epilog=f"examples:{shown}",
            formatter_class=argparse.RawDescriptionHelpFormatter)
        _declare(sub, command)
    parsed = vars(parser.parse_args(list(words)))
    chosen = verbs[parsed.pop("verb")]
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in parsed.items()}
    return chosen(**values)


def _declare(parser: argparse.ArgumentParser, command: type[LabCommand]) -> None:
    import argparse

    for name, field in command.FIELDS.items():
        settings: dict[str, Any] = {"help": field.help, "type": _reader(field.kind, name)}
        if isinstance(field, Opt):
            flags = [f"--{field.long or name.replace('_', '-')}"]
            if field.default is False:
                settings = {"help": field.help, "action": "store_true"}
            else:
                settings |= {"metavar": field.kind.metavar, "default": field.default}
            parser.add_argument(*flags, dest=name, **settings)
        elif isinstance(field, Arg):
            if field.many:
                settings["nargs"] = argparse.REMAINDER
            parser.add_argument(name, metavar=name.upper(), **settings)


def _reader(kind: Kind[Any], name: str) -> Any:
    import argparse

    def read(text: str) -> Any:
        try:
            return kind.read(text, name.upper())
        except UsageError as error:
            raise argparse.ArgumentTypeError(error.message) from None

    return read


def main() -> int:
    """The entry point."""
    return run(sys.argv[1:])


def run(words: Sequence[str]) -> int:
    """Run one command line: the words behind ``gnt-lab`` or ``gnt lab``."""
    try:
        return parse(words).run(Console())
    except GntError as error:
        print(f"gnt-lab: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"  try: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("gnt-lab: stopped; repeating the command completes it", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
