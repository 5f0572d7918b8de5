"""Which calls travel together: per node in order, scripts side by side in one batch."""

from __future__ import annotations

from gnt.errors import NodeFailed
from gnt.plan import task_named
from gnt.ssh import answers
from gnt.ssh.framing import Batch, Item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from gnt.engine.ports import Key
    from gnt.plan import Call, Script, Task
    from gnt.ssh.fanout import Outcome


class Planned:
    """A call with its task and, unless it is a dialogue, its script."""

    def __init__(self, call: Call[Any], deadline: float | None) -> None:
        self.call = call
        self.task: Task[..., Any] = task_named(call.task)
        self.limit = self.task.deadline if deadline is None else min(deadline, self.task.deadline)
        self.script: Script[Any] | None = None if self.task.dialogue else self.task.script(call)

    def item(self) -> Item:
        assert self.script is not None
        script = self.script
        return Item(text=script.shell, stdin=script.stdin, limit=self.limit, body=script.body,
                    words=script.words)


class Rounds:
    """Hands out the work of each round and takes in its outcomes; ``answers`` grows.

    Without a fence every call gets an answer.  Under a fence a node stops at its first failure,
    and what did not begin has no answer.
    """

    def __init__(
        self, calls: Iterable[Call[Any]], *, deadline: float | None, fence: str,
        terms: Mapping[str, int],
    ) -> None:
        self._fence, self._terms = fence, terms
        self._todo: dict[str, list[Planned]] = {}
        self._round: dict[str, list[Planned]] = {}
        self.answers: dict[Key, Any] = {}
        for call in calls:
            self._todo.setdefault(call.node, []).append(Planned(call, deadline))

    def next(self) -> tuple[dict[str, Batch], dict[str, Planned]]:
        """(batches of scripts, dialogues), at most one of them for each node; both empty: done."""
        batches, dialogues, self._round = {}, {}, {}
        for node, todo in self._todo.items():
            run = []
            while todo and todo[0].script is not None:
                run.append(todo.pop(0))
            if run:
                self._round[node] = run
                items = tuple(planned.item() for planned in run)
                term = self._terms.get(node, 0)
                batches[node] = Batch(scripts=items, term=term, fence=self._fence)
            elif todo:
                dialogues[node] = todo.pop(0)
        return batches, dialogues

    def take(self, outcomes: Mapping[str, Outcome]) -> None:
        """What came of the batches of this round."""
        for node, outcome in outcomes.items():
            self._take(node, self._round[node], outcome)

    def settle(self, planned: Planned, result: Any) -> None:
        """What came of one call."""
        self.answers[planned.call.key] = result
        if isinstance(result, NodeFailed) and self._fence:
            self._todo[planned.call.node].clear()

    def _take(self, node: str, run: list[Planned], outcome: Outcome) -> None:
        replies = () if isinstance(outcome, NodeFailed) else outcome.replies
        for planned, reply in zip(run, replies, strict=False):
            assert planned.script is not None
            self.settle(planned, answers.answer(node, planned.call.task, planned.script, reply))
        rest = run[len(replies):]
        if not rest or (not isinstance(outcome, NodeFailed) and outcome.outcome == "ok"):
            return
        for planned in rest[:1] if self._fence else rest:
            self.settle(planned, self._failure(node, planned, outcome))

    def _failure(self, node: str, planned: Planned, outcome: Outcome) -> NodeFailed:
        import time

        if not isinstance(outcome, NodeFailed):
            return answers.broken(node, outcome, planned.call.task, time.monotonic())
        return outcome


def whole(batches: Mapping[str, Batch]) -> float:
    """Seconds in which the slowest of them has had all its time."""
    return max((sum(item.limit for item in batch.scripts) for batch in batches.values()), default=0)
