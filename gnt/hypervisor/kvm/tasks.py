"""What is done on a node for KVM guests; the texts are in ``shell``."""

from __future__ import annotations

import base64

from gnt.hypervisor.kvm import answers, shell
from gnt.plan import Script, node_task, script, text
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.hypervisor.base import Capabilities, Running


@node_task(deadline=90)
def start(
    uuid: str,
    argv: tuple[str, ...],
    bind: str = "",
    pool: tuple[str, ...] = (),
) -> Script[None]:
    """Run QEMU unless it runs already.

    ``bind``: the interface whose address replaces @bind@; ``pool``: ranges (``100-110``) of user
    numbers, of which a free one replaces @uid@.
    """
    return script(shell.START, uuid, shell.ASK, bind, " ".join(pool), *argv)


@node_task(deadline=40)
def kill(uuid: str) -> Script[None]:
    """End QEMU, if it runs, and take away its sockets; the logs stay."""
    return script(shell.KILL, uuid)


@node_task(deadline=40)
def clear(uuid: str, logs: bool = False) -> Script[None]:
    """Take away what a QEMU left, perhaps its logs, too; an error if it is there after all."""
    return script(shell.FORGET if logs else shell.KILL, uuid, "gone")


@node_task(deadline=40)
def forget(uuid: str) -> Script[None]:
    """End QEMU, if it runs, and take away everything of the guest."""
    return script(shell.FORGET, uuid)


@node_task(deadline=20)
def pin(uuid: str, masks: tuple[str, ...]) -> Script[None]:
    """Keep QEMU on some CPUs (one mask), or each virtual CPU on its own (several)."""
    return script(shell.PIN, uuid, *masks)


@node_task(deadline=30)
def found() -> Script[tuple[Running, ...]]:
    """All guests on the node."""
    return script(shell.FOUND, shell.ASK, parse=answers.guests)


@node_task(deadline=20)
def leftovers() -> Script[tuple[str, ...]]:
    """State of guests that do not run."""
    return script(shell.LEFTOVERS, parse=lambda output: tuple(dict.fromkeys(output.splitlines())))


@node_task(deadline=20)
def console_log(uuid: str, lines: int) -> Script[str]:
    """What the guest printed last on its serial console."""
    return script(shell.CONSOLE_LOG, uuid, lines, parse=text)


@node_task(deadline=20)
def console_tail(uuid: str) -> Script[bytes]:
    """The end of what the guest printed, here and before, as it is carried to another node."""
    return script(shell.CONSOLE_TAIL, uuid, parse=base64.b64decode)


@node_task(deadline=20)
def console_earlier(uuid: str, said: bytes) -> Script[None]:
    """Keep what the guest printed before it came here."""
    return script(shell.CONSOLE_EARLIER, uuid, stdin=said)


@node_task(deadline=40)
def capabilities(qemu: str, flag: str, machine: str, params: str = "") -> Script[Capabilities]:
    """Version, machine type and accelerator; kept on the node until it boots or QEMU changes.

    ``params`` are told back as part of what a start has to record.
    """

    def parse(output: str) -> Capabilities:
        return answers.capabilities(output, params)

    return script(shell.CAPABILITIES, qemu, flag, machine, parse=parse)


@node_task(deadline=20)
def free_port(first: int, start: int) -> Script[int]:
    """A TCP port nobody listens at, from ``first`` to ``first + 99``, looking from ``start`` on."""
    return script(shell.PORT, first, start, parse=lambda output: natural(output.strip()))
