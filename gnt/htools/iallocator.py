"""The iallocator protocol: a JSON request with the whole cluster in, a JSON answer out."""

from __future__ import annotations

import json
from functools import partial

from gnt.errors import GntError
from gnt.htools import allocate, dedicated, evacuate
from gnt.htools.allocate import Ground, NoRoom, Options
from gnt.htools.parts import ADMIN_STATES, Part, different, parse_json, read_policy, read_text
from gnt.htools.world import (
    ALLOC_POLICIES,
    TEMPLATES,
    BadData,
    Disk,
    Group,
    Instance,
    Node,
    Policy,
    World,
)
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any



class Request(Record):
    world: World
    request: Mapping[str, Any]


def load(path: str) -> Request:
    """Read a request from a file, or from standard input (``-``)."""
    return parse(read_text(path), path)


def parse(text: str, source: str = "request") -> Request:
    top = Part(parse_json(text, source), source)
    request = top.get("request", dict)
    return Request(world=read_world(top), request=request)


def read_world(top: Part) -> World:
    groups = [read_group(uuid, g) for uuid, g in top.parts("nodegroups")]
    uuids = {g.uuid: k for k, g in enumerate(groups)}
    different([g.name for g in groups], f"{top.where}.nodegroups", "name")
    hypervisors = top.texts("enabled_hypervisors")
    hypervisor = hypervisors[0] if hypervisors else ""
    nodes = [read_node(name, n, uuids, hypervisor) for name, n in top.parts("nodes")]
    names = {n.name: k for k, n in enumerate(nodes)}
    instances = [read_instance(name, i, names) for name, i in top.parts("instances")]
    return World(groups=tuple(groups), nodes=tuple(nodes), instances=tuple(instances),
                 tags=top.texts("cluster_tags"),
                 policy=read_policy(top.part("ipolicy")) if "ipolicy" in top.value else Policy())


def read_group(uuid: str, g: Part) -> Group:
    return Group(name=g.get("name", str), uuid=uuid, tags=g.texts("tags"),
                 alloc_policy=g.choice("alloc_policy", ALLOC_POLICIES),
                 networks=g.texts("networks"), policy=read_policy(g.part("ipolicy")))


def read_node(name: str, n: Part, groups: dict[str, int], hypervisor: str) -> Node:
    uuid = n.get("group", str)
    if uuid not in groups:
        raise BadData(f"{n.where}.group: there is no group with uuid {uuid!r}")
    live = not n.get("offline", bool) and n.get("vm_capable", bool, True)
    params = n.part("ndparams")
    exclusive = params.get("exclusive_storage", bool)

    def fact(key: str) -> Any:
        return n.number(key) if live else 0

    return Node(
        name=name, group=groups[uuid], t_mem=float(fact("total_memory")),
        n_mem=round(fact("reserved_memory")), f_mem=round(fact("free_memory")),
        t_dsk=float(fact("total_disk")), f_dsk=round(fact("free_disk")),
        t_cpu=float(fact("total_cpus")), n_cpu=round(fact("reserved_cpus")),
        offline=not live or n.get("drained", bool),
        spindles=round(fact("total_spindles")) if exclusive else params.whole("spindle_count"),
        free_spindles=round(fact("free_spindles")), tags=n.texts("tags", []),
        exclusive_storage=exclusive, hypervisor=hypervisor,
        cpu_speed=float(params.number("cpu_speed", 1.0)),
    )


def read_base(name: str, p: Part, places: tuple[int, int]) -> Instance:
    disks = tuple(Disk(size=d.whole("size"), spindles=d.whole_or_none("spindles"))
                  for d in p.list_of("disks"))
    state = p.value.get("admin_state")
    return Instance(
        name=name, mem=p.whole("memory"), dsk=p.whole("disk_space_total"),
        vcpus=p.whole("vcpus"),
        status=ADMIN_STATES.get(state if isinstance(state, str) else "up", "running"),
        pri=places[0], sec=places[1], template=p.choice("disk_template", TEMPLATES),
        tags=p.texts("tags"), spindle_use=p.whole("spindle_use"), disks=disks,
        forthcoming=p.get("forthcoming", bool, False),
        networks=tuple(n.get("network", str, None) for n in p.list_of("nics")),
    )


def read_instance(name: str, p: Part, nodes: dict[str, int]) -> Instance:
    homes = p.texts("nodes")
    if not homes:
        raise BadData(f"{p.where}.nodes: the list is empty")
    for home in homes[:2]:
        if home not in nodes:
            raise BadData(f"{p.where}.nodes: there is no node {home!r}")
    pri, sec = nodes[homes[0]], nodes[homes[1]] if len(homes) > 1 else -1
    if pri == sec:
        raise BadData(f"{p.where}.nodes: primary and secondary are the same node, {homes[0]}")
    return read_base(name, p, (pri, sec))


class Answer(Record):
    info: str
    result: Any
    ground: Ground | None = None


def answer(request: Request, options: Options) -> Answer:
    """What the request asks for; raises NoRoom when it cannot be done."""
    body = Part(request.request, "request")
    kinds: dict[str, Callable[[World, Part, Options], Answer]] = {
        "allocate": _allocate, "multi-allocate": _multi, "relocate": _relocate,
        "allocate-secondary": _secondary, "node-evacuate": _evacuate, "change-group": _change,
    }
    return kinds[body.choice("type", tuple(kinds))](request.world, body, options)


def respond(success: bool, info: str, result: Any) -> str:
    """The answer's text."""
    return json.dumps({"success": success, "info": info, "result": result},
                      separators=(",", ":"))


def run(request: Request, options: Options) -> tuple[str, Ground | None]:
    """The text of the answer, also of a refusal, and the cluster after it."""
    try:
        done = answer(request, options)
    except NoRoom as error:
        return respond(False, f"Request failed: {error.message}", []), None
    return respond(True, f"Request successful: {done.info}", done.result), done.ground


def _new(p: Part) -> tuple[Instance, bool]:
    required = p.whole("required_nodes")
    if required not in (1, 2):
        raise NoRoom("Unsupported number of nodes, only one or two supported")
    return read_base(p.get("name", str), p, (-1, -1)), required == 2


def _allocate(world: World, body: Part, options: Options) -> Answer:
    inst, pairs = _new(body)
    restrict = body.get("restrict-to-nodes", list, None)
    if restrict is not None and options.restrict is None:
        options = options.replace(restrict=body.texts("restrict-to-nodes"))
    ground = Ground(world, options, [inst])
    group = body.get("group_name", str, None)
    find = dedicated.allocate if dedicated.dedicated(world, group) else allocate.allocate
    solution, info = find(ground, inst, pairs, group)
    if solution.place is None:
        raise NoRoom(info)
    ground.put(inst, solution.place)
    return Answer(info=info, ground=ground,
                  result=[world.nodes[k].name for k in solution.place if k >= 0])


def _multi(world: World, body: Part, options: Options) -> Answer:
    wanted = [_new(p) for p in body.list_of("instances")]
    group = body.get("group_name", str, None)
    ground = Ground(world, options, [inst for inst, _ in wanted])
    find = allocate.allocate
    if dedicated.dedicated(world, group if wanted else None):
        find = partial(dedicated.allocate, brief=True)
    placed, failed = [], []
    for inst, pairs in wanted:
        solution, info = find(ground, inst, pairs, group)
        if solution.place is None:
            failed.append((inst.name, info))
            continue
        ground.put(inst, solution.place)
        placed.append((inst.name, [world.nodes[k].name for k in solution.place if k >= 0]))
    return Answer(info=f"{len(failed)} instances failed to allocate and {len(placed)} were "
                       "allocated successfully", result=[placed, failed], ground=ground)


def _find(world: World, p: Part, key: str) -> int:
    name = p.get(key, str)
    for k, i in enumerate(world.instances):
        if i.name == name:
            return k
    raise BadData(f"{p.where}.{key}: there is no instance {name!r}")


def _find_all(world: World, p: Part) -> list[int]:
    known = {i.name: k for k, i in enumerate(world.instances)}
    for name in p.texts("instances"):
        if name not in known:
            raise BadData(f"{p.where}.instances: there is no instance {name!r}")
    return [known[name] for name in p.texts("instances")]


def _relocate(world: World, body: Part, options: Options) -> Answer:
    at = _find(world, body, "name")
    inst = world.instances[at]
    names = {n.name: k for k, n in enumerate(world.nodes)}
    away = [names.get(n, -1) for n in body.texts("relocate_from")]
    if -1 in away:
        raise BadData(f"{body.where}.relocate_from: unknown node among "
                      f"{', '.join(body.texts('relocate_from'))}")
    if body.whole("required_nodes") != 1:
        raise NoRoom(f"Exchange {body.whole('required_nodes')} nodes mode is not implemented")
    if inst.template in ("plain", "file"):
        raise NoRoom("Can't relocate non-mirrored instances")
    what, home = ("secondary", inst.sec) if inst.mirrored else ("primary", inst.pri)
    if away != [home]:
        raise NoRoom(f"Unsupported request: excluded nodes not equal to instance's {what}"
                     f"({home} versus [{','.join(map(str, away))}])")
    ground = Ground(world, options)
    mode = evacuate.SECONDARY if inst.mirrored else evacuate.PRIMARY
    done = evacuate.evacuate(ground, [at], mode)
    if done.failed:
        raise NoRoom(done.failed[0][1])
    return Answer(info="success", ground=ground, result=[world.nodes[done.moved[0].nodes[-1]].name])


def _moved(world: World, ground: Ground, done: evacuate.Evacuation) -> Answer:
    moved = [(world.instances[m.inst].name, world.groups[m.group].name,
              [world.nodes[k].name for k in m.nodes]) for m in done.moved]
    failed = [(world.instances[k].name, why) for k, why in done.failed]
    return Answer(info=f"{len(failed)} instances failed to move and {len(moved)} were moved "
                       "successfully", ground=ground,
                  result=[moved, failed, evacuate.jobs(ground, done)])


def _evacuate(world: World, body: Part, options: Options) -> Answer:
    mode = body.choice("evac_mode", (evacuate.PRIMARY, evacuate.SECONDARY, evacuate.ALL))
    ground = Ground(world, options)
    return _moved(world, ground, evacuate.evacuate(ground, _find_all(world, body), mode))


def _change(world: World, body: Part, options: Options) -> Answer:
    groups = []
    for name in body.texts("target_groups"):
        at = world.group_index(name)
        if at is None:
            raise BadData(f"{body.where}.target_groups: there is no group {name!r}")
        groups.append(at)
    ground = Ground(world, options)
    return _moved(world, ground, evacuate.change_group(ground, _find_all(world, body), groups))


def _secondary(world: World, body: Part, options: Options) -> Answer:
    """Which node should become the secondary of an instance that has none."""
    at = _find(world, body, "name")
    inst = world.instances[at]
    if inst.sec >= 0:
        raise NoRoom("Instance already has a secondary")
    wanted = inst.replace(template="drbd")
    ground = Ground(world, options, [wanted])
    ground.withdraw(at)
    group = world.nodes[inst.pri].group
    solution = ground.find_with(wanted, inst.pri, ground.open_nodes(group))
    if solution.place is None:
        raise NoRoom(solution.log)
    ground.put(wanted, solution.place)
    return Answer(info=solution.log, result=world.nodes[solution.place[1]].name, ground=ground)


__all__ = ["Answer", "GntError", "Request", "answer", "load", "parse", "run"]
