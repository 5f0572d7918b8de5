"""Which nodes can be rebooted together: colouring the graph of nodes that depend on each other.

Primary and secondary of an instance never go together; unless instances are off during the work,
neither do two primaries that share a secondary.  Each colour is split further so that instances
without a secondary find room elsewhere.
"""

from __future__ import annotations

from gnt.errors import GntError
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gnt.htools.world import Instance, World
    from gnt.htools_ext.state import State

    Graph = dict[int, list[int]]  # neighbours, repeated as often as there are edges

TRIES = 20_000  # changes of colour; some milliseconds


class Group(Record):
    """Nodes that go together, and where instances are while they are away."""

    nodes: tuple[int, ...]
    places: tuple[tuple[int, int], ...]


def graph(world: World, nodes: Sequence[int], offline_work: bool) -> Graph:
    """``nodes`` are those to reboot; the numbers between them are there, too, without edges."""
    chosen = set(nodes)
    found: Graph = {k: [] for k in range(min(chosen), max(chosen) + 1)} if chosen else {}
    mirrored = [i for i in world.instances if i.mirrored]
    for i in mirrored:
        if i.pri in chosen and i.sec in chosen:
            found[i.pri].append(i.sec)
            found[i.sec].append(i.pri)
    if not offline_work:
        for a, group in sharing(mirrored, len(world.nodes)).items():
            if a in chosen:
                found[a] += (group & chosen).difference(found[a])
    return found


def sharing(mirrored: Sequence[Instance], nodes: int) -> dict[int, set[int]]:
    """For primaries: those (itself, too) that have a secondary in common with it."""
    primaries: list[set[int]] = [set() for _ in range(nodes)]
    for i in mirrored:
        if not i.forthcoming and i.sec >= 0:
            primaries[i.sec].add(i.pri)
    found: dict[int, set[int]] = {}
    for group in primaries:
        for a in group:
            found.setdefault(a, set()).update(group)
    return found


def free_colour(g: Graph, colours: dict[int, int], v: int) -> int:
    used = {colours[n] for n in g[v] if n in colours}
    return next(c for c in range(len(g) + 1) if c not in used)


def largest_first(g: Graph) -> dict[int, int]:
    colours: dict[int, int] = {}
    for v in sorted(g, key=lambda v: (len(g[v]), v), reverse=True):
        colours[v] = free_colour(g, colours, v)
    return colours


def by_rank(g: Graph, distinct: bool) -> dict[int, int]:
    """Next comes the node with most coloured neighbours (or most of their colours)."""
    colours: dict[int, int] = {}
    seen: dict[int, set[int]] = {v: set() for v in g}
    top = max(g, default=0) + 1
    step = (max(map(len, g.values()), default=0) + 1) * top
    rank = {v: len(g[v]) * top + v for v in g}  # then the degree, then the number
    while rank:
        v = max(rank, key=rank.__getitem__)
        del rank[v]
        colours[v] = colour = free_colour(g, colours, v)
        for n in g[v]:
            if n in rank and not (distinct and colour in seen[n]):
                seen[n].add(colour)
                rank[n] += step
    return colours


def classes(colours: dict[int, int]) -> list[list[int]]:
    found: dict[int, list[int]] = {}
    for v in sorted(colours):
        found.setdefault(colours[v], []).append(v)
    return [found[c] for c in sorted(found)]


def fewer(g: Graph, groups: list[list[int]]) -> list[list[int]]:
    """A colouring with fewer colours, if a short search finds one."""
    from gnt.htools_ext.colour import Colouring

    order = list(g)
    at = {v: k for k, v in enumerate(order)}
    edges = bytearray(len(order) ** 2)
    for a in g:
        for b in g[a]:
            edges[at[a] * len(order) + at[b]] = edges[at[b] * len(order) + at[a]] = a != b
    colours = [0] * len(order)
    for colour, members in enumerate(groups):
        for v in members:
            colours[at[v]] = colour
    found = Colouring(len(order), bytes(edges), colours).run(TRIES)
    return classes(dict(zip(order, found, strict=True)))


def colourings(g: Graph, search: bool = True) -> list[tuple[str, list[list[int]]]]:
    """What each of the reference's methods makes of the graph, and a search that finds better."""
    made = [("LF", classes(largest_first(g))), ("Dsatur", classes(by_rank(g, True))),
            ("Dcolor", classes(by_rank(g, False)))]
    least = min((groups for _, groups in made), key=len)
    if search and len(least) > 1:
        better = fewer(g, least)
        if len(better) < len(least):
            made.append(("Tabu", better))
    return made


def statistics(made: list[tuple[str, list[list[int]]]]) -> str:
    """The methods from the best to the worst, in one line."""
    text, old = "", 0
    for name, groups in sorted(made, key=lambda e: -len(e[1]))[::-1]:
        sizes = ",".join(str(len(grp)) for grp in groups)
        word = "" if not text else " TIE " if len(groups) == old else " LOOSE "
        text, old = f"{text}{word}{name}: {len(groups)} ({sizes})", len(groups)
    return text


class Planner:
    """Splits colours by what finds room while their nodes are away."""

    def __init__(self, world: World, state: State) -> None:
        self.world, self.state = world, state
        self._last: tuple[State, tuple[list[list[int]], list[list[int]]]] | None = None
        self.targets = [k for k, n in enumerate(world.nodes) if not state.node(k)["offline"]]

    def hosted(self, state: State) -> tuple[list[list[int]], list[list[int]]]:
        """Primaries and secondaries by node, the last listed first."""
        if self._last is not None and self._last[0] is state:
            return self._last[1]
        pri: list[list[int]] = [[] for _ in self.world.nodes]
        sec: list[list[int]] = [[] for _ in self.world.nodes]
        for i, (p, s) in enumerate(state.places()):
            if self.world.instances[i].forthcoming:
                continue
            pri[p].insert(0, i)
            if s >= 0:
                sec[s].insert(0, i)
        self._last = state, (pri, sec)
        return pri, sec

    def split(
        self, nodes: list[int], start: State, secondaries: bool,
    ) -> list[tuple[list[int], State]]:
        """Chunks of nodes that can be cleared together."""
        chunks = []
        left = list(nodes)
        while left:
            cleared, state = self.clear(left, start, secondaries)
            if not cleared:
                raise GntError("Not enough capacity to move " + (
                    "secondaries" if secondaries else "non-redundant instances"))
            chunks.append((cleared, state))
            left = [n for n in left if n not in cleared]
        return chunks

    def clear(self, nodes: list[int], start: State, secondaries: bool) -> tuple[list[int], State]:
        """Those of the nodes that can be cleared one after the other."""
        cleared: list[int] = []
        targets, state = list(self.targets), start
        pri, sec = self.hosted(state)
        for n in nodes:
            moving = sec[n] if secondaries else [
                i for i in pri[n] if not self.world.instances[i].mirrored]
            group = self.world.nodes[n].group
            others = [t for t in targets if t != n and self.world.nodes[t].group == group]
            trial = state if not moving else self.relocate(state, moving, others, secondaries)
            if trial is not None:
                cleared.append(n)
                targets = [t for t in targets if t != n]
                if trial is not state:
                    state = trial
                    pri, sec = self.hosted(state)
        return cleared, state

    def relocate(self, state: State, moving: list[int], others: list[int],
                 secondaries: bool) -> State | None:
        """The state with the instances elsewhere, or None."""
        state = state.copy()
        for i in moving:
            pri, sec = state.place_of(i)
            for t in others:
                trial = state.copy()
                if secondaries and (t == pri or not trial.force_place(i, pri, t)):
                    continue
                if not secondaries and not trial.force_place(i, t, sec):
                    continue
                state = trial
                break
            else:
                return None
        return state

    def migrated(self, nodes: list[int], state: State) -> State:
        """Every mirrored instance of the nodes on its secondary."""
        state = state.copy()
        pri, _ = self.hosted(state)
        for n in nodes:
            for i in pri[n]:
                p, s = state.place_of(i)
                if self.world.instances[i].mirrored and not state.force_place(i, s, p):
                    raise GntError("Failed to migrate instances off nodes")
        return state


def master_last(world: World, groups: list[Group]) -> list[Group]:
    """Larger groups first; the master's last, with the master at its end."""
    ordered = sorted(groups, key=lambda g: -len(g.nodes))
    made = [g.replace(nodes=tuple(sorted(g.nodes, key=lambda n: world.nodes[n].master)))
            for g in ordered]

    def has_master(g: Group) -> bool:
        return any(world.nodes[n].master for n in g.nodes)

    return sorted(made, key=has_master)


def plan(world: World, state: State, nodes: Sequence[int], colours: list[list[int]],
         ignore_single: bool, evacuate: bool) -> list[Group]:
    """The groups in the order to reboot them."""
    planner = Planner(world, state)
    chosen = set(nodes)
    groups: list[tuple[list[int], State]] = []
    for colour in colours:
        groups += [(colour, state)] if ignore_single else planner.split(colour, state, False)
    if evacuate:
        moved = [(grp, planner.migrated(grp, after)) for grp, after in groups]
        groups = [chunk for grp, after in moved for chunk in planner.split(grp, after, True)]
    places = {id(after): tuple(after.places()) for after in {id(a): a for _, a in groups}.values()}
    made = [Group(nodes=tuple(n for n in grp if n in chosen), places=places[id(after)])
            for grp, after in groups]
    return master_last(world, made)


def moved(world: World, group: Group) -> list[tuple[int, tuple[int, int]]]:
    """The instances that are elsewhere while the group is away; swapped roles do not count."""
    return [(i, place) for i, place in enumerate(group.places)
            if place != (world.instances[i].pri, world.instances[i].sec)
            and place != (world.instances[i].sec, world.instances[i].pri)]


def unique_master(world: World, warn: Callable[[str], None] | None) -> None:
    """There must be one master; ``warn`` is told if there is none."""
    masters = [n.name for n in world.nodes if n.master]
    if len(masters) > 1:
        raise GntError(f"Found more than one master node: {', '.join(masters)}")
    if not masters:
        text = "No master node found (maybe not supported by backend)."
        if warn is None:
            raise GntError(text, hint="--force goes on without")
        warn(text)
