"""Broken variants of the product, made by subclassing its parts: the checker must notice each."""

from __future__ import annotations

from gnt.config import message as m
from gnt.config.candidate import LocalCandidate
from gnt.config.store import SignedStore
from gnt.errors import NodeFailed
from tests.simulation.filesystem import SimulatedDisk
from tests.simulation.network import SimulatedPeers
from tests.simulation.nodes import Node
from tests.simulation.operations import effects
from tests.simulation.transport import SimulatedTransport
from tests.simulation.world import Parts


class NoMajority(Parts):
    """A commit does not wait for anybody but the master."""

    class Peers(SimulatedPeers):
        def ask(self, messages, deadline=15.0, enough=None):
            answers = super().ask(messages, deadline, enough)
            return {name: m.Answer(status=m.OK) if type(messages[name]) is m.Append
                    and isinstance(answer, NodeFailed) else answer
                    for name, answer in answers.items()}

    peers = Peers


class NoSync(Parts):
    """A candidate answers before its disk has what it says it has."""

    class Disk(SimulatedDisk):
        def fsync(self, descriptor):
            return

    node = {"disk": Disk}  # noqa: RUF012 - never changed


class NoDirectorySync(Parts):
    """A renamed file may have its old name again after a crash."""

    class Disk(SimulatedDisk):
        def sync_directory(self, directory=""):
            return

    node = {"disk": Disk}  # noqa: RUF012 - never changed


class HeadFirst(Parts):
    """The master moves its head before it appends the record."""

    class Candidate(LocalCandidate):
        def _add(self, message):
            if isinstance(message, m.Commit):
                self._put_head(m.Head(term=message.term, serial=message.serial,
                                      hash=message.hash, base=message.after.base))
                self.disk.append(f"journal-{message.after.base}.toml",
                                 self.disk.size(f"journal-{message.after.base}.toml"),
                                 message.records)
            else:
                super()._add(message)

    node = {"candidate": Candidate}  # noqa: RUF012 - never changed


class CommittedOnly(Parts):
    """A failover believes what candidates know as committed, and drops what was only appended."""

    class Peers(SimulatedPeers):
        def ask(self, messages, deadline=15.0, enough=None):
            answers = super().ask(messages, deadline, enough)
            return {name: self._shorter(answer) if type(messages[name]) is m.Fence
                    and isinstance(answer, m.Answer) else answer
                    for name, answer in answers.items()}

        def _shorter(self, answer):
            mark = f'prev = "{answer.head.hash}"'.encode()
            parts = []
            for part in answer.parts:
                at = part.data.find(mark)
                end = part.data.rfind(b"[txn.", 0, at) if at >= 0 else len(part.data)
                parts.append(part.replace(data=part.data[:end]))
            return answer.replace(parts=tuple(parts))

    peers = Peers


class TermNotRaised(Parts):
    """A candidate says that it will refuse older terms, and does not remember."""

    class Candidate(LocalCandidate):
        def _raise_term(self, term, highest):
            self._load()
            self.fence = term

    node = {"candidate": Candidate}  # noqa: RUF012 - never changed


class TurnNotRaised(Parts):
    """Turns are not counted on the disk: two drivers can have the same."""

    class Disk(SimulatedDisk):
        def replace(self, name, data):
            if name != "turn":
                super().replace(name, data)

    node = {"disk": Disk}  # noqa: RUF012 - never changed


class NoLock(Parts):
    """The turn does not keep others out."""

    class Disk(SimulatedDisk):
        def _locked(self, path, wait):
            self.files.next += 1
            return self.files.next

    node = {"disk": Disk}  # noqa: RUF012 - never changed


class TasksOfAnyTerm(Parts):
    """Nodes perform tasks of an older master."""

    class Machine(Node):
        def admit(self, term):
            self.events.append(("task", term, m.OK))
            return True

    machine = Machine


class FenceNotAwaited(Parts):
    """Whoever recovers a job does not wait for commands of the driver that died."""

    class Transport(SimulatedTransport):
        def wait_fence(self, nodes, fence, deadline):
            return dict.fromkeys(nodes)

    transport = Transport


class NothingUndone(Parts):
    """A failed job leaves what it made."""

    @staticmethod
    def effects(node, call):
        if call.task.endswith(".unmake"):
            return ""
        return effects(node, call)


class Forgetful(Parts):
    """When the answer to a commit is lost, it is made again without a look."""

    class Store(SignedStore):
        def holds(self, entry):
            return False

    store = Store


ALL = (NoMajority, NoSync, NoDirectorySync, HeadFirst, CommittedOnly, TermNotRaised, TurnNotRaised,
       NoLock, TasksOfAnyTerm, FenceNotAwaited, NothingUndone, Forgetful)
