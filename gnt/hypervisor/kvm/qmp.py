"""Conversations with QEMU: shutdown, reset, balloon, passwords, migration.

The protocol is the ``qemu.qmp`` library's work; the socket is a ``socat`` on the node.  Every
conversation looks before it acts, so that it can be repeated after its driver was killed.
"""

from __future__ import annotations

from gnt.errors import NodeFailed
from gnt.hypervisor.kvm.shell import DIR
from gnt.plan import Progress, dialogue
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    from qemu.qmp import QMPClient

    from gnt.plan import Context

    R = TypeVar("R")

ANSWER = 10.0  # seconds QEMU may take for one answer
DAY = 86400.0


class Migrated(Record):
    """What a finished migration took."""

    downtime_ms: int
    total_ms: int
    transferred: int  # bytes


class Target(Record):
    """Where a migration goes, and how."""

    address: str
    port: int
    bandwidth: int  # MiB/s
    downtime: int  # ms
    capabilities: tuple[str, ...] = ()
    live: bool = True


def _talk(
    context: Context, here: str, uuid: str, talk: Callable[[QMPClient], Awaitable[R]],
) -> R:
    """Hold one conversation; NodeFailed (``absent``) when no QEMU answers."""
    import asyncio

    from qemu.qmp import QMPClient, QMPError

    async def run() -> R:
        client = QMPClient(uuid)
        stream = context.stream("socat", "-", f"UNIX-CONNECT:{DIR}/{uuid}.qmp")
        try:
            await asyncio.wait_for(client.connect(stream), ANSWER)
        except (QMPError, OSError, TimeoutError):
            stream.close()
            raise NodeFailed(here, "absent", "no QEMU answers for this guest",
                             hint="gnt-instance list shows where it runs") from None
        try:
            return await talk(client)
        except (QMPError, OSError, TimeoutError) as error:
            raise NodeFailed(here, "failed", f"QEMU: {error}") from error
        finally:
            await _end(client)

    return asyncio.run(run())


async def _end(client: QMPClient) -> None:
    import asyncio
    import contextlib

    from qemu.qmp import QMPError

    with contextlib.suppress(QMPError, OSError, EOFError, TimeoutError):
        await asyncio.wait_for(client.disconnect(), 2)


async def _ask(client: QMPClient, command: str, **arguments: Any) -> Any:
    """One command and its answer."""
    import asyncio

    return await asyncio.wait_for(client.execute(command, arguments), ANSWER)


async def _status(client: QMPClient) -> str:
    return str((await _ask(client, "query-status"))["status"])


@dialogue(deadline=DAY)
def power_down(context: Context, here: str, uuid: str, timeout: int) -> bool:
    """Ask the guest to shut down; whether it did within ``timeout`` seconds."""
    import asyncio

    async def talk(client: QMPClient) -> bool:
        from qemu.qmp import Runstate

        status = await _status(client)
        if status == "paused":
            await _ask(client, "cont")
        elif status != "running":
            return False
        loop = asyncio.get_running_loop()
        start = loop.time()
        pressed = -15.0
        while (passed := loop.time() - start) < timeout:
            if client.runstate != Runstate.RUNNING:
                return True
            if passed - pressed >= 15:  # guests that are still booting miss it
                await _press(client)
                pressed = passed
                context.tell(Progress(what="waiting for the guest to shut down", done=int(passed),
                                      total=timeout, unit="s"))
            await asyncio.sleep(0.1)
        return False

    try:
        return _talk(context, here, uuid, talk)
    except NodeFailed:
        return False  # nothing to wait for: what comes next makes sure


async def _press(client: QMPClient) -> None:
    import contextlib

    from qemu.qmp import QMPError

    with contextlib.suppress(QMPError):
        await _ask(client, "system_powerdown")


@dialogue(deadline=30)
def reset(context: Context, here: str, uuid: str) -> None:
    """Press the guest's reset button."""

    async def talk(client: QMPClient) -> None:
        await _ask(client, "system_reset")

    _talk(context, here, uuid, talk)


@dialogue(deadline=30)
def balloon(context: Context, here: str, uuid: str, memory: int) -> None:
    """Let the guest have this many MiB."""

    async def talk(client: QMPClient) -> None:
        await _ask(client, "balloon", value=memory * 1024**2)

    _talk(context, here, uuid, talk)


@dialogue(deadline=30)
def unlock(context: Context, here: str, uuid: str, protocol: str, file: str, paused: bool) -> None:
    """Set the console's password from a file on the node; then let the guest run."""
    from gnt.plan import script, text

    secret = context.script(script(_PASSWORD, file, parse=text), 10.0).rstrip("\n")

    async def talk(client: QMPClient) -> None:
        await _ask(client, "set_password", protocol=protocol, password=secret)
        if not paused and await _status(client) == "prelaunch":
            await _ask(client, "cont")

    _talk(context, here, uuid, talk)


_PASSWORD = r"""
[ -r "$1" ] || { echo "there is no password file $1 on this node" >&2; exit 1; }
head -n 1 "$1"
"""


@dialogue(deadline=60)
def listen(
    context: Context, here: str, uuid: str, address: str, capabilities: tuple[str, ...],
) -> None:
    """Let a QEMU that was started with ``-incoming defer`` listen, with capabilities on."""

    async def talk(client: QMPClient) -> None:
        if await _status(client) != "inmigrate" or await _ask(client, "query-migrate"):
            return
        await _enable(client, capabilities)
        await _ask(client, "migrate-incoming", uri=address)

    _talk(context, here, uuid, talk)


async def _enable(client: QMPClient, names: tuple[str, ...]) -> None:
    wanted = [{"capability": name, "state": True} for name in names]
    await _ask(client, "migrate-set-capabilities", capabilities=wanted)


ACTIVE = ("setup", "active", "device", "pre-switchover", "postcopy-active", "postcopy-paused",
          "cancelling", "wait-unplug")


@dialogue(deadline=DAY)
def send(context: Context, here: str, uuid: str, target: dict[str, Any]) -> Migrated:
    """Migrate the guest away; ``target``: the fields of a :class:`Target`.

    A migration that is under way (of a killed driver) is followed, one that is done is reported.
    When it fails, the guest goes on running here.
    """
    to = Target(**{**target, "capabilities": tuple(target["capabilities"])})

    async def talk(client: QMPClient) -> Migrated:
        ran = await _status(client)
        if (await _ask(client, "query-migrate")).get("status") not in (*ACTIVE, "completed"):
            await _begin(client, to)
        try:
            return await _follow(context, client, to)
        except BaseException:
            await _resume(client, run=ran == "running")
            raise

    return _talk(context, here, uuid, talk)


async def _begin(client: QMPClient, to: Target) -> None:
    # return-path: the source then knows that the target could load everything before it lets go
    await _enable(client, ("return-path", *to.capabilities))
    await _ask(client, "migrate-set-parameters", **{
        "max-bandwidth": to.bandwidth * 1024**2, "downtime-limit": to.downtime})
    if not to.live:
        await _ask(client, "stop")
    host = f"[{to.address}]" if ":" in to.address else to.address
    await _ask(client, "migrate", uri=f"tcp:{host}:{to.port}")


async def _follow(context: Context, client: QMPClient, to: Target) -> Migrated:
    import asyncio

    from qemu.qmp import QMPError

    postcopy = "postcopy-ram" in to.capabilities
    pause = 0.01
    while True:
        info = await _ask(client, "query-migrate")
        status, ram = info.get("status", "none"), info.get("ram", {})
        if status == "completed":
            done = Migrated(downtime_ms=int(info.get("downtime", 0)),
                            total_ms=int(info.get("total-time", 0)),
                            transferred=int(ram.get("transferred", 0)))
            context.tell(Progress(what=f"migrated, downtime {done.downtime_ms} ms",
                                  done=done.transferred, total=done.transferred))
            return done
        if status not in ACTIVE:
            raise QMPError(f"the migration ended as {status}: {info.get('error-desc', 'no reason given')}")
        if postcopy and status == "active" and ram.get("dirty-sync-count", 0) > 2:
            await _ask(client, "migrate-start-postcopy")
            postcopy = False
        context.tell(Progress(what="migrating memory", total=int(ram.get("total", 0)),
                              done=int(ram.get("total", 0)) - int(ram.get("remaining", 0))))
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.5)


async def _resume(client: QMPClient, *, run: bool) -> None:
    """After a migration that did not complete: stop it and let the guest go on here."""
    import asyncio

    from qemu.qmp import Runstate

    for _ in range(100):
        if client.runstate != Runstate.RUNNING:
            return
        state = (await _ask(client, "query-migrate")).get("status", "none")
        if state not in ACTIVE:
            break
        if state != "cancelling":
            await _ask(client, "migrate_cancel")
        await asyncio.sleep(0.1)
    if run and state != "completed" and await _status(client) in (
        "paused", "postmigrate", "finish-migrate"):
        await _ask(client, "cont")


@dialogue(deadline=60)
def stay(context: Context, here: str, uuid: str, paused: bool) -> None:
    """Take back ``send``: cancel it and go on here; refused once the guest was handed over."""

    async def talk(client: QMPClient) -> None:
        info = await _ask(client, "query-migrate")
        await _resume(client, run=not paused)
        if info.get("status") == "completed" or (
            (await _ask(client, "query-migrate")).get("status") == "completed"):
            raise NodeFailed(here, "failed", "the guest was handed over to the other node and must not "
                             "run here again", hint="resume the job instead: gnt-job list, gnt-job resume")

    _talk(context, here, uuid, talk)


@dialogue(deadline=60)
def arrived(context: Context, here: str, uuid: str, paused: bool) -> None:
    """Make sure that the guest came in and runs here."""
    import asyncio

    async def talk(client: QMPClient) -> None:
        status = ""
        for _ in range(300):
            status = await _status(client)
            if status == "running" or (paused and status == "paused"):
                return
            if status in ("paused", "prelaunch"):
                await _ask(client, "cont")
            await asyncio.sleep(0.1)
        raise NodeFailed(here, "failed", f"the guest came in but is {status}")

    _talk(context, here, uuid, talk)


@dialogue(deadline=60)
def abandon(context: Context, here: str, uuid: str) -> None:
    """End a QEMU that waits for a migration; refused when the guest is in it already."""

    async def talk(client: QMPClient) -> str:
        status = await _status(client)
        if status in ("inmigrate", "prelaunch"):
            await _ask(client, "quit")
        return status

    try:
        status = _talk(context, here, uuid, talk)
    except NodeFailed as failure:
        if failure.kind != "absent":
            raise
        status = "absent"
    if status not in ("absent", "inmigrate", "prelaunch"):
        raise NodeFailed(here, "failed", f"the guest has moved here already (it is {status})",
                         hint="resume the job instead: gnt-job list, gnt-job resume")
    from gnt.hypervisor.kvm import tasks

    context.script(tasks.kill.body(uuid), tasks.kill.deadline)
