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
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if stream is None or stream.encoding != "utf-8":
            from gnt.cli.streams import mend

            mend()
            break
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
    if argv[1:2] == [RUNNER]:
        from gnt.cli.light import live

        return live(*argv[2:])
    try:
        if argv[1:2] == ["--version"]:
            return _version(program if _linked(program) else "gnt")
        if program == "gnt-lab" or (not _linked(program) and argv[1:2] == ["lab"]):
            from gnt.lab import main as lab

            return _ended(lab.run(argv[1 + (program != "gnt-lab"):]))
        if "--submit" in argv:
            from gnt.cli.light import submitted

            if submitted(program, argv[1:]):
                return 0
        from gnt.cli.start import start

        return _ended(start(program, argv[1:]))
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - the one place that catches everything
        from gnt.cli.failure import explain

        return explain(error, program, argv)


def _linked(program: str) -> bool:
    """Whether the name can be a link's: an archive called gnt-full.pyz is gnt."""
    return program.startswith("gnt-") and "." not in program


def _version(name: str) -> int:
    from gnt import __version__

    text = f"{name} (gnt) {__version__}\n"
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:  # put says what that means; loading it takes longer than all the rest
        from gnt.cli.streams import put

        put(text)
    return 0


def _ended(code: int) -> int:
    """The exit code, once all data got to stdout."""
    from gnt.cli.streams import put

    put("")
    return code


if __name__ == "__main__":
    main()
