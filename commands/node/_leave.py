"""A node is marked offline, not vm-capable, or removed: nobody looks there any more what runs.

The first is even proof, for failover, that nothing does.  All are refused while the node itself
says otherwise, or while a job may still start something.
"""

from __future__ import annotations

from gnt.commands.node import _return, _witness
from gnt.errors import Conflict
from gnt.model.objects import Instance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Job, Node
    from gnt.plan import Call
    from gnt.spec import Seen

OFFLINE = "marked offline it counts as proof that nothing runs there"
REMOVED = "once it is removed nobody looks there"
NOT_CAPABLE = "once it is not vm-capable nobody looks there"


def leaves(node: Node, new: Node) -> bool:
    """Whether nobody looks there any more: it is marked offline, or runs no instances now on."""
    return not node.offline and (new.offline or (node.vm_capable and not new.vm_capable))


def facts(cfg: Config, node: Node) -> Iterator[Call[Any]]:
    if node.vm_capable:
        yield from _return.guests(cfg, node)
        yield from _witness.looks(cfg, node)


def require_empty(
    cfg: Config, node: Node, seen: Seen, why: str = OFFLINE,
) -> tuple[str, ...]:
    """Raise Conflict when it answers and runs instances; what to say when it does not answer."""
    _require_no_jobs(cfg, node)
    calls = list(_return.guests(cfg, node)) if node.vm_capable else []
    silent = [failed for call in calls if (failed := seen.failed(call)) is not None]
    if silent:
        _witness.require_unseen(cfg, node, seen)
    there = sorted({inst.name for call in calls if seen.failed(call) is None
                    for inst in _instances(cfg, seen[call])})
    if there:
        raise Conflict(
            f"{node.name} answers and runs {', '.join(there[:5])}: {why}, and they could be "
            "started twice",
            hint=f"gnt-node evacuate {node.name}; or switch that host off first (gnt-node power "
                 f"off --ignore-status {node.name}, or by hand)")
    return (f"{node.name} does not answer ({silent[0].problem}): that nothing runs there is your "
            "word",) if silent else ()


def _instances(cfg: Config, guests: Any) -> Iterator[Instance]:
    for guest in guests:
        inst = cfg.get(Instance, guest.uuid)
        if inst is not None and not guest.ended:
            yield inst


def _require_no_jobs(cfg: Config, node: Node) -> None:
    for job in cfg.jobs:
        if node.name in _worked_on(job):
            raise Conflict(
                f"job {job.id} ({job.operation}) may still start an instance on {node.name}",
                hint=f"gnt-job wait {job.id}; without a driver: gnt-job undo --gone {node.name} "
                     f"{job.id}")


def _worked_on(job: Job) -> set[str]:
    """The nodes on which a begun job does something with an instance."""
    if not any(path.startswith("instances/") for path in job.exclusive):
        return set()
    plan: Any = job.plan
    return {step["on"] for half in ("attempt", "settle") for step in plan.get(half, ())}
