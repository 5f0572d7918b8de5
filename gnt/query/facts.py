"""What every node says of itself: one script."""

from __future__ import annotations

from gnt.plan import node_task, script
from gnt.record import Record
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.plan import Script

MIB = 1024  # KiB
# Asked of every node before every placement: one process each, the rest is the shell's.
NODE_FACTS = """
while read -r name value _; do
    case $name in
        MemTotal:) echo "mtotal $value" ;;
        MemFree:) echo "unused $value" ;;
        MemAvailable:) echo "mfree $value"; break ;;
    esac
done </proc/meminfo || exit 1
awk -F : '$1 ~ /^processor/ {n++} $1 ~ /^physical id/ && !seen[$2]++ {s++}
    END {print "ctotal " n + 0; print "csockets " (s ? s : 1)}' /proc/cpuinfo
domains=0
for domain in /sys/devices/system/node/node[0-9]*; do
    if [ -d "$domain" ]; then domains=$((domains + 1)); fi
done
[ "$domains" -gt 0 ] || domains=1
echo "cnodes $domains"
read -r boot </proc/sys/kernel/random/boot_id
echo "bootid $boot"
"""


class NodeFacts(Record):
    """Memory in MiB, processors, the id of this boot."""

    mtotal: int
    mfree: int
    ctotal: int
    csockets: int
    cnodes: int
    bootid: str


def read_facts(output: str) -> NodeFacts:
    """Parse what ``NODE_FACTS`` prints."""
    said = dict(line.split(" ", 1) for line in output.splitlines() if " " in line)
    return NodeFacts(
        mtotal=natural(said["mtotal"]) // MIB,
        mfree=natural(said.get("mfree", said["unused"])) // MIB,
        ctotal=natural(said["ctotal"]), csockets=natural(said["csockets"]),
        cnodes=natural(said["cnodes"]),
        bootid=said["bootid"].strip(),
    )


@node_task(deadline=15)
def node_facts() -> Script[NodeFacts]:
    """Memory, processors and boot id of a node."""
    return script(NODE_FACTS, parse=read_facts)
