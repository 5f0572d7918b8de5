"""Moving many instances: off nodes, out of groups, away from lost disks."""

from __future__ import annotations

import pytest

from gnt.commands.group.evacuate import Evacuate as GroupEvacuate
from gnt.commands.instance.change_group import ChangeGroup
from gnt.commands.instance.failover import Failover
from gnt.commands.instance.migrate import Migrate
from gnt.commands.instance.recreate_disks import RecreateDisks
from gnt.commands.node import failover as node_failover
from gnt.commands.node import migrate as node_migrate
from gnt.commands.node.evacuate import Evacuate
from gnt.errors import Conflict, Invalid, NoCapacity
from gnt.model.objects import Disk, Group
from tests.commands import build
from tests.commands.moves import busy, homes, lost, said, two_groups
from tests.commands.sessions import Desk
from tests.commands.test_plans import with_volumes


def test_a_node_is_emptied_running_instances_live_others_not():
    desk = Desk(busy())
    assert Evacuate(name="node1").run(desk) == 0
    assert desk.questions and "web" in desk.questions[0]
    assert "n1" not in homes(desk.cfg).values()
    assert len(set(homes(desk.cfg).values())) == 3  # balanced
    kinds = {one.name: type(one) for one in desk.executed}
    assert kinds == {"web": Migrate, "mail": Migrate, "cold": Failover}
    again = Desk(desk.cfg)
    assert Evacuate(name="node1").run(again) == 0
    assert again.executed == [] and "nothing on node1" in said(again)


def test_only_what_the_options_say_leaves_a_node():
    desk = Desk(busy())
    assert Evacuate(name="node1", secondary_only=True, force=True).run(desk) == 0
    assert desk.executed == []
    with pytest.raises(Invalid, match="contradicts"):
        Evacuate(name="node1", primary_only=True, secondary_only=True).run(desk)
    with pytest.raises(Invalid, match="so it needs -s"):
        Evacuate(name="node1", new_secondary="node2").run(desk)


def mirrored():
    return Desk(with_volumes(build.small(), "web", "drbd"))


@pytest.mark.parametrize("options", [{"new_secondary": "node3"}, {"iallocator": "hail"}])
def test_second_copies_leave_a_node(options):
    desk = mirrored()
    assert Evacuate(name="node2", secondary_only=True, force=True, early_release=True,
                    **options).run(desk) == 0
    (made,) = desk.executed
    assert (made.name, made.new_secondary, made.early_release) == ("web", "node3", True)
    disk = desk.cfg.one(Disk, "d-web")
    assert disk.nodes == ("n1", "n3") and disk.logical_id == ("n1", "n3", 11007, 0, 0, "s3cret")
    assert desk.cfg.one(Disk, "d-web-data").nodes == ("n1", "n3")
    assert not [d for d in desk.cfg.all(Disk) if d.forthcoming]


def test_a_home_is_left_for_the_second_copy_and_both_for_others():
    desk = mirrored()
    assert Evacuate(name="node1", primary_only=True, force=True).run(desk) == 0
    assert [type(one).__name__ for one in desk.executed] == ["Migrate"]
    assert homes(desk.cfg)["web"] == "n2" and desk.cfg.one(Disk, "d-web").nodes == ("n1", "n2")


def test_nothing_is_moved_when_not_everything_can_be():
    desk = Desk(busy(*build.with_disk(build.instance("local"), "file")))
    with pytest.raises(NoCapacity, match="local: Instances of type file cannot be relocated"):
        Evacuate(name="node1", force=True).run(desk)
    assert desk.executed == []


def test_every_instance_of_a_node_is_migrated_or_failed_over():
    desk = Desk(busy())
    assert node_migrate.Migrate(name="node1", force=True, target_node="node2").run(desk) == 0
    assert homes(desk.cfg) == {"web": "n2", "mail": "n2", "cold": "n1"}
    dead = Desk(busy(build.node(1, offline=True, master_candidate=False)))
    assert node_failover.Failover(name="node1", force=True).run(dead) == 0
    assert "n1" not in homes(dead.cfg).values()
    assert all(isinstance(one, Failover) for one in dead.executed)


def test_what_fails_is_named_and_the_rest_goes_on():
    cfg = busy(build.instance("stuck", beparams={"always_failover": True}))
    desk = Desk(cfg)
    assert node_migrate.Migrate(name="node1", force=True).run(desk) == 1
    assert "stuck: stuck is to be failed over" in said(desk)
    assert homes(desk.cfg)["web"] != "n1"


def test_an_instance_and_a_whole_group_change_groups():
    desk = Desk(two_groups())
    assert ChangeGroup(name="web", to=("rack2",)).run(desk) == 0
    assert homes(desk.cfg)["web"] in ("n3", "n4")
    with pytest.raises(Conflict, match="already"):
        ChangeGroup(name="mail", to=("default",)).run(desk)
    assert GroupEvacuate(name="default", force=True, force_failover=True).run(desk) == 0
    assert set(homes(desk.cfg).values()) <= {"n3", "n4"}
    assert all(isinstance(one, Failover) for one in desk.executed[1:])


def test_a_group_of_one_node_will_do_unless_n_plus_one_is_asked_for():
    alone = busy(Group(uuid="g2", name="rack2"), build.node(4, group="g2"))
    assert ChangeGroup(name="web", to=("rack2",), force=True).run(Desk(alone)) == 0
    with pytest.raises(NoCapacity, match="FailN1"):
        ChangeGroup(name="web", to=("rack2",), force=True, iallocator="hail").run(Desk(alone))


def test_a_group_that_takes_nothing_takes_nothing():
    desk = Desk(two_groups(alloc_policy="unallocable"))
    with pytest.raises(NoCapacity, match="nothing was moved"):
        GroupEvacuate(name="default", force=True).run(desk)


def test_lost_disks_are_made_anew_where_they_were():
    cfg = lost()
    made = build.plan(RecreateDisks(name="db"), cfg)
    assert [step.do.node for step in made.attempt] == ["node2"]
    assert not made.end and made.attempt[0].undo is None
    made = build.plan(RecreateDisks(name="db", disk=(("0", {"size": "2g"}),)), cfg)
    assert build.applied(cfg, made).disks(cfg.instance("db"))[0].size == 2048


def test_a_lost_node_is_left():
    cfg = lost(offline=True, master_candidate=False)
    for operation in (RecreateDisks(name="db", iallocator="hail"),
                      RecreateDisks(name="db", node="node3")):
        made = build.plan(operation, cfg)
        after = build.applied(cfg, made)
        (disk,) = after.disks(after.instance("db"))
        assert disk.nodes == (homes(after)["db"],) != ("n2",)
        assert made.attempt[0].undo is not None


@pytest.mark.parametrize(("cfg", "operation", "problem"), [
    (busy(), RecreateDisks(name="web"), "needs it down"),
    (build.cluster(build.instance("d", admin_state="down")), RecreateDisks(name="d"), "no disks"),
    (lost(), RecreateDisks(name="db", node="node3"), "is not marked offline"),
    (lost(offline=True, master_candidate=False), RecreateDisks(name="db"), "marked offline"),
])
def test_disks_that_are_not_made_anew(cfg, operation, problem):
    with pytest.raises(Conflict, match=problem):
        build.plan(operation, cfg)
