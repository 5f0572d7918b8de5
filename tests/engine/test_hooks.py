"""Hooks: which run, with what, and what a failing one does."""

from __future__ import annotations

import subprocess

import pytest

from gnt.engine import driver, follow, hooks
from gnt.errors import JobFailed, NodeFailed
from gnt.session import contexts
from tests.engine.toys import WISH, Build, Lab, effects

BODIES = {
    "present": hooks._PRESENT, "run": hooks._RUN, "note": follow._NOTE, "read": follow._READ,
    "cancel": follow._CANCEL, "signature": contexts._BASE_SIGNATURE,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_shellcheck(body):
    done = subprocess.run(["shellcheck", "-s", "dash", "-e", "SC2012", "-"], input=body, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def sh(body, *words):
    return subprocess.run(["dash", "-s", *map(str, words)], input=body, text=True,
                          capture_output=True, check=False)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "instance-add-pre.d"
    made.mkdir()

    def put(name, text, mode=0o755):
        (made / name).write_text(text)
        (made / name).chmod(mode)

    made_put = put
    return made, made_put


def test_presence_is_told_by_phase(folder):
    made, put = folder
    base = made.parent / "instance-add"
    assert sh(BODIES["present"], base).stdout == ""
    put("a", "")
    (made.parent / "instance-add-post.d").mkdir()
    assert sh(BODIES["present"], base).stdout == "pre\n"


def test_hooks_run_in_order_with_a_clean_environment(folder):
    made, put = folder
    log = made.parent / "log"
    for name in ("20-b", "10_a"):
        put(name, f'#!/bin/sh\necho "{name} $PWD $PATH $GANETI_X $HOME$LC_ALL" >>{log}\n')
    put("not.run", "#!/bin/sh\nexit 9\n")
    put("plain", "#!/bin/sh\nexit 9\n", mode=0o644)
    done = sh(BODIES["run"], made, "yes", "GANETI_X=it's; here")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "skipped not.run\nskipped plain\n"
    path = "/sbin:/bin:/usr/sbin:/usr/bin"
    assert log.read_text() == f"10_a / {path} it's; here \n20-b / {path} it's; here \n"


def test_a_failing_pre_hook_stops_the_next_ones_and_says_why(folder):
    made, put = folder
    put("1", "#!/bin/sh\necho no room >&2; exit 3\n")
    put("2", f"#!/bin/sh\ntouch {made.parent}/ran\n")
    done = sh(BODIES["run"], made, "yes")
    assert done.returncode == 1 and "1 ended with 3: no room" in done.stderr
    assert not (made.parent / "ran").exists()


def test_a_failing_post_hook_is_only_told(folder):
    made, put = folder
    put("1", "#!/bin/sh\nexit 3\n")
    put("2", f"#!/bin/sh\ntouch {made.parent}/ran\n")
    done = sh(BODIES["run"], made, "no")
    assert done.returncode == 0 and "1 ended with 3" in done.stdout
    assert (made.parent / "ran").exists()


class Hooked(Build, command="toy hooked"):
    hook = "toy-build"

    def hook_env(self, cfg):
        return {"TOY_NAME": self.name}


def hooked(lab, *, phases, fails="", silent=""):
    """Effects of nodes that have hooks: {node: phases}."""
    told = []

    def effect(node, call):
        if call.task == hooks.present.name:
            if node.name == silent:
                raise NodeFailed(node.name, "unreachable", "no route")
            return phases.get(node.name, ())
        if call.task == hooks.run_hooks.name:
            told.append((node.name, call.args["phase"], dict(
                word.split("=", 1) for word in call.args["env"])))
            if node.name == fails:
                raise NodeFailed(node.name, "failed", "hook ended with 3")
            return ()
        return effects(node, call)

    desk = lab.desk(effects=effect)
    desk.find = {"toy hooked": Hooked}.__getitem__
    return desk, told


def test_without_hooks_no_round_trip_is_added():
    lab = Lab()
    desk, told = hooked(lab, phases={})
    driver.run(desk, Hooked(name="web"), WISH)
    asked = desk.trips.count("ask")
    assert told == [] and asked == 2  # once more for nodes of the plan that nobody asked


def test_pre_hooks_come_first_and_post_hooks_last():
    lab = Lab()
    desk, told = hooked(lab, phases={"node1": ("pre", "post"), "node3": ("pre",)})
    driver.run(desk, Hooked(name="web"), WISH)
    assert [(node, phase) for node, phase, _ in told] == [
        ("node1", "pre"), ("node3", "pre"), ("node1", "post")]
    before, after = told[0][2], told[2][2]
    assert before["GANETI_TOY_NAME"] == "web" and before["GANETI_HOOKS_PATH"] == "toy-build"
    assert before["GANETI_OP_CODE"] == "OP_TOY_HOOKED" and before["GANETI_MASTER"] == "node1"
    assert after["GANETI_POST_TOY_NAME"] == "web" and after["GANETI_HOOKS_PHASE"] == "post"


def test_a_failing_pre_hook_stops_the_job_before_anything():
    lab = Lab()
    desk, _ = hooked(lab, phases={"node2": ("pre",)}, fails="node2")
    with pytest.raises(JobFailed, match="hook ended with 3"):
        driver.run(desk, Hooked(name="web"), WISH)
    assert lab.nodes.things == [] and lab.jobs == [] and lab.taken == 0


def test_a_failing_post_hook_warns_only():
    lab = Lab()
    desk, _ = hooked(lab, phases={"node2": ("post",)}, fails="node2")
    said = []
    desk.tell = said.append
    driver.run(desk, Hooked(name="web"), WISH)
    assert "post hooks of toy-build on node2" in said[0] and lab.jobs == []


def test_an_unreachable_node_has_no_hooks():
    lab = Lab()
    desk, told = hooked(lab, phases={"node1": ("pre",)}, silent="node1")
    driver.run(desk, Hooked(name="web"), WISH)
    assert told == []
