"""Out-of-band power: real programs run by real shells, and what an emergency does to a cluster."""

from __future__ import annotations

import subprocess

import pytest

from gnt.commands.cluster.epo import Epo
from gnt.commands.cluster.repair_disk_sizes import RepairDiskSizes
from gnt.commands.cluster.verify_disks import VerifyDisks
from gnt.commands.node import _oob
from gnt.commands.node.health import Health
from gnt.commands.node.power import Power
from gnt.errors import ConfirmationNeeded, Conflict, Damaged, Invalid
from tests.commands import build
from tests.commands.sessions import Desk

PROGRAM = r"""#!/bin/sh
cd "${0%/*}" || exit 9
echo "$1 $2" >>asked
case $1 in
    power-status) echo "{ \"powered\": $(cat "powered-$2") }" ;;
    power-on) echo true >"powered-$2" ;;
    power-off) [ ! -e broken ] || exit 4; [ -e stuck ] || echo false >"powered-$2" ;;
    power-cycle) exit 0 ;;
    health) echo '[["PSU0", "OK"], ["FAN1", "CRITICAL"]]' ;;
esac
"""
OOB = {"ndparams": {"oob_program": "/usr/local/sbin/oob"}}
SWITCHED = {"commands.node._oob.switch": None, "commands.node._oob.cycle": None}


@pytest.fixture
def program(tmp_path):
    file = tmp_path / "oob"
    file.write_text(PROGRAM)
    file.chmod(0o755)
    (tmp_path / "powered-node3").write_text("true\n")
    return file


def run(script):
    done = subprocess.run(["dash", "-c", script.shell], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr)
    return script.answer(done.stdout)


def asked(program):
    return (program.parent / "asked").read_text().split("\n")[:-1]


def test_a_node_is_switched_until_the_program_says_so(program):
    call = _oob.switch.body(str(program), "node3", 5, False)
    run(call)
    assert run(_oob.powered.body(str(program), "node3", 5)) is False
    assert "power-off node3" in asked(program)
    count = len(asked(program))
    run(call)  # it is off already
    assert asked(program)[count:] == ["power-status node3"]
    run(_oob.switch.body(str(program), "node3", 5, True))
    assert run(_oob.powered.body(str(program), "node3", 5)) is True


def test_a_node_that_does_not_go_off_is_no_proof(program):
    (program.parent / "stuck").touch()
    with pytest.raises(OSError, match="says powered: true for node3, 1 s after power-off"):
        run(_oob.switch.body(str(program), "node3", 1, False))


def test_programs_that_fail_are_named(program):
    (program.parent / "broken").touch()
    with pytest.raises(OSError, match="power-off node3 failed"):
        run(_oob.switch.body(str(program), "node3", 5, False))
    with pytest.raises(OSError, match="is not there, or cannot be run, on this node"):
        run(_oob.powered.body("/nowhere/oob", "node3", 5))
    program.write_text("#!/bin/sh\nsleep 60\n")
    with pytest.raises(OSError, match="did not end within 1 s"):
        run(_oob.cycle.body(str(program), "node3", 1))


def test_health_is_read(program):
    assert run(_oob.health.body(str(program), "node3", 5)) == (("PSU0", "OK"), ("FAN1", "CRITICAL"))


@pytest.mark.parametrize("output", ["", "{}", '{"powered": 1}', "[]", '{"powered": "true"}'])
def test_nonsense_about_power_is_refused(output):
    with pytest.raises(Damaged):
        _oob.powered.body("p", "n", 5).answer(output)


@pytest.mark.parametrize("output", ["", '[["PSU0", "FINE"]]', '["PSU0"]', "{}x"])
def test_nonsense_about_health_is_refused(output):
    with pytest.raises(Damaged):
        _oob.health.body("p", "n", 5).answer(output)


def desk(*nodes, answers=(), **options):
    web, disk = build.with_disk(build.instance("web", 3))
    cfg = build.cluster(web, disk, *(nodes or (build.node(2, **OOB), build.node(3, **OOB))))
    return Desk(cfg, nodes=build.Nodes(cfg, answers={**SWITCHED, **dict(answers)}, **options))


def test_power_status_is_a_table():
    at = desk(answers={"commands.node._oob.powered": False})
    Power(action="status").prepare(at)
    assert at.answers[0].rows == (
        ("node1", "unknown", "on"), ("node2", "off", "on"), ("node3", "off", "on"))


def test_a_request_for_nodes_without_a_program_is_refused_before_any_is_switched():
    at = desk(build.node(2, offline=True, master_candidate=False, **OOB),
              build.node(3, offline=True, master_candidate=False))
    with pytest.raises(Conflict, match="node3 has no out-of-band program"):
        Power(action="off", names=("node2", "node3")).prepare(at)
    with pytest.raises(Invalid, match="needs the names"):
        Power(action="off").prepare(at)


def test_health_names_what_could_not_be_asked():
    at = desk(answers={"commands.node._oob.health": (("PSU0", "OK"),)})
    query = Health()
    said = query.answer(at.cfg, at.nodes.seen(query.facts(at.cfg)))
    assert said.rows == (("node2", "PSU0", "OK"), ("node3", "PSU0", "OK"))


def test_an_emergency_ends_instances_marks_nodes_offline_and_switches_them_off():
    at = desk()
    assert Epo(every=True).run(at) == 1  # the master is left to be switched off by hand
    assert "node1 is the master" in at.told[0]
    node3 = at.cfg.node("node3")
    assert (node3.offline, node3.powered, node3.master_candidate) == (True, False, False)
    web = at.cfg.instance("web")
    assert web.admin_state == "up" and not web.disks_active
    verbs = [one.verb for one in at.executed if "node3" in str(one) or one.verb == "shutdown"]
    assert verbs == ["shutdown", "modify", "power"]


def test_and_brings_everything_back():
    at = desk()
    Epo(names=("node3",), force=True).run(at)
    at.nodes.running = {}
    at.executed.clear()
    assert Epo(names=("node3",), on=True, force=True).run(at) == 0
    node3 = at.cfg.node("node3")
    assert (node3.offline, node3.powered, node3.master_candidate) == (False, True, True)
    assert [one.verb for one in at.executed] == ["power", "modify", "modify", "startup"]


def test_nodes_without_a_program_are_left_to_people():
    at = desk(build.node(3))
    assert Epo(names=("node3",), force=True).run(at) == 1
    assert at.told == ["node3 has no out-of-band program: switch it off by hand"]
    assert at.cfg.node("node3").offline


def test_an_instance_that_cannot_be_stopped_keeps_its_node():
    at = desk()
    at.cfg = build.cluster(build.node(3, **OOB), build.instance("web", 3, forthcoming=True))
    assert Epo(names=("node3",), force=True).run(at) == 1
    assert "web is reserved" in at.told[0] and not at.cfg.node("node3").offline


@pytest.mark.parametrize("fields", [{}, {"every": True, "names": ("node1",)}])
def test_an_emergency_says_which_nodes(fields):
    with pytest.raises(Invalid, match="names are needed, or --all"):
        Epo(**fields).run(desk())


def test_an_emergency_is_confirmed():
    at = desk()
    at.yes = False
    with pytest.raises(ConfirmationNeeded):
        Epo(every=True).run(at)
    assert at.executed == []


def test_sizes_are_repaired():
    at = desk(answers={"storage.file.measure": 2048})
    plan = build.plan(RepairDiskSizes(), at.cfg, at.nodes)
    assert build.applied(at.cfg, plan).disks(at.cfg.instance("web"))[0].size == 2048
    assert plan.notes == ("web: disk/0 has 2.0G, not 1.0G",) and not plan.steps
    fine = build.plan(RepairDiskSizes(names=("web",)), at.cfg,
                      build.Nodes(at.cfg, answers={"storage.file.measure": 1024}))
    assert (fine.end, fine.notes) == ((), ("every disk has the recorded size",))
    gone = build.Nodes(at.cfg, answers={"storage.file.measure": None})
    assert build.plan(RepairDiskSizes(), at.cfg, gone).notes == ("web: disk/0 is not on node3",)
    silent = build.plan(RepairDiskSizes(), at.cfg, build.Nodes(at.cfg, silent=["node3"]))
    assert silent.end == () and "node3 did not answer" in silent.notes[0]


def test_disks_are_seen_to_be_there():
    at = desk(answers={"storage.file.measure": 1024})
    assert VerifyDisks().run(at) == 0 and at.answers[0].content["disks"] == 1
    at = desk(answers={"storage.file.measure": None})
    assert VerifyDisks().run(at) == 1
    assert at.answers[0].content["missing"] == {"web": ["disk/0 on node3"]}
    assert VerifyDisks(strict=False).run(desk(silent=["node3"])) == 0
    assert VerifyDisks().run(desk(silent=["node3"])) == 1


def test_several_nodes_are_asked_about_once_and_shown():
    at = desk(*(build.node(n, offline=True, master_candidate=False, **OOB) for n in (2, 3)))
    made = Power(action="off", names=("node2", "node3")).prepare(at)
    assert len(at.questions) == 1 and list(at.affected) == ["node2", "node3"]
    assert [(one.names, one.confirm(at.cfg)) for one in made] == [
        (("node2",), ""), (("node3",), "")]
