"""Live migration, as conversations with the QEMUs on both nodes.

Never two running copies: the source lets go only when the target could load everything
(``return-path``), a target that runs the guest is never ended, and a source that handed the guest
over never resumes it.
"""

from __future__ import annotations

from gnt.errors import NodeFailed
from gnt.hypervisor.kvm import tasks
from gnt.hypervisor.kvm.qmp import DAY, ask, state_of, talk, talk_unless_gone
from gnt.plan import Outcome, Progress, dialogue
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from qemu.qmp import QMPClient

    from gnt.plan import Context


RESUME = "resume the job instead: gnt-job list, gnt-job resume"


class Migrated(Outcome):
    """What a finished migration took."""

    downtime_ms: int
    total_ms: int
    transferred: int  # bytes

    def told(self) -> str:
        megabytes = self.transferred / 1e6
        return f"downtime {self.downtime_ms} ms, {self.total_ms} ms in all, {megabytes:.1f} MB"


class Target(Record):
    """Where a migration goes, what waits there, and how."""

    uri: str
    memory: int  # MiB
    vcpus: int
    bandwidth: int  # MiB/s
    downtime: int  # ms
    capabilities: tuple[str, ...] = ()
    live: bool = True


@dialogue(deadline=60)
def listen(
    context: Context,
    here: str,
    uuid: str,
    address: str,
    capabilities: tuple[str, ...],
) -> None:
    """Let a QEMU that was started with ``-incoming defer`` listen, with capabilities on."""

    async def hold(client: QMPClient) -> None:
        if await state_of(client) != "inmigrate" or await ask(client, "query-migrate"):
            return
        await _enable(client, capabilities)
        await ask(client, "migrate-incoming", uri=address)

    talk(context, here, uuid, hold)


async def _enable(client: QMPClient, names: tuple[str, ...]) -> None:
    wanted = [{"capability": name, "state": True} for name in names]
    await ask(client, "migrate-set-capabilities", capabilities=wanted)


# query-migrate says "completed" also of a guest that once came in; the run state does not mislead
HANDED_OVER = "postmigrate"
ACTIVE = (
    "setup",
    "active",
    "device",
    "pre-switchover",
    "postcopy-active",
    "postcopy-paused",
    "cancelling",
    "wait-unplug",
)


@dialogue(deadline=DAY)
def send(context: Context, here: str, uuid: str, target: dict[str, Any]) -> Migrated:
    """Migrate the guest away; ``target``: the fields of a :class:`Target`.

    A migration that is under way (of a killed driver) is followed, one that is done is reported.
    When it fails, the guest goes on running here.  Where it does not run any more, as the host was
    started anew after the hand-over, only the target can tell: the next step asks it.
    """
    to = Target(**{**target, "capabilities": tuple(target["capabilities"])})

    async def hold(client: QMPClient) -> Migrated:
        ran = await state_of(client)
        under_way = (await ask(client, "query-migrate")).get("status") in ACTIVE
        if ran != HANDED_OVER and not under_way:
            await _begin(client, to)
        try:
            return await _follow(context, client, to)
        except BaseException:
            await _resume(client, run=ran == "running")
            raise

    done = talk_unless_gone(context, here, uuid, hold)
    return done or Migrated(downtime_ms=0, total_ms=0, transferred=0)


async def _begin(client: QMPClient, to: Target) -> None:
    await _require_alike(client, to)
    # return-path: the source then knows that the target could load everything before it lets go
    await _enable(client, ("return-path", *to.capabilities))
    await ask(
        client,
        "migrate-set-parameters",
        **{"max-bandwidth": to.bandwidth * 1024**2, "downtime-limit": to.downtime},
    )
    if not to.live:
        await ask(client, "stop")
    await ask(client, "migrate", uri=to.uri)


async def _require_alike(client: QMPClient, to: Target) -> None:
    """Raise QMPError when what waits there is not what runs here: QEMU would only say "failed"."""
    from qemu.qmp import QMPError

    memory = (await ask(client, "query-memory-size-summary"))["base-memory"] // 1024**2
    vcpus = len(await ask(client, "query-cpus-fast"))
    for what, here, there in (
        ("maxmem", f"{memory} MiB", f"{to.memory} MiB"),
        ("vcpus", vcpus, to.vcpus),
    ):
        if here != there:
            raise QMPError(
                f"it was started with {what} {here}, which was since set to {there}: "
                "restart it, or set it back, and migrate then"
            )


async def _follow(context: Context, client: QMPClient, to: Target) -> Migrated:
    import asyncio

    from qemu.qmp import QMPError

    postcopy = "postcopy-ram" in to.capabilities
    pause = 0.01
    while True:
        info = await ask(client, "query-migrate")
        status, ram = info.get("status", "none"), info.get("ram", {})
        if status == "completed":
            done = Migrated(
                downtime_ms=int(info.get("downtime" if to.live else "total-time", 0)),
                total_ms=int(info.get("total-time", 0)),
                transferred=int(ram.get("transferred", 0)),
            )
            context.tell(
                Progress(
                    what=f"migrated, downtime {done.downtime_ms} ms",
                    done=done.transferred,
                    total=done.transferred,
                )
            )
            return done
        if status not in ACTIVE:
            raise QMPError(
                f"the migration ended as {status}: {info.get('error-desc', 'no reason given')}"
            )
        if postcopy and status == "active" and ram.get("dirty-sync-count", 0) > 2:
            await ask(client, "migrate-start-postcopy")
            postcopy = False
        context.tell(
            Progress(
                what="migrating memory",
                total=int(ram.get("total", 0)),
                done=int(ram.get("total", 0)) - int(ram.get("remaining", 0)),
            )
        )
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.5)


async def _resume(client: QMPClient, *, run: bool) -> None:
    """After a migration that did not complete: stop it and let the guest go on here."""
    import asyncio

    from qemu.qmp import Runstate

    for _ in range(100):
        if client.runstate != Runstate.RUNNING:
            return
        state = (await ask(client, "query-migrate")).get("status", "none")
        if state not in ACTIVE:
            break
        if state != "cancelling":
            await ask(client, "migrate_cancel")
        await asyncio.sleep(0.1)
    if run and await state_of(client) in ("paused", "finish-migrate"):
        await ask(client, "cont")


@dialogue(deadline=60)
def stay(context: Context, here: str, uuid: str, paused: bool) -> None:
    """Take back ``send``: cancel it and go on here; refused once the guest was handed over.

    Where QEMU has ended there is nothing to go on with; whether the guest is on the target, that
    one says when it is to be ended.
    """

    async def hold(client: QMPClient) -> None:
        await _resume(client, run=not paused)
        if await state_of(client) == HANDED_OVER:
            raise NodeFailed(
                here,
                "failed",
                "the guest was handed over to the other node and must not run here again",
                status=NodeFailed.FINAL,
                hint=RESUME,
            )

    talk_unless_gone(context, here, uuid, hold)


@dialogue(deadline=60)
def arrived(context: Context, here: str, uuid: str, paused: bool) -> None:
    """Make sure that the guest came in and runs here."""
    import asyncio

    async def hold(client: QMPClient) -> None:
        status = ""
        for _ in range(300):
            status = await state_of(client)
            if status == "running" or (paused and status in ("paused", "prelaunch")):
                return
            if status in ("paused", "prelaunch"):
                await ask(client, "cont")
            await asyncio.sleep(0.1)
        problem = f"the guest came in but is {status}"
        raise NodeFailed(here, "failed", "nothing came in" if status == "inmigrate" else problem)

    talk(context, here, uuid, hold)


@dialogue(deadline=60)
def recall(context: Context, here: str, uuid: str, source: str) -> None:
    """Fetch what the guest printed on the node it came from, which is about to forget it.

    A source that is gone keeps nobody waiting: the guest runs, only its earlier words are lost.
    """
    try:
        said = context.at(source).script(tasks.console_tail.body(uuid), 20.0)
    except NodeFailed:
        return
    if said:
        context.script(tasks.console_earlier.body(uuid, said), 20.0)


@dialogue(deadline=60)
def abandon(context: Context, here: str, uuid: str) -> None:
    """End a QEMU that waits for a migration; refused when the guest is in it already."""

    async def hold(client: QMPClient) -> None:
        status = await state_of(client)
        came = (await ask(client, "query-migrate")).get("status") == "completed"
        if came or status not in ("inmigrate", "prelaunch"):
            raise NodeFailed(
                here,
                "failed",
                f"the guest has moved here already (it is {status})",
                status=NodeFailed.FINAL,
                hint=RESUME,
            )
        await ask(client, "quit")

    end = tasks.forget.body(uuid)
    try:
        talk(context, here, uuid, hold)
    except NodeFailed as failure:
        if failure.kind != "absent":
            raise
        end = tasks.clear.body(uuid, logs=True)  # which makes sure of it
    context.script(end, tasks.forget.deadline)
