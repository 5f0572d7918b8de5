"""Entry point of ``gnt`` and of every ``gnt-*`` link: one program, found out by its name.

``--version`` is answered before anything else is imported.  This is the one place that catches
errors broadly; what each turns into is in ``gnt.cli.failure``.
"""

from __future__ import annotations

import sys

from gnt import RUNNER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process and end it.

    It ends at once: taking the interpreter down would cost a list a quarter of its time, and wait
    for fabric's threads.
    """
    import gc
    import os

    gc.disable()  # until something long begins: see ``gnt.cli.perform``
    code = run(sys.argv)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # nobody listens any more
            continue
    os._exit(code)


def run(argv: Sequence[str]) -> int:
    """Run one command line; ``argv[0]`` may be a link named ``gnt-<noun>``."""
    program = argv[0].rpartition("/")[2]
    if program.endswith(".py"):  # python -m gnt.cli.main
        program = "gnt"
    if argv[1:2] == ["--version"]:
        from gnt import __version__

        return _print_version(program if _linked(program) else "gnt", __version__)
    if argv[1:2] == [RUNNER]:
        from gnt.cli.light import live

        return live(*argv[2:])
    try:
        if program == "gnt-lab" or (not _linked(program) and argv[1:2] == ["lab"]):
            from gnt.lab import main as lab

            return lab.run(argv[1 + (program != "gnt-lab"):])
        if "--submit" in argv:
            from gnt.cli.light import submitted

            if submitted(program, argv[1:]):
                return 0
        from gnt.cli.start import start

        code = start(program, argv[1:])
        sys.stdout.flush()
        return code
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - the one place that catches everything
        from gnt.cli.failure import explain

        return explain(error, program, argv)


def _linked(program: str) -> bool:
    """Whether the name can be a link's: an archive called gnt-full.pyz is gnt."""
    return program.startswith("gnt-") and "." not in program


def _print_version(name: str, version: str) -> int:
    sys.stdout.write(f"{name} (gnt) {version}\n")
    return 0


if __name__ == "__main__":
    main()
