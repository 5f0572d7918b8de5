"""The signed configuration as the engine sees it: read, commit, history (ADR 0003).

One driver has one store.  It reads through its verified replica, takes the turn on the master,
appends to the other candidates, and then moves the master's head.
"""

from __future__ import annotations

from gnt.config import message as m
from gnt.config import replicate
from gnt.config.replicate import Replication, Turn
from gnt.errors import (
    Conflict,
    Damaged,
    GntError,
    NoCluster,
    NodeFailed,
    Stale,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from gnt.config.journal import Entry, Txn
    from gnt.config.message import Answer, Peers
    from gnt.config.record import Author
    from gnt.config.replica import Replica
    from gnt.engine.ports import Change, Frame, Reply
    from gnt.model.config import Config

MARGIN = 5  # seconds before its end from which a turn is not begun to be used
TAKE_DEADLINE = float(m.WAIT + 10)


class SignedStore:
    """A :class:`~gnt.engine.ports.Store`.

    ``hints``: names of candidates to ask while no configuration is known; ``ticks``: a clock that
    only runs forward, in seconds.
    """

    def __init__(
        self, peers: Peers, replica: Replica, author: Author, *, hints: Iterable[str] = (),
        ticks: Callable[[], float] | None = None,
    ) -> None:
        import time

        self.peers, self.replica, self.author = peers, replica, author
        self.unreached = ""  # why the last read did not come from the master
        self._hints = tuple(hints)
        self.ticks = ticks or time.monotonic
        self.turn: Turn | None = None
        self._records: dict[str, tuple[int, Entry]] = {}  # by job: its term, and by what it is ours
        self._opened = False

    # reading

    def cached(self) -> Config | None:
        """The last verified configuration this machine has seen; no network."""
        if not self._opened:
            self._opened = True
            if not self.replica.open():
                return None
        return self.replica.config() if self.replica.position.serial else None

    def read(self) -> Config:
        """The committed state from the master; when it does not answer, from another candidate.

        Then ``unreached`` says why, and nothing can be committed.
        """
        if self.turn is not None and self.ticks() < self.turn.until:
            return self.replica.config()
        master = self.master()
        for _ in range(8):
            answer = self._fetch([master])[master]
            if isinstance(answer, NodeFailed):
                return self._read_elsewhere(master, answer)
            self._accept(answer, master)
            if answer.fence > self.replica.position.term:  # it may not know who came after it
                self.look_elsewhere(master)
            if self.master() == master:
                self.unreached = "" if answer.fence <= self.replica.position.term else (
                    f"{master} knows that term {answer.fence} has begun, and nobody said who is "
                    "master in it")
                return self.replica.config()
            master = self.master()
        raise Damaged("the candidates do not agree who is the master", hint="gnt-cluster verify")

    def _fetch(self, names: Iterable[str]) -> dict[str, Answer | NodeFailed]:
        at = self.replica.position
        return self.peers.ask(dict.fromkeys(names, m.Fetch(base=at.base, offset=at.offset)))

    def _read_elsewhere(self, master: str, failure: NodeFailed) -> Config:
        """What can be read without the master."""
        self.look_elsewhere(master)
        self.unreached = failure.message
        if self.master() != master:  # a failover has happened meanwhile
            return self.read()
        return self.replica.config()

    def look_elsewhere(self, master: str) -> None:
        """Follow the highest verified committed state that any other candidate has."""
        others = [name for name in self.candidates() if name != master]
        answers = self._fetch(others)
        good = {n: a for n, a in answers.items() if not isinstance(a, NodeFailed) and a.head.serial}
        for name in sorted(good, key=lambda n: (good[n].head.term, good[n].head.serial)):
            at = self.replica.position
            if (good[name].head.term, good[name].head.serial) > (at.term, at.serial):
                self._accept(self._again(name, good[name]), name)

    def _again(self, name: str, answer: Answer) -> Answer:
        """The same from where the replica stands now."""
        fresh = self._fetch([name])[name]
        return answer if isinstance(fresh, NodeFailed) else fresh

    def _accept(self, answer: Answer, node: str) -> None:
        if answer.status != m.OK:
            raise replicate.refusal(answer, node)
        if not answer.head.serial:
            raise NoCluster(f"{node} holds no configuration", hint="gnt-cluster init NAME")
        try:
            self.replica.accept(answer, node)
        except Stale:  # another process of this user was faster: go on from where it stands
            fresh = self._fetch([node])[node]
            if isinstance(fresh, NodeFailed):
                raise fresh from None
            self._accept(fresh, node)

    def master(self) -> str:
        """The master's name, as far as is known; a candidate to begin with otherwise."""
        config = self.cached()
        if config is not None:
            return config.master.name
        if not self._hints:
            raise NoCluster("there is no cluster here",
                            hint="gnt-cluster init, or gnt-context join")
        answers = self._fetch(self._hints)
        heads = {n: a.head for n, a in answers.items() if not isinstance(a, NodeFailed)}
        for name in sorted(heads, key=lambda n: (heads[n].term, heads[n].serial), reverse=True):
            answer = answers[name]
            assert not isinstance(answer, NodeFailed)
            self._accept(answer, name)
            return self.replica.config().master.name
        raise next(a for a in answers.values() if isinstance(a, NodeFailed))

    def candidates(self) -> list[str]:
        """The master candidates, as far as is known."""
        config = self.cached()
        if config is None:
            return list(self._hints)
        return [node.name for node in config.candidates]

    # the turn

    def turn_frame(self) -> tuple[str, Frame] | None:
        """The frame that takes the turn, to ride on another round trip to the master; None when
        the master is this machine, or the turn is there already."""
        if self.turn is not None:
            return None
        master = self.master()
        frame = self.peers.frame(master, self._take_message())
        return None if frame is None else (master, frame)

    def accept_turn(self, node: str, reply: Reply | NodeFailed) -> None:
        """What came back for :meth:`turn_frame`."""
        self._have_turn(node, self.peers.understood(node, reply))
        if self.master() != node:  # a failover meanwhile: this turn orders nothing
            self.release()

    def hold_turn(self) -> Config:
        """Take the turn now; the state it was taken on.  It lasts for some 15 seconds."""
        if self.turn is not None and self.ticks() < self.turn.until:
            return self.replica.config()
        self.release()
        for _ in range(8):
            master = self.master()
            answer, standing = self._take(master)
            if not isinstance(answer, NodeFailed) and answer.status == m.REFUSED:
                self.look_elsewhere(master)
            if self.master() == master:
                self._have_turn(master, answer)
            if self.master() == master and not self._commits_again(standing):
                return self.replica.config()
            self.release()
        raise Damaged("the candidates do not agree who is the master", hint="gnt-cluster verify")

    def _take_message(self, asked: tuple[int, int] | None = None) -> m.Take:
        at = self.replica.position
        return m.Take(term=at.term, base=at.base, offset=at.offset, asked=asked)

    def _take(self, master: str) -> tuple[Answer | NodeFailed, Mapping[str, Answer | NodeFailed]]:
        """Ask for the turn.  A master that was started since it gave its last one could have been
        restored, and forget turns: then the others say up to which they know of any (ADR 0127),
        and where they stand."""
        answer = self._ask_turn(master, None)
        if isinstance(answer, NodeFailed) or answer.status != m.UNASKED:
            return answer, {}
        if answer.head != self.replica.head and self._has_another_master(master):
            return answer, {}
        standing = self._standing([name for name in self.candidates() if name != master])
        return self._ask_turn(master, _highest_turn(standing)), standing

    def _commits_again(self, standing: Mapping[str, Answer | NodeFailed]) -> bool:
        """Whether others hold what a master that was started may have committed and forgotten; it
        is committed then, which takes the turn."""
        if not standing or self.turn is None:
            return False
        from gnt.config import rescue

        return rescue.commits_again(self, self.turn, standing)

    def _has_another_master(self, master: str) -> bool:
        """Whether somebody else is master by what the candidates have now, which it reads."""
        self.read()
        return self.master() != master

    def _ask_turn(self, master: str, asked: tuple[int, int] | None) -> Answer | NodeFailed:
        return self.peers.ask({master: self._take_message(asked)}, deadline=TAKE_DEADLINE)[master]

    def _standing(self, others: list[str]) -> Mapping[str, Answer | NodeFailed]:
        """Where so many stand that they are a majority with the master."""
        needed = replicate.majority(len(others) + 1) - 1
        question = dict.fromkeys(others, m.Fetch(offset=m.STANDING_ONLY))
        answers = self.peers.ask(question, enough=needed) if others else {}
        replicate.require_majority(replicate.tally(answers), self.candidates(), 1,
                                   "the master has been started, and its turn was refused")
        return answers

    def _have_turn(self, node: str, answer: Answer | NodeFailed) -> None:
        if isinstance(answer, NodeFailed):
            raise NodeFailed(node, answer.kind, answer.problem, task="config (take the turn)",
                             stderr=answer.stderr, hint="if the master is lost: gnt-cluster "
                             "master-failover; reading goes on without it") from answer
        if answer.status == m.UNASKED:
            return  # whoever needs the turn asks
        if answer.status == m.OK:
            self.turn = Turn(node, answer.turn, self.ticks() + m.LEASE - MARGIN)
        try:
            self._accept(answer, node)
        except GntError:
            self.release()
            raise

    def release(self) -> None:
        """Give the turn back, if there is one."""
        if self.turn is not None:
            self.peers.post({self.turn.node: m.Release()})
            self.turn = None

    # committing

    def commit(self, make: Callable[[Config], Change], *, attempts: int = 8) -> Config:
        """Commit what ``make`` returns for the current state; called again if it moved.

        Raises NoMajority, Fenced, NotAuthorised; NodeFailed with kind ``lost`` when it is not known
        whether the change was committed.
        """
        outcome = self.commit_all((make,), attempts=attempts)[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def commit_all(
        self, makes: Sequence[Callable[[Config], Change]], *, attempts: int = 8,
    ) -> list[Config | Exception]:
        """Commit several changes in one turn, a record each: what became of each of them."""
        from gnt.config.commit import commit_all

        return commit_all(self, makes, attempts=attempts)

    def holds(self, entry: Entry) -> bool:
        """Whether a record is in the history, also when a new base was made after it."""
        at = self.replica.position
        if entry.hash == at.head or self.replica.holds(entry):
            return True
        if entry.serial > at.serial or entry.serial > at.base:
            return False
        from gnt.config.ledger import Ledger

        return Ledger(lambda: self).keeps(entry)

    def note(self, txn: Txn, entry: Entry) -> None:
        """Remember the record by which a job is ours: that of its begin, or of taking it over.

        How far it has come is of no matter: all connections of a driver show the same record.
        """
        states = {put.value.get("state") for put in txn.put if put.path == f"jobs/{txn.job}"}
        term, _ = self._records.get(txn.job, (-1, None))
        if txn.result:
            self._records.pop(txn.job, None)
        elif states and (term != txn.term or not states & {"settling", "undoing"}):
            self._records[txn.job] = txn.term, entry

    def record_of(self, job: str) -> tuple[bytes, bytes]:
        """The record by which a pending job is ours, and its armored signature."""
        from gnt.config.signature import armored

        if job not in self._records:
            raise Conflict(f"the record of job {job} was not made by this command",
                           hint=f"gnt-job resume {job}")
        _, entry = self._records[job]
        return entry.body, armored(entry.signature).encode()

    def create(self, data: Mapping[str, Mapping[str, Any]], node: str) -> Config:
        """The first base of a new cluster, on its first node; ``data`` is {section: {key: object}}.

        Raises Conflict when the node holds a configuration already.
        """
        from gnt.config import compaction

        head, base = compaction.first(data, self.author)
        answer = self.peers.ask({node: m.Fetch()})[node]
        if not isinstance(answer, NodeFailed) and answer.head.serial:
            raise Conflict(f"{node} holds the configuration of a cluster already",
                           hint="gnt-cluster destroy, on that cluster")
        message = m.Install(term=head.term, turn=0, head=head, start=head.hash, base=base)
        done = self.peers.ask({node: message}, deadline=60.0)[node]
        if isinstance(done, NodeFailed):
            raise done
        if done.status != m.OK:
            raise replicate.refusal(done, node)
        self._opened = True
        self.replica.rebase(base, "the first base")
        return self.replica.config()

    def redistribute(self, *, whole: bool = False) -> dict[str, str]:
        """Bring every candidate up to date: {name: why not, or empty}.

        ``whole``: they get everything anew, also what they should have, for disks forget.
        """
        self.hold_turn()
        turn = self.turn
        assert turn is not None
        others = [name for name in self.candidates() if name != turn.node]
        replication = Replication(self.peers, self.replica, turn.order)
        try:
            answers = (self.peers.ask(dict.fromkeys(others, replication.install()), deadline=120.0)
                       if whole else replication.catch_up(others))
            done = replicate.tally(answers)
            replication.learn(done.have, self.replica.head)
        finally:
            self.release()
        return {turn.node: "", **dict.fromkeys(done.have, ""), **done.lack}

    def history(self, *, newest: int | None = None) -> Iterable[Mapping[str, Any]]:
        """Past transactions, newest first, as plain data; older ones are fetched when needed."""
        from gnt.config.ledger import Ledger

        return Ledger(lambda: self).recent(newest)


def _highest_turn(standing: Mapping[str, Answer | NodeFailed]) -> tuple[int, int]:
    """The highest term and turn that any of them has seen."""
    return max((a.seen for a in standing.values()
                if not isinstance(a, NodeFailed) and a.status == m.OK), default=(0, 0))
