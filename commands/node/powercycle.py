"""gnt-node powercycle."""

from __future__ import annotations

from gnt.commands.node import _oob
from gnt.errors import Conflict
from gnt.plan import Plan, Script, Step, node_task, script
from gnt.spec import Holds, Operation, arg, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.spec import Seen

INITIAL = "pid:[4026531836]"  # the kernel's first process namespace (include/linux/proc_ns.h)

_RESET = r"""
if [ "$(readlink /proc/self/ns/pid)" != "$1" ]; then
    echo "this node is a container: a reset would end the machine it runs on" >&2
    exit 1
fi
if [ "$2" = yes ] && command -v systemctl >/dev/null; then
    (sleep 2; systemctl reboot) </dev/null >/dev/null 2>&1 &
    exit 0
fi
[ -w /proc/sysrq-trigger ] || { echo "the kernel lets nobody reset it (sysrq)" >&2; exit 1; }
(sleep 2; echo 1 >/proc/sys/kernel/sysrq; echo b >/proc/sysrq-trigger) </dev/null >/dev/null 2>&1 &
"""


@node_task(deadline=30)
def reset(initial: str, orderly: bool = False) -> Script[None]:
    """Let the kernel reset the machine at once, in two seconds; a container refuses.

    ``orderly``: what runs there is shut down first, where there is somebody to do it.
    """
    return script(_RESET, initial, orderly)


class Powercycle(Operation, command="node powercycle"):
    """Reset a node at once, without shutting anything down.

    By its out-of-band program where it has one, else by its own kernel, which must still answer.
    """

    examples = (("gnt-node powercycle node3", "it hangs, and has no out-of-band program"),)

    name: str = arg(TEXT, "node", complete="node")
    orderly: bool = opt(BOOL, "without an out-of-band program: shut it down properly first",
                        default=False)
    force: bool = opt(BOOL, "do not ask; also the master", default=False, short="-f")

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"nodes/{cfg.node(self.name).uuid}",))

    def confirm(self, cfg: Config) -> str:
        return "" if self.force else (
            f"Reset {cfg.node(self.name).name}? What runs there ends at once.")

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        node = cfg.node(self.name)
        if node.uuid == cfg.cluster.master_node and not self.force:
            raise Conflict(f"{node.name} is the master",
                           hint="gnt-cluster master-failover --to another candidate, or -f")
        program = _oob.program(cfg, node)
        if program:
            call = _oob.cycle.on(cfg.master.name, program, node.name, _oob.TIMEOUT)
        else:
            if node.offline:
                raise Conflict(f"{node.name} is marked offline and has no out-of-band program",
                               hint="gnt-node modify --node-parameters oob_program=PATH "
                                    f"{node.name}")
            call = reset.on(node.name, INITIAL, self.orderly)
        return Plan(attempt=(Step(do=call, title=f"reset {node.name}"),))
