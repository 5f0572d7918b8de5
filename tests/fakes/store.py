"""An in-memory, linearizable Store that can be told to fail."""

from __future__ import annotations

import copy
import threading

from gnt.engine.ports import Change
from gnt.errors import Stale
from gnt.model.codec import from_data
from gnt.model.config import Config, MemoryState
from gnt.model.objects import KINDS


class Disk:
    """The committed states, shared by every driver's store."""

    def __init__(self, data):
        self.data = copy.deepcopy(data)
        self.serial = 1
        self.transactions = []
        self.lock = threading.RLock()

    def config(self):
        with self.lock:
            return Config(MemoryState(self.copied(), 1, self.serial, f"h{self.serial}"))

    def copied(self):
        """The sections; what is in them is replaced, never changed."""
        return {kind: dict(things) for kind, things in self.data.items()}


class FakeStore:
    """One driver's access to a :class:`Disk`.

    ``before`` and ``after`` are called around the moment of commit with the change; what they
    raise stands for a refused commit, or for a crash that the commit survived.
    """

    def __init__(self, disk, *, before=None, after=None, author="tester", trips=None):
        self.disk, self.author = disk, author
        self.before = before or (lambda change: None)
        self.after = after or (lambda change: None)
        self.trips = trips
        self.turn = False
        self.commits = 0

    def read(self):
        self._trip("read")
        return self.disk.config()

    def take_turn(self):
        self.turn = True

    def give_turn(self):
        self.turn = False

    def commit(self, make, *, attempts=8):
        if not self.turn:
            self._trip("turn")
        self.turn = False
        for _ in range(attempts):
            try:
                with self.disk.lock:
                    cfg = self.disk.config()
                    change = make(cfg)
                    self.before(change)
                    self._apply(change)
            except Stale:
                continue
            self._trip("append")
            self._trip("head")
            self.after(change)
            return self.disk.config()
        raise Stale("the configuration keeps moving")

    def history(self, *, newest=None):
        done = list(reversed(self.disk.transactions))
        return done[:newest] if newest else done

    def _apply(self, change):
        assert isinstance(change, Change)
        serial = self.disk.serial + 1
        for edit in change.edits:
            kind, _, key = edit.path.partition("/")
            if edit.path == "jobs/@":
                key = str(serial)
                assert edit.value["id"] == key, "the id of a job is the serial that began it"
            section = self.disk.data.setdefault(kind, {})
            if edit.value is None:
                section.pop(key, None)
            else:
                from_data(KINDS[kind], edit.value, f"{kind}.{key}")
                section[key] = _toml(edit.value, edit.path)
        self.disk.serial = serial
        self.disk.transactions.append({
            "serial": serial, "time": float(serial), "who": self.author,
            "operation": change.operation, "job": change.job,
            "reason": change.reason, "result": change.result, "note": change.note,
            "put": [{"path": edit.path.replace("/@", f"/{serial}"), "value": edit.value}
                    for edit in change.edits if edit.value is not None],
        })
        self.commits += 1

    def _trip(self, what):
        if self.trips is not None:
            self.trips.append(what)


def _toml(value, path):
    """A copy of what TOML can hold; anything else is a mistake of whoever made the edit."""
    if isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, dict):
        return {_key(k, path): _toml(v, f"{path}.{k}") for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_toml(v, path) for v in value]
    raise TypeError(f"{path}: TOML has no {value!r}")


def _key(key, path):
    if not isinstance(key, str):
        raise TypeError(f"{path}: {key!r} is no key")
    return key
