"""Nothing of guests, jobs and masters that are gone is left on nodes: files, interfaces, locks."""

from __future__ import annotations

from gnt import found
from gnt.checks.base import Check, Finding, on_node
from gnt.hypervisor.base import hypervisor
from gnt.net.base import nic_mode, tap_name
from gnt.plan import Script, node_task, script
from gnt.record import Record
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen

YOUNG = 60  # seconds: what an ended job leaves is taken away without anybody waiting for it

_LOCKS = """\
now=$(date +%s)
for file in /run/gnt/fence/* /run/gnt/jobs/*; do
    [ -f "$file" ] || continue
    case ${file##*/} in *[!0-9]*) continue ;; esac
    made=$(stat -c %Y "$file" 2>/dev/null) || continue
    echo "$((now - made)) $file"
done
"""


_FORMER = """\
for noted in /run/gnt/master-ip/*; do
    [ -e "$noted" ] || continue
    ip -o address show to "${noted##*/}" 2>/dev/null | while read -r _ _ _ address _; do
        echo "${address%/*}"
    done
done
"""


class Lock(Record):
    """A fence of a job, or the lock of its driver: seconds old."""

    age: int
    path: str

    @property
    def job(self) -> str:
        return self.path.rpartition("/")[2]


@node_task(deadline=20)
def locks() -> Script[tuple[Lock, ...]]:
    """What jobs have left to lock with."""
    return script(_LOCKS, parse=_locks)


@node_task(deadline=20)
def former() -> Script[tuple[str, ...]]:
    """The addresses that were set here as the master's since the node started, and still are."""
    return script(_FORMER, parse=lambda output: tuple(output.split()))


def _locks(output: str) -> tuple[Lock, ...]:
    lines = (line.split(" ", 1) for line in output.splitlines())
    return tuple(Lock(age=natural(age), path=path) for age, path in lines)


class Remains(Check):
    codes = ("ENODEORPHANINSTANCE", "ENODENET", "ENODESETUP")

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        for _, call in (*_questions(cfg, nodes), *_interfaces(nodes)):
            yield call
        yield from (locks.on(node.name) for node in nodes)
        yield from (former.on(node.name) for node in nodes)

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        yield from _left_locks(cfg, nodes, seen)
        yield from _left_addresses(cfg, nodes, seen)
        known = set(cfg.state.keys("instances"))
        making = str([job.plan for job in cfg.jobs])  # what a pending job makes is not lost
        for node, call in _questions(cfg, nodes):
            for left in () if seen.failed(call) is not None else seen[call]:
                if not any(uuid in left for uuid in known):
                    yield on_node(node, "ENODEORPHANINSTANCE",
                                  f"{left} is left of a guest that is gone", warning=True)
        for node, call in _interfaces(nodes):
            if seen.failed(call) is None:
                for name in sorted(set(seen[call]) - _used(cfg, node)):
                    if name not in making:
                        yield on_node(node, "ENODENET", f"interface {name} is left of a guest that "
                                      "does not run there", warning=True)


def _left_locks(cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
    """Those of ended jobs.  A job with a higher number began after the configuration was read."""
    pending = {job.id for job in cfg.jobs}
    for node in nodes:
        if seen.failed(locks.on(node.name)) is not None:
            continue
        for lock in seen[locks.on(node.name)]:
            if lock.job not in pending and int(lock.job) <= cfg.serial and lock.age > YOUNG:
                yield on_node(node, "ENODESETUP", f"{lock.path} is left of job {lock.job}, which "
                              f"has ended (gnt-job resume {lock.job} takes it away)", warning=True)


def _left_addresses(cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
    """Those that were the master's.  Where its address of now should be is another check's."""
    wanted = cfg.cluster.master_ip if cfg.cluster.master_netdev else ""
    cure = "gnt-cluster activate-master-ip" if wanted else "ip address delete"
    for node in nodes:
        call = former.on(node.name)
        for ip in () if seen.failed(call) is not None else seen[call]:
            if ip != wanted:
                yield on_node(node, "ENODENET", f"still has {ip}, which was the master's address: "
                              f"{cure}")


def _questions(cfg: Config, nodes: list[Node]) -> Iterator[tuple[Node, Call[tuple[str, ...]]]]:
    for node in nodes:
        for name in cfg.cluster.enabled_hypervisors if node.vm_capable else ():
            call = hypervisor(name).leftovers(node.name)
            if call is not None:
                yield node, call


def _interfaces(nodes: list[Node]) -> Iterator[tuple[Node, Call[tuple[str, ...]]]]:
    for mode in found.names("gnt.net"):
        for node in nodes:
            call = nic_mode(mode).leftovers(node.name) if node.vm_capable else None
            if call is not None:
                yield node, call


def _used(cfg: Config, node: Node) -> set[str]:
    """The interfaces of instances that are to run on the node.

    Which have no process behind them when the guest is fake, or has just ended.
    """
    return {tap_name(nic.uuid) for inst in cfg.instances_on(node)
            if inst.admin_state == "up" for nic in inst.nics}


CHECK = Remains()
