"""Getting records onto candidates, and who of them has what."""

from __future__ import annotations

from gnt.config import message as m
from gnt.config.base import start
from gnt.errors import Busy, Damaged, Fenced, GntError, NodeFailed, NoMajority
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gnt.config.journal import Entry
    from gnt.config.message import Answer, Head, Peers
    from gnt.config.replica import Replica


class Tally(Record):
    """``have``: candidates that hold the records; ``lack``: the others, and why."""

    have: tuple[str, ...]
    lack: Mapping[str, str]
    fence: int = 0  # the highest term that any of them knows
    overtaken: bool = False  # one of them has seen a later turn
    behind: Mapping[str, Answer] = {}  # of those that lack it, who said where they stand


class Turn:
    """A turn that this driver has, and until when it may begin to use it."""

    def __init__(self, node: str, order: tuple[int, int], until: float) -> None:
        self.node, self.order, self.until = node, order, until


def majority(count: int) -> int:
    return count // 2 + 1


def require_majority(tally: Tally, candidates: Iterable[str], extra: int, what: str) -> None:
    """Raise NoMajority, naming who is missing, unless enough have it (``extra``: the master)."""
    names = list(candidates)
    if len(tally.have) + extra < majority(len(names)):
        raise no_majority(tally, names, extra, what)


def no_majority(tally: Tally, names: Sequence[str], extra: int, what: str) -> NoMajority:
    needed, got = majority(len(names)), len(tally.have) + extra
    missing = "".join(f"\n    {name}: {why}" for name, why in tally.lack.items())
    return NoMajority(
        f"{what}: {got} of {len(names)} master candidates answered, {needed} are needed{missing}",
        hint="gnt-node list; gnt-cluster master-failover when the master is lost")


def why(answer: Answer | NodeFailed) -> str:
    """Why a candidate did not do what it was asked."""
    if isinstance(answer, NodeFailed):
        return answer.problem
    words = {m.BUSY: "it is busy with another change", m.BEHIND: "it was away and lacks records",
             m.NO_TURN: "the turn is over"}
    return answer.problem or words.get(answer.status, f"status {answer.status}")


def refusal(answer: Answer, node: str) -> GntError:
    """The error to raise for a candidate that answered, but not with ok."""
    problem = why(answer)
    if answer.status == m.BUSY:
        return Busy(f"{node} is busy with another change for more than {m.WAIT} s",
                    hint="try again")
    if answer.status == m.REFUSED:
        return Fenced(f"{node} refuses: {problem}", hint="gnt-cluster getmaster")
    if answer.status == m.GONE_BACK:
        return Damaged(f"{node}: {problem}", hint="gnt-cluster master-failover, on another "
                       "candidate; what was committed is there")
    if answer.status == m.DAMAGED:
        return Damaged(f"{node}: {problem}", hint="gnt-cluster redist-conf; gnt-cluster verify")
    return NodeFailed(node, "failed", problem, task="config",
                      hint=f"is a disk of {node} full? ssh {node} df -h /var/lib/gnt")


class Replication:
    """The candidates other than the master, as one driver in one turn sees them."""

    def __init__(self, peers: Peers, replica: Replica, order: tuple[int, int]) -> None:
        self._peers = peers
        self._replica = replica
        self.term, self.turn = order

    def append(self, names: Iterable[str], entries: Sequence[Entry], needed: int) -> Tally:
        """Put records after the committed head; who lacks others gets them, too, if needed.

        When ``needed`` have it, the others are not waited for: they count as not having it, and
        what they still do later is what a slow network does (ADR 0003).
        """
        message = m.Append(term=self.term, turn=self.turn, after=self._replica.head,
                           serial=entries[-1].serial, hash=entries[-1].hash,
                           records=b"".join(entry.record for entry in entries),
                           size=self._replica.position.offset, count=len(entries))
        answers = dict(self._peers.ask(dict.fromkeys(names, message), enough=needed))
        behind = [n for n, a in answers.items() if _status(a) in (m.BEHIND, m.DAMAGED)]
        if behind and sum(_status(a) == m.OK for a in answers.values()) < needed:
            answers.update(self.catch_up(behind, list(entries)))
        return tally(answers)

    def catch_up(
        self, names: Iterable[str], more: list[Entry] | None = None,
    ) -> dict[str, Answer | NodeFailed]:
        """Bring candidates to the committed head, and give them ``more`` after it."""
        standing = self._peers.ask(dict.fromkeys(names, m.Fetch(offset=m.STANDING_ONLY)))
        repairs: dict[str, m.Message] = {}
        for name, answer in standing.items():
            if not isinstance(answer, NodeFailed):
                repairs[name] = self._repair(answer, more or [])
        done = {**standing, **self._peers.ask(repairs, deadline=120.0)}
        if more:
            installs = [n for n, x in repairs.items()
                        if isinstance(x, m.Install) and _status(done[n]) == m.OK]
            message = m.Append(term=self.term, turn=self.turn, after=self._replica.head,
                               serial=more[-1].serial, hash=more[-1].hash,
                               records=b"".join(entry.record for entry in more))
            done.update(self._peers.ask(dict.fromkeys(installs, message)))
        return done

    def send_missing(self, standing: Mapping[str, Answer]) -> None:
        """Candidates that stand like this get all that is committed; nobody waits for it."""
        self._peers.post({name: self._repair(a, []) for name, a in standing.items()})
        self.learn(standing, self._replica.head)

    def _repair(self, answer: Answer, more: list[Entry]) -> m.Message:
        """What brings a candidate that stands like this up to date."""
        told = answer.status in (m.OK, m.BEHIND)
        known = self._replica.since(answer.head) if told else None
        if known is None:
            return self.install()
        entries = known + more
        if not entries:
            return m.Learn(head=self._replica.head, by=self.term)
        return m.Append(term=self.term, turn=self.turn, after=answer.head,
                        serial=entries[-1].serial, hash=entries[-1].hash,
                        records=b"".join(entry.record for entry in entries))

    def install(self) -> m.Install:
        """Everything that is committed."""
        base, journal = self._replica.content()
        return m.Install(term=self.term, turn=self.turn, head=self._replica.head,
                         start=start(base), base=base, journal=journal)

    def learn(self, names: Iterable[str], head: Head) -> None:
        self._peers.post(dict.fromkeys(names, m.Learn(head=head, by=self.term)))


def _status(answer: Answer | NodeFailed) -> int:
    return -1 if isinstance(answer, NodeFailed) else answer.status


def tally(answers: Mapping[str, Answer | NodeFailed]) -> Tally:
    return Tally(
        have=tuple(n for n, a in answers.items() if _status(a) == m.OK),
        lack={n: why(a) for n, a in answers.items() if _status(a) != m.OK},
        behind={n: a for n, a in answers.items()
                if not isinstance(a, NodeFailed) and a.status in (m.BEHIND, m.DAMAGED)},
        overtaken=any(_status(a) == m.REFUSED for a in answers.values()),
        fence=max((a.fence for a in answers.values() if not isinstance(a, NodeFailed)), default=0),
    )
