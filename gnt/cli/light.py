"""``--submit`` without loading what it takes to understand the command: the runner understands it.

The command line goes to this user's runner as it is.  What the runner cannot do in our place (read
a file that is named from where we stand, ask a question) it hands back, and so it does with what is
wrong: then everything goes the long way.
"""

from __future__ import annotations

from gnt.config import place
from gnt.engine import door
from gnt.errors import GntError
from gnt.ssh.dial import dial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.spec import Command, Settings


def submitted(program: str, words: Sequence[str]) -> bool:
    """Whether the runner has recorded a job for this command line."""
    try:
        name = place.chosen(_cluster(words))
    except GntError:
        return False  # said better by who knows what was meant
    line = door.enter(place.runtime(name), dial, door.program(name))
    try:
        line.send(door.packed([program, *words]))
        answer = line.line()
    except OSError:
        answer = b""
    finally:
        line.close()
    return _told(answer)


def _told(answer: bytes) -> bool:
    if answer.startswith(door.SAY):
        from gnt.cli.streams import put

        put(answer.removeprefix(door.SAY).decode())
        return True
    if answer == door.YOURSELF:
        return False
    if not answer.endswith(b"\n"):
        raise door.in_doubt()
    import json

    raise door.refusal(json.loads(answer))


def _cluster(words: Sequence[str]) -> str:
    """What ``--cluster`` says, where that is plain; the runner compares with what was meant."""
    for number, word in enumerate(words):
        if word.startswith("--cluster="):
            return word.partition("=")[2]
        if word == "--cluster":
            return words[number + 1] if number + 1 < len(words) else ""
    return ""


def live(cluster: str, descriptor: str) -> int:
    """A runner's life, in a process that ``door`` started."""
    import gc

    from gnt.engine.quiet import Quiet
    from gnt.session import Session
    from gnt.session.running import live as runner
    from gnt.spec import Settings

    gc.enable()
    runner(Session(Settings(cluster=cluster), Quiet()), lambda: door.ready(int(descriptor)),
           understand)
    return 0


def understand(program: str, words: list[str]) -> tuple[Command, Settings]:
    """What a command line means."""
    from gnt.cli.start import understood

    command, settings, layout = understood(program, words)
    if layout.format != "table":
        raise GntError("its answer is not one line")
    return command, settings
