"""Files and messages that others wrote: plans, submissions, cluster data, images."""

from __future__ import annotations

import json
import pathlib
import tempfile

from gnt.engine import planfile
from gnt.engine.job import Wish
from gnt.engine.record import (
    dump,
    dump_params,
    dump_plan,
    load,
    load_operation,
    load_plan,
    operation_named,
)
from gnt.engine.submit import Submission, decode, encode
from gnt.errors import GntError
from gnt.guest import formats, image
from gnt.htools import iallocator, monitored, rapi, simulate
from gnt.htools import text as texts
from gnt.htools.load import parse_loads
from gnt.htools.served import Server
from gnt.model.codec import from_data, to_data
from gnt.plan import render
from gnt.ssh import hostkeys
from tests.commands import build
from tests.fuzz.target import target, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gnt.htools.world import World

JSON = '{} [] {"_": "none"} "_": null true false 1 -1 1e400 "" : , "x" {"_": "bytes", "hex": "00"}'
STEP = {"do": "storage.file.create", "on": "node1",
        "with": {"base": "/srv", "path": "/srv/x", "size": 4, "make_base": True},
        "undo": {"do": "storage.file.remove", "same": ["base", "path"]}, "title": "make it"}
PLAN = {"attempt": [STEP], "settle": [{"do": "storage.file.remove", "on": "node2", "beside": True,
                                       "with": {"base": "/srv", "path": "/x"}}], "notes": ["n"]}
PARAMS = {"name": "web", "disk_template": "diskless", "start": False,
          "node": {"_": "none"}}


def parsed(data: bytes) -> Any:
    """JSON of any form; what is none is not the business of the readers above it."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


@target(words=JSON + " attempt settle notes do on with undo same beside title storage.file.create",
        seeds=(json.dumps(PLAN), json.dumps({"notes": []}), '{"attempt": [{"do": "os.system"}]}'))
def plan(data: bytes) -> object:
    """The plan in a job's record: read, written, read: the same; shown without a crash."""
    found = parsed(data)
    if not isinstance(found, dict):
        return None
    made = load_plan(found, "jobs/7")
    assert load_plan(dump_plan(made), "jobs/7") == made
    assert len(list(render(made))) >= len(made.steps)
    return made


@target(words=JSON + " gnt.plan.Step model.objects.Node _", seeds=(
    '{"a": [1, {"_": "none"}, {"_": "bytes", "hex": "00ff"}]}',
    '{"_": "plan.Progress", "what": "x", "done": 5}'))
def recorded(data: bytes) -> object:
    """Any value of a job's record."""
    found = parsed(data)
    value = load(found, "x")
    assert load(dump(value), "x") == value
    return value if value is not None else "none"


@target(words=JSON + " instance add network gnt name params operation", seeds=(
    json.dumps({"operation": "instance add", "params": PARAMS}),
    json.dumps({"operation": "cluster verify", "params": {}}), '{"operation": "../x"}'))
def operation(data: bytes) -> object:
    """An operation with its parameters, as a job's record and a saved plan hold it."""
    found = parsed(data)
    if not isinstance(found, dict) or not isinstance(found.get("operation"), str):
        return None
    params = found.get("params")
    made = load_operation(operation_named(found["operation"]),
                          params if isinstance(params, dict) else {}, "x")
    assert load_operation(type(made), dump_params(made), "x") == made
    return made


def _planfile() -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/a.plan"
        kind = operation_named("instance remove")
        planfile.write(path, build.small(), kind(name="web"), load_plan(PLAN, "x"))
        return pathlib.Path(path).read_text()


PLANFILE = _planfile()


@target(words=JSON + " format cluster serial head operation params plan hash", seeds=(
    PLANFILE, PLANFILE.replace("web", "db"), "[" * 2000, "\\ud800"))
def plan_file(data: bytes) -> object:
    """``gnt apply FILE``: only a file that is as it was written; its hash is put right here, or
    nothing else would ever be reached."""
    with tempfile.NamedTemporaryFile(suffix=".plan") as file:
        found = parsed(data)
        if isinstance(found, dict):
            try:
                made = from_data(planfile.PlanFile, found, "x")
                data = json.dumps(to_data(made.replace(hash=planfile._hash(made)))).encode()
            except (GntError, ValueError):
                pass  # UnicodeEncodeError of lone surrogates: hashed by nobody but us
        file.write(data)
        file.flush()
        saved, operation = planfile.read(file.name)
    assert saved.format == planfile.FORMAT
    return operation


SUBMITTED = encode(Submission.of(
    operation_named("instance remove")(name="web"), Wish()))


@target(words=JSON + " operation params wish author engine.submit.Submission _", seeds=(SUBMITTED,))
def submission(data: bytes) -> object:
    """What travels to the runner; it comes from the same user, but may be of another version."""
    made = decode(data)
    assert encode(decode(encode(made))) == encode(made)
    return made.made()


def _in_file(data: bytes, read: Any) -> Any:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return read(file.name)


def same(world: World) -> World:
    """Written in the text format and read again, it is the same cluster, as far as that goes."""
    written = texts.write(world)
    assert texts.write(texts.parse(written)) == written
    return world


TEXT = """group1|uuid-1|preferred|a,b|net1

node1|65536|1024|60000|1000000|900000|8|M|uuid-1|2|rack:1|N|0|1|1.0
node2|65536|1024|60000|1000000|900000|8|N|uuid-1

inst1|1024|2048|1|running|Y|node1|node2|drbd|x|1|-|N
inst2|1024|2048|1|ADMIN_down|N|node2||plain|

htools:iextags:x

|128,1,1024,1,1,1|128,1,1024,1,1,1;4096,8,99999,16,8,12|drbd,plain|4.0|32.0
"""


@target(name="htools-text", words="| || , ; Y N M ? - node1 uuid-1 drbd running 1.0 1e308 nan",
        seeds=(TEXT, "\n\n\n", "g|u|preferred||\n\nn|?|?|?|?|?|?|Y|u\n\n\n"))
def htools_text(data: bytes) -> object:
    return same(_in_file(data, texts.load))


NODE = {"name": "node1", "group.uuid": "u1", "offline": False, "drained": False, "mtotal": 4096,
        "mnode": 512, "mfree": 2048, "dtotal": 100000, "dfree": 50000, "ctotal": 4.0, "tags": []}
INST = {"name": "web", "pnode": "node1", "snodes": ["node2"], "status": "running", "disk_usage": 9,
        "disk_template": "drbd", "oper_ram": 128, "disk.sizes": [8], "tags": ["t"],
        "beparams": {"maxmem": 128, "vcpus": 1, "auto_balance": True}}
RAPI = {"groups": [{"name": "default", "uuid": "u1", "alloc_policy": "preferred", "tags": []}],
        "nodes": [NODE, {**NODE, "name": "node2"}], "instances": [INST],
        "info": {"master": "node1", "tags": []}}


@target(name="htools-rapi", words=JSON + " groups nodes instances info 1e999 NaN -Infinity",
        seeds=(
    "\0".join(map(json.dumps, RAPI.values())), "[]\0[]\0[]\0{}"))
def htools_rapi(data: bytes) -> object:
    """The four answers, a NUL between."""
    with tempfile.TemporaryDirectory() as folder:
        for name, answer in zip(RAPI, data.split(b"\0") + [b"{}"] * 4, strict=False):
            pathlib.Path(folder, f"{name}.json").write_bytes(answer)
        return same(rapi.load(f"file://{folder}"))


@target(name="htools-address", words="https:// http:// @ : # sha256= [ ] %40 / ? 5080", seeds=(
    f"https://joe:se%40cret@cluster:5080#sha256={'0f' * 32}", "http://[::1]:80/", "ftp://x"))
def htools_address(data: bytes) -> object:
    """Taken apart; nothing secret is left in what is shown."""
    server = Server.at(text(data))
    assert "@" not in server.url, server.url
    assert not server.pin or len(server.pin) == 64
    return server


SPEC = {"memory-size": 128, "cpu-count": 1, "disk-size": 1024, "disk-count": 1, "nic-count": 1,
        "spindle-use": 1}
POLICY = {"std": SPEC, "minmax": [{"min": {name: 0 for name in SPEC},
                                   "max": {name: 10**6 for name in SPEC}}],
          "disk-templates": ["drbd", "plain"], "vcpu-ratio": 4.0, "spindle-ratio": 32.0}


def _request(kind: str, **more: object) -> str:
    node = {"group": "u1", "offline": False, "drained": False, "tags": [], "total_memory": 4096,
            "reserved_memory": 512, "free_memory": 2048, "total_disk": 100000, "free_disk": 50000,
            "total_cpus": 4, "reserved_cpus": 1, "vm_capable": True,
            "total_spindles": 1, "free_spindles": 1,
            "ndparams": {"exclusive_storage": False, "spindle_count": 1, "cpu_speed": 1.0},
            "primary_ip": "192.0.2.1", "secondary_ip": "192.0.2.1", "i_pri_memory": 0}
    disk = {"size": 8, "mode": "rw"}
    inst = {"memory": 128, "vcpus": 1, "disks": [disk], "disk_space_total": 8, "tags": [],
            "nodes": ["node1", "node2"], "disk_template": "drbd", "admin_state": "up",
            "hypervisor": "kvm", "os": "x", "nics": [], "spindle_use": 1}
    return json.dumps({
        "version": 2, "cluster_name": "c", "cluster_tags": [], "enabled_hypervisors": ["kvm"],
        "nodegroups": {"u1": {"name": "default", "alloc_policy": "preferred", "tags": [],
                              "networks": [], "ipolicy": POLICY}},
        "nodes": {"node1": node, "node2": node, "node3": node}, "instances": {"web": inst},
        "request": {"type": kind, **inst, **more}})


REQUESTS = (
    _request("allocate", name="new", required_nodes=2), _request("relocate", name="web",
             relocate_from=["node2"], required_nodes=1),
    _request("node-evacuate", instances=["web"], evac_mode="all"),
    _request("change-group", instances=["web"], target_groups=[]),
    _request("multi-allocate", instances=[]),
)


@target(name="iallocator", words=JSON + " allocate relocate multi-allocate node-evacuate "
        "change-group allocate-secondary evac_mode primary-only nodes instances 1e999 NaN",
        seeds=REQUESTS)
def iallocator_(data: bytes) -> object:
    """A request is read and answered; refusals are answers, too."""
    request = _in_file(data, iallocator.load)
    same(request.world)
    answer, _ = iallocator.run(request, iallocator.Options())
    assert set(json.loads(answer)) == {"success", "info", "result"}
    return answer


MOND = [{"node": name, "reports": [
    {"name": "cpu-avg-load", "data": {"cpu_number": 4, "cpus": [0.5], "cpu_total": 1.5}},
    {"name": "xen-cpu-avg-load", "data": {"inst1": 0.5, "inst2": 0.25}}]}
    for name in ("node1", "node2")]


@target(name="htools-mond", words=JSON + " node reports cpu-avg-load cpu_total cpus data name NaN",
        seeds=(json.dumps(MOND), "[]"))
def htools_mond(data: bytes) -> object:
    """A file of reports, and what it means for a cluster."""
    reports = _in_file(data, monitored.read)
    world = texts.parse(TEXT)
    loads = [monitored.found(world, reports, xen) for xen in (False, True)]
    assert all(0 <= load < 1e13 for found in loads for load in found or ())
    return loads if any(loads) else None


@target(name="htools-loads", words="web 1.0 nan inf -1 1e300",
        seeds=("web 1 2 3 4\ndb 0 0 0 0.5\n",))
def htools_loads(data: bytes) -> object:
    loads = _in_file(data, parse_loads)
    assert all(load == load for values in loads.values() for load in values)
    return loads or None


@target(name="htools-simulate", words="p , 20 1t 64g 16 unallocable preferred last_resort",
        seeds=("p,20,1t,64g,16", "unallocable,1,1g,1g,1,2"))
def htools_simulate(data: bytes) -> object:
    world = simulate.build([text(data)])
    assert len(world.nodes) < 10**6
    return world


def _qcow2(version: int = 3, backing: int = 0, features: int = 0, bits: int = 16) -> bytes:
    import struct

    return b"QFI\xfb" + struct.pack(">IQIIQIIQQIIQ", version, backing, 0, bits, 1 << 30, 0, 1, 0,
                                    1 << 16, 1, 0, 0) + struct.pack(">Q", features) + b"\0" * 40


@target(words="QFI KDMV vhdxfile conectix LUKS BZh <html", seeds=(
    _qcow2(), _qcow2(2), _qcow2(backing=512), _qcow2(features=4), b"\0" * 512, b"\x1f\x8b123",
    b"KDMV" + b"\0" * 508))
def image_header(data: bytes) -> object:
    """No image is taken that names another file, whatever stands around it."""
    head = data[:formats.HEAD]
    found = formats.inspect(head, len(data), "x.img")
    assert found.size > 0
    if found.format == "raw":
        assert found.size == len(data) and not head.startswith(b"QFI\xfb")
    else:
        assert head[8:16] == b"\0" * 8 and found.format == "qcow2"  # no backing file
    return found


@target(words="image= sha256= http:// https:// /srv/x.img ../ file:// " + "a" * 64, seeds=(
    f"/srv/x.img\0{'A' * 64}", f"https://example.com/x\0{'b' * 64}", "http://x\0"))
def image_option(data: bytes) -> object:
    """``-O image=…,sha256=…``: a file by its absolute path, or an address with a sum."""
    source, _, total = text(data).partition("\0")
    found = image.read({"image": source, "sha256": total})
    if found is None:
        return None
    assert found.source.startswith(("/", "http://", "https://"))
    assert found.source.startswith("/") or len(found.sha256) == 64
    return found


@target(words="none - 0 100 " + "51 46 49 fb ", seeds=("none\n", "512\n 51 46 49 fb\n 00 00\n"))
def image_dump(data: bytes) -> object:
    """``stat`` and ``od`` of a file on the node."""
    try:
        size, head = image._looked(data.decode("utf-8", "replace"))
    except ValueError:
        return None
    assert size >= -1
    return head


@target(words="ssh-ed25519 ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAI AAAAB3NzaC1yc2E = #", seeds=(
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c root@n1",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB"))
def host_key(data: bytes) -> object:
    kind, blob = hostkeys.split(text(data))
    assert hostkeys.fingerprint(text(data)) == hostkeys.fingerprint_of(blob)
    assert kind and hostkeys.algorithms([text(data)])
    return kind


