"""Moving many instances: off nodes, out of groups; making many; allocators that are scripts."""

from __future__ import annotations

import json
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnt.commands import _allocator
from gnt.commands.group.evacuate import Evacuate as GroupEvacuate
from gnt.commands.instance.add import Add
from gnt.commands.instance.batch_create import BatchCreate
from gnt.commands.instance.change_group import ChangeGroup
from gnt.commands.instance.failover import Failover
from gnt.commands.instance.migrate import Migrate
from gnt.commands.instance.recreate_disks import RecreateDisks
from gnt.commands.node import failover as node_failover
from gnt.commands.node import migrate as node_migrate
from gnt.commands.node.evacuate import Evacuate
from gnt.errors import Conflict, GntError, Invalid, NoCapacity, NodeFailed, NotYet
from gnt.htools import config, iallocator, load
from gnt.htools.allocate import Options
from gnt.htools.world import BadData
from gnt.model.objects import Group
from tests.commands import build
from tests.commands.sessions import Desk

RUN = "commands._allocator.run"


def busy(*more, nodes=4, **settings):
    """web and mail run on node1, cold is down there; all on shared disks."""
    cold = build.instance("cold", admin_state="down", disks_active=False)
    return build.cluster(*build.with_disk(build.instance("web")),
                         *build.with_disk(build.instance("mail")), *build.with_disk(cold), *more,
                         nodes=nodes, **settings)


def homes(cfg):
    return {inst.name: inst.primary_node for inst in cfg.instances}


def said(desk):
    return "\n".join(map(str, desk.told))


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
    with pytest.raises(NotYet, match="mirrored disks"):
        Evacuate(name="node1", new_secondary="node2").run(desk)


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


def two_groups(**second):
    return busy(Group(uuid="g2", name="rack2", **second), build.node(3, group="g2"),
                build.node(4, group="g2"))


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


# --- scripts as allocators ------------------------------------------------------------------------


def answering(cfg, answer):
    """A desk whose master has an allocator that says this."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return Desk(cfg, nodes=build.Nodes(cfg, answers={RUN: text}))


def yes(result):
    return {"success": True, "info": "as asked", "result": result}


def test_a_script_says_where_a_new_instance_goes():
    desk = answering(busy(default_iallocator="mine", default_iallocator_params={"zone": "b"}),
                     yes(["node4"]))
    desk.execute(Add(name="new", disk_template="diskless"))
    assert homes(desk.cfg)["new"] == "n4"
    (call,) = [call for call in desk.asked if call.task == RUN]
    assert call.node == "node1" and call.args["name"] == "mine"
    assert call.args["params"] == ("--zone=b",)
    asked = json.loads(call.args["request"])["request"]
    assert asked["type"] == "allocate" and asked["memory"] == 128 and asked["required_nodes"] == 1


def test_scripts_say_where_instances_move():
    for cls in (Migrate, Failover):
        desk = answering(busy(), yes(["node3"]))
        desk.execute(cls(name="web", iallocator="mine"))
        assert homes(desk.cfg)["web"] == "n3"
    jobs = [[{"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": name, "target_node": "node4"}]
            for name in ("web", "mail", "cold")]
    desk = answering(busy(), yes([[], [], jobs]))
    assert Evacuate(name="node1", force=True, iallocator="mine").run(desk) == 0
    assert set(homes(desk.cfg).values()) == {"n4"}


@pytest.mark.parametrize(("answer", "problem"), [
    ("{", "not JSON"), ("[]", "is not an object"), ("{}", "the key 'success' is missing"),
    ({"success": "yes"}, "is not true or false"), ({"success": True}, "'result' is missing"),
    (yes([]), "not a list of 1 node"), (yes(["node1", "node2"]), "not a list of 1 node"),
    (yes(["node9"]), "there is no node 'node9'"), (yes([7]), "there is no node 7"),
    (yes("node2"), "not a list"), ({"success": False, "info": "too full"}, "too full"),
    ({"success": False, "info": "a\n\u001b[2Jb" + "x" * 9999}, r"a  \[2Jbx"),
    ("[" * 100_000, "nested too deeply"), (yes(["n" * 99_999]), "there is no node 'nnn"),
    ('{"success": true, "result": [NaN, 1e999]}', "not a list of 1 node"),
    ("\0" * 9999, "not JSON"), (yes(["node2"] * 99_999), "not a list of 1 node"),
    ('{"success": true, "success": false}', "'success' comes twice"),
])
def test_answers_that_are_refused(answer, problem):
    """By every command that asks a script for one place: one clear line, and nothing is done."""
    cfg = lost(offline=True, master_candidate=False, also=build.with_disk(build.instance("web")))
    for operation in (Add(name="new", disk_template="diskless", iallocator="mine", no_nics=True),
                      Migrate(name="web", iallocator="mine"),
                      Failover(name="web", iallocator="mine"),
                      RecreateDisks(name="db", iallocator="mine")):
        desk = answering(cfg, answer)
        with pytest.raises(GntError, match=problem) as caught:
            desk.execute(operation)
        said = caught.value.message
        assert "mine" in said and desk.executed == []
        assert len(said) < 600 and said.isprintable()


@pytest.mark.parametrize(("result", "problem"), [
    ([[], []], "not three lists"), ([[], [], ["x"]], "is not an object"),
    ([[], [], [[{"OP_ID": "OP_CLUSTER_DESTROY"}]]], "is none of OP_INSTANCE_MIGRATE"),
    ([[], [], [[{"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "else"}]]], "nobody asked"),
    ([[], [["web", "no room"]], []], "web: no room"),
])
def test_moves_that_are_refused(result, problem):
    desk = answering(busy(), yes(result))
    with pytest.raises(GntError, match=problem):
        Evacuate(name="node1", force=True, iallocator="mine").run(desk)
    assert desk.executed == []


def test_an_allocator_that_fails_is_named():
    failed = NodeFailed("node1", "failed", "exit code 1", stderr="there is no allocator mine")
    desk = Desk(busy(), nodes=build.Nodes(busy(), answers={RUN: failed}))
    with pytest.raises(NodeFailed, match="there is no allocator mine"):
        desk.execute(Migrate(name="web", iallocator="mine"))


def ask_script(folder, name="mine", limit=5, request="{}", most=1000):
    made = _allocator.run.script(_allocator.run.on(
        "node1", name, request, ("--a=b c",), limit, most, f"/nowhere:{folder}"))
    return subprocess.run(["sh", "-c", made.shell], input=made.stdin, capture_output=True,
                          check=False)


def test_a_script_is_found_run_and_limited(tmp_path):
    script = tmp_path / "mine"
    script.write_text('#!/bin/sh\ncat "$1"; echo "$2"\n')
    script.chmod(0o755)
    assert ask_script(tmp_path, request='{"x":1}').stdout == b'{"x":1}--a=b c\n'
    script.write_text("#!/bin/sh\nsleep 9\n")
    late = ask_script(tmp_path, limit=1)
    assert late.returncode == 124 and b"did not answer within 1 s" in late.stderr
    script.write_text("#!/bin/sh\necho half an answer; echo it broke >&2; exit 3\n")
    broken = ask_script(tmp_path)
    assert (broken.returncode, broken.stdout) == (3, b"")
    assert b"it broke\n" in broken.stderr and b"ended with exit code 3" in broken.stderr
    script.write_text("#!/bin/sh\nhead -c 9999 /dev/zero >&2; yes\n")
    endless = ask_script(tmp_path, most=5000)
    assert (endless.returncode, endless.stdout) == (1, b"")
    assert b"answered with more than 5000 bytes" in endless.stderr and len(endless.stderr) < 3000
    assert b"there is no allocator other" in ask_script(tmp_path, "other").stderr
    assert b"no name of an allocator" in ask_script(tmp_path, "../mine").stderr


def test_scripts_get_the_world_that_the_built_in_allocator_sees():
    from gnt.commands._space import Survey

    cfg = two_groups(alloc_policy="last_resort")
    survey = Survey(cfg)
    seen = build.Nodes(cfg, silent=["node4"]).seen(survey.calls())
    desk = answering(cfg, yes(["node2"]))
    desk.nodes.silent = {"node4"}
    desk.execute(Migrate(name="web", iallocator="mine"))
    (call,) = [call for call in desk.asked if call.task == RUN]
    read = iallocator.parse(call.args["request"]).world
    world = config.world(cfg, survey.figures(seen))
    assert read.groups == world.groups and read.instances == world.instances
    assert [n.replace(spindles=0, master=False, n_cpu=0) for n in read.nodes] == [
        n.replace(spindles=0, master=False, n_cpu=0) for n in world.nodes]
    assert iallocator.answer(iallocator.parse(call.args["request"]), Options()).result == ["node2"]


def test_debians_hail_answers_our_requests_as_the_built_in_one_does(tmp_path):
    from tests.htools.reference import theirs

    cfg = two_groups()
    path = tmp_path / "request.json"
    for operation in (Migrate(name="web", iallocator="mine"),
                      Failover(name="cold", iallocator="mine"),
                      Add(name="new", disk_template="sharedfile", os_size=2048, iallocator="mine")):
        desk = answering(cfg, yes(["node2"]))
        desk.execute(operation)
        (call,) = [call for call in desk.asked if call.task == RUN]
        path.write_text(call.args["request"])
        told = json.loads(theirs("hail", str(path)).out)
        asked = iallocator.parse(call.args["request"])
        asked = asked.replace(world=load.own_memory(asked.world, 4096))
        assert told["success"], told
        assert told["result"] == iallocator.answer(asked, Options()).result


# --- many at once ---------------------------------------------------------------------------------


def batch(tmp_path, *entries):
    path = tmp_path / "batch.json"
    path.write_text(json.dumps(list(entries)))
    return str(path)


def entry(name, **more):
    return {"instance_name": name, "disk_template": "diskless", "nics": [{}],
            "beparams": {"memory": 128}, **more}


def test_many_instances_are_placed_together(tmp_path):
    desk = Desk(build.cluster(nodes=3))
    path = batch(tmp_path, *(entry(f"i{n}") for n in range(6)), entry("named", pnode="node2"))
    assert BatchCreate(file=path).run(desk) == 0
    found = homes(desk.cfg)
    assert sorted(list(found.values()).count(n) for n in ("n1", "n2", "n3")) == [2, 2, 3]
    assert found["named"] == "n2"


def test_what_does_not_fit_is_named_and_the_rest_is_made(tmp_path):
    desk = Desk(build.cluster(nodes=2))
    path = batch(tmp_path, entry("small"), entry("huge", beparams={"memory": 32768}))
    assert BatchCreate(file=path).run(desk) == 1
    assert "huge is not made: there is no room for huge" in said(desk)
    assert list(homes(desk.cfg)) == ["small"]


def test_a_script_places_many(tmp_path):
    desk = answering(build.cluster(), yes([[["a", ["node3"]]], [["b", "too hot"]]]))
    path = batch(tmp_path, entry("a"), entry("b"))
    assert BatchCreate(file=path, iallocator="mine").run(desk) == 1
    assert homes(desk.cfg) == {"a": "n3"} and "b is not made: too hot" in said(desk)


@pytest.mark.parametrize(("entries", "problem"), [
    ({}, "not a list"), ([], "the list is empty"), ([1], r"\[0\]: not an object"),
    ([{"disk_template": "file"}], "instance_name: a text is needed"),
    ([entry("a"), entry("a")], "comes twice"),
    ([entry("a", disk_size=3)], "disk_size: there is no such parameter"),
    ([entry("a", disk_template=7)], "disk_template: 7 is no str"),
    ([entry("a", disks="x")], "disks: 'x' is not a list"),
    ([entry("a", disks=["big"])], r"disks\[0\]: 'big' is not a size"),
    ([entry("a", beparams=[])], "beparams: .. is not an object"),
    ([entry("a", beparams={"memory": {}})], "beparams.memory"),
    ([entry("a", tags=["x y"])], "tags: 'x y' is not a tag"),
    ([entry("a", mode="import")], "is not part of this version"),
    ([entry("-a")], "is not a host name"),
])
def test_files_that_are_refused(tmp_path, entries, problem):
    path = tmp_path / "batch.json"
    path.write_text(json.dumps(entries))
    desk = Desk(build.cluster())
    with pytest.raises(GntError, match=problem) as caught:
        BatchCreate(file=str(path)).run(desk)
    assert str(path) in caught.value.message and desk.executed == []
    with pytest.raises(BadData, match="No such file"):
        BatchCreate(file=str(tmp_path / "none")).run(desk)


# --- lost disks -----------------------------------------------------------------------------------


def lost(also=(), **node):
    db = build.instance("db", 2, admin_state="down", disks_active=False)
    return build.cluster(*build.with_disk(db, "file"), build.node(2, **node), *also)


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


def test_a_script_is_asked_for_lost_disks_as_for_a_new_instance(tmp_path):
    """Nothing is left to be moved: relocation of what is on one node only is always refused."""
    from tests.htools.reference import theirs

    cfg = lost(offline=True, master_candidate=False)
    desk = answering(cfg, yes(["node3"]))
    desk.execute(RecreateDisks(name="db", iallocator="mine"))
    assert homes(desk.cfg)["db"] == "n3"
    (call,) = [call for call in desk.asked if call.task == RUN]
    asked = json.loads(call.args["request"])["request"]
    assert asked["type"] == "allocate" and asked["required_nodes"] == 1
    assert [disk["size"] for disk in asked["disks"]] == [d.size for d in cfg.disks(
        cfg.instance("db"))]
    path = tmp_path / "request.json"
    path.write_text(call.args["request"])
    told = json.loads(theirs("hail", str(path)).out)
    assert told["success"] and set(told["result"]) <= {"node1", "node3"}


SCRIPTED = (
    Evacuate(name="node1", force=True, iallocator="mine"),
    ChangeGroup(name="web", to=("rack2",), force=True, iallocator="mine"),
    GroupEvacuate(name="default", to=("rack2",), force=True, iallocator="mine"),
)


@pytest.mark.parametrize("command", SCRIPTED, ids=lambda command: type(command).__name__)
def test_every_command_that_moves_many_asks_and_checks_a_script(command):
    job = [{"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web", "target_node": "node4"}]
    alone = build.cluster(*build.with_disk(build.instance("web")), Group(uuid="g2", name="rack2"),
                          build.node(4, group="g2"), nodes=4)
    desk = answering(alone, yes([["web"], [], [job]]))
    assert command.run(desk) == 0
    assert homes(desk.cfg)["web"] == "n4"
    for result, problem in ((["web"], "not three lists"), ([[], [], [[7]]], "7 is not an object"),
                            ([[], [[7, 8]], []], "is not an instance"),
                            ([[], [["web", "x" * 9999]], []], "web: x{400}…")):
        desk = answering(alone, yes(result))
        with pytest.raises(GntError, match=problem) as caught:
            command.run(desk)
        assert desk.executed == [] and len(caught.value.message) < 700


@pytest.mark.parametrize(("cfg", "operation", "problem"), [
    (busy(), RecreateDisks(name="web"), "needs it down"),
    (build.cluster(build.instance("d", admin_state="down")), RecreateDisks(name="d"), "no disks"),
    (lost(), RecreateDisks(name="db", node="node3"), "is not marked offline"),
    (lost(offline=True, master_candidate=False), RecreateDisks(name="db"), "marked offline"),
])
def test_disks_that_are_not_made_anew(cfg, operation, problem):
    with pytest.raises(Conflict, match=problem):
        build.plan(operation, cfg)


# --- nonsense from outside ------------------------------------------------------------------------

LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
                   st.sampled_from(["node1", "web", "OP_INSTANCE_MIGRATE", "migrate"]))
KEYS = st.one_of(st.text(max_size=4), st.sampled_from(
    ["success", "info", "result", "OP_ID", "instance_name", "target_node", "disks", "nics",
     "beparams", "disk_template", "name", "tags", "mode", "pnode"]))
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4)
                    | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12)


@settings(max_examples=50, deadline=None)
@given(JSON)
def test_no_answer_does_more_than_be_refused(value):
    from contextlib import suppress

    from gnt.htools import answer

    known, text = {"node1", "node2"}, json.dumps({"success": True, "result": value})
    with suppress(GntError):
        answer.result(json.dumps(value), "mine")
    result = answer.result(text, "mine") if value == value else None
    with suppress(GntError):
        assert set(answer.nodes(result, "mine", known, 1)) <= known
    with suppress(GntError):
        found, _ = answer.placed(result, "mine", known, {"web": 1})
        assert set(found) <= {"web"}
    with suppress(GntError):
        moves = answer.evacuated(result, "mine", known, {"web"}).moves
        assert {name for name, _, _ in moves} <= {"web"}


@settings(max_examples=50, deadline=None)
@given(st.lists(JSON, max_size=3))
def test_no_batch_does_more_than_be_refused(tmp_path_factory, value):
    from contextlib import suppress

    from gnt.commands.instance import _batch

    path = tmp_path_factory.getbasetemp() / "batch.json"
    path.write_text(json.dumps(value))
    with suppress(GntError):
        made = _batch.read(str(path))
        assert len(made) == len(value) and all(add.name for add in made)
        for add in made:
            with suppress(GntError):
                assert add.read(build.cluster()).copies == 1
