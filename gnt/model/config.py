"""One committed state of the cluster, with typed look-ups.

A :class:`Config` is backed by a :class:`State`: dictionaries when everything was loaded, SQLite
when one command needs three objects of forty thousand.  Nothing here knows which.
"""

from __future__ import annotations

from gnt.errors import Ambiguous, Conflict, Damaged, NotFound
from gnt.model.codec import from_data
from gnt.model.objects import (
    KINDS,
    Cluster,
    Disk,
    Group,
    Instance,
    Job,
    Network,
    Node,
    Signer,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Protocol, TypeVar

    from gnt.record import Record

    T = TypeVar("T", bound=Record)

    class State(Protocol):
        """Where the objects are."""

        @property
        def term(self) -> int: ...
        @property
        def serial(self) -> int: ...
        @property
        def head(self) -> str: ...

        def load(self, kind: str, key: str) -> Mapping[str, Any] | None:
            """One object's data."""

        def keys(self, kind: str) -> Iterable[str]:
            """The keys of all objects of a kind, in order of creation."""

        def find(self, index: str, value: str) -> tuple[str, ...]:
            """The keys of the objects with this value in an index of ``INDEXES``."""


INDEXES: Mapping[str, tuple[str, str]] = {
    # index: (kind, field).  "nics.mac" looks into the instance's NICs.
    "group.name": ("groups", "name"),
    "node.name": ("nodes", "name"),
    "node.primary_ip": ("nodes", "primary_ip"),
    "node.group": ("nodes", "group"),
    "node.master_candidate": ("nodes", "master_candidate"),
    "instance.name": ("instances", "name"),
    "instance.primary_node": ("instances", "primary_node"),
    "network.name": ("networks", "name"),
    "disk.instance": ("disks", "instance"),
    "disk.node": ("disks", "nodes"),
    "disk.word": ("disks", "logical_id"),  # volumes, paths, ports … of disks
    "nic.mac": ("instances", "nics.mac"),
    "nic.ip": ("instances", "nics.ip"),
    "port": ("instances", "network_port"),
}
NOUNS = {"groups": "group", "nodes": "node", "instances": "instance", "networks": "network"}


def index_values(index: str, data: Mapping[str, Any]) -> Iterator[str]:
    """What ``index`` says of one object's data."""
    value: Any = data
    for part in INDEXES[index][1].split("."):
        if isinstance(value, list):
            value = [item[part] for item in value if part in item]
        else:
            value = value.get(part)
            if value is None:
                return
    for item in value if isinstance(value, list) else [value]:
        yield str(item)


class Config:
    """A frozen snapshot of the cluster's state of intent."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._made: dict[tuple[str, str], Any] = {}

    @property
    def term(self) -> int:
        return self.state.term

    @property
    def serial(self) -> int:
        return self.state.serial

    @property
    def head(self) -> str:
        return self.state.head

    def get(self, kind: type[T], key: str) -> T | None:
        """The object of this kind and key, or None."""
        section = SECTIONS[kind]
        made = self._made.get((section, key))
        if made is None:
            data = self.state.load(section, key)
            if data is None:
                return None
            made = self._made[section, key] = from_data(kind, data, f"{section}.{key}")
        found: T = made
        return found

    def one(self, kind: type[T], key: str) -> T:
        """The object of this kind and key; its absence is damage."""
        found = self.get(kind, key)
        if found is None:
            raise Damaged(
                f"{SECTIONS[kind]}.{key} is referred to but does not exist",
                hint="gnt-cluster verify",
            )
        return found

    def all(self, kind: type[T]) -> list[T]:
        """Every object of a kind."""
        return [self.one(kind, key) for key in self.state.keys(SECTIONS[kind])]

    def found(self, kind: type[T], index: str, value: str) -> list[T]:
        """The objects with this value in an index."""
        return [self.one(kind, key) for key in self.state.find(index, value)]

    @property
    def cluster(self) -> Cluster:
        return self.one(Cluster, "cluster")

    @property
    def master(self) -> Node:
        return self.one(Node, self.cluster.master_node)

    @property
    def nodes(self) -> list[Node]:
        return self.all(Node)

    @property
    def instances(self) -> list[Instance]:
        return self.all(Instance)

    @property
    def groups(self) -> list[Group]:
        return self.all(Group)

    @property
    def networks(self) -> list[Network]:
        return self.all(Network)

    @property
    def jobs(self) -> list[Job]:
        return self.all(Job)

    @property
    def signers(self) -> list[Signer]:
        return self.all(Signer)

    @property
    def candidates(self) -> list[Node]:
        """The nodes that hold the configuration."""
        return self.found(Node, "node.master_candidate", "True")

    def online(self) -> list[Node]:
        return [node for node in self.nodes if not node.offline]

    def node(self, name: str) -> Node:
        """By name, unambiguous short name, or uuid."""
        return self._named(Node, name)

    def instance(self, name: str) -> Instance:
        return self._named(Instance, name)

    def group(self, name: str) -> Group:
        return self._named(Group, name)

    def network(self, name: str) -> Network:
        return self._named(Network, name)

    def disks(self, instance: Instance) -> list[Disk]:
        """An instance's disks, in order."""
        return [self.one(Disk, key) for key in instance.disks]

    def instances_on(self, node: Node) -> list[Instance]:
        """The instances whose primary node this is."""
        return self.found(Instance, "instance.primary_node", node.uuid)

    def plus(self, *things: Record) -> Config:
        """The same with some objects as they will be: for the next step of one request."""
        return Config(_Above(self.state, things))

    def require_new(self, kind: type[Record], name: str) -> None:
        """Raise Conflict when the name is taken."""
        noun = NOUNS[SECTIONS[kind]]
        if self.state.find(f"{noun}.name", name):
            raise Conflict(f"{noun} {name} already exists", hint=f"gnt-{noun} info {name}")

    def _named(self, kind: type[T], name: str) -> T:
        """Exact name, else uuid, else the only name that begins with ``name.``."""
        noun = NOUNS[SECTIONS[kind]]
        keys = self.state.find(f"{noun}.name", name)
        if keys:
            return self.one(kind, keys[0])
        found = self.get(kind, name)
        if found is not None:
            return found
        names = {str(getattr(thing, "name")): thing for thing in self.all(kind)}  # noqa: B009 - T has no name
        matches = [full for full in names if full.startswith(name + ".")]
        if len(matches) > 1:
            raise Ambiguous(
                f"{noun} {name} may be {', '.join(sorted(matches))}", hint="give the full name"
            )
        if not matches:
            raise NotFound(f"there is no {noun} {name}", hint=_closest(noun, name, names))
        return names[matches[0]]


class _Above:
    """A :class:`State` with objects laid over it."""

    def __init__(self, below: State, things: Iterable[Record]) -> None:
        from gnt.model.codec import to_data

        self.below = below
        self.term, self.serial, self.head = below.term, below.serial, below.head
        self.over: dict[str, dict[str, Mapping[str, Any]]] = {}
        for thing in things:
            key = "cluster" if isinstance(thing, Cluster) else str(getattr(thing, "uuid"))  # noqa: B009 - Record has no uuid
            self.over.setdefault(SECTIONS[type(thing)], {})[key] = to_data(thing)

    def load(self, kind: str, key: str) -> Mapping[str, Any] | None:
        return self.over.get(kind, {}).get(key) or self.below.load(kind, key)

    def keys(self, kind: str) -> Iterable[str]:
        return dict.fromkeys((*self.below.keys(kind), *self.over.get(kind, {})))

    def find(self, index: str, value: str) -> tuple[str, ...]:
        over = self.over.get(INDEXES[index][0], {})
        kept = [key for key in self.below.find(index, value) if key not in over]
        return (*kept, *(key for key, data in over.items() if value in index_values(index, data)))


def _closest(noun: str, name: str, names: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(names), 1)
    return f"did you mean {close[0]}?" if close else f"gnt-{noun} list shows all"


SECTIONS: Mapping[type[Record], str] = {kind: section for section, kind in KINDS.items()}


class MemoryState:
    """A :class:`State` of plain dictionaries: ``{section: {key: data}}``."""

    def __init__(
        self, data: Mapping[str, Mapping[str, Any]], term: int, serial: int, head: str
    ) -> None:
        self.data = data
        self.term, self.serial, self.head = term, serial, head
        self._indexes: dict[str, dict[str, list[str]]] = {}

    def load(self, kind: str, key: str) -> Mapping[str, Any] | None:
        return self.data.get(kind, {}).get(key)

    def keys(self, kind: str) -> Iterable[str]:
        return self.data.get(kind, {}).keys()

    def find(self, index: str, value: str) -> tuple[str, ...]:
        if index not in self._indexes:
            built = self._indexes[index] = {}
            for key, data in self.data.get(INDEXES[index][0], {}).items():
                for item in index_values(index, data):
                    built.setdefault(item, []).append(key)
        return tuple(self._indexes[index].get(value, ()))
