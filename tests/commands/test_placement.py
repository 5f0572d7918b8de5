"""Where commands put instances: by the model of the htools, from the configuration and facts."""

from __future__ import annotations

import pytest

from gnt.commands.instance.add import Add
from gnt.commands.instance.failover import Failover
from gnt.commands.instance.migrate import Migrate
from gnt.errors import Invalid, NoCapacity
from gnt.model.objects import Group, Job
from gnt.storage.base import Space
from tests.commands import build


def add(name="new", memory="128m", **options):
    return Add(name=name, disk_template="diskless", no_nics=True, ignore_ipolicy=True,
               backend_parameters={"memory": memory}, **options)


def home(operation, cfg, nodes=None):
    made = build.plan(operation, cfg, nodes)
    (uuid,) = {i.primary_node for i in build.applied(cfg, made).instances
               if i.name == getattr(operation, "name", "")}
    return uuid, made


def free(**mib):
    return {"node1": 4096, "node2": 4096, "node3": 4096, **mib}


def test_what_is_promised_is_not_free():
    cfg = build.cluster(build.instance("big", 1, beparams={"maxmem": 13000, "minmem": 128}))
    nodes = build.Nodes(cfg, memory=free(node1=9000))
    assert home(add(memory="3000m"), cfg, nodes)[0] != "n1"
    with pytest.raises(NoCapacity, match=r"node1: \d+ MiB of memory free"):
        home(add(memory="5000m"), cfg, nodes)


def test_an_instance_that_a_job_is_making_counts():
    made = build.instance("coming", 3, admin_state="down", forthcoming=True,
                          beparams={"maxmem": 8000, "minmem": 8000})
    job = Job(id="5", operation="instance add", params={}, author="a", driver="d", state="running",
              exclusive=("instances/i-coming",))
    cfg = build.cluster(made, job)
    with pytest.raises(NoCapacity, match="node3: 192 MiB of memory free"):
        home(add(memory="9000m"), cfg)


def test_the_balance_of_the_cluster_decides():
    cfg = build.cluster(build.instance("a", 1), build.instance("b", 3))
    assert home(add(), cfg)[0] == "n2"


def test_last_resort_comes_last_and_unallocable_only_by_name():
    cfg = build.cluster(
        Group(uuid="g2", name="spare", alloc_policy="last_resort"), build.node(3, group="g2"),
        Group(uuid="g3", name="own", alloc_policy="unallocable"), build.node(2, group="g3"))
    nodes = build.Nodes(cfg, memory=free(node1=200, node2=9000, node3=9000))
    assert home(add(), cfg, nodes)[0] == "n1"
    assert home(add(memory="512m"), cfg, nodes)[0] == "n3"
    assert home(add(memory="512m", node_group="own"), cfg, nodes)[0] == "n2"


def test_disks_must_fit_where_they_take_room():
    cfg = build.cluster()
    full = {f"node{n}:storage.file.space": Space(kind="file", name="/srv", total=999, free=100)
            for n in (1, 2, 3)}
    wanted = Add(name="new", disk_template="file", os_size=1024, no_nics=True, ignore_ipolicy=True)
    with pytest.raises(NoCapacity, match="node2: 100 MiB of disk free"):
        home(wanted, cfg, build.Nodes(cfg, answers=full))
    del full["node2:storage.file.space"]
    assert home(wanted, cfg, build.Nodes(cfg, answers=full))[0] == "n2"


def test_what_would_break_n_plus_one_is_said_or_refused():
    tight = [build.instance(f"w{n}", n, beparams={"maxmem": 4000, "minmem": 4000})
             for n in (1, 2)]
    cfg = build.cluster(*tight, nodes=2)
    nodes = build.Nodes(cfg, memory={"node1": 7972, "node2": 7972})  # 4100 MiB are left
    _, made = home(add(memory="1g"), cfg, nodes)
    assert "could not take up all instances of a node that fails" in made.notes[0]
    with pytest.raises(NoCapacity, match="a node's loss could no longer be survived"):
        home(add(memory="1g", iallocator="hail"), cfg, nodes)


def test_explain_says_of_every_other_node_why_not():
    cfg = build.cluster(build.node(4, drained=True), build.instance("a", 1), nodes=4)
    nodes = build.Nodes(cfg, memory=free(node2=100), silent=["node3"])
    chosen, made = home(add(explain=True), cfg, nodes)
    said = "\n".join(made.notes)
    assert chosen == "n1" and "new goes to node1" in said
    assert "not node2: 100 MiB of memory free" in said
    assert "not node3: no route to host" in said
    assert "not node4: drained" in said
    _, made = home(add(explain=True), cfg)
    assert any("it fits, but the cluster's score would be" in note for note in made.notes)


def test_a_size_that_no_policy_allows_is_named_as_such():
    cfg = build.cluster(build.instance("a", 1))
    with pytest.raises(NoCapacity, match="policy does not allow this memory"):
        home(add(memory="64m").replace(ignore_ipolicy=False), cfg)


def held(*nodes):
    return Job(id="5", operation="node modify", params={}, author="a", driver="d", state="running",
               exclusive=tuple(f"nodes/{n}" for n in nodes))


def test_nodes_that_jobs_have_are_waited_for_or_left_out():
    cfg = build.cluster(held("n2", "n3"))
    assert set(add().holds(cfg).shared) == {"nodes/n2", "nodes/n3"}
    wanted = add(opportunistic_locking=True, explain=True)
    assert wanted.holds(cfg).shared == ()
    chosen, made = home(wanted, cfg)
    assert chosen == "n1"
    assert "not node2: another job has it for itself" in made.notes
    with pytest.raises(NoCapacity, match="node3: another job has it for itself"):
        home(wanted, build.cluster(held("n1", "n2", "n3")))


def test_a_move_goes_where_the_balance_says_and_tells_why_not_elsewhere():
    cfg = build.cluster(*build.with_disk(build.instance("web")), build.instance("other", 2))
    for cls in (Migrate, Failover):
        chosen, made = home(cls(name="web", explain=True), cfg)
        assert chosen == "n3"
        assert "not node2: the balance of the cluster would be worse" in made.notes
    nodes = build.Nodes(cfg, memory=free(node2=10, node3=10))
    with pytest.raises(NoCapacity, match=r"node2: 10 MiB of memory free; node3: 10 MiB"):
        home(Failover(name="web"), cfg, nodes)


def test_a_guest_that_can_give_memory_back_may_go_where_less_is_free():
    big = build.instance("web", beparams={"maxmem": 4096, "minmem": 512})
    cfg = build.cluster(*build.with_disk(big), nodes=2)
    nodes = build.Nodes(cfg, memory=free(node2=1000))
    assert home(Migrate(name="web"), cfg, nodes)[0] == "n2"
    with pytest.raises(NoCapacity):
        home(Migrate(name="web", runtime_changes=False), cfg, nodes)


def test_a_node_and_an_allocator_are_one_too_many():
    from tests.commands.sessions import Desk

    for operation in (add(node="node1", iallocator="hail"),
                      Migrate(name="web", target_node="node2", iallocator="hail")):
        with pytest.raises(Invalid, match="the node is named already"):
            operation.prepare(Desk(build.small()))




def test_what_if_asks_the_nodes_and_tells_what_fits_and_breaks():
    from gnt.commands.cluster.what_if import WhatIf

    cfg = build.small()
    asked = WhatIf(events=("lose node1", "add 20x 4G"), explain=True)
    told = asked.answer(cfg, build.Nodes(cfg, silent=["node3"]).seen(asked.facts(cfg)))
    text = "\n".join(told.lines)
    assert told.exit_code == 1 and "node3" in told.problems[0]
    assert "lose node1: 1 instance(s) start elsewhere, 0 break(s)" in text
    assert "add 20x 4G: 1 of 20 fit(s)" in text
    assert "node3: it did not answer" in text
    assert told.data[1]["fit"] == 1
    fine = WhatIf(events=("add 1x 1G",))
    assert fine.answer(cfg, build.Nodes(cfg).seen(fine.facts(cfg))).exit_code == 0
