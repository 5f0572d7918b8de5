"""Cluster data from a RAPI server, or from files that hold its answers.

``file://DIR`` reads ``groups.json nodes.json instances.json info.json`` there.
"""

from __future__ import annotations

from gnt.htools.parts import Part, different, parse_json, read_json, read_policy
from gnt.htools.served import Server
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
    World,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RESOURCES = {"groups": "groups", "nodes": "nodes", "instances": "instances", "info": "info"}
PORT = 5080
DEADLINE = 30
MOST = 256 * 1024 * 1024  # bytes of one answer


def load(address: str, deadline: float = DEADLINE) -> World:
    """``http(s)://host[:port]``, a bare host name, or ``file://DIR``.

    ``deadline``: seconds for each answer.
    """
    if address.startswith("file://"):
        answers = {name: read_json(f"{address.removeprefix('file://')}/{name}.json")
                   for name in RESOURCES}
        return parse(answers, address)
    server = Server.at(address if "://" in address else f"https://{address}:{PORT}")
    return parse({name: _fetched(server, f"/2/{path}" + ("" if name == "info" else "?bulk=1"),
                                 deadline) for name, path in RESOURCES.items()}, server.url)


def shown(address: str) -> str:
    """An address without its password."""
    return Server.at(address).url if "@" in address else address


def _fetched(server: Server, path: str, deadline: float) -> Any:
    body, url = server.fetch(path, seconds=deadline, most=MOST), server.url + path
    try:
        return parse_json(body.decode(), url)
    except UnicodeDecodeError as error:
        raise BadData(f"{url}: byte {error.start} is not UTF-8 text") from None


def rows(answers: dict[str, Any], name: str, source: str) -> list[Part]:
    if not isinstance(answers[name], list):
        raise BadData(f"{source}: {name} is not a list")
    return [Part(v, f"{source}: {name}[{k}]") for k, v in enumerate(answers[name])]


def parse(answers: dict[str, Any], source: str) -> World:
    """The answers of the four resources, parsed from JSON."""
    info = Part(answers["info"], f"{source}: info")
    groups = [group(g) for g in rows(answers, "groups", source)]
    uuids = different([g.uuid for g in groups], f"{source}: groups", "uuid")
    different([g.name for g in groups], f"{source}: groups", "name")
    hypervisor = info.get("default_hypervisor", str, "")
    master = info.get("master", str)
    nodes = [node(n, uuids, master).replace(hypervisor=hypervisor)
             for n in rows(answers, "nodes", source)]
    names = different([n.name for n in nodes], f"{source}: nodes", "name")
    if master not in names:
        raise BadData(f"{info.where}.master: there is no node {master!r}")
    instances = [instance(i, names) for i in rows(answers, "instances", source)]
    different([i.name for i in instances], f"{source}: instances", "name")
    return World(
        groups=tuple(groups), nodes=tuple(nodes), instances=tuple(instances),
        tags=info.texts("tags", []),
        policy=read_policy(info.part("ipolicy")) if "ipolicy" in info.value else Policy())


def group(g: Part) -> Group:
    return Group(
        name=g.get("name", str), uuid=g.get("uuid", str), tags=g.texts("tags", []),
        alloc_policy=g.choice("alloc_policy", ALLOC_POLICIES),
        policy=read_policy(g.part("ipolicy")) if "ipolicy" in g.value else Policy())


def node(n: Part, groups: dict[str, int], master: object) -> Node:
    uuid = n.get("group.uuid", str)
    if uuid not in groups:
        raise BadData(f"{n.where}: there is no group with uuid {uuid!r}")
    live = not n.get("offline", bool) and n.get("vm_capable", bool, True)
    params = Part(n.get("ndparams", dict, {}), f"{n.where}.ndparams")
    name = n.get("name", str)

    def fact(key: str) -> float:
        """Nodes that do not answer have no figures."""
        value = n.value.get(key)
        said = live and isinstance(value, (int, float)) and not isinstance(value, bool)
        return float(n.number(key)) if said else 0.0

    exclusive = params.get("exclusive_storage", bool, False)
    silent = not fact("mtotal") and n.value.get("mtotal") is None
    return Node(
        name=name, group=groups[uuid], t_mem=fact("mtotal"), n_mem=round(fact("mnode")),
        f_mem=round(fact("mfree")), t_dsk=fact("dtotal"), f_dsk=round(fact("dfree")),
        t_cpu=fact("ctotal"), n_cpu=round(fact("cnos")),
        offline=not live or n.get("drained", bool) or silent, master=name == master,
        spindles=round(fact("sptotal") if exclusive else params.number("spindle_count", 1)),
        free_spindles=round(fact("spfree")), tags=n.texts("tags", []),
        exclusive_storage=exclusive,
        cpu_speed=float(params.number("cpu_speed", 1.0)))


def instance(i: Part, nodes: dict[str, int]) -> Instance:
    be = i.part("beparams")
    homes = [i.get("pnode", str), *i.texts("snodes", [])[:1]]
    for home in homes:
        if home not in nodes:
            raise BadData(f"{i.where}: there is no node {home!r}")
    if len(homes) > 1 and homes[0] == homes[1]:
        raise BadData(f"{i.where}: primary and secondary are the same node, {homes[0]}")
    said = i.value.get("oper_ram")
    live = isinstance(said, (int, float)) and not isinstance(said, bool)
    memory = i.number("oper_ram") if live else be.number(
        "memory" if "memory" in be.value else "maxmem")
    return Instance(
        name=i.get("name", str), mem=round(memory),
        dsk=i.whole("disk_usage"), vcpus=round(be.number("vcpus")),
        status=i.choice("status", STATUSES), auto_balance=be.get("auto_balance", bool, True),
        pri=nodes[homes[0]], sec=nodes[homes[1]] if len(homes) > 1 else -1,
        template=i.choice("disk_template", TEMPLATES), tags=i.texts("tags", []),
        spindle_use=round(be.number("spindle_use", 1)),
        forthcoming=i.get("forthcoming", bool, False),
        disks=disks(i))


def disks(i: Part) -> tuple[Disk, ...]:
    """The sizes, and what is known of the spindles; lists side by side."""
    sizes = i.numbers("disk.sizes", [])
    known = {str(k): v for k, v in enumerate(i.get("disk.spindles", list, []))}
    spindles = Part(known, f"{i.where}.disk.spindles")
    return tuple(Disk(size=round(size), spindles=spindles.whole_or_none(str(k)))
                 for k, size in enumerate(sizes))
