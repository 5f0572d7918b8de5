"""Scripts that say where instances go: what they are asked, and what is believed of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from gnt.commands import _allocator
from gnt.commands import _edits as edits
from gnt.commands.group.evacuate import Evacuate as GroupEvacuate
from gnt.commands.instance.add import Add
from gnt.commands.instance.change_group import ChangeGroup
from gnt.commands.instance.failover import Failover
from gnt.commands.instance.migrate import Migrate
from gnt.commands.instance.recreate_disks import RecreateDisks
from gnt.commands.instance.replace_disks import ReplaceDisks
from gnt.commands.node.evacuate import Evacuate
from gnt.errors import GntError, NodeFailed
from gnt.htools import config, iallocator, load
from gnt.htools.allocate import Options
from gnt.model.objects import Disk, Group
from tests.commands import build
from tests.commands.moves import RUN, answering, busy, changed, homes, lost, two_groups, yes
from tests.commands.sessions import Desk
from tests.htools.reference import theirs


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
    script.write_text("#!/bin/sh\nsleep 600 &\necho $! >&2; head -c 900 /dev/zero | tr '\\0' x\n")
    leaving = ask_script(tmp_path)
    assert leaving.stdout == b"x" * 900
    os.kill(int(leaving.stderr), signal.SIGTERM)  # it was there still, with its output open
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
    request = iallocator.parse(request_of(desk))
    read = request.world
    world = config.world(cfg, survey.figures(seen))
    assert read.groups == world.groups and read.instances == world.instances
    assert [n.replace(spindles=0, master=False, n_cpu=0) for n in read.nodes] == [
        n.replace(spindles=0, master=False, n_cpu=0) for n in world.nodes]
    assert iallocator.answer(request, Options()).result == ["node2"]


def request_of(desk):
    """What the script was asked."""
    (call,) = [call for call in desk.asked if call.task == RUN]
    return call.args["request"]


def debians_answer(desk, folder):
    """What Debian's hail, which must find places, says to that."""
    path = folder / "request.json"
    path.write_text(request_of(desk))
    told = theirs("hail", str(path)).out
    assert json.loads(told)["success"], told
    return told


def debians_result(desk, folder):
    return json.loads(debians_answer(desk, folder))["result"]


def our_result(desk):
    asked = iallocator.parse(request_of(desk))
    asked = asked.replace(world=load.own_memory(asked.world, 4096))
    return iallocator.answer(asked, Options()).result


def test_debians_hail_answers_our_requests_as_the_built_in_one_does(tmp_path):
    cfg = two_groups()
    for operation in (Migrate(name="web", iallocator="mine"),
                      Failover(name="cold", iallocator="mine"),
                      Add(name="new", disk_template="sharedfile", os_size=2048, iallocator="mine")):
        desk = answering(cfg, yes(["node2"]))
        desk.execute(operation)
        assert debians_result(desk, tmp_path) == our_result(desk)


def test_a_script_is_asked_for_lost_disks_as_for_a_new_instance(tmp_path):
    """Nothing is left to be moved: relocation of what is on one node only is always refused."""
    cfg = lost(offline=True, master_candidate=False)
    desk = answering(cfg, yes(["node3"]))
    desk.execute(RecreateDisks(name="db", iallocator="mine"))
    assert homes(desk.cfg)["db"] == "n3"
    asked = json.loads(request_of(desk))["request"]
    assert asked["type"] == "allocate" and asked["required_nodes"] == 1
    assert [disk["size"] for disk in asked["disks"]] == [d.size for d in cfg.disks(
        cfg.instance("db"))]
    assert set(debians_result(desk, tmp_path)) <= {"node1", "node3"}


def mirrored():
    """web, whose second copies are on node2; node3 and node4 have none."""
    return build.cluster(*build.on_volumes(build.instance("web"), "drbd"), nodes=4,
                         volume_group_name="xenvg", enabled_disk_templates=("drbd", "plain"))


@pytest.mark.parametrize("default", ["", "mine"])
def test_a_script_says_where_second_copies_go(default, tmp_path):
    """Asked as for a relocation off the node that has them, which Debian's hail understands."""
    desk = answering(mirrored(), yes(["node4"]))
    if default:
        cfg = changed(desk.cfg, edits.change(desk.cfg.cluster.replace(default_iallocator="mine")))
        desk = answering(cfg, yes(["node4"]))
    desk.execute(ReplaceDisks(name="web", iallocator="." if default else "mine"))
    (disk,) = [disk for disk in desk.cfg.all(Disk) if disk.dev_type == "drbd" and disk.instance]
    assert disk.nodes == ("n1", "n4")
    asked = json.loads(request_of(desk))["request"]
    assert (asked["type"], asked["relocate_from"]) == ("relocate", ["node2"])
    result = debians_result(desk, tmp_path)
    assert result == our_result(desk)
    assert set(result) < {"node3", "node4"}


@pytest.mark.parametrize(("answer", "problem"), [
    (yes(["node2"]), "node2 has a copy of web's disks already"),
    (yes(["node1"]), "node1 has a copy of web's disks already"),
    (yes(["node3", "node4"]), "not a list of 1 node"),
    ({"success": False, "info": "too full"}, "too full"),
])
def test_second_copies_stay_when_a_script_says_no_place(answer, problem):
    desk = answering(mirrored(), answer)
    with pytest.raises(GntError, match=problem):
        desk.execute(ReplaceDisks(name="web", iallocator="mine"))
    assert desk.executed == []


def moving_many(script):
    """For each command that moves many."""
    return pytest.mark.parametrize("command", [
        Evacuate(name="node1", force=True, iallocator=script),
        ChangeGroup(name="web", to=("rack2",), force=True, iallocator=script),
        GroupEvacuate(name="default", to=("rack2",), force=True, iallocator=script),
    ], ids=lambda command: type(command).__name__)


@moving_many("mine")
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


@moving_many("debian")
def test_what_debians_hail_answers_is_done(command, tmp_path):
    """The reference's own allocator as a script, from our request to the moves."""
    cfg = two_groups()
    asking = answering(cfg, "{")
    with pytest.raises(GntError, match="not JSON"):
        command.run(asking)
    desk = answering(cfg, debians_answer(asking, tmp_path))
    assert command.run(desk) == 0
    moved = {name for name, home in homes(desk.cfg).items() if home != homes(cfg)[name]}
    assert moved == ({"web"} if isinstance(command, ChangeGroup) else {"web", "mail", "cold"})
    groups = {desk.cfg.one(build.Node, home).group for name, home in homes(desk.cfg).items()
              if name in moved}
    assert groups == ({"g1"} if isinstance(command, Evacuate) else {"g2"})
