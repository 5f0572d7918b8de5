"""Nodes that answer anything: ``gnt-cluster verify`` and the lists still say something sensible.

An input is answers to tasks, a NUL between; the first line of each names the task.
"""

from __future__ import annotations

from gnt import plan
from gnt.commands.cluster.verify import Verify
from gnt.errors import Damaged, NodeFailed
from gnt.spec import Seen
from tests.commands import build
from tests.commands.test_verify import FACTS, there
from tests.fuzz.of_nodes import SEEDS, WORDS
from tests.fuzz.target import answered, target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CFG = build.small()


def _healthy() -> dict[Any, Any]:
    nodes = build.Nodes(CFG, answers={**FACTS, "storage.file.found": there(CFG)})
    return {call.key: nodes.answer(call) for call in Verify().facts(CFG)}


CALLS = {call.key: call for call in Verify().facts(CFG)}
ASKED = sorted({call.task for call in CALLS.values()})
FINE = _healthy()


@target(words=WORDS, seeds=tuple(
    f"{name}\n{seed}" for name in ASKED for seed in SEEDS.get(name, ("x\n",))))
def verify(data: bytes) -> object:
    said = {}
    for part in data.split(b"\0"):
        task, _, output = answered(part).partition("\n")
        said[task] = output
    found = dict(FINE)
    for key, call in CALLS.items():
        if call.task in said and call.node == "node1":
            found[key] = _answer(call, said[call.task])
    result = Verify().answer(CFG, Seen(found))
    for line in result.lines:
        assert "\n" not in line
    return len(result.lines)


def _answer(call: plan.Call[Any], output: str) -> object:
    """As ``gnt.ssh.answers`` hands it over."""
    try:
        return plan.TASKS[call.task].script(call).answer(output)
    except Damaged as error:
        return NodeFailed(call.node, "failed", error.message, task=call.task, status=0)
