"""Odd clusters: what the reference makes of them is the specification."""

from __future__ import annotations

import pytest

from gnt.htools.world import World
from tests.htools import clusters
from tests.htools.reference import ours, saved, theirs

pytestmark = pytest.mark.later

BASE = clusters.make(6, nodes=4, per_node=3)
GROUPS = clusters.make(6, nodes=6, per_node=2, groups=2)


def off(*which):
    return BASE.replace(nodes=tuple(
        n.replace(offline=k in which) for k, n in enumerate(BASE.nodes)))


def first(**changes):
    return BASE.replace(nodes=(BASE.nodes[0].replace(**changes), *BASE.nodes[1:]))


def policies(**changes):
    return BASE.replace(policy=BASE.policy.replace(**changes), groups=tuple(
        g.replace(policy=g.policy.replace(**changes)) for g in BASE.groups))


def allocating(*words):
    return GROUPS.replace(groups=tuple(
        g.replace(alloc_policy=word) for g, word in zip(GROUPS.groups, words, strict=True)))


WORLDS = {
    "no instances": BASE.replace(instances=()), "no nodes": BASE.replace(instances=(), nodes=()),
    "nothing": World(groups=(), nodes=(), instances=()),
    "one node": clusters.make(6, nodes=1, per_node=3),
    "all offline": off(0, 1, 2, 3), "one online": off(1, 2, 3), "two offline": off(2, 3),
    "three groups": clusters.make(6, nodes=7, per_node=3, groups=3),
    "an empty group": BASE.replace(groups=(
        *BASE.groups, BASE.groups[0].replace(name="empty", uuid="uuid-9"))),
    "unallocable": allocating("unallocable", "unallocable"),
    "last resort": allocating("last_resort", "preferred"),
    "a node without memory": first(t_mem=0.0, f_mem=0, n_mem=0),
    "a node without disk": first(t_dsk=0.0, f_dsk=0),
    "less than nothing": first(f_mem=-9, f_dsk=-5),
    "overfull": BASE.replace(nodes=tuple(n.replace(f_mem=0) for n in BASE.nodes)),
    "no templates": policies(templates=()), "no sizes": policies(minmax=()),
    "no master": BASE.replace(nodes=tuple(n.replace(master=False) for n in BASE.nodes)),
    "two masters": BASE.replace(nodes=tuple(n.replace(master=True) for n in BASE.nodes)),
    "empty tags": BASE.replace(tags=("htools:iextags:", "htools:nlocation:", "htools:migration:")),
    "split": GROUPS.replace(instances=tuple(
        i.replace(sec=(i.pri + 1) % 6) for i in GROUPS.instances)),
}
PROGRAMS = (
    ("hinfo", "-v"), ("hbal", "-C"), ("hbal", "-C", "-G", "group2"),
    ("hcheck", "--machine-readable"), ("hroller", "-v"),
    ("hroller", "--force", "--offline-maintenance", "--no-headers"), ("hsqueeze", "-C", "-v"),
)
LEFT_OUT = {  # with instances between groups
    ("split", "hcheck"),  # the reference stops with an error of its own library
}


@pytest.mark.parametrize("name", WORLDS)
def test_odd_clusters_are_seen_as_by_the_reference(name, tmp_path):
    path = saved(WORLDS[name], tmp_path / "c.data")
    for program, *words in PROGRAMS:
        if (name, program) not in LEFT_OUT:
            a, b = theirs(program, "-t", path, *words), ours(program, "-t", path, *words)
            assert (b.out, b.code) == (a.out, a.code), (program, words)


@pytest.mark.parametrize("name", [
    "no nodes", "nothing", "all offline", "unallocable", "a node without memory", "overfull",
    "no templates", "no sizes", "less than nothing",
])
def test_what_fits_in_odd_clusters(name, tmp_path):
    """Only where the reference is done soon."""
    path = saved(WORLDS[name], tmp_path / "c.data")
    words = ("-t", path, "--machine-readable", "--disk-template", "drbd")
    a, b = theirs("hspace", *words), ours("hspace", *words)
    assert (b.out, b.code) == (a.out, a.code)


TEXT = """group1|uuid-1|preferred||

node1|65536|1024|60000|1000000|900000|16|M|uuid-1|1||N|0|1|1.0
node2|65536|1024|60000|1000000|900000|16|N|uuid-1|1||N|0|1|1.0

inst1|1024|1024|1|running|Y|node1|node2|drbd||1|-|N

"""


@pytest.mark.parametrize(("old", "new"), [
    ("65536|1024|60000", "x|1024|60000"), ("|1|running", "|one|running"),
    ("running|Y", "walking|Y"), ("running|Y", "running|?"), ("|node1|node2|", "|node3|node2|"),
    ("|node1|node2|", "|node1|node9|"), ("uuid-1|1||N|0|1|1.0\n\n", "uuid-7|1||N|0|1|1.0\n\n"),
    ("|preferred|", "|sometimes|"), ("|drbd|", "|paper|"), ("group1|uuid-1|preferred||", "group1"),
    ("inst1|1024|1024", "inst1"), ("\n\n", "\n"),
])
def test_files_that_the_reference_refuses_are_refused_with_the_place(old, new, tmp_path):
    path = tmp_path / "c.data"
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    path.write_text(text)
    for program in ("hinfo", "hbal"):
        assert theirs(program, "-t", str(path)).code != 0
        done = ours(program, "-t", str(path))
        assert done.code in (1, 2) and done.out == ""
        assert str(path) in done.err and len(done.err.splitlines()) <= 2


@pytest.mark.parametrize("words", [
    ("-O", "nobody"), ("--select-instances", "nobody"), ("--exclude-instances", "nobody"),
    ("-G", "nothing"), ("-t", "/nowhere"), ("-U", "/nowhere"), ("--max-cpu=-1",),
    ("-l", "x"), ("--nothing",), ("word",),
])
def test_options_that_are_refused_end_in_one_line(words, tmp_path):
    path = saved(BASE, tmp_path / "c.data")
    given = words if words[0] == "-t" else ("-t", path, *words)
    assert theirs("hbal", *given).code != 0
    done = ours("hbal", *given)
    assert done.code in (1, 2) and len(done.err.splitlines()) <= 2 and done.err.startswith("hbal")
