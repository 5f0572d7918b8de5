"""Ganeti's text format: five sections parted by one empty line, fields by ``|``, lists by ``,``.

Older files have fewer fields; extra fields and sections are ignored.  Errors name line and field.
"""

from __future__ import annotations

import re

from gnt.htools.parts import LARGEST, SPEC_KEYS, read_text
from gnt.htools.world import (
    ALLOC_POLICIES,
    STATUSES,
    TEMPLATES,
    BadData,
    Disk,
    Group,
    Instance,
    Node,
    Policy,
    Spec,
    World,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

INTEGER = re.compile(r"-?[0-9]+\Z")
REAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
NODE_FIELDS = (
    "name", "t_mem", "n_mem", "f_mem", "t_dsk", "f_dsk", "t_cpu", "flag", "group", "spindles",
    "tags", "exclusive_storage", "free_spindles", "nos_cpu", "cpu_speed",
)
INSTANCE_FIELDS = (
    "name", "mem", "dsk", "vcpus", "status", "auto_balance", "pnode", "snode", "disk_template",
    "tags", "spindle_use", "spindles", "forthcoming",
)
GROUP_FIELDS = ("name", "uuid", "alloc_policy", "tags", "networks")
POLICY_FIELDS = ("owner", "std", "minmax", "disk_templates", "vcpu_ratio", "spindle_ratio")
SPEC_FIELDS = tuple(SPEC_KEYS)


class Line:
    """One line with its place; fields are read by name."""

    def __init__(
        self, source: str, number: int, text: str, fields: tuple[str, ...], least: int,
        defaults: tuple[str, ...] = (),
    ) -> None:
        self.where = f"{source}:{number}"
        values = text.split("|")
        if len(values) < least:
            raise BadData(f"{self.where}: {len(values)} fields where at least {least} are needed "
                          f"({', '.join(fields[:least])})")
        values += defaults[len(values) - least:]
        self.values = dict(zip(fields, values, strict=False))
        self.fields = fields

    def bad(self, field: str, problem: str) -> BadData:
        return BadData(f"{self.where}, field {self.fields.index(field) + 1} ({field}): {problem}")

    def __getitem__(self, field: str) -> str:
        return self.values[field]

    def integer(self, field: str) -> int:
        return self._integer(field, self[field])

    def _integer(self, field: str, text: str) -> int:
        if not INTEGER.match(text):
            raise self.bad(field, f"{text!r} is not a whole number")
        value = int(text) if len(text) < 20 else LARGEST + 1
        if abs(value) > LARGEST:
            raise self.bad(field, f"{text} is too large")
        return value

    def real(self, field: str) -> float:
        text = self[field]
        if not REAL.match(text):
            raise self.bad(field, f"{text!r} is not a number")
        if abs(float(text)) > LARGEST:
            raise self.bad(field, f"{text} is too large")
        return float(text)

    def choice(self, field: str, known: Sequence[str]) -> str:
        if self[field] not in known:
            raise self.bad(field, f"{self[field]!r} is none of {', '.join(known)}")
        return self[field]

    def flag(self, field: str) -> bool:
        return self.choice(field, ("Y", "N")) == "Y"

    def items(self, field: str) -> tuple[str, ...]:
        return tuple(self[field].split(",")) if self[field] else ()

    def lookup(self, field: str, known: dict[str, int], what: str) -> int:
        if self[field] not in known:
            raise self.bad(field, f"there is no {what} {self[field]!r}")
        return known[self[field]]

    def spec(self, field: str, text: str) -> Spec:
        numbers = text.split(",")
        if len(numbers) < len(SPEC_FIELDS):
            raise self.bad(field, f"{text!r} has {len(numbers)} values where {len(SPEC_FIELDS)} "
                                  f"are needed ({', '.join(SPEC_FIELDS)})")
        pairs = zip(SPEC_FIELDS, numbers, strict=False)
        return Spec(**{n: self._integer(field, v) for n, v in pairs})


def sections(source: str, text: str) -> list[list[tuple[int, str]]]:
    """The lines of each section, numbered from 1."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    found: list[list[tuple[int, str]]] = [[]]
    for number, line in enumerate(lines, 1):
        if line:
            found[-1].append((number, line))
        else:
            found.append([])
    if len(found) < 4:
        raise BadData(f"{source}: {len(found)} sections where 4 or 5 are needed "
                      "(groups, nodes, instances, tags, policies; one empty line between)")
    return found


def read_group(line: Line) -> Group:
    if not line["name"]:
        raise line.bad("name", "it is empty, which in policies means the cluster")
    return Group(
        name=line["name"], uuid=line["uuid"], tags=line.items("tags"),
        alloc_policy=line.choice("alloc_policy", ALLOC_POLICIES), networks=line.items("networks"),
    )


def read_node(line: Line, groups: dict[str, int]) -> Node:
    group = line.lookup("group", groups, "group with uuid")
    if "?" in [line[f] for f in NODE_FIELDS[1:7]]:
        return Node(name=line["name"], group=group, offline=True)
    return Node(
        name=line["name"], group=group, t_mem=line.real("t_mem"), n_mem=line.integer("n_mem"),
        f_mem=line.integer("f_mem"), t_dsk=line.real("t_dsk"), f_dsk=line.integer("f_dsk"),
        t_cpu=line.real("t_cpu"), n_cpu=line.integer("nos_cpu"), offline=line["flag"] == "Y",
        master=line["flag"] == "M", spindles=line.integer("spindles"),
        free_spindles=line.integer("free_spindles"), tags=line.items("tags"),
        exclusive_storage=line.flag("exclusive_storage"), cpu_speed=line.real("cpu_speed"),
    )


def read_instance(line: Line, nodes: dict[str, int]) -> Instance:
    spindles = None if line["spindles"] == "-" else line.integer("spindles")
    template = line.choice("disk_template", TEMPLATES)
    pri = line.lookup("pnode", nodes, "node")
    sec = line.lookup("snode", nodes, "node") if line["snode"] else -1
    if pri == sec:
        raise line.bad("snode", f"primary and secondary are the same node, {line['pnode']}")
    if template == "drbd" and sec < 0:
        raise line.bad("snode", "a drbd instance needs a secondary node")
    size = line.integer("dsk")
    return Instance(
        name=line["name"], mem=line.integer("mem"), dsk=size, vcpus=line.integer("vcpus"),
        status=line.choice("status", STATUSES), auto_balance=line.flag("auto_balance"), pri=pri,
        sec=sec, template=template, tags=line.items("tags"),
        spindle_use=line.integer("spindle_use"), disks=(Disk(size=size, spindles=spindles),),
        forthcoming=line.flag("forthcoming"),
    )


def read_policy(line: Line) -> Policy:
    specs = [line.spec("minmax", s) for s in line["minmax"].split(";")] if line["minmax"] else []
    if len(specs) % 2:
        raise line.bad("minmax", "an odd number of specifications (each min needs its max)")
    for name in line.items("disk_templates"):
        if name not in TEMPLATES:
            raise line.bad("disk_templates", f"{name!r} is none of {', '.join(TEMPLATES)}")
    return Policy(
        std=line.spec("std", line["std"]),
        minmax=tuple(zip(specs[::2], specs[1::2], strict=True)),
        templates=line.items("disk_templates"), vcpu_ratio=line.real("vcpu_ratio"),
        spindle_ratio=line.real("spindle_ratio"),
    )


def numbered(lines: Sequence[tuple[Line, str]], what: str) -> dict[str, int]:
    """Name -> index; a name that comes twice is an error."""
    found: dict[str, int] = {}
    for k, (line, field) in enumerate(lines):
        if line[field] in found:
            raise line.bad(field, f"the {what} {line[field]!r} comes twice")
        found[line[field]] = k
    return found


def read_instances(
    source: str, lines: list[tuple[int, str]], nodes: dict[str, int],
) -> list[Instance]:
    """One by one: there may be many."""
    found, seen = [], set()
    for number, text in lines:
        line = Line(source, number, text, INSTANCE_FIELDS, 10, ("1", "-", "N"))
        if line["name"] in seen:
            raise line.bad("name", f"the instance {line['name']!r} comes twice")
        seen.add(line["name"])
        found.append(read_instance(line, nodes))
    lines.clear()
    return found


def parse(text: str, source: str = "data") -> World:
    """Read the format; raises BadData naming the place."""
    parts = sections(source, text)
    glines = [Line(source, n, t, GROUP_FIELDS, 4, ("",)) for n, t in parts[0]]
    nlines = [Line(source, n, t, NODE_FIELDS, 9, ("1", "", "N", "0", "1", "1.0"))
              for n, t in parts[1]]
    plines = [Line(source, n, t, POLICY_FIELDS, 6) for n, t in parts[4]] if len(parts) > 4 else []
    numbered([(g, "name") for g in glines], "group")
    groups = [read_group(g) for g in glines]
    uuids = numbered([(g, "uuid") for g in glines], "group's uuid")
    nodes = [read_node(n, uuids) for n in nlines]
    names = numbered([(n, "name") for n in nlines], "node")
    instances = read_instances(source, parts[2], names)
    policy = Policy()
    for line in plines:
        if not line["owner"]:
            policy = read_policy(line)
            continue
        owner = line.lookup("owner", {g.name: k for k, g in enumerate(groups)}, "group")
        groups[owner] = groups[owner].replace(policy=read_policy(line))
    return World(groups=tuple(groups), nodes=tuple(nodes), instances=tuple(instances),
                 tags=tuple(t for _, t in parts[3]), policy=policy)


def load(path: str) -> World:
    """Read a file."""
    return parse(read_text(path), path)


def short(value: float) -> str:
    """A number as the reference writes it: shortest digits, always with a point."""
    return repr(float(value))


def row(*values: object) -> str:
    """One line; refuses what would be read as something else."""
    words = [str(v) for v in values]
    for word in words:
        if "|" in word or "\n" in word:
            raise BadData(f"{word!r} cannot be written in the text format, where | and the end of "
                          "a line part fields")
    return "|".join(words)


def write_spec(spec: Spec) -> str:
    return ",".join(str(getattr(spec, n)) for n in SPEC_FIELDS)


def write_policy(owner: str, p: Policy) -> str:
    pairs = ";".join(write_spec(s) for pair in p.minmax for s in pair)
    return row(owner, write_spec(p.std), pairs, ",".join(p.templates), short(p.vcpu_ratio),
               short(p.spindle_ratio))


def write_node(world: World, n: Node) -> str:
    flag = "Y" if n.offline else "M" if n.master else "N"
    return row(
        n.name, f"{n.t_mem:.0f}", n.n_mem, n.f_mem, f"{n.t_dsk:.0f}", n.f_dsk, f"{n.t_cpu:.0f}",
        flag, world.groups[n.group].uuid, n.spindles, ",".join(n.tags),
        "Y" if n.exclusive_storage else "N", n.free_spindles, n.n_cpu, short(n.cpu_speed),
    )


def write_instance(world: World, i: Instance) -> str:
    spindles = i.spindles
    return row(
        i.name, i.mem, i.dsk, i.vcpus, i.status, "Y" if i.auto_balance else "N",
        world.nodes[i.pri].name, world.nodes[i.sec].name if i.sec >= 0 else "", i.template,
        ",".join(i.tags), i.spindle_use, "-" if spindles is None else spindles,
        "Y" if i.forthcoming else "N",
    )


def write(world: World) -> str:
    """The whole file; reading it gives the same world (single disks, no loads)."""
    groups = [row(g.name, g.uuid, g.alloc_policy, ",".join(g.tags), ",".join(g.networks))
              for g in world.groups]
    policies = [write_policy("", world.policy),
                *(write_policy(g.name, g.policy) for g in world.groups)]
    parts = (
        groups, [write_node(world, n) for n in world.nodes],
        [write_instance(world, i) for i in world.instances], list(world.tags), policies,
    )
    return "\n".join("".join(line + "\n" for line in part) for part in parts)
