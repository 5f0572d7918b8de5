"""What made-up clusters once showed to differ from Debian's programs, made small; and more of them.

``make fuzz-htools COUNT=… FIRST=…`` compares as many cases as wanted; here are a few of each kind.
What is not as in Debian's programs, and why, is in ADR 0120.
"""

from __future__ import annotations

import json
import random

import pytest

from gnt.htools import text
from gnt.htools.world import Group, Policy, World
from tests.htools import clusters, differ
from tests.htools.cases import Case
from tests.htools.differ import difference
from tests.htools.messages import new, rapi, request
from tests.htools.reference import ours, saved, theirs

pytestmark = pytest.mark.later

FEW = {"hbal": 40, "hail": 40, "hspace": 20, "hinfo": 20, "hcheck": 20, "hroller": 20,
       "hsqueeze": 10, "hscan": 10}


@pytest.mark.parametrize("program", FEW)
def test_made_up_clusters_get_the_same_answers(program):
    for number in range(FEW[program]):
        case = differ.make(number, program)
        assert not difference(case), str(case)


def odd(seed=4, **changes):
    return clusters.make(seed, **{"nodes": 5, "per_node": 3, **changes})


def node(world: World, at: int, **changes) -> World:
    return world.replace(nodes=tuple(
        n.replace(**changes) if k == at else n for k, n in enumerate(world.nodes)))


def policy(world: World, **changes) -> World:
    made = world.policy.replace(**changes)
    return world.replace(policy=made, groups=tuple(g.replace(policy=made) for g in world.groups))


def split(world: World) -> World:
    """Every third secondary is in another group."""
    size = len(world.nodes)
    return world.replace(instances=tuple(
        i.replace(sec=(i.pri + 1) % size) if k % 3 == 0 and i.sec >= 0 else i
        for k, i in enumerate(world.instances)))


TWO = clusters.make(8, nodes=6, per_node=3, groups=2)
TAGGED = clusters.make(9, nodes=5, per_node=4, tags=True)
LOW, HIGH = Policy().minmax[0]
RANGES = ((LOW, HIGH.replace(memory=4096, cpus=4)),
          (LOW, HIGH.replace(memory=1024, cpus=2, disk_size=8192)))
FEW_CPUS = """group1|uuid-1|preferred||

node01|65536|1024|61952|4194304|4067328|24|M|uuid-1|4||N|0|1|1.0
node02|98304|1024|97280|3145728|3080192|24|N|uuid-1|2||N|0|1|1.0
node03|98304|1024|97280|3145728|3039232|2|N|uuid-1|4||N|0|1|1.0
node04|49152|1024|43008|3145728|3036160|16|N|uuid-1|1||N|0|1|1.0
node05|98304|1024|95232|3145728|3021824|16|N|uuid-1|2||N|0|1|1.0



|2048,1,1024,1,0,1|64,1,1024,0,0,1;2048,4,20480,16,8,12|drbd|4.0|32.0
group1|1024,1,10240,1,0,1|128,1,512,0,0,1;4096,2,102400,16,8,12|drbd,plain|1.0|4.0
"""
DRBD, PLAIN = "--disk-template=drbd", "--disk-template=plain"
WORLDS = {
    "tags make what is small fail N+1": (TAGGED, "hspace", DRBD, "--machine-readable"),
    "the same with another seed": (
        clusters.make(13, nodes=5, per_node=4, tags=True), "hspace", DRBD, "--machine-readable"),
    "each step takes off the limit": (odd(), "hspace", DRBD, "--max-length=60"),
    "a limit of nothing": (odd(), "hspace", "--machine-readable", DRBD, "--max-length=0"),
    "two ranges of sizes": (
        policy(odd(2, nodes=2), minmax=RANGES), "hspace", PLAIN, "--max-length=60"),
    "room comes and goes with the size": (
        clusters.make(4, nodes=4, per_node=5, exclusive=True), "hspace", "-v", "--max-length=20",
        "--disk-template=diskless", "--tiered-alloc=8192,8192,8", "--save={saved}"),
    "the smallest sizes of groups differ": (
        TWO.replace(groups=tuple(g.replace(policy=g.policy.replace(minmax=((
            LOW.replace(memory=64 + 448 * k), HIGH.replace(memory=4096 - 2048 * k, cpus=2)),)))
            for k, g in enumerate(TWO.groups))), "hspace", DRBD, "--machine-readable",
        "--tiered-alloc=8192,8192,8", "--max-length=30"),
    "groups stay as they are in saved files": (
        node(odd(), 0, f_mem=100), "hspace", DRBD, "--save={saved}", "--max-length=9"),
    "groups of which no node may be lost": (
        clusters.make(5, nodes=3, per_node=3, groups=2, shared=0.5), "hspace", "--max-length=5",
        "--independent-groups", PLAIN),
    "few CPUs are in the way of some only": (
        text.parse(FEW_CPUS), "hspace", DRBD, "--tiered-alloc=8192,1024,2"),
    "no CPUs, pairs": (node(odd(), 0, t_cpu=0.0), "hspace", DRBD, "--machine-readable"),
    "no CPUs, one node each": (node(odd(), 1, t_cpu=0.0), "hspace", PLAIN, "--max-length=20"),
    "no memory": (node(odd(), 1, t_mem=0.0, n_mem=0, f_mem=0), "hspace", PLAIN, "-l", "9"),
    "no spindles": (node(odd(), 2, spindles=0), "hspace", PLAIN, "--max-length=20"),
    "no disk": (node(odd(), 2, t_dsk=0.0, f_dsk=0), "hspace", DRBD, "--max-length=20"),
    "no CPUs, balancing": (node(odd(), 0, t_cpu=0.0), "hbal", "-C"),
    "no ratio": (odd(), "hspace", DRBD, "--max-cpu=0"),
    "no sizes but one that is given": (
        policy(odd(), minmax=()), "hspace", DRBD, "--tiered-alloc=10g,2g,2", "-l", "9"),
    "a single node in each group": (
        clusters.make(6, nodes=2, per_node=2, groups=2), "hspace", DRBD),
    "secondaries elsewhere": (split(TWO), "hbal", "-C", "-G", "group1", "-p"),
    "secondaries elsewhere, the other group": (split(TWO), "hbal", "-C", "-G", "group2", "-v"),
    "secondaries and locations elsewhere": (
        split(clusters.make(8, nodes=6, per_node=3, groups=2, tags=True)), "hbal", "-C", "-v",
        "-v", "-v", "-G", "group2"),
    "secondaries elsewhere, all groups": (split(TWO), "hinfo", "-v", "--print-nodes=+peermap"),
    "an empty group": (
        TWO.replace(groups=(*TWO.groups, Group(name="empty", uuid="uuid-9"))), "hbal", "-C", "-G",
        "empty"),
    "very talkative": (odd(odd=0.3), "hbal", "-C", "-v", "-v", "-v", "-v"),
    "desired locations, but no locations": (
        TAGGED.replace(tags=("htools:desiredlocation:rack",)), "hbal", "-C"),
    "forthcoming instances share no location": (
        clusters.make(3, nodes=4, per_node=4, groups=2, tags=True, odd=0.8), "hinfo", "-v"),
    "lists without what is forthcoming": (
        odd(odd=0.8), "hinfo", "--print-nodes=name,pcnt,scnt,plist,slist,ptags,peermap"),
    "loads of nodes that take part": (odd(), "hbal", "-p", "--mond", "--mond-data={mond}"),
    "spindles in saved files": (
        clusters.make(4, nodes=4, per_node=4, exclusive=True), "hbal", "--save={saved}"),
    "saved before nodes are set off": (odd(), "hroller", "-O", "node02", "--save={saved}"),
    "no capacity": (TWO, "hcheck", "--no-capacity-checks", "--machine-readable"),
    "block devices are made anew": (
        policy(clusters.make(4, nodes=3, per_node=3, odd=0.9), minmax=(
            (LOW, HIGH.replace(memory=512)),)), "hcheck", "--machine-readable"),
}


def loaded(world: World) -> str:
    return json.dumps([{"node": n.name, "reports": [{
        "name": "cpu-avg-load", "version": "B", "format_version": 1, "timestamp": 1,
        "category": None, "kind": 0,
        "data": {"cpu_number": 2, "cpus": [k / 7, 0.1], "cpu_total": k / 7 + 0.1}}]}
        for k, n in enumerate(world.nodes)])


@pytest.mark.parametrize("name", WORLDS)
def test_what_once_differed_does_not(name):
    world, program, *words = WORLDS[name]
    more = ("--no-search",) if program == "hroller" else ()
    case = Case(0, program, (*words, "-t", "{data}", *more),
                {"data": text.write(world), "mond": loaded(world)})
    found = difference(case)
    assert found is None, found


FORTHCOMING = clusters.make(4, nodes=4, per_node=4, shared=1.0)
FORTHCOMING = FORTHCOMING.replace(instances=tuple(
    i.replace(forthcoming=k % 2 == 0) for k, i in enumerate(FORTHCOMING.instances)))
COMING = FORTHCOMING.instances[0]
DEDICATED = clusters.make(5, nodes=4, per_node=2, exclusive=True)
WANTED = {**new(random.Random(1), 0), "memory": 1024, "vcpus": 1, "disk_space_total": 10240,
          "disks": [{"size": 10240, "spindles": 2}], "nics": []}
PAIR = {**WANTED, "disk_template": "drbd", "required_nodes": 2}
SINGLE = {**WANTED, "disk_template": "plain", "required_nodes": 1}
ASKED = {
    "dedicated": (DEDICATED, PAIR), "dedicated, one node": (DEDICATED, SINGLE),
    "dedicated, several": (DEDICATED, {"type": "multi-allocate", "group_name": "group1",
                                       "instances": [PAIR, {**SINGLE, "disk_space_total": 10**7}]}),
    "nothing at all": (World(), new(random.Random(1), 0)),
    "what comes is failed over": (FORTHCOMING, {
        "type": "node-evacuate", "evac_mode": "primary-only",
        "instances": [i.name for i in FORTHCOMING.instances if i.pri == COMING.pri]}),
    "a named group is scored alone": (TWO, {**PAIR, "group_name": "group2"}),
    "and knows what was placed there": (TWO, {
        "type": "multi-allocate", "group_name": "group2",
        "instances": [new(random.Random(5), k) for k in range(6)]}),
}


@pytest.mark.parametrize("name", ASKED)
def test_requests_that_once_differed_do_not(name):
    world, body = ASKED[name]
    asked = json.dumps(request(world, body, random.Random(7)))
    found = difference(Case(0, "hail", ("{request}",), {"request": asked}))
    assert found is None, found


def test_a_new_secondary_is_counted_afterwards():
    world = clusters.make(5, nodes=4, per_node=3, shared=1.0)
    body = {"type": "allocate-secondary", "name": world.instances[0].name}
    asked = json.dumps(request(world, body, random.Random(7)))
    found = difference(Case(0, "hail", ("{request}", "-p", "--save={saved}"), {"request": asked}))
    assert found is None, found


@pytest.mark.parametrize("words", [("--no-headers",), ("-p", "--static-kvm-node-memory=0")])
def test_hscan_sums_names_and_writes_as_the_reference(words):
    answers = {f"{name}.json": json.dumps(value)
               for name, value in rapi(odd(tags=True), random.Random(3)).items()}
    found = difference(Case(0, "hscan", (*words, "-d", "{folder}", "file://{folder}"), answers))
    assert found is None, found


@pytest.mark.parametrize("words", [("hinfo", "-v", "-p"), ("hbal", "-C", "-p"),
                                   ("hcheck", "--machine-readable"),
                                   ("hspace", "--machine-readable", DRBD)])
def test_requests_are_read_as_the_reference_reads_the_same_cluster_from_a_file(words, tmp_path):
    """Debian's programs count the instances of a request twice (ADR 0120)."""
    world = odd()
    asked = request(world, new(random.Random(1), 0), random.Random(7))
    facts = {n.name: {"offline": False, "drained": False, "vm_capable": True} for n in world.nodes}
    asked["nodes"] = {name: {**value, **facts[name]} for name, value in asked["nodes"].items()}
    (tmp_path / "request").write_text(json.dumps({**asked, "enabled_hypervisors": ["xen-pvm"]}))
    program, *options = words
    unmastered = world.replace(nodes=tuple(n.replace(master=False) for n in world.nodes))
    reference = theirs(program, "-t", saved(unmastered, tmp_path / "data"), *options)
    mine = ours(program, "-I", str(tmp_path / "request"), *options)
    assert (mine.code, mine.out) == (reference.code, reference.out)
    assert differ.tables(mine.err) == differ.tables(reference.err)
