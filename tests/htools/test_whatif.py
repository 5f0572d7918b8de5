"""Events on paper: what fits, what breaks and why."""

from __future__ import annotations

import pytest

from gnt.errors import Invalid
from gnt.htools.whatif import Play
from gnt.htools.world import BadData, Group, Instance, Node, World


def world(*loads, free=8192, groups=1, tags=()):
    """A node for each tuple of instances; an instance is (MiB, template)."""
    nodes, instances = [], []
    for k, load in enumerate(loads):
        used = sum(mem for mem, _ in load)
        nodes.append(Node(name=f"node{k + 1}", group=k % groups, t_mem=float(free + used),
                          f_mem=free, t_dsk=1e6, f_dsk=10**6, t_cpu=16.0, n_cpu=1, spindles=1,
                          tags=(f"rack:{k // 2}", *tags)))
        for j, (mem, template) in enumerate(load):
            sec = (k + 1) % len(loads) if template == "drbd" else -1
            instances.append(Instance(name=f"i{k + 1}-{j}", mem=mem, dsk=1024, vcpus=1,
                                      status="running", pri=k, sec=sec, template=template))
    return World(groups=tuple(Group(name=f"g{g}", uuid=f"u{g}") for g in range(groups)),
                 nodes=tuple(nodes), instances=tuple(instances))


def shared(*sizes):
    return tuple((size, "sharedfile") for size in sizes)


def happened(scene, event):
    report = scene.happen(event)
    return report.good, "\n".join(report.lines)


def test_what_a_lost_node_ran_starts_elsewhere_or_breaks():
    scene = Play(world(shared(4096, 4096), shared(1024), ((512, "file"), (6000, "drbd"))), "file")
    good, text = happened(scene, "lose node1")
    assert good and "2 instance(s) start elsewhere, 0 break(s)" in text
    good, text = happened(scene, "lose node3")
    assert not good
    assert "i3-0: its disks are on node3 only" in text
    assert "i3-1: no node has 6000 MiB for it (node1: offline)" in text


def test_events_add_up_but_for_those_that_try_every_case():
    scene = Play(world(shared(4096), shared(4096), shared(4096)), "diskless")
    assert scene.happen("lose any").good and scene.happen("lose any 1").good
    assert scene.happen("add 1x 4000M").data["placed"] == {"node3": 1}
    assert scene.happen("lose any").good
    assert scene.happen("lose node1").data["moved"] == {"i1-0": "node2"}
    assert scene.happen("lose any 1").data["broken"] == {"node2": ["i2-0"], "node3": ["i3-0"]}
    assert scene.happen("lose node3").data["moved"] == {"new-1": "node2"}


def test_when_no_node_is_left_that_is_what_is_said():
    scene = Play(world(shared(4096)), "sharedfile")
    assert happened(scene, "lose node1") == (False, "0 instance(s) start elsewhere, 1 break(s)\n"
                                             "  i1-0: no node has 4096 MiB for it "
                                             "(no other is there)")
    assert scene.summary().lines == ("no node is left",) and not scene.summary().good
    with pytest.raises(Invalid, match="no node is left"):
        scene.happen("lose any")


@pytest.mark.parametrize("template", ["nope", "drbd"])
def test_only_what_the_cluster_can_make_is_added(template):
    scene = Play(world((), ()), "sharedfile", ("sharedfile", "file"))
    with pytest.raises(Invalid, match=f"the cluster has no disk template '{template}'") as caught:
        scene.happen(f"add 1x 1G,1,1G,{template}")
    assert "enabled: sharedfile, file" in caught.value.hint
    assert scene.happen("add 1x 1G,1,1G,file").good and scene.happen("add 1x 1G").good


def test_how_many_fit_is_what_placing_them_one_by_one_says():
    scene = Play(world((), (), ()), "sharedfile")
    report = scene.happen("add 20x 4000M,2,10G")
    assert not report.good
    assert report.data["fit"] == 6 == sum(report.data["placed"].values())
    assert "number 7 does not: there is no room" in "\n".join(report.lines)
    assert set(report.data["rejected"]) == {"node1", "node2", "node3"}
    assert scene.explained("add 20x 4000M,2,10G")[0] == "  node1: 192 MiB of memory free"


def test_failure_domains_and_groups():
    tight = world(shared(6000), shared(6000), shared(6000), shared(6000), free=4000)
    scene = Play(tight, "diskless")
    report = scene.happen("lose any rack:")
    assert not report.good and report.data["cases"] == 2
    assert set(report.data["broken"]) == {"rack:0", "rack:1"}
    assert not scene.happen("lose tag rack:1").good
    spread = Play(world(shared(64), (), shared(64), (), groups=2), "diskless")
    assert spread.happen("lose any group").data == {
        "cases": 2, "broken": {"g0": ["i1-0", "i3-0"]}}
    assert spread.happen("lose group g1").good


def test_several_failure_domains_at_once():
    racks = world(*[shared(1500, 1500)] * 6, free=4000)
    scene = Play(racks, "diskless")
    assert scene.happen("lose any rack:").good
    report = scene.happen("lose any 2 rack:")
    assert report.data["cases"] == 3 and not report.good
    assert set(report.data["broken"]) == {"rack:0, rack:1", "rack:0, rack:2", "rack:1, rack:2"}
    assert scene.happen("lose any 1 group").data["cases"] == 1
    twice = racks.replace(nodes=tuple(n.replace(tags=("rack:a", "rack:b")) for n in racks.nodes))
    assert Play(twice, "x").happen("lose any 2 rack:").data["cases"] == 1
    with pytest.raises(Invalid, match="from 1 to 3"):
        scene.happen("lose any 4 rack:")


def test_every_pair_is_tried():
    scene = Play(world(shared(5000), shared(5000), shared(5000), shared(5000), free=5200), "x")
    assert scene.happen("lose any 1").good
    report = scene.happen("lose any 2")
    assert report.data["cases"] == 6 and report.good
    assert not scene.happen("lose any 3").good
    assert scene.summary().good


@pytest.mark.parametrize("event", [
    "", "loose node1", "lose", "add", "add x4G", "add 0x 4G", "add 3x", "add 3x 4Q", "add -1x 4G",
    "add 1,2,3,4,5", "lose group none", "lose tag none", "lose any none:", "lose any 0",
    "lose any 9", "lose any a b", "lose any 2 none:", "lose any 0 group", "lose any 2x",
])
def test_words_that_make_no_sense(event):
    with pytest.raises(Invalid):
        Play(world((), ()), "x").happen(event)


def test_unknown_nodes_and_too_many_cases_are_refused():
    with pytest.raises(BadData, match="there is no node 'node9'"):
        Play(world((), ()), "x").happen("lose node9")
    many = Play(world(*[()] * 40), "x")
    with pytest.raises(Invalid, match="more than 20000 combinations"):
        many.happen("lose any 6")
