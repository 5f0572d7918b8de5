"""harep: what it repairs, what it may, and what it leaves behind as tags."""

from __future__ import annotations

import os
import signal

import pytest

from gnt.commands.htools.harep import Harep
from gnt.commands.instance.migrate import Migrate
from tests.commands import build
from tests.commands.moves import homes, said
from tests.commands.sessions import Desk

AUTO = "ganeti:watcher:autorepair:"


def broken(*, cluster=(), group=(), instance=(), template="sharedfile", **node):
    """web's node is offline; db is well."""
    web = build.instance("web", 2, tags=instance, osparams={"image": "/srv/i.raw"})
    return build.cluster(
        *build.with_disk(web, template), *build.with_disk(build.instance("db", 3)),
        build.node(2, **(node or {"offline": True, "master_candidate": False})),
        build.Group(uuid="g1", name="default", tags=tuple(group)), tags=tuple(cluster))


def repaired(cfg, **options):
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
    Harep().run(desk)
    assert results(desk) == [("failover", "failure", 1)]
    desk = repaired(broken(cluster=[AUTO + "failover"]), dry_run=True)
    assert desk.executed == [] and "web: needs failover, which is allowed" in said(desk)
    assert repaired(broken(cluster=[AUTO + "failover"]), groups=()).executed


def test_harep_begins_no_repair_after_it_was_asked_to_stop():
    desk = Desk(broken(cluster=[AUTO + "failover"], offline=True, master_candidate=False))
    marked = desk.execute

    def asked(operation):
        desk.execute = marked
        os.kill(os.getpid(), signal.SIGINT)
        return marked(operation)

    desk.execute = asked
    assert Harep(luxi="").run(desk) == 0
    assert "web: its failover was not begun: it was asked to stop" in said(desk)
    assert homes(desk.cfg)["web"] == "n2" and results(desk) == []
    assert Harep(luxi="").run(desk) == 0  # nothing that it announced stands in the way
    assert results(desk) == [("failover", "success", 1)]


def test_a_repair_that_no_job_was_made_of_is_done_by_the_next_harep():
    """harep was killed between the tag that announces it and the job."""
    old = AUTO + "pending:failover:x:5:"
    desk = Desk(broken(cluster=[AUTO + "failover"], instance=[old]))
    desk.ended = [{"began": 4.0, "params": {"name": "web"}},
                  {"began": 7.0, "params": {"names": ("db",)}}]
    assert Harep(luxi="", dry_run=True).run(desk) == 0 and desk.executed == []
    assert Harep(luxi="").run(desk) == 0
    assert "web: its failover was not begun: its harep was cut off" in said(desk)
    assert results(desk) == [("failover", "success", 1)]


def test_a_repair_that_was_cut_off_is_judged_by_how_the_instance_is():
    old = AUTO + "pending:failover:x:5:"
    desk = Desk(broken(cluster=[AUTO + "failover"], instance=[old]))
    desk.ended = [{"began": 6.0, "params": {"name": "web"}}]
    Harep(luxi="").run(desk)
    assert results(desk) == [("failover", "failure", 0)] and homes(desk.cfg)["web"] == "n2"
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
