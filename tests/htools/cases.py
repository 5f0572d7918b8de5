"""Made-up questions for htools' programs: clusters, options and requests, each from its number."""

from __future__ import annotations

import json
import random
from typing import NamedTuple

from gnt.htools import text
from gnt.htools.world import TEMPLATES, Policy, World
from tests.htools import clusters, wild
from tests.htools.messages import rapi, request, wish


class Case(NamedTuple):
    """What to run: names in braces are files."""

    number: int
    program: str
    words: tuple[str, ...]
    files: dict[str, str]

    def __str__(self) -> str:
        return f"case {self.number}: {self.program} {' '.join(self.words)}"


def some(rng: random.Random, options: dict[str, object], most: int = 4) -> list[str]:
    """A few of the options; a value that can be called gives the words after the option."""
    chosen = rng.sample(sorted(options), min(len(options), rng.randint(0, most)))
    words = []
    for name in chosen:
        value = options[name]
        words.append(f"{name}={rng.choice(value)}" if value else name)
    return words


def names(rng: random.Random, all_names: list[str]) -> tuple[str, ...]:
    """Some lists of names, short and long."""
    if not all_names:
        return ("nobody",)
    found = [",".join(rng.sample(all_names, rng.randint(1, min(3, len(all_names)))))
             for _ in range(2)]
    return (*found, found[0].replace(".example.com", ""))


def limits(rng: random.Random, world: World) -> dict[str, object]:
    nodes = [n.name for n in world.nodes]
    return {"--max-cpu": ("0.2", "1", "0", "8.5"), "--min-disk": ("0.1", "0.9", "1", "0"),
            "--offline": tuple(n.partition(".")[0] for n in nodes) or ("nobody",), "-q": (),
            "--max-length": ("0", "1", "3")}


def balancing(rng: random.Random, world: World) -> dict[str, object]:
    instances = [i.name for i in world.instances]
    return {
        **limits(rng, world), "--min-gain": ("0", "0.5", "3"),
        "--min-gain-limit": ("0", "9", "100"),
        "--min-score": ("0", "1", "1e-3"), "--no-disk-moves": (), "--no-instance-moves": (),
        "--ignore-soft-errors": (), "--evac-mode": (), "--dynu-file": ("{loads}",),
        "--ignore-dynu": (), "--exclusion-tags": ("rack", "service,power", "hv"),
        "--select-instances": names(rng, instances), "--exclude-instances": names(rng, instances)}


FIELDS = ("", "name,fmem", "+ptags,peermap", "idx,fqdn,amem,plist,slist,hi_spindles,inst_spindles",
          "nonsense,name", "+spindle_count")


def hbal(rng: random.Random, world: World) -> list[str]:
    words = some(rng, {**balancing(rng, world), "--restricted-migration": (),
                       "--first-job-group": (), "--print-nodes": FIELDS, "--print-instances": (),
                       "--save": ("{saved}",), "-v": (), "--mond": ("yes",), "--mond-xen": ()})
    words += ["-C"] if rng.random() < 0.7 else []
    words += ["-p"] if rng.random() < 0.1 else []
    words += ["-v"] * rng.choice((0, 0, 0, 1, 2, 3))
    if any(w.startswith("--mond") for w in words):
        words.append("--mond-data={mond}")
    if len({n.group for n in world.nodes}) > 1 or rng.random() < 0.2:
        words += ["-G", rng.choice([g.name for g in world.groups] or ["nothing"])]
    return words


def hcheck(rng: random.Random, world: World) -> list[str]:
    words = some(rng, {**balancing(rng, world), "--no-capacity-checks": (), "--no-simulation": (),
                       "-v": ()})
    return [*words, *rng.choice(((), ("--machine-readable",), ("--machine-readable=yes",),
                                 ("--machine-readable=no",)))]


def hspace(rng: random.Random, world: World) -> list[str]:
    words = some(rng, {
        **limits(rng, world), "--spindle-use": ("0", "1", "3"), "--independent-groups": (),
        "--accept-existing-errors": (), "--no-capacity-checks": (), "--save": ("{saved}",),
        "--print-nodes": FIELDS,
        "--standard-alloc": ("10g,2g,2", "1t,512,1", "4096,1024,1", "20g,1g,1,2"),
        "--tiered-alloc": ("10g,2g,2", "100g,4096,4", "8192,8192,8")}, 3)
    words += ["--machine-readable"] if rng.random() < 0.6 else []
    words += ["-v"] * rng.choice((0, 0, 1, 2))
    if rng.random() < 0.8:
        words.append(f"--disk-template={rng.choice(('drbd', 'drbd', 'drbd', 'plain', 'file'))}")
    elif rng.random() < 0.5:
        words.append(f"--disk-template={rng.choice(TEMPLATES)}")
    if not any(w.startswith("--max-length") for w in words):
        words.append(f"--max-length={rng.choice((5, 20, 60))}")
    return words


def hinfo(rng: random.Random, world: World) -> list[str]:
    nodes = [n.name for n in world.nodes]
    words = some(rng, {
        "--print-nodes": FIELDS, "--print-instances": (), "--ignore-dynu": (), "-q": (), "-v": (),
        "--offline": tuple(nodes) or ("nobody",), "--mond": ("yes", "no")})
    if "--mond=yes" in words:
        words.append("--mond-data={mond}")
    return [*words, *["-v"] * rng.choice((0, 1, 2))]


def hroller(rng: random.Random, world: World) -> list[str]:
    nodes = [n.name for n in world.nodes]
    return some(rng, {
        "--offline-maintenance": (), "--full-evacuation": (), "--ignore-non-redundant": (),
        "--skip-non-redundant": (), "--node-tags": ("rack:0", "hv:old,power:1", "nothing"),
        "--print-moves": (), "--one-step-only": (), "--no-headers": (), "--force": (), "-v": (),
        "--save": ("{saved}",), "--group": tuple(g.name for g in world.groups) or ("nothing",),
        "--offline": tuple(nodes) or ("nobody",), "-q": ()})


def hsqueeze(rng: random.Random, world: World) -> list[str]:
    return [*some(rng, {
        "--minimal-resources": ("0", "1", "2.5", "40"), "--target-resources": ("0", "1.5", "30"),
        "--no-headers": (), "--save": ("{saved}",), "-v": ()}),
        *(["-C"] if rng.random() < 0.7 else [])]


def hail(rng: random.Random, world: World) -> list[str]:
    nodes = [n.name for n in world.nodes]
    return [*some(rng, {
        "--ignore-soft-errors": (), "--no-capacity-checks": (), "--save": ("{saved}",),
        "--print-nodes": (*FIELDS[:3], *FIELDS[4:]),  # not the numbers of new instances
        "--restrict-allocation-to": (",".join(rng.sample(nodes, len(nodes) // 2 + 1)),) if nodes
        else ("nobody",), "--static-kvm-node-memory": ("0", "2000")}, 2), "{request}"]


def hscan(rng: random.Random, world: World) -> list[str]:
    words = some(rng, {"--no-headers": (), "-v": (), "--print-nodes": FIELDS,
                       "--static-kvm-node-memory": ("0", "2000")})
    return [*words, "-d", "{folder}", "file://{folder}"]


PROGRAMS = {"hbal": hbal, "hspace": hspace, "hail": hail, "hinfo": hinfo, "hcheck": hcheck,
            "hroller": hroller, "hsqueeze": hsqueeze, "hscan": hscan}
SHARES = {"hbal": 6, "hspace": 4, "hail": 6, "hinfo": 2, "hcheck": 3, "hroller": 3, "hsqueeze": 2,
          "hscan": 1}


def make(number: int, program: str = "") -> Case:
    rng = random.Random(f"case {number}")
    program = program or rng.choices(list(SHARES), list(SHARES.values()))[0]
    world = wild.make(number, 5 if program in ("hspace", "hsqueeze") else 7)
    words = PROGRAMS[program](rng, world)
    files = {"loads": loads(rng, world), "mond": mond(rng, world)}
    if program == "hbal" and len({n.group for n in world.nodes}) > 1:
        # the reference saves only the group's nodes there
        words = [w for w in words if not w.startswith("--save")]
    if program == "hail":
        words = asked(rng, number, world, words, files)
    elif program == "hscan" or (program != "hsqueeze" and rng.random() < 0.1):
        files |= {f"{name}.json": json.dumps(value) for name, value in rapi(world, rng).items()}
        words += [] if program == "hscan" else ["-m", "file://{folder}"]
        if program in ("hbal", "hinfo", "hroller") and rng.random() < 0.5:
            words.append("--static-kvm-node-memory=0")
    else:
        files["data"] = text.write(world)
        if rng.random() < 0.08:
            files["data"] = bent(rng, files["data"])
        empty = program == "hspace" and rng.random() < 0.1
        words += simulated(rng) if empty else ["-t", "{data}"]
    if program == "hroller":
        words.append("--no-search")
    return Case(number, program, tuple(words), files)


def asked(rng: random.Random, number: int, world: World, words: list[str],
          files: dict[str, str]) -> list[str]:
    """hail's words for a question about the world, which goes to the files."""
    world = world.replace(policy=Policy())  # the reference reads only the groups'
    body = wish(rng, world)
    world = world.replace(tags=tuple(t for t in world.tags if known(t, body)))
    mixed = body["type"] == "allocate-secondary" or "group_name" in body
    if mixed and "--no-capacity-checks" not in words:
        words.append("--no-capacity-checks")  # its check takes one instance for another there
    words = [w for w in words if not w.startswith(DEVIATING.get(body["type"], "?"))]
    if "group_name" in body or any(n.exclusive_storage for n in world.nodes):
        # there the reference forgets the other groups' nodes after an instance is placed
        if body["type"] == "multi-allocate":
            body["instances"] = body["instances"][:1]
        words = [w for w in words if not w.startswith(("--save", "--print-nodes"))]
    files["request"] = json.dumps(request(world, body, rng))
    if rng.random() < 0.1 and "-allocate" in f"-{body['type']}" and "group_name" not in body:
        files["data"] = text.write(clusters.make(number, nodes=5))
        words += rng.choice((["-t", "{data}"], ["--simulate", "p,4,100g,16g,8"]))
        message = json.loads(files["request"])
        for new in message["request"].get("instances", [message["request"]]):
            new["tags"] = []  # the reference judges them by the cluster that is not used
        files["request"] = json.dumps(message)
    rng.shuffle(words)
    return words


def simulated(rng: random.Random) -> list[str]:
    """Some groups of equal, empty nodes."""
    return ["--simulate=" + ",".join((
        rng.choice("pau"), str(rng.randint(0, 4)), rng.choice(("100g", "1t", "5000")),
        rng.choice(("16g", "4096")), rng.choice(("0", "8", "8,4", "16,6,False"))))
        for _ in range(rng.randint(1, 2))]


WORDS = ("", "?", "x", "-", "-1", "0", "1", "Y", "N", "M", "1.5", "99999", "node01.example.com",
         "uuid-1", "a,b", "running", "ADMIN_down", "drbd", "rbd", "a|b")


def bent(rng: random.Random, data: str) -> str:
    """The file with a field changed, missing or added, or a line twice or gone."""
    lines = data.split("\n")
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(lines))
        fields = lines[at].split("|")
        kind = rng.randrange(6)
        if kind < 3:
            fields[rng.randrange(len(fields))] = rng.choice(WORDS)
            lines[at] = "|".join(fields)
        elif kind == 3:
            lines[at] = "|".join(fields[:-1]) if rng.random() < 0.5 else lines[at] + "|more"
        elif kind == 4:
            lines.insert(at, lines[at])
        else:
            del lines[at]
    return "\n".join(lines)


DEVIATING = {"allocate-secondary": "--restrict"}  # the reference chooses other nodes, too


def known(tag: str, body: dict[str, object]) -> bool:
    """Not what the reference judges by where an instance no longer is."""
    return body["type"] != "change-group" or not tag.startswith("htools:migration")


def loads(rng: random.Random, world: World) -> str:
    return "".join(f"{i.name} {rng.randint(0, 30) / 10} {rng.randint(0, 3)} {rng.random():.3f} 1\n"
                   for i in world.instances if rng.random() < 0.9) + "stranger 1 1 1 1\n"


def mond(rng: random.Random, world: World) -> str:
    def report(node: int) -> dict[str, object]:
        if rng.random() < 0.3:
            return {"name": "xen-cpu-avg-load", "data": {
                i.name: rng.random() for i in world.instances if i.pri == node}}
        load = rng.random() * 4
        return {"name": "cpu-avg-load", "data": {
            "cpu_number": 2, "cpus": [load / 2, load / 2], "cpu_total": load}}

    return json.dumps([{"node": n.name, "reports": [
        {"version": "B", "format_version": 1, "timestamp": 1, "category": None, "kind": 0,
         **report(k)} for _ in range(rng.choice((1, 1, 2)))]}
        for k, n in enumerate(world.nodes) if rng.random() < 0.97])
