"""Clusters of candidates on this machine, and drivers that commit to them."""

import itertools

from chains import KEY, first_data
from shells import Shells

from gnt.config.candidate import LocalCandidate
from gnt.config.disk import CacheDisk
from gnt.config.memory_state import FollowingState
from gnt.config.message import Release
from gnt.config.record import Author
from gnt.config.remote import Dialect, RemotePeers
from gnt.config.replica import Replica
from gnt.config.store import SignedStore
from gnt.config.trust import Pin
from gnt.engine.ports import Change
from gnt.errors import NodeFailed
from gnt.plan import Edit


class LocalPeers(RemotePeers):
    """Candidates in this process; ``cut`` do not answer, ``deaf`` do as told but their answer is
    lost, ``asked`` counts round trips."""

    def __init__(self, candidates):
        super().__init__(None, local=candidates)
        self.cut, self.deaf = set(), set()
        self.asked = 0
        self.before = lambda name, message: None  # a test's hook, to act in between

    def ask(self, messages, deadline=15.0, enough=None):
        self.asked += 1
        answers = {}
        for name, message in messages.items():
            self.before(name, message)
            if name in self.cut:
                answers[name] = NodeFailed(name, "unreachable", "no route to host")
                continue
            answers[name] = super().ask({name: message})[name]
            if name in self.deaf:
                answers[name] = NodeFailed(name, "lost", "the connection broke")
        return answers

    def die(self):
        """The driver's process ends: what it had locked is free."""
        for candidate in self._local.values():
            candidate.answer(Release())

    def post(self, messages):
        super().post({n: x for n, x in messages.items() if n not in self.cut})


class Cluster:
    """``kind``: local (Python candidates) or remote (shells)."""

    def __init__(self, path, names=("n1", "n2", "n3"), kind="local", disk=CacheDisk, lease=20):
        self.path, self.names, self.kind, self.lease = path, names, kind, lease
        self.disks = {name: disk(str(path / name / "gnt" / "config")) for name in names}
        self.numbers = itertools.count()
        self.shells = []

    def peers(self):
        if self.kind == "local":
            return LocalPeers({name: LocalCandidate(disk, self.lease)
                               for name, disk in self.disks.items()})
        scratch = self.path / f"scratch{next(self.numbers)}"
        scratch.mkdir()
        shells = Shells(str(scratch))
        self.shells.append(shells)
        return NodePeers(shells, {n: d.directory for n, d in self.disks.items()})

    def driver(self, key=KEY, pin=None, replica=None, state=None, peers=None, hints=None,
               who="root@t"):
        directory = replica or self.path / f"replica{next(self.numbers)}"
        directory.mkdir(exist_ok=True)
        copy = Replica(CacheDisk(str(directory)), state or FollowingState(),
                       pin or Pin(signers=(KEY.public,)))
        return SignedStore(peers or self.peers(), copy, Author(who, lambda: key, lambda: 1000.0),
                           hints=hints or self.names)

    def create(self, data=None, **more):
        store = self.driver(**more)
        store.create(data or first_data(nodes=self.names), self.names[0])
        store.redistribute()
        return store

    def head(self, name):
        return (self.disks[name].read("head") or b"").decode().strip()

    def heads(self):
        return {self.head(name) for name in self.names}

    def close(self):
        for shells in self.shells:
            shells.close()


class NodePeers(RemotePeers):
    """Shells on one machine: every node has a directory of its own."""

    def __init__(self, shells, directories):
        super().__init__(shells)
        self.shells = shells
        self._dialects = {name: Dialect(directory) for name, directory in directories.items()}

    def _dialect(self, node):
        return self._dialects[node]


def change(*paths, drop=(), reason=""):
    """Put small objects at these paths."""
    edits = [Edit(path=path, value=_thing(path)) for path in paths]
    edits += [Edit(path=path) for path in drop]
    return Change(edits=tuple(edits), operation="node modify", reason=reason)


def _thing(path):
    section, _, key = path.partition("/")
    needed = {"instances": {"primary_node": "uuid-n1"},
              "nodes": {"primary_ip": "192.0.2.9", "secondary_ip": "192.0.2.9", "group": "g1"}}
    return {"uuid": key, "name": f"name-of-{key}", **needed.get(section, {})}
