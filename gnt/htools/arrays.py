"""From a world to the flat arrays of the kernels: tags become numbers here."""

from __future__ import annotations

from gnt.htools.world import (
    LOCAL,
    MADE_ANEW,
    MIRROR,
    MOST_NODES,
    MOVABLE,
    BadData,
    Instance,
    Node,
    Outside,
    World,
    is_split,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gnt.htools_ext.state import State

EXCLUSION, LOCATION, DESIRED = "htools:iextags:", "htools:nlocation:", "htools:desiredlocation:"
MIGRATION, ALLOW = "htools:migration:", "htools:allowmigration:"
STANDBY = "htools:standby:"
MOST_MEMORY = 2**31 - 1  # MiB of all instances together, which reservations are counted in


def suffixes(tags: Iterable[str], prefix: str) -> list[str]:
    """What follows the prefix, of the tags that have it and more."""
    return [t[len(prefix):] for t in tags if t.startswith(prefix) and len(t) > len(prefix)]


def exclusion_tags(world: World, inst: Instance) -> list[str]:
    """The tags of an instance that no other primary on its node should have."""
    prefixes = (*world.exclusion, *suffixes(world.tags, EXCLUSION))
    return [t for t in inst.tags if t.startswith(prefixes)] if prefixes else []


def node_tags(world: World, node: Node, kind: str) -> set[str]:
    """The tags of a node that a cluster tag of this kind gives a meaning."""
    prefixes = tuple(s + ":" for s in suffixes(world.tags, kind))
    return {t for t in node.tags if t.startswith(prefixes)} if prefixes else set()


def accepted(world: World, own: set[str]) -> set[str]:
    """The migration tags a node with these takes instances from."""
    allowed = set(own)
    for pair in suffixes(world.tags, ALLOW):
        source, colons, target = pair.partition("::")
        if colons and "::" not in target and target in own:
            allowed.add(source)
    return allowed


def migrations(world: World) -> bytes:
    """One byte per pair of nodes: may instances migrate; empty when there are no restrictions."""
    if not suffixes(world.tags, MIGRATION):
        return b""
    own = [node_tags(world, n, MIGRATION) for n in world.nodes]
    takes = [accepted(world, tags) for tags in own]
    return bytes(source <= target for source in own for target in takes)


class Numbers:
    """Consecutive numbers for texts."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.of.setdefault(text, len(self.of))


def node_row(world: World, n: Node) -> tuple[object, ...]:
    policy = world.policy_of(n)
    ratio = policy.vcpu_ratio if n.vcpu_ratio is None else n.vcpu_ratio
    return (
        n.t_mem, n.n_mem, n.f_mem, n.t_dsk, n.f_dsk, n.t_cpu, n.n_cpu, n.cpu_speed, n.offline,
        n.spindles, n.free_spindles, n.exclusive_storage, n.group, ratio, policy.spindle_ratio,
        n.min_disk, n.cpu_load, outside_row(n.outside),
    )


def outside_row(o: Outside | None) -> tuple[float, ...] | None:
    if o is None:
        return None
    reserved = [mib for _, mib in o.peers]
    return (len(o.instances), o.load, o.spindle_use, o.coming_dsk, o.coming_use, o.coming_spindles,
            max(reserved, default=0), sum(reserved))


def instance_row(
    inst: Instance, split: bool, excl: Sequence[int], wanted: Sequence[int], wants: int,
    shared: int,
) -> tuple[object, ...]:
    spindles = inst.spindles
    return (
        inst.mem, inst.dsk, inst.vcpus, inst.spindle_use, -1 if spindles is None else spindles,
        inst.uses_memory, not inst.offline, inst.auto_balance, inst.template in LOCAL,
        MIRROR[inst.template], inst.forthcoming,
        inst.movable and inst.template in MOVABLE and not split, inst.pri, inst.sec, *inst.load,
        tuple(excl), tuple(wanted), wants, shared,
        inst.template in MADE_ANEW,
    )


class Rows:
    """Turns the instances of one world into rows, with one numbering of tags and locations."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tag, self.place = Numbers(), Numbers()
        self.members = [
            sorted(self.place(t) for t in sorted(node_tags(world, n, LOCATION)))
            for n in world.nodes
        ]
        self.prefixes = (*world.exclusion, *suffixes(world.tags, EXCLUSION))
        self.desired = tuple(suffixes(world.tags, DESIRED))
        self.places = max(len(self.place.of), bool(self.desired))

    def row(self, inst: Instance) -> tuple[object, ...]:
        excl = [self.tag(t) for t in inst.tags if self.prefixes and t.startswith(self.prefixes)]
        wanted: set[str] = set()
        if self.desired:
            wanted = {t for t in inst.tags if t.startswith(self.desired)}
        known = sorted(self.place.of[t] for t in wanted if t in self.place.of)
        return instance_row(inst, is_split(self.world, inst), excl, known, len(wanted),
                            self.shared(inst) if inst.far else 0)

    def shared(self, inst: Instance) -> int:
        """How many locations the primary shares with a secondary that is cut off."""
        home = self.world.nodes[inst.pri]
        return len(node_tags(self.world, home, LOCATION)
                   & node_tags(self.world, home.replace(tags=inst.far), LOCATION))


def limited(instances: Iterable[Instance]) -> None:
    """Refuse more memory than can be counted."""
    total = 0
    for i in instances:
        total += abs(i.mem)
        if total > MOST_MEMORY:
            raise BadData(f"instance {i.name}: its memory, {i.mem} MiB, brings all instances' "
                          f"above {MOST_MEMORY} MiB", hint="correct the cluster data")


def state(world: World) -> State:
    """The world in arrays, ready for moves."""
    from gnt.htools_ext.state import State

    limited(world.instances)
    if len(world.nodes) > MOST_NODES:
        raise BadData(f"{len(world.nodes)} nodes are more than the {MOST_NODES} that can be "
                      "computed with")
    rows = Rows(world)
    instances = [rows.row(i) for i in world.instances]
    try:
        return State(
            [node_row(world, n) for n in world.nodes], instances, len(rows.tag.of), rows.members,
            migrations(world), rows.places,
        )
    except OverflowError as error:
        raise BadData(f"the cluster's tables do not fit: {error}") from None


def followed(world: World, state: State) -> World:
    """The world with its nodes as the state has them: what is free of their disks, who is off."""
    figures = [state.node(k) for k in range(len(world.nodes))]
    return world.replace(nodes=tuple(
        n.replace(f_dsk=int(f["f_dsk"]), offline=bool(f["offline"]), free_spindles=int(
            f["f_spn"]) if n.exclusive_storage else n.free_spindles)
        for n, f in zip(world.nodes, figures, strict=True)))


def hosted(world: World, state: State, nodes: Iterable[int]) -> list[int]:
    """The instances on any of the nodes, as primary or secondary; not what is forthcoming."""
    wanted = set(nodes)
    return [k for k, i in enumerate(world.instances)
            if not i.forthcoming and wanted & set(state.place_of(k))]
