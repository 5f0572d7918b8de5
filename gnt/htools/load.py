"""A world from where the options say, prepared as the options say."""

from __future__ import annotations

from gnt.htools.monitored import Monitoring
from gnt.htools.names import find, find_all
from gnt.htools.parts import read_text
from gnt.htools.world import BASE_LOAD, NO_LOAD, BadData, World
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Load = tuple[float, float, float, float]


NAMES = {"text": "--text-data", "rapi": "--master", "ialloc": "--ialloc-src",
         "simulate": "--simulate", "live": "--luxi"}


class Source(Record):
    """Where cluster data comes from; at most one is given."""

    text: str = ""
    rapi: str = ""
    ialloc: str = ""
    simulate: tuple[str, ...] = ()
    live: Callable[[], World] | None = None  # the cluster this program belongs to


class Wishes(Record):
    """What options change about the data."""

    offline: tuple[str, ...] = ()
    max_cpu: float | None = None
    min_disk: float | None = None
    node_memory: int = 0  # of nodes that run KVM, for themselves, in MiB; 0: as they say
    dynu: str = ""
    ignore_dynu: bool = False
    exclusion: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    monitoring: Monitoring = Monitoring()


def read(source: Source) -> World:
    """The data as it is."""
    given = [NAMES[name] for name, value in source.items() if value]
    if len(given) > 1 and given != [NAMES["ialloc"], NAMES["simulate"]]:
        raise BadData(f"only one source of data can be used; given: {', '.join(given)}")
    if source.text:
        from gnt.htools import text

        return text.load(source.text)
    if source.rapi:
        from gnt.htools import rapi

        return rapi.load(source.rapi)
    if source.simulate:
        from gnt.htools import simulate

        return simulate.build(source.simulate)
    if source.ialloc:
        from gnt.htools import iallocator

        return iallocator.load(source.ialloc).world
    if source.live is None:
        raise BadData("no source of cluster data is given", hint="-t FILE, or -L for this cluster")
    return source.live()


def own_memory(world: World, mib: int) -> World:
    """Nodes running KVM with a fixed amount of memory for themselves; 0 changes nothing."""
    if not mib or not any(n.hypervisor == "kvm" for n in world.nodes):
        return world
    return world.replace(nodes=tuple(
        n.replace(n_mem=mib) if n.hypervisor == "kvm" else n for n in world.nodes))


def parse_loads(path: str) -> dict[str, Load]:
    """``name cpu memory disk network`` per line."""
    loads: dict[str, Load] = {}
    lines = read_text(path).split("\n")
    for number, line in enumerate(lines, 1):
        words = line.split(" ")
        if line == "":
            continue
        try:
            name, cpu, mem, dsk, net = words
            values = (float(cpu), float(mem), float(dsk), float(net))
        except ValueError:
            raise BadData(f"{path}:{number}: cannot parse {line!r} (a name and four numbers, "
                          "one blank between)") from None
        if not all(abs(v) < 1e300 for v in values):
            raise BadData(f"{path}:{number}: {line!r} has no number, or one too large")
        loads[name] = values
    return loads


def with_loads(world: World, loads: dict[str, Load], default: Load = BASE_LOAD) -> World:
    """The world with dynamic loads; names that are not there are skipped."""
    return world.replace(instances=tuple(
        i.replace(load=loads.get(i.name, default)) if loads.get(i.name, default) != i.load else i
        for i in world.instances
    ))


def prepare(world: World, wishes: Wishes) -> World:
    """The data changed as wished."""
    world = own_memory(world, wishes.node_memory)
    if wishes.ignore_dynu:
        world = with_loads(world, {}, NO_LOAD)
    elif wishes.dynu:
        world = with_loads(world, parse_loads(wishes.dynu))
    if wishes.monitoring.wanted and not wishes.ignore_dynu:
        from gnt.htools import monitored

        world = monitored.apply(world, wishes.monitoring)
    if wishes.exclusion:
        world = world.replace(exclusion=(*world.exclusion, *(t + ":" for t in wishes.exclusion)))
    if wishes.select or wishes.exclude:
        world = restrict(world, wishes.select, wishes.exclude)
    return limit_nodes(world, wishes)


def limit_nodes(world: World, wishes: Wishes) -> World:
    names = [n.name for n in world.nodes]
    try:
        off = set(find_all(wishes.offline, names, "node"))
    except BadData:
        unknown = [w for w in wishes.offline if not _known(w, names)]
        raise BadData(f"wrong node name(s) set as offline: {', '.join(unknown)}") from None
    if not off and wishes.max_cpu is None and wishes.min_disk is None:
        return world
    changes: dict[str, object] = {}
    if wishes.max_cpu is not None:
        changes["vcpu_ratio"] = wishes.max_cpu
    if wishes.min_disk is not None:
        changes["min_disk"] = wishes.min_disk
    return world.replace(nodes=tuple(
        n.replace(**changes, offline=n.offline or k in off, set_off=k in off and not n.offline)
        for k, n in enumerate(world.nodes)
    ))


def as_read(world: World) -> World:
    """The world as it was before nodes were set offline by options."""
    return world.replace(nodes=tuple(
        n.replace(offline=False, set_off=False) if n.set_off else n for n in world.nodes))


def _known(word: str, names: list[str]) -> bool:
    try:
        find(word, names, "node")
    except BadData:
        return False
    return True


def restrict(world: World, select: Iterable[str], exclude: Iterable[str]) -> World:
    """Only selected instances move, excluded ones never."""
    names = [i.name for i in world.instances]
    chosen = list(select)
    found = find_all([*chosen, *exclude], names, "instance")
    wanted, out = set(found[: len(chosen)]), set(found[len(chosen):])
    return world.replace(instances=tuple(
        i.replace(movable=False) if k in out or (wanted and k not in wanted) else i
        for k, i in enumerate(world.instances)
    ))


def missing(world: World) -> list[str]:
    """Lines about nodes where memory or disk is used by nobody known, the last node first."""
    mem = [0] * len(world.nodes)
    dsk = [0] * len(world.nodes)
    for i in world.instances:
        if i.forthcoming:
            continue
        if i.uses_memory:
            mem[i.pri] += i.mem
        dsk[i.pri] += i.dsk
        if i.sec >= 0:
            dsk[i.sec] += i.dsk
    lines = []
    for k, n in enumerate(world.nodes):
        lost = int(n.t_mem) - n.n_mem - n.f_mem - mem[k]
        space = int(n.t_dsk) - n.f_dsk - dsk[k]
        if lost > 512 or space > 1024:
            lines.append(f"node {n.name} is missing {lost} MB ram and {space // 1024} GB disk")
    return lines[::-1]
