"""Half an hour with a stolen key: other ways in, other ways to disturb, tried on a real gate."""

from __future__ import annotations

import threading

import pytest

from gnt.plan import task_named
from gnt.ssh.gate.facts import digest
from gnt.storage.file import found, measure
from tests.hostile.thieves import (
    MAKE,
    MARK,
    REFUSED,
    Line,
    batch,
    broken_in,
    digest_of,
    fact,
    order,
    signed,
)
from tests.ssh.conftest import run, until
from tests.ssh.gates import stolen

pytestmark = pytest.mark.lab
FACTS = "query.facts.node_facts"
GATE = "/var/lib/gnt/gate/gate"


# --- what ssh itself offers ----------------------------------------------------------------------


@pytest.mark.parametrize("option", [
    "-R/run/gnt-thief:/run/gnt-thief", "-R0.0.0.0:0:127.0.0.1:22", "-R*:0",
], ids=["a socket", "a port", "a proxy"])
def test_nothing_is_forwarded_inwards(gated, node, option: str) -> None:
    done = stolen(gated, node, options=["-N", "-o", "ExitOnForwardFailure=yes", option])
    assert done.returncode == 255
    assert node.sh("ls /run/gnt-thief 2>/dev/null; true") == ""


def test_an_agent_is_not_forwarded(gated, node, alice, tmp_path) -> None:
    """A script that runs there finds none, although the thief's client offers it."""
    line = Line(gated, node, options=["-A", "-o", f"IdentityAgent={tmp_path}/none"])
    text = f'set -- \necho "agent:${{SSH_AUTH_SOCK-none}}"; : {MARK}\n'
    assert "agent:none" in line.end(signed(line, alice, text))


@pytest.mark.parametrize("command", [
    "exec /bin/sh ", " exec /bin/sh", "exec /bin/sh\n", "exec  /bin/sh", "exec /bin/sh\r", "-c id",
    "%s%s%n", "*", "'exec /bin/sh'", '"; touch ' + MARK + ' "', "$(touch " + MARK + ")",
    "`touch " + MARK + "`", "\\", "x" * 100_000, "gnt-ticket", "internal-sftp",
], ids=lambda command: command[:20])
def test_no_other_command_line_begins_anything(gated, node, command: str) -> None:
    done = stolen(gated, node, command)
    assert done.returncode in (126, 255)
    assert done.stdout == b""


@pytest.mark.parametrize("word", [
    "1-*", "*-*", "$$-x", "1-../../etc/passwd", "/etc/passwd", "..", "1", "-", "", "1-$(id)", "1 2",
])
def test_tickets_cannot_be_guessed_or_bent(gated, node, line, word: str) -> None:
    """A living gate is there whose folder could be meant."""
    done = stolen(gated, node, f"gnt-ticket {word}")
    assert done.returncode == 126
    assert REFUSED in done.stderr.decode()


def test_a_terminal_s_keys_lead_to_no_shell(gated, node) -> None:
    """Interrupt, quit, stop and end, as a person types them."""
    for keys in (b"\x03", b"\x1c", b"\x1a", b"\x04"):
        done = stolen(gated, node, "exec /bin/sh", options=["-tt"],
                      stdin=keys * 5 + f"\ntouch {MARK}\nexit\n".encode())
        assert not broken_in(node)
        assert done.returncode != 0 or b"gnt-gate" in done.stdout


# --- frames with tricks in them ------------------------------------------------------------------


@pytest.mark.parametrize("frame", [
    b"batch\0 abc.0 0 - 0 1 0 0\nrun 0 20 5 -\n", b"batch abc.0 0 - 0 1 0 0\r\nrun 0 20 5 -\r\n",
    b"batch abc.0 0 - 0 1 0 0\nrun 0 20 " + b"9" * 30 + b" -\n",
    b"batch abc.0 0 - 0 1 0 0\nrun 1 20 0 -\n", b"batch abc.0 0 - 0 1 0 0\nrun 0 -1 -1 -1\n",
    b"batch abc.0 0 - 0 1 0x10 0\n", b"batch abc.0 0 - 0 1 1e3 1e3\n",
    b"batch abc.0 0 - 0 08 0 0\nrun 0 20 5 -\n", b"batch abc.0 0 . 0 1 0 0\nrun 0 20 0 -\n",
    b"batch abc.0 $((1)) - 0 1 0 0\n", b"batch abc.0 a[$(id)] - 0 1 0 0\n", b"job 0 0\n",
    b"job 10 10\n" + b"\0" * 20, b"job -1 -1\n", b"job $(id) 1\n", b"  \t \n", b"job\n",
    b"ticket 4 -1 -1\nid\n\n", b"pipe 1 1 1\n...\n", "bätch abc.0 0 - 0 1 0 0\n".encode(),
], ids=repr)
def test_a_frame_with_tricks_runs_nothing(line, node, frame: bytes) -> None:
    said = line.end(frame + f"touch {MARK}\n".encode())
    assert REFUSED in said or " done refused " in said, said
    assert " off 0" not in said


def test_words_of_facts_are_not_read_on_as_frames(line) -> None:
    """Fewer words than announced: what follows is taken for words, and refused as such."""
    name = digest_of("engine.hooks.present")
    frame = f"batch abc.0 0 - 0 2 0 0\nfact 20 {name} 2\nx\nrun 0 20 {len(MAKE)} -\n{MAKE}"
    assert REFUSED in (said := line.end(frame.encode())) or "refused" in said


@pytest.mark.parametrize("frame", [
    f"fact 20 {{}} 999999999\n{'x' * 9}\n", "fact 999999999 {} 1\nx\n", "fact 0 {} 1\nx\n",
], ids=["words", "time", "no time"])
def test_facts_are_bounded(line, frame: str) -> None:
    """Neither their words nor their time are for who asks to choose."""
    asked = frame.format(digest_of("engine.hooks.present"))
    assert "refused a fact of that size" in line.end(
        b"batch abc.0 0 - 0 1 0 0\n" + asked.encode())


def test_a_script_that_is_cut_off_does_not_run(line, alice) -> None:
    """The connection ends in the middle of what was signed."""
    text = f"set -- \ntouch {MARK}\n" + "true\n" * 50
    assert "refused a script that was not signed as it is" in line.end(
        signed(line, alice, text)[:-100])


def test_bytes_that_come_one_by_one_change_nothing(line, node) -> None:
    for byte in batch(MAKE, job="-", term=0):
        line.send(bytes([byte]))
        if line.process.poll() is not None:
            break
    assert "nothing was signed" in line.end()


def test_who_has_signed_nothing_cannot_stay_silent(gated, node) -> None:
    """Here for some seconds, in earnest for five minutes: slow frames hold no processes."""
    node.sh(f"cp {GATE} {GATE}.whole; sed -i 's/^gnt_g_idle=300/gnt_g_idle=5/' {GATE}")
    line = Line(gated, node)
    line.send(fact(digest_of(FACTS)).replace(b" - 0 1 ", b" - 999999 1 ") + b"batch abc.1")
    said = line.process.stdout.read().decode()
    node.sh(f"cmp -s {GATE} {GATE}.whole && exit 1; mv {GATE}.whole {GATE}")
    line.process.wait(timeout=20)
    assert "abc.0.0 off 0" in said
    until(lambda: node.sh("ls /run/gnt/shell") == "")


def test_a_driver_who_has_signed_may_be_silent(gated, node, alice) -> None:
    node.sh(f"cp {GATE} {GATE}.whole; sed -i 's/^gnt_g_idle=300/gnt_g_idle=5/' {GATE}")
    line = Line(gated, node)
    line.send(signed(line, alice, job="70"))
    until(lambda: broken_in(node))
    alarm = node.sh("cat /run/gnt/shell/*")
    node.sh(f"mv {GATE}.whole {GATE}")
    assert alarm.split() == ["0.end", "0"]
    assert " off 0" in line.end(batch(MAKE, job="70"))
    assert broken_in(node)


# --- beside others, and in the gate's own house --------------------------------------------------


def test_many_thieves_at_once_do_not_disturb_who_signs(gated, node, alice) -> None:
    said: list[str] = []

    def steal() -> None:
        said.append(Line(gated, node).end(batch(MAKE, job="80")))

    thieves = [threading.Thread(target=steal) for _ in range(8)]
    transport = gated.transport(connect=20.0, orders=alice.orders)
    for one in thieves:
        one.start()
    answers = [transport.perform([run.on("node1", 'echo "$1"', word=str(n))], fence="80")
               for n in range(4)]
    for one in thieves:
        one.join()
    assert [list(answer.values()) for answer in answers] == [[f"{n}\n"] for n in range(4)]
    assert len(said) == 8
    assert all("was not signed for this connection" in one for one in said)


@pytest.mark.parametrize("keep", [0, 1])
def test_scripts_do_not_see_the_tag_of_their_frame(line, node, alice, keep: int) -> None:
    """Whoever knows it could say how other scripts ended."""
    text = "set -- \nset >/run/seen; cat /run/gnt/shell/* >>/run/seen\n"
    made = order(line.challenge, text, job="-", term=0)
    said = line.end(batch(text, job="-", term=0, keep=keep, order=made, sign=alice.sign).replace(
        b"batch abc.0", b"batch fee1900d.0"))
    assert "fee1900d.0.0 off 0" in said
    assert node.sh("grep -c fee1900d /run/seen; true") == "0\n"
    assert "gnt_g_granted" in node.sh("cat /run/seen")  # it looked at the right variables


def test_facts_see_no_tag_either(line, node) -> None:
    said = line.end(fact(digest_of(FACTS)))
    assert said.count("abc.0.0 off 0") == 2  # its marker on both streams, and nothing else of it
    assert said.count("abc.0") == 4


@pytest.mark.parametrize("house", [
    ": >/run/gnt/gate", "ln -s /nowhere /run/gnt/gate", "ln -s /etc/passwd /run/gnt/gate",
], ids=["a file", "a dangling link", "a link to a file"])
def test_a_gate_that_cannot_keep_its_files_runs_nothing(gated, node, alice, house: str) -> None:
    node.sh(f"mkdir -p /run/gnt; mv /run/gnt/gate /run/gnt/gate.whole; {house}")
    said = stolen(gated, node, "exec /bin/sh", stdin=fact(digest_of(FACTS)))
    node.sh("rm /run/gnt/gate; mv /run/gnt/gate.whole /run/gnt/gate")
    assert said.returncode != 0
    assert b"mtotal" not in said.stdout


def test_what_a_killed_gate_has_left_is_swept_away(gated, node) -> None:
    """Also a ticket in it: it was good while its connection lived."""
    secret = "0a" * 4 + "-0a0a-0a0a-0a0a-" + "0a" * 6
    node.sh(f"mkdir -p /run/gnt/gate/4194999; echo 'touch {MARK}' >"
            f"/run/gnt/gate/4194999/ticket-{secret}")
    done = stolen(gated, node, f"gnt-ticket 4194999-{secret}")
    assert "a ticket that nobody gave" in done.stderr.decode()
    assert node.sh("ls -d /run/gnt/gate/4194999 2>/dev/null; true") == ""


def test_a_gate_leaves_nothing_behind(gated, node, alice) -> None:
    line = Line(gated, node)
    assert " off 0" in line.end(signed(line, alice, job="90"))
    assert broken_in(node)
    until(lambda: node.sh("ls /run/gnt/gate") == "")
    assert node.sh("stat -c %a /run/gnt/gate /run/gnt/gate.jobs") == "700\n700\n"


def test_files_that_scripts_make_are_as_on_other_nodes(line, node, alice) -> None:
    """The gate's own are for nobody else; its umask is not theirs."""
    text = "set -- \nrm -f /run/made; : >/run/made; stat -c %a /run/made\n"
    assert "644\n" in line.end(signed(line, alice, text))


@pytest.mark.parametrize("task", [measure.on("n", "/etc/shadow"), found.on("n", "/root")], ids=str)
def test_names_and_sizes_of_root_s_files_are_no_facts(line, task) -> None:
    """They tell what only root may see."""
    made = task_named(task.task).script(task)
    assert "is no fact" in line.end(fact(digest(made.body), *made.words))
