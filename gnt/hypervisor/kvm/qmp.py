"""Conversations with QEMU: shutdown, reset, balloon, passwords.

The protocol is the ``qemu.qmp`` library's work; the socket is a ``socat`` on the node.  Every
conversation looks before it acts, so that it can be repeated after its driver was killed.
"""

from __future__ import annotations

from gnt.errors import NodeFailed
from gnt.hypervisor.kvm import tasks
from gnt.hypervisor.kvm.shell import DIR
from gnt.plan import Progress, dialogue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    from qemu.qmp import QMPClient

    from gnt.plan import Context

    R = TypeVar("R")

ANSWER = 30.0  # seconds QEMU may take for one answer
GREETING = 10.0  # seconds for the connection and QEMU's first words
DAY = 86400.0


def talk(
    context: Context,
    here: str,
    uuid: str,
    hold: Callable[[QMPClient], Awaitable[R]],
    *,
    greeting: float = GREETING,
) -> R:
    """Hold one conversation; NodeFailed (``absent``) when no QEMU answers."""
    import asyncio

    from qemu.qmp import QMPClient, QMPError

    async def run() -> R:
        client = QMPClient(uuid)
        # a QEMU that hangs takes two connections; a third would wait for ever, and hold the fence
        stream = context.stream("socat", "-", f"UNIX-CONNECT:{DIR}/{uuid}.qmp,connect-timeout=9")
        try:
            await asyncio.wait_for(client.connect(stream), greeting)
        except (QMPError, OSError, TimeoutError):
            stream.close()
            raise NodeFailed(
                here,
                "absent",
                "no QEMU answers for this guest",
                hint="gnt-instance list shows where it runs",
            ) from None
        try:
            return await hold(client)
        except (QMPError, OSError, TimeoutError) as error:
            problem = str(error) or f"no answer within {ANSWER:g} s"
            raise NodeFailed(here, "failed", f"QEMU: {problem}") from error
        finally:
            await _end(client)

    return asyncio.run(run())


def talk_unless_gone(
    context: Context, here: str, uuid: str, hold: Callable[[QMPClient], Awaitable[R]]
) -> R | None:
    """Hold one conversation; None when QEMU has ended, and what it left is then taken away."""
    try:
        return talk(context, here, uuid, hold)
    except NodeFailed as failure:
        if failure.kind != "absent" or not gone(context, uuid):
            raise
        return None


async def _end(client: QMPClient) -> None:
    import asyncio
    import contextlib

    from qemu.qmp import QMPError

    with contextlib.suppress(QMPError, OSError, EOFError, TimeoutError):
        await asyncio.wait_for(client.disconnect(), 2)


async def ask(client: QMPClient, command: str, **arguments: Any) -> Any:
    """One command and its answer."""
    import asyncio

    return await asyncio.wait_for(client.execute(command, arguments), ANSWER)


async def state_of(client: QMPClient) -> str:
    return str((await ask(client, "query-status"))["status"])


@dialogue(deadline=DAY)
def power_down(context: Context, here: str, uuid: str, timeout: int) -> bool:
    """Ask the guest to shut down; whether it did within ``timeout`` seconds.

    A QEMU that hangs gets as long to answer: who waits for its guest has said how long to wait.
    """
    import time

    async def hold(client: QMPClient) -> bool:
        status = await state_of(client)
        if status == "paused":
            await ask(client, "cont")
        elif status != "running":
            return status == "shutdown"
        return await _button(context, client, timeout)

    latest = time.monotonic() + timeout
    while True:
        left = max(GREETING, latest - time.monotonic())
        try:
            return talk(context, here, uuid, hold, greeting=left)
        except NodeFailed as failure:
            if failure.kind not in ("absent", "failed"):
                raise
            if gone(context, uuid):
                return True
        if time.monotonic() >= latest:
            return False
        time.sleep(1)


def gone(context: Context, uuid: str) -> bool:
    """Whether QEMU has ended; then what it left is taken away."""
    try:
        context.script(tasks.clear.body(uuid), tasks.clear.deadline)
    except NodeFailed as failure:
        if failure.kind != "failed":
            raise
        return False
    return True


async def _button(context: Context, client: QMPClient, timeout: int) -> bool:
    """Press the power button, again and again; whether the guest shut down."""
    import asyncio

    from qemu.qmp import Runstate

    loop = asyncio.get_running_loop()
    start = loop.time()
    pressed = -15.0
    with client.listener("SHUTDOWN") as shutdown:
        while (passed := loop.time() - start) < timeout:
            if client.runstate != Runstate.RUNNING or not shutdown.empty():
                return True
            if passed - pressed >= 15:  # guests that are still booting miss it
                await _press(client)
                pressed = passed
                what = "waiting for the guest to shut down"
                context.tell(Progress(what=what, done=int(passed), total=timeout, unit="s"))
            await asyncio.sleep(0.1)
    return False


async def _press(client: QMPClient) -> None:
    import contextlib

    from qemu.qmp import QMPError

    with contextlib.suppress(QMPError):  # it may end just now
        await ask(client, "system_powerdown")


@dialogue(deadline=30)
def reset(context: Context, here: str, uuid: str) -> None:
    """Press the guest's reset button."""

    async def hold(client: QMPClient) -> None:
        await ask(client, "system_reset")

    talk(context, here, uuid, hold)


@dialogue(deadline=30)
def balloon(context: Context, here: str, uuid: str, memory: int) -> None:
    """Let the guest have this many MiB."""

    async def hold(client: QMPClient) -> None:
        await ask(client, "balloon", value=memory * 1024**2)

    talk(context, here, uuid, hold)


@dialogue(deadline=30)
def unlock(context: Context, here: str, uuid: str, protocol: str, file: str, paused: bool) -> None:
    """Set the console's password from a file on the node; then let the guest run."""
    from gnt.plan import script, text

    secret = context.script(script(_PASSWORD, file, parse=text), 10.0).rstrip("\n")

    async def hold(client: QMPClient) -> None:
        await ask(client, "set_password", protocol=protocol, password=secret)
        if not paused and await state_of(client) == "prelaunch":
            await ask(client, "cont")

    talk(context, here, uuid, hold)


_PASSWORD = r"""
[ -r "$1" ] || { echo "there is no password file $1 on this node" >&2; exit 1; }
head -n 1 "$1"
"""
