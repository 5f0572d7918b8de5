"""hroller: node after node is emptied, reset and filled again, on a desk where nodes boot."""

from __future__ import annotations

import os
import signal

import pytest

from gnt.commands._edits import drop, put
from gnt.errors import GntError
from tests.commands import build
from tests.commands.moves import changed, homes, said
from tests.commands.sessions import Desk, cut_off_after


class Rebooting(Desk):
    """A desk whose nodes have a new boot id once they were reset."""

    def __init__(self, cfg, **words):
        super().__init__(cfg, **words)
        self.boots = dict.fromkeys((n.name for n in cfg.nodes), "b")

    def ask(self, calls):
        for name, boot in self.boots.items():
            facts = build.NodeFacts(mtotal=16384, mfree=8192, ctotal=8, csockets=1, cnodes=1,
                                    bootid=boot)
            self.nodes.answers[f"{name}:query.facts.node_facts"] = facts
        return super().ask(calls)

    def execute(self, operation):
        code = super().execute(operation)
        if operation.verb == "powercycle":
            assert [i for i in self.cfg.instances_on(self.cfg.node(operation.name))
                    if i.admin_state == "up" and i.name not in self.halted()] == []
            self.boots[operation.name] = f"after-{operation.name}"
        return code

    def halted(self):
        return {one.names[0] for one in self.executed if one.verb == "shutdown"}

    def resets(self):
        return [one.name for one in self.executed if one.verb == "powercycle"]


def rolled(desk, **options):
    from gnt.commands.htools.hroller import Hroller

    return Hroller(luxi="", exec_=True, force=True, **options).run(desk)


def busy_nodes(*more, **settings):
    """node1 has room for what runs on node2 or on node3, not for both."""
    big = {"beparams": {"maxmem": 5000, "minmem": 5000}}
    return build.cluster(
        *build.with_disk(build.instance("one", 1)),
        *build.with_disk(build.instance("two", 2, **big)),
        *build.with_disk(build.instance("three", 3, **big)), *more, candidate_pool_size=1,
        **settings)


def tagged(cfg):
    return [tag for thing in (cfg.cluster, *cfg.nodes, *cfg.instances) for tag in thing.tags]


def test_hroller_reboots_every_node_but_the_master_and_brings_back_what_ran_there():
    desk = Rebooting(busy_nodes())
    before = homes(desk.cfg)
    assert rolled(desk) == 0
    assert sorted(desk.resets()) == ["node2", "node3"]
    assert homes(desk.cfg) == before
    assert not any(node.drained for node in desk.cfg.nodes)
    assert tagged(desk.cfg) == ["htools:hroller:run", "htools:hroller:todo"]
    assert "node1 is the master and is left" in said(desk)
    assert rolled(desk) == 0 and len(desk.resets()) == 2  # the run is still the same one


def test_a_run_that_was_cut_off_goes_on_where_it_was():
    whole = Rebooting(busy_nodes())
    rolled(whole)
    for cut in range(1, len(whole.executed)):
        desk = Rebooting(busy_nodes())
        cut_off_after(cut, desk, rolled)
        assert rolled(desk) == 0
        assert sorted(desk.resets()) == ["node2", "node3"], cut
        assert homes(desk.cfg) == homes(busy_nodes()), cut
        assert tagged(desk.cfg) == ["htools:hroller:run", "htools:hroller:todo"], cut


def test_a_node_that_does_not_come_back_ends_the_run():
    desk = Rebooting(busy_nodes())
    desk.boots = {"node1": "b", "node2": "b", "node3": "b"}

    def never(operation):
        code = Desk.execute(desk, operation)
        if operation.verb == "powercycle":
            desk.nodes.silent = {operation.name}
        return code

    desk.execute = never
    with pytest.raises(GntError, match="did not come back within 0 s"):
        rolled(desk, boot_timeout=0)
    assert len(desk.resets()) == 1
    assert desk.cfg.node(desk.resets()[0]).drained


def test_those_that_come_back_are_not_kept_waiting_for_one_that_does_not():
    desk = Rebooting(build.cluster(*build.with_disk(build.instance("one")), nodes=4,
                                   candidate_pool_size=1))

    def never(operation):
        code = Rebooting.execute(desk, operation)
        if operation.verb == "powercycle" and operation.name == "node3":
            desk.boots["node3"] = "b"
        return code

    desk.execute = never
    with pytest.raises(GntError, match=r"^node3 did not come back within 0 s") as caught:
        rolled(desk, boot_timeout=0)
    assert "--offline=yes" in caught.value.hint
    assert [node.name for node in desk.cfg.nodes if node.drained] == ["node3"]
    gone = desk.cfg.node("node3")  # for good: somebody says so, and the run goes on
    desk.cfg = changed(desk.cfg, put(gone.replace(offline=True, drained=False)))
    del desk.execute
    assert rolled(desk, boot_timeout=0) == 0
    assert sorted(set(desk.resets())) == ["node2", "node3", "node4"]
    assert desk.cfg.node("node3").offline and not desk.cfg.node("node3").tags
    assert "node3 is offline by now, and is left out" in said(desk)

CHANGES = {
    "offline by now": {"offline": True}, "drained by somebody": {"drained": True},
    "no node any more": None,
}


@pytest.mark.parametrize("why", CHANGES)
def test_what_others_did_to_a_node_meanwhile_is_respected(why):
    """Between the plan, when the first group is begun, and its own turn."""
    desk = Rebooting(busy_nodes(nodes=4))
    met = []

    def meddled(operation):
        code = Rebooting.execute(desk, operation)
        if operation.verb == "powercycle" and not met:
            other = next(n for n in desk.cfg.nodes if n.name not in (operation.name, "node1")
                         and not n.drained)
            met.append(other.name)
            moved = [put(i.replace(primary_node="n1")) for i in desk.cfg.instances_on(other)]
            done = drop(other) if CHANGES[why] is None else put(other.replace(**CHANGES[why]))
            desk.cfg = changed(desk.cfg, *moved, done)
        return code

    desk.execute = meddled
    assert rolled(desk) == 0
    assert f"{met[0]} is {why}, and is left out" in said(desk)
    assert met[0] not in desk.resets() and len(desk.resets()) == 2
    if CHANGES[why]:
        node = desk.cfg.node(met[0])
        assert (node.offline, node.drained) == (why.startswith("off"), why.startswith("drained"))
        assert f"{met[0]} still to be rebooted" in said(desk)


def test_a_run_that_was_cut_off_while_it_was_marked_does_not_reach_into_the_next():
    marked = build.node(3, tags=("htools:hroller:todo",))
    desk = Rebooting(busy_nodes(marked, build.node(2, tags=("rack:1",))))
    assert rolled(desk, node_tags=("rack:1",)) == 0
    assert desk.resets() == ["node2"]
    assert tagged(desk.cfg) == ["rack:1"]


def test_an_instance_that_refuses_to_move_stops_the_run_and_the_rest_is_done_later():
    cfg = busy_nodes()
    desk = Rebooting(cfg)
    for node in ("node1", "node2"):
        desk.nodes.answers[f"{node}:hypervisor.fake.version"] = build.Capabilities(version="2")
    with pytest.raises(GntError, match="not every instance could be moved"):
        rolled(desk)
    stuck = [node.name for node in desk.cfg.nodes if node.drained]
    assert len(stuck) == 1 and stuck[0] not in desk.resets()
    desk.nodes.answers = {}
    assert rolled(desk) == 0
    assert sorted(set(desk.resets())) == ["node2", "node3"]
    assert homes(desk.cfg) == homes(cfg)
    assert not any(node.drained for node in desk.cfg.nodes)


def test_what_is_back_is_not_sent_away_again():
    """Cut off while instances return, a run goes on with the rest of them."""
    desk = Rebooting(busy_nodes())
    moved = []

    def limited(operation):
        code = Rebooting.execute(desk, operation)
        if operation.verb in ("migrate", "failover"):
            moved.append((operation.name, operation.target_node))
            if operation.target_node == "node2" and desk.boots["node2"] != "b":
                raise KeyboardInterrupt
        return code

    desk.execute = limited
    with pytest.raises(KeyboardInterrupt):
        rolled(desk)
    del desk.execute
    before = len([one for one in desk.executed if one.verb in ("migrate", "failover")])
    assert rolled(desk) == 0
    later = [one for one in desk.executed if one.verb in ("migrate", "failover")][before:]
    assert "two" not in {one.name for one in later if one.target_node != "node2"}
    assert homes(desk.cfg) == homes(busy_nodes())


def test_what_cannot_move_is_shut_down_and_started_again_if_asked_for():
    local = build.with_disk(build.instance("local", 2), "file")
    with pytest.raises(GntError, match="local: Instances of type file cannot be relocated"):
        rolled(Rebooting(busy_nodes(*local)))
    desk = Rebooting(busy_nodes(*local))
    assert rolled(desk, ignore_non_redundant=True) == 0
    assert {"local"} < desk.halted() < {"local", "two", "three"}  # one of these finds room
    assert {one.names[0] for one in desk.executed if one.verb == "startup"} == desk.halted()
    assert tagged(desk.cfg) == ["htools:hroller:run", "htools:hroller:todo"]
    desk = Rebooting(busy_nodes(*local))
    assert rolled(desk, offline_maintenance=True, ignore_non_redundant=True) == 0
    assert desk.halted() == {"local", "two", "three"}


def test_hroller_stops_after_the_group_when_asked_to():
    desk = Rebooting(busy_nodes())
    first = desk.submit

    def stopped(operation):
        os.kill(os.getpid(), signal.SIGINT)
        desk.submit = first
        return first(operation)

    desk.submit = stopped
    assert rolled(desk) == 0
    assert len(desk.resets()) == 1 and "stopped as asked" in said(desk)
    assert rolled(desk) == 0 and len(desk.resets()) == 2


def test_tags_that_no_node_has_are_an_error_and_mark_nothing():
    desk = Rebooting(busy_nodes())
    with pytest.raises(GntError, match="no node is chosen"):
        rolled(desk, node_tags=("nothing",))
    assert desk.executed == [] and tagged(desk.cfg) == []


def test_one_step_only_is_one_group():
    desk = Rebooting(busy_nodes())
    assert rolled(desk, one_step_only=True) == 0
    assert len(desk.resets()) == 1


def test_a_connection_that_a_reboot_broke_is_tried_again():
    from gnt.commands.htools import _patient
    from gnt.commands.node import _awake
    from gnt.errors import NodeFailed

    class Breaking(Rebooting):
        broken = 0

        def submit(self, operation):
            if self.resets() and self.broken < 3:
                self.broken += 1
                raise NodeFailed("node2", "lost", "the connection broke")
            return super().submit(operation)

    kept, _awake.LOOK = _awake.LOOK, 0.0
    try:
        desk = Breaking(busy_nodes())
        assert rolled(desk) == 0 and desk.broken == 3
        assert homes(desk.cfg) == homes(busy_nodes())
        gone = Breaking(busy_nodes())
        gone.broken = -_patient.TRIES * 9
        with pytest.raises(NodeFailed, match="the connection broke"):
            rolled(gone)
    finally:
        _awake.LOOK = kept
