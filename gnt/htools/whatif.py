"""What would be if: nodes are lost, instances added, one thing after the other.

Each event is put into words; what it does stays for the events after it, but for ``lose any …``,
which tries every combination by itself.  In an emergency soft limits (policies, tags, N+1) do not
count: what a lost node ran starts wherever there is memory for it.
"""

from __future__ import annotations

from itertools import combinations, islice

from gnt.errors import Invalid
from gnt.htools.allocate import Ground, NoRoom, Options
from gnt.htools.moves import FA, F
from gnt.htools.names import find
from gnt.htools.place import Space, Wish, said, why_not
from gnt.htools.policy import FAIL_MEM
from gnt.htools.world import FILE, PLAIN, TEMPLATES, World
from gnt.record import Record
from gnt.values import SIZE, Kind, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gnt.htools_ext.state import State

FORMS = ("lose NODE[,NODE…]", "lose group GROUP", "lose tag TAG", "lose any [K]",
         "lose any [K] PREFIX:", "lose any [K] group",
         "add [COUNTx] MEMORY[,CPUS[,DISK[,TEMPLATE]]]")
MOST = 20_000  # combinations
SHOWN = 10


class Report(Record):
    """What an event does: ``good``, in words, and as data for scripts."""

    event: str
    good: bool
    lines: tuple[str, ...]
    data: dict[str, object]


class Lost(Record):
    """What becomes of the instances of lost nodes."""

    moved: tuple[tuple[int, int], ...]  # instance, node
    broken: tuple[tuple[int, str], ...]


class Play:
    """A world in which events happen."""

    def __init__(self, world: World, template: str, enabled: Sequence[str] = TEMPLATES) -> None:
        """``template``: of instances that name none; ``enabled``: what the cluster can make."""
        self.world, self.template, self.enabled = world, template, enabled
        self.ground = Ground(world, Options(capacity=False))
        self.added = 0

    def happen(self, event: str) -> Report:
        """Let one event happen; Invalid when its words make no sense."""
        verb, _, rest = event.strip().partition(" ")
        words = rest.split()
        if verb == "lose" and words[:1] == ["any"]:
            return self.any_of(event, " ".join(words[1:]) or "1")
        if verb == "lose" and words:
            return self.one(event, self.meant(event, words))
        if verb == "add" and words:
            return self.add(event, "".join(words))
        raise Invalid("", f"{event!r} is no event", hint="; ".join(FORMS))

    # --- losing ---------------------------------------------------------------------------------

    def meant(self, event: str, words: Sequence[str]) -> list[int]:
        """The nodes of ``lose …``."""
        nodes = self.world.nodes
        if words[0] == "group" and len(words) == 2:
            at = self.world.group_index(words[1])
            found = [k for k, n in enumerate(nodes) if n.group == at]
        elif words[0] == "tag" and len(words) == 2:
            found = [k for k, n in enumerate(nodes) if words[1] in n.tags]
        else:
            known = [n.name for n in nodes]
            wanted = [name for word in words for name in word.split(",") if name]
            found = [find(name, known, "node") for name in wanted]
        if not found:
            raise Invalid("", f"{event!r}: no node is meant", hint="; ".join(FORMS))
        return list(dict.fromkeys(found))

    def one(self, event: str, nodes: Sequence[int]) -> Report:
        lost = self.lose(self.ground.state, nodes)
        lines = [f"{len(lost.moved)} instance(s) start elsewhere, {len(lost.broken)} break(s)"]
        for k, name, count in self.landed([n for _, n in lost.moved]):
            lines.append(f"  {name} takes {count}, {self.free(self.ground.state, k)} MiB stay free")
        lines += [f"  {self.ground.instances[i].name}: {why}" for i, why in lost.broken]
        return Report(event=event, good=not lost.broken, lines=tuple(lines), data={
            "moved": {self.ground.instances[i].name: self.world.nodes[n].name
                      for i, n in lost.moved},
            "broken": {self.ground.instances[i].name: why for i, why in lost.broken}})

    def landed(self, nodes: Sequence[int]) -> Iterator[tuple[int, str, int]]:
        for k, n in enumerate(self.world.nodes):
            if k in nodes:
                yield k, n.name, nodes.count(k)

    def free(self, state: State, k: int) -> int:
        return int(state.node(k)["u_mem"])

    def lose(self, state: State, nodes: Sequence[int]) -> Lost:
        """The nodes go off; what ran there starts elsewhere in its group, the largest first."""
        for k in nodes:
            state.set_offline(k, True)
        here = [i for i in range(len(self.ground.instances))
                if state.place_of(i)[0] in nodes and not self.ground.instances[i].forthcoming]
        moved, broken = [], []
        for i in sorted(here, key=lambda i: -self.ground.instances[i].mem):
            why = self.restart(state, i)
            if why:
                broken.append((i, why))
            else:
                moved.append((i, state.place_of(i)[0]))
        return Lost(moved=tuple(moved), broken=tuple(broken))

    def restart(self, state: State, i: int) -> str:
        """Start an instance of a lost node elsewhere; why it cannot be, if so."""
        from gnt.htools_ext.evacuate import best_move

        inst, home = self.ground.instances[i], state.place_of(i)[0]
        if inst.template in (PLAIN, FILE):
            return f"its disks are on {self.world.nodes[home].name} only"
        group = self.world.nodes[home].group
        if inst.mirrored:
            other = state.place_of(i)[1]
            why = FAIL_MEM if state.node(other)["offline"] else state.move(i, F, -1, True)
            return "" if why < 0 else self.refused(state, i, [(other, why)])
        targets = [k for k, n in enumerate(self.world.nodes)
                   if n.group == group and not state.node(k)["offline"]]
        best, _, refused = best_move(state, i, FA, targets, group, True)
        if best < 0:
            return self.refused(state, i, refused)
        state.move(i, FA, best, True)
        return ""

    def refused(self, state: State, i: int, whys: Sequence[tuple[int, int]]) -> str:
        inst = self.ground.instances[i]
        reasons = []
        for k, why in whys:
            node = self.world.nodes[k].replace(f_mem=self.free(state, k))
            told = "offline" if state.node(k)["offline"] else why_not(node, inst, why)
            reasons.append((node.name, told))
        return f"no node has {inst.mem} MiB for it ({said(reasons) or 'no other is there'})"

    def any_of(self, event: str, what: str) -> Report:
        """Every combination of k nodes, groups, or values of a tag, each by itself."""
        cases = list(islice(self.cases(event, what), MOST + 1))
        if len(cases) > MOST:
            raise Invalid("", f"{event!r} means more than {MOST} combinations",
                          hint="a smaller number, or failure domains: lose any PREFIX:")
        bad = []
        for name, nodes in cases:
            lost = self.lose(self.ground.state.copy(), nodes)
            if lost.broken:
                bad.append((len(lost.broken), name, [
                    self.ground.instances[i].name for i, _ in lost.broken], lost.broken[0][1]))
        bad.sort(key=lambda case: -case[0])
        lines = [f"{len(cases) - len(bad)} of {len(cases)} case(s) can be survived"]
        for count, name, names, why in bad[:SHOWN]:
            lines.append(f"  without {name}: {count} break(s): {', '.join(names[:5])}"
                         f"{' …' if count > 5 else ''}; {names[0]}: {why}")
        if len(bad) > SHOWN:
            lines.append(f"  and {len(bad) - SHOWN} more")
        return Report(event=event, good=not bad, lines=tuple(lines), data={
            "cases": len(cases), "broken": {name: names for _, name, names, _ in bad}})

    def cases(self, event: str, what: str) -> Iterator[tuple[str, list[int]]]:
        online = self.online()
        names = [n.name for n in self.world.nodes]
        number, _, kind = what.partition(" ") if what[:1].isdigit() else ("1", "", what)
        domains = self.domains(kind, online) if kind else {names[k]: [k] for k in online}
        if not domains:
            why = f"no node has a tag that begins with {kind}" if kind else "no node is left"
            raise Invalid("", f"{event!r}: {why}", hint="; ".join(FORMS))
        for chosen in combinations(domains, whole(1, len(domains)).read(number, event)):
            yield ", ".join(chosen), list(dict.fromkeys(
                k for name in chosen for k in domains[name]))

    def online(self) -> list[int]:
        return [k for k in range(len(self.world.nodes))
                if not self.ground.state.node(k)["offline"]]

    def domains(self, kind: str, online: Sequence[int]) -> dict[str, list[int]]:
        """What fails together: the nodes of each group, or of each tag with a prefix."""
        found: dict[str, list[int]] = {}
        for k in online:
            node = self.world.nodes[k]
            tags = [self.world.groups[node.group].name] if kind == "group" else [
                t for t in node.tags if t.startswith(kind)]
            for tag in tags:
                found.setdefault(tag, []).append(k)
        return found

    # --- adding ---------------------------------------------------------------------------------

    def add(self, event: str, text: str) -> Report:
        count, wish = self.wish(event, text)
        placed: list[str] = []
        problem: NoRoom | None = None
        space = Space.over(self.ground)
        while len(placed) < count and problem is None:
            self.added += 1
            try:
                placed.append(space.place(wish.replace(name=f"new-{self.added}")).nodes[0])
            except NoRoom as error:
                problem = error
        lines = [f"{len(placed)} of {count} fit(s)"]
        order = [k for k, n in enumerate(self.world.nodes) for _ in range(placed.count(n.name))]
        lines += [f"  {name} takes {many}, {self.free(self.ground.state, k)} MiB stay free"
                  for k, name, many in self.landed(order)]
        whys = () if problem is None else problem.rejected
        if problem is not None:
            lines.append(f"  number {len(placed) + 1} does not: {problem.message}")
        return Report(event=event, good=problem is None, lines=tuple(lines), data={
            "fit": len(placed), "of": count, "rejected": dict(whys),
            "placed": {name: placed.count(name) for name in dict.fromkeys(placed)}})

    def wish(self, event: str, text: str) -> tuple[int, Wish]:
        """``20x4G,2,10G,sharedfile``."""
        head, x, rest = text.partition("x")
        count = whole(1, 100_000).read(head, event) if x else 1
        parts = (rest if x else text).split(",")
        if len(parts) > 4 or not parts[0]:
            raise Invalid("", f"{event!r} is no event", hint=FORMS[-1])
        kinds: tuple[Kind[int], ...] = (SIZE, whole(1), SIZE)
        sizes = [kind.read(part, event) for kind, part in zip(kinds, parts, strict=False)]
        memory, cpus, disk = (*sizes, *(0, 1, 0)[len(sizes):])
        template = parts[3] if len(parts) > 3 else self.template if disk else "diskless"
        if len(parts) > 3 and template not in self.enabled:
            raise Invalid("", f"{event!r}: the cluster has no disk template {template!r}",
                          hint=f"enabled: {', '.join(self.enabled)}")
        return count, Wish(name="new", memory=memory, vcpus=cpus, template=template,
                           disks=(disk,) if disk else ())

    # --- afterwards -----------------------------------------------------------------------------

    def explained(self, event: str) -> tuple[str, ...]:
        """For ``add …``: why each node does not take one more."""
        _, wish = self.wish(event, "".join(event.split()[1:]))
        space = Space.over(self.ground)
        return tuple(f"  {name}: {why}" for name, why in space.rejections(wish.instance()))

    def summary(self) -> Report:
        """Whether the loss of any one more node could be survived now."""
        if not self.online():
            return Report(event="afterwards", good=False, lines=("no node is left",), data={})
        return self.any_of("lose any", "1").replace(event="afterwards, lose any one node")


def play(world: World, events: Sequence[str], template: str) -> list[Report]:
    """All events in order, and how the cluster is afterwards."""
    scene = Play(world, template)
    return [*(scene.happen(event) for event in events), scene.summary()]
