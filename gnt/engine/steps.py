"""Performing the steps of one job: in phases, each a round trip, forward or back.

A phase is either a run of consecutive short scripts of one node, which travel in one frame, or a
step with the ones that may run beside it on other nodes.  Between phases a job can be stopped, so
a script that may take long is a phase of its own.
"""

from __future__ import annotations

from gnt.engine.follow import note
from gnt.errors import Damaged, GntError, NodeFailed
from gnt.plan import task_named
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from gnt.engine.ports import Key, Listener, Transport
    from gnt.engine.stop import Stop
    from gnt.plan import Call, Plan, Progress, Step

FENCE_WAIT = 60.0  # seconds that an orphan of ours is waited for
SHORT = 60.0  # seconds: the longest deadline of a script that shares its frame


class StepFailed(GntError):
    """A step could not be performed.  ``reached`` steps were begun, the failed one among them."""

    def __init__(self, index: int, reached: int, cause: GntError) -> None:
        super().__init__(cause.message, hint=cause.hint)
        self.index, self.reached, self.cause = index, reached, cause


class Item(Record):
    """A step with its place in the plan."""

    index: int
    step: Step


def phases(steps: Sequence[Step], first: int = 0) -> list[list[Item]]:
    """The steps grouped into what one round trip can do, in order."""
    made: list[list[Item]] = []
    open_run = False  # the last phase is a run of scripts of one node
    for number, step in enumerate(steps):
        item = Item(index=first + number, step=step)
        led = number + 1 < len(steps) and steps[number + 1].beside
        if step.beside and made:
            made[-1].append(item)
            open_run = False
        elif open_run and not led and _short(step) and made[-1][-1].step.do.node == step.do.node:
            made[-1].append(item)
        else:
            made.append([item])
            open_run = not led and _short(step)
    return made


def _said(phase: Iterable[Item]) -> str:
    """What those who watch the job are told of a phase."""
    return "\n".join(f"do {item.step}" for item in phase)


def _short(step: Step) -> bool:
    task = task_named(step.do.task)
    return not task.dialogue and task.deadline <= SHORT


class Performer:
    """Runs the steps of one job under its fence and tells the listener."""

    def __init__(
        self, transport: Transport, listener: Listener, stop: Stop, master: str, job: str,
    ) -> None:
        self.transport, self.listener, self.stop = transport, listener, stop
        self.master, self.job = master, job
        self._first = True

    def forward(
        self, steps: Sequence[Step], first: int, before_last: Callable[[], None], *,
        cancellable: bool = True, skip: Iterable[str] = (),
    ) -> bool:
        """Perform the steps; False when asked to stop before the end, StepFailed on failure.

        ``before_last`` is called when only one short phase is left.  Steps on nodes in ``skip``
        (offline: nothing there counts) are left out.
        """
        gone = set(skip)
        kept = [[i for i in phase if i.step.do.node not in gone] for phase in phases(steps, first)]
        todo = [phase for phase in kept if phase]
        for number, phase in enumerate(todo):
            if self.stop.requested or (self.stop.cancelled and cancellable):
                return False
            if number + 1 == len(todo) and all(_short(item.step) for item in phase):
                before_last()
            self._forward(phase)
        return True

    def foreseen(self, plan: Plan) -> Iterator[Call[Any]]:
        """All that may be sent for a plan, the lines for those who watch included."""
        for step in plan.steps:
            yield step.do
            if step.undo is not None:
                yield step.undo
        first = True
        for phase in (*phases(plan.attempt), *phases(plan.settle, len(plan.attempt))):
            yield note.on(self.master, self.job, _said(phase), first)
            first = False

    def _forward(self, phase: list[Item]) -> None:
        for item in phase:
            self.listener.step_started(item.index, item.step)
        answers = self._perform([item.step.do for item in phase], phase, _said(phase))
        failed: StepFailed | None = None
        for item in phase:
            answer = answers.get(item.step.do.key)
            if isinstance(answer, GntError):
                self.listener.step_failed(item.index, item.step, answer)
                failed = failed or StepFailed(item.index, phase[-1].index + 1, answer)
            elif failed is None or item.step.do.key in answers:
                self.listener.step_done(item.index, item.step, answer)
        if failed:
            raise failed

    def backward(self, steps: Sequence[Step], reached: int, skip: Iterable[str]) -> list[str]:
        """Undo the first ``reached`` steps, last first; what was done, for people.

        Nodes in ``skip`` are known to be gone (offline): nothing can be left there that counts.
        Raises StepFailed at the first undo that fails.
        """
        gone = set(skip)
        done: list[str] = []
        for phase in reversed(phases(steps)):
            begun = [i for i in reversed(phase) if i.index < reached and i.step.undo is not None]
            self._backward([i for i in begun if i.step.undo and i.step.undo.node not in gone])
            done += [i.step.title or f"{i.step.undo}" for i in begun]
        return done

    def _backward(self, items: list[Item]) -> None:
        calls = [item.step.undo for item in items if item.step.undo is not None]
        if not calls:
            return
        for item in items:
            self.listener.undoing(item.index, item.step)
        answers = self._perform(calls, items, "\n".join(f"undo {call}" for call in calls))
        for item, call in zip(items, calls, strict=True):
            answer = answers.get(call.key)
            if isinstance(answer, GntError):
                raise StepFailed(item.index, item.index, answer)

    def _perform(
        self, calls: list[Call[Any]], items: list[Item], text: str,
    ) -> Mapping[Key, Any]:
        """One phase; what came out unknown is asked once more when no orphan runs any longer."""
        indexes = {call.key: item for call, item in zip(calls, items, strict=True)}

        def tell(call: Call[Any], progress: Progress) -> None:
            item = indexes.get(call.key)
            if item is not None:
                self.listener.step_progress(item.index, item.step, progress)

        answers = dict(self._send(calls, tell, text))
        again = [n for n in {call.node for call in calls} if _unknown(answers, calls, n)]
        if again:
            quiet = self.transport.wait_fence(again, self.job, FENCE_WAIT)
            nodes = {node for node in again if not isinstance(quiet.get(node), GntError)}
            rest = [call for call in calls if call.node in nodes and not _good(answers, call)]
            for call in rest:
                answers.pop(call.key, None)
            if rest:
                answers.update(self._send(rest, tell, ""))
        for call in calls:
            if call.key not in answers and not _stopped(answers, calls, call):
                answers[call.key] = Damaged(f"node {call.node}: no answer to {call.task}")
        return answers

    def _send(
        self, calls: list[Call[Any]], tell: Callable[[Call[Any], Progress], None], text: str,
    ) -> Mapping[Key, Any]:
        say = note.on(self.master, self.job, text, self._first)
        self._first = False
        answers = dict(self.transport.perform([say, *calls], fence=self.job, tell=tell))
        if answers.pop(say.key, False) is True:
            self.stop.cancelled = True
        return answers


def _good(answers: Mapping[Key, Any], call: Call[Any]) -> bool:
    return call.key in answers and not isinstance(answers[call.key], GntError)


def _unknown(answers: Mapping[Key, Any], calls: Iterable[Call[Any]], node: str) -> bool:
    return any(
        isinstance(answers.get(c.key), NodeFailed) and answers[c.key].unknown
        for c in calls if c.node == node
    )


def _stopped(answers: Mapping[Key, Any], calls: Sequence[Call[Any]], call: Call[Any]) -> bool:
    """Whether an earlier call of the same node failed, so that this one was never sent."""
    return any(other.node == call.node and isinstance(answers.get(other.key), GntError)
               for other in calls[:calls.index(call)])
