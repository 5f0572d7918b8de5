"""What every node says of itself: one script."""

from __future__ import annotations

from gnt.plan import node_task, script
from gnt.record import Record
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.plan import Script

MIB = 1024  # KiB
NODE_FACTS = """
mem=$(cat /proc/meminfo) || exit 1
printf '%s\\n' "$mem" | while read -r name value _; do
    case $name in
        MemTotal:) echo "mtotal $value" ;;
        MemFree:) echo "unused $value" ;;
        MemAvailable:) echo "mfree $value" ;;
    esac
done
echo "ctotal $(grep -c '^processor' /proc/cpuinfo)"
sockets=$(grep '^physical id' /proc/cpuinfo | sort -u | wc -l)
[ "$sockets" -gt 0 ] || sockets=1
echo "csockets $sockets"
domains=0
for domain in /sys/devices/system/node/node[0-9]*; do
    if [ -d "$domain" ]; then domains=$((domains + 1)); fi
done
[ "$domains" -gt 0 ] || domains=1
echo "cnodes $domains"
echo "bootid $(cat /proc/sys/kernel/random/boot_id)"
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
