"""Out-of-band: a program of the administrator's that switches a node's power (reference F.2).

It runs on the master as ``PROGRAM COMMAND NODE``.  ``power-on``, ``power-off`` and ``power-cycle``
say by their exit code whether they were accepted; ``power-status`` prints ``{"powered": true}``,
``health`` a list ``[["PSU0", "OK"], …]``, both in JSON.
"""

from __future__ import annotations

from gnt.errors import Conflict
from gnt.model import inherit
from gnt.plan import Script, node_task, script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen

TIMEOUT = 60  # seconds the program gets
LONGEST = 600
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

_PROGRAM = r"""
program=$1 node=$2 limit=$3
[ -x "$program" ] || {
    echo "the out-of-band program $program is not there, or cannot be run, on this node" >&2
    exit 1
}
oob() { timeout -k 5 "$limit" "$program" "$1" "$node" </dev/null; }
"""

_ASK = (
    _PROGRAM
    + r"""
oob "$4" && exit 0
status=$?
[ "$status" != 124 ] || echo "$program $4 $node did not end within $limit s" >&2
exit "$status"
"""
)

_SWITCH = (
    _PROGRAM
    + r"""
command=$4 wanted=$5 delay=$6
state() {
    case $(oob power-status | tr -d ' \t\n') in
        *'"powered":true'*) echo true ;;
        *'"powered":false'*) echo false ;;
        *) echo unknown ;;
    esac
}
[ "$(state)" != "$wanted" ] || exit 0
oob "$command" >&2 || { echo "$program $command $node failed" >&2; exit 1; }
tries=0
while now=$(state); [ "$now" != "$wanted" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt "$limit" ]; then
        echo "$program says powered: $now for $node, $limit s after $command" >&2
        exit 1
    fi
    sleep 1
done
sleep "$delay"
"""
)


@node_task(deadline=LONGEST + 20)
def powered(program: str, name: str, timeout: int) -> Script[bool]:
    """Whether a node has power."""
    return script(_ASK, program, name, timeout, "power-status", parse=read_powered)


@node_task(deadline=LONGEST + 20)
def health(program: str, name: str, timeout: int) -> Script[tuple[tuple[str, str], ...]]:
    """The parts of a node and how they are."""
    return script(_ASK, program, name, timeout, "health", parse=read_health)


@node_task(deadline=2 * LONGEST + 20)
def switch(program: str, name: str, timeout: int, on: bool, delay: int = 0) -> Script[None]:
    """Switch a node's power, unless it is so, and wait until the program says that it is.

    ``delay``: seconds to wait afterwards.
    """
    word, wanted = ("power-on", "true") if on else ("power-off", "false")
    return script(_SWITCH, program, name, timeout, word, wanted, delay)


@node_task(deadline=LONGEST + 20)
def cycle(program: str, name: str, timeout: int) -> Script[None]:
    """Take a node's power away and give it back."""
    return script(_ASK, program, name, timeout, "power-cycle")


def read_powered(output: str) -> bool:
    import json

    value = json.loads(output)["powered"]
    if not isinstance(value, bool):
        raise ValueError("powered is neither true nor false")
    return value


def read_health(output: str) -> tuple[tuple[str, str], ...]:
    import json

    parts = tuple((str(item), str(state)) for item, state in json.loads(output))
    for item, state in parts:
        if state not in STATES:
            raise ValueError(f"{item} is {state}, which is none of {', '.join(STATES)}")
    return parts


def program(cfg: Config, node: Node) -> str:
    """The node's out-of-band program; empty when there is none."""
    return inherit.node(cfg, node).oob_program


def required(cfg: Config, node: Node) -> str:
    """The node's out-of-band program; Conflict when there is none."""
    found = program(cfg, node)
    if not found:
        raise Conflict(f"node {node.name} has no out-of-band program",
                       hint="gnt-node modify --node-parameters oob_program=/path/on/the/master "
                            f"{node.name}")
    return found


def question(cfg: Config, node: Node) -> Call[bool] | None:
    """Asks the master whether a node has power; None when nobody can tell."""
    found = program(cfg, node)
    return powered.on(cfg.master.name, found, node.name, TIMEOUT) if found else None


def says_off(cfg: Config, node: Node, seen: Seen) -> bool:
    """Whether the out-of-band program, asked just now, says that the node is without power."""
    call = question(cfg, node)
    return call is not None and seen.failed(call) is None and not seen[call]
