"""Programs that act: hbal and hsqueeze on a desk where every job succeeds."""

from __future__ import annotations

import os
import signal

import pytest

from gnt.commands._edits import drop
from gnt.commands.htools.hbal import Hbal
from gnt.commands.instance.failover import Failover
from gnt.commands.instance.migrate import Migrate
from gnt.commands.instance.replace_disks import ReplaceDisks
from gnt.errors import GntError, Interrupted
from gnt.model.objects import Disk, Instance
from tests.commands import build
from tests.commands.moves import changed, homes, said
from tests.commands.sessions import Desk, cut_off_after


def crowded(count=6, **settings):
    """All instances on node1; the last one is down."""
    made = []
    for k in range(count):
        down = {"admin_state": "down", "disks_active": False} if k == count - 1 else {}
        made += build.with_disk(build.instance(f"i{k}", **down))
    return build.cluster(*made, **settings)


def test_hbal_makes_its_moves_by_jobs():
    desk = Desk(crowded())
    assert Hbal(luxi="", exec_=True, min_gain=1e-6).run(desk) == 0
    counts = [list(homes(desk.cfg).values()).count(n) for n in ("n1", "n2", "n3")]
    assert sorted(counts) == [2, 2, 2]
    assert {type(one) for one in desk.executed} <= {Migrate, Failover}
    assert "4 of 4 moves done" in said(desk) and "Got job IDs 1" in said(desk)


def on_volumes(count=6):
    """Mirrored instances, all on node1 and node2."""
    made = []
    for k in range(count):
        made += build.on_volumes(build.instance(f"i{k}"), "drbd")
        disk = made[-3]
        made[-3] = disk.replace(logical_id=(*disk.logical_id[:2], 11000 + k, k, k, "s"))
    return build.cluster(*made, volume_group_name="xenvg",
                         enabled_disk_templates=("drbd", "plain"))


def test_hbal_moves_second_copies_by_jobs():
    desk = Desk(on_volumes())
    assert Hbal(luxi="", exec_=True, min_gain=1e-6).run(desk) == 0
    assert ReplaceDisks in {type(one) for one in desk.executed}
    disks = [disk for disk in desk.cfg.all(Disk) if disk.dev_type == "drbd"]
    assert {uuid for disk in disks for uuid in disk.nodes} == {"n1", "n2", "n3"}
    for disk in disks:
        assert desk.cfg.one(Instance, disk.instance).primary_node in disk.nodes
    for node in desk.cfg.nodes:  # nobody has another's number
        minors = [disk.logical_id[3 + disk.logical_id.index(node.uuid)] for disk in disks
                  if node.uuid in disk.nodes]
        assert len(minors) == len(set(minors))


def test_hbal_stops_where_a_job_fails():
    desk = Desk(crowded())
    desk.nodes.answers["node2:hypervisor.fake.version"] = build.Capabilities(version="2")
    desk.nodes.answers["node3:hypervisor.fake.version"] = build.Capabilities(version="2")
    assert Hbal(luxi="", exec_=True, min_gain=1e-6).run(desk) == 1
    assert "Not all jobs of a set were successful" in said(desk)
    assert "fake is 1 on node1 and 2 on" in said(desk)


def ask(number):
    return lambda: os.kill(os.getpid(), number)


def test_one_signal_lets_the_set_end_and_a_second_leaves():
    desk = Desk(crowded())
    desk.waiting = [ask(signal.SIGINT)]
    before = signal.getsignal(signal.SIGINT)
    assert Hbal(luxi="", exec_=True, min_gain=1e-6).run(desk) == 0
    assert "it stops at the end of this set" in said(desk)
    assert "Exiting early as asked" in said(desk) and 0 < len(desk.executed) < 4
    assert signal.getsignal(signal.SIGINT) is before
    for numbers in ([signal.SIGINT, signal.SIGINT], [signal.SIGTERM]):
        desk = Desk(crowded())
        desk.waiting = [lambda all=numbers: [ask(number)() for number in all]]
        with pytest.raises(Interrupted, match="the jobs that have begun go on"):
            Hbal(luxi="", exec_=True, min_gain=1e-6).run(desk)


def test_an_instance_that_others_removed_meanwhile_stops_nothing_that_has_begun():
    desk = Desk(crowded())
    first = desk.submit

    def gone(operation):
        desk.submit = first
        desk.cfg = changed(desk.cfg, drop(desk.cfg.instance(operation.name)))
        return first(operation)

    desk.submit = gone
    assert Hbal(luxi="", exec_=True, min_gain=1e-6).run(desk) == 1
    assert "Not all jobs of a set were successful" in said(desk)
    again = Desk(desk.cfg)
    assert Hbal(luxi="", exec_=True, min_gain=1e-6).run(again) == 0


def test_moves_are_made_only_in_the_cluster_one_belongs_to(tmp_path):
    with pytest.raises(GntError, match="only in the cluster this program belongs to"):
        Hbal(text_data=str(tmp_path / "x"), exec_=True).run(Desk(crowded()))


def test_a_dry_run_does_not_say_that_anything_is_done():
    desk = Desk(crowded())
    desk.submit = lambda operation: ()
    assert Hbal(luxi="", exec_=True, min_gain=1e-6).run(desk) == 0
    assert "moves only planned" in said(desk) and "moves done" not in said(desk)


def test_first_job_group_ends_after_the_first_set():
    desk = Desk(crowded())
    assert Hbal(luxi="", exec_=True, first_job_group=True, min_gain=1e-6).run(desk) == 0
    assert "job set 1 of 1" in said(desk) and len(desk.executed) < 4

OOB = {"ndparams": {"oob_program": "/usr/local/sbin/oob"}}


def spare(**third):
    """web runs on node2; every node can be switched."""
    return build.cluster(
        *build.with_disk(build.instance("web", 2)), build.node(2, **OOB),
        build.node(3, **{**OOB, **third}), candidate_pool_size=1)


def test_hsqueeze_switches_off_what_is_not_needed():
    from gnt.commands.htools.hsqueeze import Hsqueeze

    desk = Desk(spare())
    assert Hsqueeze(luxi="", exec_=True).run(desk) == 0
    off = [node.name for node in desk.cfg.nodes if node.offline]
    assert off and all(not desk.cfg.node(n).powered for n in off)
    assert all("htools:standby:auto" in desk.cfg.node(n).tags for n in off)
    assert not {desk.cfg.node(n).uuid for n in off} & set(homes(desk.cfg).values())
    assert f"{off[0]} is off" in said(desk)
    before = len(desk.executed)
    assert Hsqueeze(luxi="", exec_=True).run(desk) == 0  # and so it stays
    assert len(desk.executed) == before


def test_hsqueeze_brings_back_what_is_needed():
    from gnt.commands.htools.hsqueeze import Hsqueeze

    cfg = spare(offline=True, powered=False, master_candidate=False,
                tags=("htools:standby:auto", "rack:1"))
    desk = Desk(cfg, nodes=build.Nodes(cfg, memory={"node1": 200, "node2": 200}))
    assert Hsqueeze(luxi="", exec_=True, minimal_resources=2.0).run(desk) == 0
    node = desk.cfg.node("node3")
    assert (node.offline, node.powered, node.tags) == (False, True, ("rack:1",))
    assert "node3 is back" in said(desk)


def test_what_was_cut_off_is_brought_back_by_the_next_run_and_keeps_no_mark():
    from gnt.commands.htools.hsqueeze import Hsqueeze

    cfg = spare(offline=True, powered=False, master_candidate=False,
                tags=("htools:standby:auto", "rack:1"))
    words = {"nodes": build.Nodes(cfg, memory={"node1": 200, "node2": 200})}
    whole = Desk(cfg, **words)
    Hsqueeze(luxi="", exec_=True, minimal_resources=2.0).run(whole)
    assert len(whole.executed) >= 3
    for cut in range(len(whole.executed)):
        desk = Desk(cfg, **words)
        cut_off_after(cut, desk, Hsqueeze(luxi="", exec_=True, minimal_resources=2.0).run)
        assert Hsqueeze(luxi="", exec_=True, minimal_resources=2.0).run(desk) == 0
        node = desk.cfg.node("node3")
        assert (node.offline, node.powered, node.tags) == (False, True, ("rack:1",)), cut


def test_what_was_cut_off_is_switched_off_by_the_next_run():
    from gnt.commands.htools.hsqueeze import Hsqueeze

    whole = Desk(spare())
    Hsqueeze(luxi="", exec_=True).run(whole)
    off = [node.name for node in whole.cfg.nodes if node.offline]
    assert len(whole.executed) >= 3
    for cut in range(len(whole.executed)):
        desk = Desk(spare())
        cut_off_after(cut, desk, Hsqueeze(luxi="", exec_=True).run)
        assert Hsqueeze(luxi="", exec_=True).run(desk) == 0
        ended = [node.name for node in desk.cfg.nodes if node.offline]
        assert ended == off, cut
        assert not any(desk.cfg.node(name).powered for name in off), cut


def test_hsqueeze_switches_no_further_node_off_after_it_was_asked_to_stop():
    from gnt.commands.htools.hsqueeze import Hsqueeze

    desk = Desk(spare())
    desk.waiting = [ask(signal.SIGINT)]
    assert Hsqueeze(luxi="", exec_=True).run(desk) == 0
    assert "stopped as asked: hsqueeze -L -X goes on" in said(desk)
    assert all(node.powered and not node.offline for node in desk.cfg.nodes)
    assert Hsqueeze(luxi="", exec_=True).run(desk) == 0
    assert [node.name for node in desk.cfg.nodes if node.offline]


def test_hsqueeze_needs_a_way_to_switch():
    from gnt.commands.htools.hsqueeze import Hsqueeze
    from gnt.errors import Conflict

    desk = Desk(build.cluster(*build.with_disk(build.instance("web", 2)), candidate_pool_size=1))
    with pytest.raises(Conflict, match="has no out-of-band program"):
        Hsqueeze(luxi="", exec_=True).run(desk)
    assert desk.executed == []
