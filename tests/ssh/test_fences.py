"""Fences, terms and liveness locks on real nodes, with drivers that are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from gnt.errors import Busy, NodeFailed
from gnt.ssh.owner import Owner

from .conftest import ok, run, until
from .gates import Person, harden

DRIVER = """
import sys
from gnt.model.objects import Node
from gnt.ssh.identity import Identities
from gnt.ssh.transport import SshTransport
from tests.ssh.conftest import run
login, name, port, key = sys.argv[1:]
transport = SshTransport(Identities(files=(login,)), connect=5)
transport.know([Node(uuid=name, name=name, primary_ip="127.0.0.1", secondary_ip="127.0.0.1",
                     group="g", host_keys=(key,))], 1, ports={name: int(port)})
"""


def driver(site, name: str, body: str) -> subprocess.Popen:
    """Another driver, in a process of its own that can be killed."""
    sshd = site.nodes[name]
    text = DRIVER + textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-c", text, site.home / "login", name, str(sshd.port), sshd.host_key],
        stdout=subprocess.PIPE, text=True,
    )


def owner(site, name: str, job: str) -> subprocess.Popen:
    """A driver that holds the lock of a job."""
    process = driver(site, name, f"""
        with transport.own(name, "{job}"):
            print("owned", flush=True)
            sys.stdin.read()
            import time; time.sleep(60)
    """)
    assert process.stdout.readline() == "owned\n"
    return process


def kill(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_the_orphan_of_a_killed_driver_is_waited_for(site):
    node = site.nodes["node1"]
    body = "echo $$ >/run/began; sleep 1.5; echo late >/run/wrote"
    process = driver(site, "node1", f"transport.perform([run.on(name, {body!r})], fence='31')")
    until(lambda: node.sh("cat /run/began 2>/dev/null || true"))
    kill(process)
    transport = site.transport()
    early = transport.wait_fence(["node1"], "31", 0.2)["node1"]
    assert isinstance(early, NodeFailed) and early.kind == "timeout"
    assert node.sh("cat /run/wrote 2>/dev/null || true") == ""
    assert transport.wait_fence(["node1"], "31", 10) == {"node1": None}
    assert node.sh("cat /run/wrote") == "late\n"


def test_steps_after_the_one_that_lost_its_driver_do_not_begin(site):
    node = site.nodes["node1"]
    process = driver(site, "node1", """
        transport.perform([run.on(name, "echo 1 >/run/one; sleep 0.7"),
                           run.on(name, "echo 2 >/run/two")], fence="32")
    """)
    until(lambda: node.sh("cat /run/one 2>/dev/null || true"))
    kill(process)
    assert site.transport().wait_fence(["node1"], "32", 10) == {"node1": None}
    assert node.sh("cat /run/two 2>/dev/null || true") == ""


def test_no_fence_means_nothing_to_wait_for(site):
    answers = site.transport().wait_fence(["node1", "node2"], "99", 1)
    assert answers == {"node1": None, "node2": None}


def test_background_children_do_not_hold_the_fence(site):
    transport = site.transport()
    call = run.on("node1", "sleep 30 >/dev/null 2>&1 & echo started")
    assert transport.perform([call], fence="33")[call.key] == "started\n"
    assert transport.wait_fence(["node1"], "33", 1) == {"node1": None}


def test_other_jobs_do_not_wait(site):
    process = driver(site, "node1", "transport.perform([run.on(name, 'sleep 2')], fence='34')")
    until(lambda: site.nodes["node1"].sh("ls /run/gnt/fence/34 2>/dev/null || true"))
    call = run.on("node1", "echo free")
    assert site.transport().perform([call], fence="35")[call.key] == "free\n"
    kill(process)


def test_a_lower_term_is_refused(own_site):
    node, call = own_site.add("old"), run.on("old", "touch /run/touched")
    ok(own_site.transport(term=5).ask([call])[call.key])
    assert node.sh("cat /var/lib/gnt/term") == "5\n"
    node.sh("rm /run/touched")
    late = own_site.transport(term=4)
    for failure in (late.ask([call])[call.key], late.perform([call], fence="1")[call.key]):
        assert failure.kind == "fenced" and "term 5" in failure.problem and failure.hint
    assert node.sh("ls /run/touched 2>/dev/null || true") == ""


def test_a_higher_term_is_kept_over_a_restart(own_site):
    node, call = own_site.add("kept"), run.on("kept", "true")
    ok(own_site.transport(term=8).ask([call])[call.key])
    assert (node.home / "state/term").read_text() == "8\n"
    assert own_site.transport(term=7).ask([call])[call.key].kind == "fenced"


def test_an_open_shell_notices_a_higher_term(own_site):
    own_site.add("both")
    call = run.on("both", "true")
    old, new = own_site.transport(term=1), own_site.transport(term=2)
    ok(old.ask([call])[call.key])
    ok(new.ask([call])[call.key])
    assert old.ask([call])[call.key].kind == "fenced"


@pytest.mark.parametrize("hardened", [False, True])
@pytest.mark.parametrize("fence", ["", "51"])
def test_a_term_that_rises_stops_a_batch_before_its_next_script(own_site, fence, hardened):
    node, alice = own_site.add("middle"), Person(own_site.home / "people", "alice")
    if hardened:
        harden(node, own_site.login, [alice.line])
    transport = own_site.transport(term=1, orders=alice.orders)
    calls = [run.on("middle", body) for body in (
        "echo one", "echo 2 >/var/lib/gnt/term", "touch /run/touched", ">/run/touched")]
    answers = transport.perform(calls, fence=fence) if fence else transport.ask(calls)
    assert [answers[call.key] for call in calls[:2]] == ["one\n", ""]
    stopped = [answers[call.key] for call in calls[2:] if call.key in answers]
    assert {failure.kind for failure in stopped} == {"fenced"} and "term 2" in stopped[0].problem
    assert len(stopped) == (1 if fence else 2)
    assert node.sh("ls /run/touched 2>/dev/null || true") == ""


def test_a_stranger_does_not_learn_the_term(own_site):
    member, stranger = own_site.add("member"), own_site.add("stranger")
    transport = own_site.transport(term=6)
    transport.know([stranger.node], 0, ports={"stranger": stranger.port})
    answers = transport.ask([run.on(name, "true") for name in own_site.nodes])
    assert set(answers.values()) == {""}
    assert (member.home / "state/term").read_text() == "6\n"
    assert not (stranger.home / "state/term").exists()


def test_an_unreadable_term_refuses(own_site):
    node, call = own_site.add("torn"), run.on("torn", "true")
    node.sh("echo rubbish >/var/lib/gnt/term")
    assert own_site.transport(term=3).ask([call])[call.key].kind == "fenced"
    assert node.sh("cat /var/lib/gnt/term") == "rubbish\n"


def test_a_term_that_cannot_be_recorded_stops_the_task(own_site):
    node, call = own_site.add("full"), run.on("full", "touch /run/touched")
    node.sh("mount -t tmpfs -o ro none /var/lib/gnt")
    failure = own_site.transport(term=3).ask([call])[call.key]
    assert failure.kind == "failed" and "term" in failure.problem
    assert node.sh("ls /run/touched 2>/dev/null || true") == ""


def test_a_job_has_one_driver(site):
    mine, other = site.transport(), site.transport()
    with mine.own("node1", "41"):
        with pytest.raises(Busy), other.own("node1", "41"):
            pass
        assert other.owned("node1", ["41", "42"]) == {"41": True, "42": False}
        assert other.wait_owner("node1", "41", 0.2) is False
    assert other.wait_owner("node1", "41", 10) is True
    assert other.owned("node1", ["41"]) == {"41": False}


def test_a_killed_driver_lets_go(site):
    process = owner(site, "node2", "43")
    transport = site.transport()
    assert transport.owned("node2", ["43"]) == {"43": True}
    kill(process)
    assert transport.wait_owner("node2", "43", 10) is True
    until(lambda: site.nodes["node2"].sh("ls /run/gnt/jobs | grep -x 43 || true") == "")
    with transport.own("node2", "43"):
        assert site.transport().owned("node2", ["43"]) == {"43": True}


def test_who_waits_for_a_dying_driver_gets_the_lock(site):
    """It waits with the dead driver's file open, which that one's shell takes along."""
    process = owner(site, "node2", "45")
    timer = threading.Timer(0.4, kill, [process])
    timer.start()
    with site.transport().own("node2", "45"):
        assert site.transport().owned("node2", ["45"]) == {"45": True}
    timer.join()


def test_scripts_do_not_inherit_the_liveness_lock(site):
    transport, call = site.transport(), run.on("node1", "sleep 30 >/dev/null 2>&1 & true")
    with transport.own("node1", "44"):
        transport.perform([call], fence="44")
    assert site.transport().wait_owner("node1", "44", 5) is True


def test_who_was_dropped_as_the_driver_does_nothing_more(own_site):
    node, call = own_site.add("master"), run.on("master", "touch /run/touched")
    transport = own_site.transport()
    ok(transport.ask([run.on("master", "true")]).popitem()[1])
    with transport.own("master", "45"):
        holder = node.sh("fuser /run/gnt/jobs/45 2>/dev/null").split()
        node.sh(f"kill -9 {' '.join(holder)}")
        until(lambda: not site_owned(own_site, "45"))
        with pytest.raises(NodeFailed) as caught:
            until(lambda: transport.perform([call], fence="45") is None, seconds=5)
    assert caught.value.kind == "lost" and "gnt-job resume 45" in caught.value.hint


def site_owned(site, job: str) -> bool:
    return site.transport().owned("master", [job])[job]


@pytest.mark.slow
def test_a_driver_that_is_cut_off_loses_the_lock(own_site):
    """It stops renewing its lease (here: it is frozen); the master's alarm ends its shell."""
    node = own_site.add("master")
    peer = own_site.transport().peer("master")
    owner = Owner(peer, "46", [], beat=3600, lease=1)
    with owner:
        assert site_owned(own_site, "46")
        until(lambda: not site_owned(own_site, "46"), seconds=30)
        with pytest.raises(NodeFailed):
            until(lambda: owner.check(), seconds=5)
    assert node.answers()


@pytest.mark.slow
def test_a_lease_that_is_renewed_is_kept(own_site):
    own_site.add("master")
    peer = own_site.transport().peer("master")
    with Owner(peer, "47", [], beat=0.5, lease=1) as _:
        began = time.monotonic()
        while time.monotonic() < began + 12:
            assert site_owned(own_site, "47")
            time.sleep(1)


def test_a_fence_is_cleared_by_its_term_and_leaves_none_behind(own_site):
    """A node that was made to forget the cluster does not learn the term again."""
    node = own_site.add("leaving")
    transport = own_site.transport(term=3)
    transport.perform([run.on("leaving", "true")], fence="41")
    node.sh("echo 4 >/var/lib/gnt/term")
    transport.clear_fence(["leaving"], "41")  # by a driver that was overtaken
    transport.close()
    assert node.sh("ls /run/gnt/fence") == "41\n"
    newer = own_site.transport(term=4)
    newer.perform([run.on("leaving", "rm /var/lib/gnt/term")], fence="41")
    newer.clear_fence(["leaving"], "41")
    newer.close()
    assert node.sh("ls /run/gnt/fence; cat /var/lib/gnt/term 2>/dev/null || :") == ""
