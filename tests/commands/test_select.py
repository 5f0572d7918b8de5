"""Which instances a command for several means, and what it asks before."""

from __future__ import annotations

import pytest

from gnt.commands.instance.shutdown import Shutdown
from gnt.errors import ConfirmationNeeded, Invalid, NotFound
from tests.commands import build
from tests.commands.sessions import Desk


def cluster():
    web = build.instance("web", tags=("prod",))
    db, disk = build.with_disk(build.instance("db", 2, tags=("prod", "slow")), "file")
    disk = disk.replace(nodes=("n2", "n3"))
    return build.cluster(web, db, disk, build.instance("mail", 3),
                         build.node(3, tags=("rack:2",)))


def chosen(*names, **flags):
    return [one.name for one in Shutdown(names=names, **flags).selected(cluster())]


def test_selections():
    assert chosen("web", "mail", "web") == ["web", "mail"]
    assert chosen("node2", "node3", by_node=True) == ["db", "mail"]
    assert chosen("node3", primary=True) == ["mail"]
    assert chosen("node3", secondary=True) == ["db"]
    assert sorted(chosen(every=True)) == ["db", "mail", "web"]
    assert sorted(chosen("prod", tags=True)) == ["db", "web"]
    assert sorted(chosen("rack:2", node_tags=True)) == ["db", "mail"]
    assert chosen("rack:2", pri_node_tags=True) == ["mail"]
    assert chosen("rack:2", sec_node_tags=True) == ["db"]


@pytest.mark.parametrize(("names", "flags", "error", "problem"), [
    ((), {}, Invalid, "shutdown needs a name"),
    (("web",), {"every": True}, Invalid, "--all: takes no names"),
    (("web",), {"tags": True, "by_node": True}, Invalid, "only one of"),
    (("wob",), {}, NotFound, "there is no instance wob"),
    (("web",), {"by_node": True}, NotFound, "there is no node web"),
])
def test_selections_that_are_refused(names, flags, error, problem):
    with pytest.raises(error, match=problem):
        chosen(*names, **flags)


def test_several_instances_are_one_operation_each_once_confirmed():
    desk = Desk(cluster())
    made = Shutdown(names=("web", "db"), timeout=5).prepare(desk)
    assert [(one.names, one.timeout) for one in made] == [(("web",), 5), (("db",), 5)]
    assert desk.questions == ["shutdown 2 instances (web, db)?"]
    assert desk.affected == ("web (on node1)", "db (on node2)")
    assert Shutdown(every=True, force_multiple=True).prepare(Desk(cluster(), yes=False))
    with pytest.raises(ConfirmationNeeded):
        Shutdown(every=True).prepare(Desk(cluster(), yes=False))


def test_one_instance_is_not_asked_about():
    assert Shutdown(names=("web",)).prepare(Desk(cluster(), yes=False))[0].names == ("web",)


def test_a_plan_is_for_one_instance():
    with pytest.raises(Invalid, match="one instance at a time"):
        build.plan(Shutdown(names=("web", "db")), cluster())
