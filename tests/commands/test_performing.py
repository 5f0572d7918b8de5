"""Programs that act: hbal, hsqueeze, hroller and harep on a desk where every job succeeds."""

from __future__ import annotations

import os
import signal

import pytest

from gnt.commands._edits import drop, put
from gnt.commands.htools.hbal import Hbal
from gnt.commands.instance.failover import Failover
from gnt.commands.instance.migrate import Migrate
from gnt.errors import GntError, Interrupted
from gnt.plan import Plan
from tests.commands import build
from tests.commands.sessions import Desk


def crowded(count=6, **settings):
    """All instances on node1; the last one is down."""
    made = []
    for k in range(count):
        down = {"admin_state": "down", "disks_active": False} if k == count - 1 else {}
        made += build.with_disk(build.instance(f"i{k}", **down))
    return build.cluster(*made, **settings)


def changed(cfg, *edits):
    """The configuration after somebody else changed it."""
    return build.applied(cfg, Plan(end=edits))


def homes(cfg):
    return {inst.name: inst.primary_node for inst in cfg.instances}


def said(desk):
    return "\n".join(map(str, desk.told))


def test_hbal_makes_its_moves_by_jobs():
    desk = Desk(crowded())
    assert Hbal(luxi="", exec_=True, min_gain=1e-6).run(desk) == 0
    counts = [list(homes(desk.cfg).values()).count(n) for n in ("n1", "n2", "n3")]
    assert sorted(counts) == [2, 2, 2]
    assert {type(one) for one in desk.executed} <= {Migrate, Failover}
    assert "4 of 4 moves done" in said(desk) and "Got job IDs 1" in said(desk)


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


def test_what_was_cut_off_is_switched_off_by_the_next_run():
    from gnt.commands.htools.hsqueeze import Hsqueeze

    whole = Desk(spare())
    Hsqueeze(luxi="", exec_=True).run(whole)
    off = [node.name for node in whole.cfg.nodes if node.offline]
    assert len(whole.executed) >= 3
    for cut in range(len(whole.executed)):
        desk, left = Desk(spare()), iter(range(cut))

        def limited(operation, desk=desk, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return Desk.execute(desk, operation)

        desk.execute = limited
        with pytest.raises(KeyboardInterrupt):
            Hsqueeze(luxi="", exec_=True).run(desk)
        del desk.execute
        assert Hsqueeze(luxi="", exec_=True).run(desk) == 0
        ended = [node.name for node in desk.cfg.nodes if node.offline]
        assert ended == off, cut
        assert not any(desk.cfg.node(name).powered for name in off), cut


def test_hsqueeze_needs_a_way_to_switch():
    from gnt.commands.htools.hsqueeze import Hsqueeze
    from gnt.errors import Conflict

    desk = Desk(build.cluster(*build.with_disk(build.instance("web", 2)), candidate_pool_size=1))
    with pytest.raises(Conflict, match="has no out-of-band program"):
        Hsqueeze(luxi="", exec_=True).run(desk)
    assert desk.executed == []


# --- rolling maintenance --------------------------------------------------------------------------


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
        left = iter(range(cut))

        def limited(operation, desk=desk, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return Rebooting.execute(desk, operation)

        desk.execute = limited
        with pytest.raises(KeyboardInterrupt):
            rolled(desk)
        del desk.execute
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


def test_one_step_only_is_one_group():
    desk = Rebooting(busy_nodes())
    assert rolled(desk, one_step_only=True) == 0
    assert len(desk.resets()) == 1


# --- autorepair -----------------------------------------------------------------------------------

AUTO = "ganeti:watcher:autorepair:"


def broken(*, cluster=(), group=(), instance=(), template="sharedfile", **node):
    """web's node is offline; db is well."""
    web = build.instance("web", 2, tags=instance, osparams={"image": "/srv/i.raw"})
    return build.cluster(
        *build.with_disk(web, template), *build.with_disk(build.instance("db", 3)),
        build.node(2, **(node or {"offline": True, "master_candidate": False})),
        build.Group(uuid="g1", name="default", tags=tuple(group)), tags=tuple(cluster))


def repaired(cfg, **options):
    from gnt.commands.htools.harep import Harep

    desk = Desk(cfg)
    assert Harep(luxi="", **options).run(desk) == 0
    return desk


def results(desk):
    from gnt.htools import repair

    return [(r.type, r.outcome, len(r.jobs)) for r in repair.repairs(desk.cfg.instance("web").tags)]


def test_an_instance_of_a_lost_node_is_failed_over_where_that_is_allowed():
    desk = repaired(broken(cluster=[AUTO + "failover"]))
    assert homes(desk.cfg)["web"] in ("n1", "n3")
    assert results(desk) == [("failover", "success", 1)]
    again = repaired(desk.cfg)
    assert again.executed == []


@pytest.mark.parametrize(("tags", "outcome"), [
    ({}, [("failover", "enoperm", 0)]),
    ({"cluster": [AUTO + "migrate"]}, [("failover", "enoperm", 0)]),
    ({"cluster": [AUTO + "reinstall"], "group": [AUTO + "fix-storage"]},
     [("failover", "enoperm", 0)]),
    ({"cluster": [AUTO + "reinstall"], "instance": [AUTO + "suspend"]}, []),
    ({"cluster": [AUTO + "failover"], "instance": [AUTO + "suspend:99999999999"]}, []),
    ({"cluster": [AUTO + "failover"], "instance": [AUTO + "suspend:12"]},
     [("failover", "success", 1)]),
    ({"instance": [AUTO + "reinstall", AUTO + "failover"]}, [("failover", "success", 1)]),
    ({"cluster": [AUTO + "failover"],
      "instance": [AUTO + "result:failover:x:5:failure:7"]}, [("failover", "failure", 1)]),
    ({"cluster": [AUTO + "failover"],
      "instance": [AUTO + "result:failover:x:5:enoperm:"]}, [("failover", "success", 1)]),
])
def test_the_nearest_and_least_permission_counts(tags, outcome):
    assert results(repaired(broken(**tags))) == outcome


def test_what_its_node_took_along_is_made_and_installed_anew():
    desk = repaired(broken(cluster=[AUTO + "reinstall"], template="file"))
    assert [one.verb for one in desk.executed if "tags" not in one.verb] == [
        "shutdown", "recreate-disks", "reinstall", "startup"]
    web = desk.cfg.instance("web")
    assert web.primary_node != "n2" and web.admin_state == "up"
    assert results(desk) == [("reinstall", "success", 4)]
    assert results(repaired(broken(cluster=[AUTO + "failover"], template="file"))) == [
        ("reinstall", "enoperm", 0)]


def test_a_drained_node_needs_a_migration_only():
    desk = repaired(broken(cluster=[AUTO + "migrate"], drained=True, master_candidate=False))
    assert homes(desk.cfg)["web"] != "n2"
    assert [type(one) for one in desk.executed if "tags" not in one.verb] == [Migrate]


def test_a_failure_is_kept_and_a_dry_run_changes_nothing():
    lonely = broken(cluster=[AUTO + "failover"])
    desk = Desk(lonely, nodes=build.Nodes(lonely, memory={"node1": 1, "node3": 1}))
    from gnt.commands.htools.harep import Harep

    Harep().run(desk)
    assert results(desk) == [("failover", "failure", 1)]
    desk = repaired(broken(cluster=[AUTO + "failover"]), dry_run=True)
    assert desk.executed == [] and "web: needs failover, which is allowed" in said(desk)
    assert repaired(broken(cluster=[AUTO + "failover"]), groups=()).executed


def test_a_repair_that_was_cut_off_is_judged_by_how_the_instance_is():
    old = AUTO + "pending:failover:x:5:"
    assert results(repaired(broken(instance=[old]))) == [("failover", "failure", 0)]
    well = broken(instance=[old], vm_capable=True)
    assert results(repaired(well)) == [("failover", "success", 0)]


@pytest.mark.parametrize(("state", "outcome"), [("up", "success"), ("down", "failure")])
def test_what_may_have_empty_disks_is_not_called_repaired(state, outcome):
    """Cut off between making the disks anew and installing, nothing but that it runs is proof."""
    old = AUTO + "pending:reinstall:x:5:"
    web = build.instance("web", 2, tags=[old], admin_state=state, osparams={"image": "/srv/i.raw"})
    cfg = build.cluster(*build.with_disk(web, "file"))
    assert results(repaired(cfg)) == [("reinstall", outcome, 0)]


def test_the_states_are_counted():
    from gnt.commands.htools import harep

    printed = []
    harep.out, kept = printed.append, harep.out
    try:
        repaired(broken())
    finally:
        harep.out = kept
    assert "".join(printed).endswith("Healthy: 1\nRepairDisallowed: 1\n")


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
        with pytest.raises(GntError, match="not every instance could be moved"):
            rolled(gone)
        assert "the connection broke" in said(gone)
    finally:
        _awake.LOOK = kept
