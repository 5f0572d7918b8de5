"""A stolen login key, against a hardened node: it reads facts and nothing else."""

from __future__ import annotations

import socket
import subprocess

import pytest

from gnt.errors import NodeFailed
from gnt.plan import script, text
from gnt.query.facts import node_facts
from gnt.ssh.dialogues import NodeContext
from gnt.ssh.gate.facts import digest, facts
from tests.hostile.thieves import MAKE, MARK, Line, batch, broken_in, fact, order
from tests.ssh.conftest import free_port, run, until
from tests.ssh.gates import Person, stolen, trust

pytestmark = pytest.mark.lab
REFUSED = "hardened and refuses"


@pytest.fixture
def node(gated):
    made = gated.nodes["node1"]
    yield made
    assert not broken_in(made), "the attack has had its way"


@pytest.fixture
def line(gated, node):
    made = Line(gated, node)
    yield made
    made.process.kill()
    made.process.communicate()


@pytest.fixture
def alice(gated):
    return gated.alice


@pytest.fixture
def mallory(gated, tmp_path):
    """A signer of some other cluster."""
    return Person(tmp_path / "mallory", "mallory")


# --- what OpenSSH's own tools get ----------------------------------------------------------------


@pytest.mark.parametrize("command", [
    f"touch {MARK}", f"/bin/sh -c 'touch {MARK}'", "exec /bin/sh -c id", "cat /etc/shadow", "bash",
    f"exec /bin/sh; touch {MARK}", f"gnt-ticket x; touch {MARK}", f"gnt-ticket ../../{MARK}",
    f"echo gnt-plain; exec /bin/sh\ntouch {MARK}",
])
def test_a_command_is_refused(gated, node, command: str) -> None:
    done = stolen(gated, node, command)
    assert done.returncode == 126
    assert REFUSED in done.stderr.decode()
    assert done.stdout == b""


def test_a_login_is_refused(gated, node) -> None:
    done = stolen(gated, node, stdin=f"touch {MARK}\n".encode())
    assert (done.returncode, done.stdout) == (126, b"")


def test_a_terminal_leads_to_no_shell(gated, node) -> None:
    done = stolen(gated, node, stdin=f"touch {MARK}\n".encode(), options=["-tt"])
    assert done.returncode == 126


@pytest.mark.parametrize("program", ["scp", "sftp"])
def test_files_cannot_be_copied(gated, node, tmp_path, program: str) -> None:
    (tmp_path / "file").write_text("x")
    words = {"scp": [str(tmp_path / "file"), f"root@127.0.0.1:{MARK}"],
             "sftp": ["root@127.0.0.1"]}[program]
    done = stolen(gated, node, *words, program=program,
                  stdin=f"put {tmp_path}/file {MARK}\n".encode())
    assert done.returncode != 0


def test_old_scp_cannot_copy_either(gated, node, tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    done = stolen(gated, node, "-O", str(tmp_path / "file"), f"root@127.0.0.1:{MARK}",
                  program="scp")
    assert done.returncode != 0


def test_the_sftp_subsystem_is_refused(gated, node) -> None:
    done = stolen(gated, node, "sftp", options=["-s"])
    assert done.returncode == 126


def test_ports_are_not_forwarded_outwards(gated, node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as inside:
        done = stolen(gated, node, options=["-W", f"127.0.0.1:{inside.getsockname()[1]}"])
    assert done.returncode != 0
    assert b"prohibited" in done.stderr or b"forwarding failed" in done.stderr


def test_ports_are_not_forwarded_inwards(gated, node) -> None:
    done = stolen(gated, node, options=["-N", "-o", "ExitOnForwardFailure=yes", "-R",
                                        f"{free_port()}:127.0.0.1:{node.port}"])
    assert done.returncode != 0


def test_variables_do_not_reach_the_gate(gated, node) -> None:
    """Also those that sshd itself lets through."""
    names = ("PATH", "ENV", "BASH_ENV", "LC_ALL", "LD_PRELOAD", "gnt_g_granted", "GNC", "IFS")
    options = [part for name in names for part in ("-o", f"SetEnv {name}=/tmp/evil")]
    done = stolen(gated, node, "exec /bin/sh", stdin=fact(digest_of("query.facts.node_facts")),
                  options=options)
    assert b"mtotal" in done.stdout
    assert b"evil" not in done.stdout + done.stderr


# --- frames that nobody signed -------------------------------------------------------------------


def test_a_script_that_nobody_signed_is_refused(line) -> None:
    assert "nothing was signed" in line.end(batch(MAKE, job="-", term=0))


def test_a_job_that_nobody_signed_is_refused(line, node) -> None:
    assert "was not signed for this connection" in line.end(batch(MAKE))
    assert node.sh("ls /run/gnt/fence 2>/dev/null; true") == ""


def test_plain_shell_text_is_refused(line) -> None:
    assert REFUSED in line.end(f"touch {MARK}\n(touch {MARK})\n`touch {MARK}`\n".encode())


def test_the_term_of_a_node_cannot_be_raised(line, node) -> None:
    """It would lock every driver of the cluster out."""
    known = node.sh("cat /var/lib/gnt/term 2>/dev/null; true")
    line.end(fact(digest_of("query.facts.node_facts"), term=999))
    assert node.sh("cat /var/lib/gnt/term 2>/dev/null; true") == known


@pytest.mark.parametrize("frame", [
    b"batch abc.0 1 - 0 1 -5 -5\n", b"batch abc.0 1 - 0 99999999999 0 0\n",
    b"batch ../x 1 - 0 1 0 0\n", b"batch abc.0 1 ../../x 0 1 0 0\n", b"batch abc.0 1 - 0 1\n",
    b"batch abc.0 $(id) - 0 1 0 0\n", b"batch abc.0 1 - 0 1 9999999 10\n", b"pipe 5 0 0\nabcde",
    b"ticket 5 0 0\nabcde", b"* * * * * * * *\n", b"\xff\xfe\0\0\n", b"prelude\n",
    b"batch abc.0 0 - 0 1 0 0\nfact 5 ../../../../etc/passwd 0\n",
    b"batch abc.0 0 - 0 1 0 0\nfact 5 " + b"0" * 64 + b" 0\n",
    b"batch abc.0 0 - 0 1 0 0\neval 0 5 5 -\nabcde",
], ids=repr)
def test_a_frame_that_makes_no_sense_ends_the_connection(line, frame: bytes) -> None:
    assert REFUSED in (said := line.end(frame)) or " done refused " in said, said


@pytest.mark.parametrize("word", [
    "$(touch /var/lib/gnt/broken-in)", "`touch /var/lib/gnt/broken-in`", "a;b", "../../etc/shadow",
    "-rf", "a'b", 'a"b', "x[$(id)]", "a\tb", "*", "~root", "a\\b", "é",
])
def test_a_fact_takes_only_plain_words(line, word: str) -> None:
    said = line.end(fact(digest_of("storage.file.measure"), word))
    assert "refused a word that no fact takes" in said


def test_a_fact_with_words_of_its_own_takes_no_others(line) -> None:
    """The words of a fixed fact are part of it: some are programs."""
    said = line.end(fact(digest_of("hypervisor.kvm.tasks.found"), "echo"))
    assert "is no fact" in said


def test_a_line_without_an_end_fills_nothing(gated, node) -> None:
    """The gate holds so much and no more; here less than usual, because it reads byte by byte."""
    gate = "/var/lib/gnt/gate/gate"
    node.sh(f"cp {gate} {gate}.whole; sed -i 's/ulimit -S -v 65536/ulimit -S -v 8192/' {gate}")
    line = Line(gated, node)
    line.end(b"x" * (6 << 20))
    node.sh(f"cmp -s {gate} {gate}.whole && exit 1; mv {gate}.whole {gate}")
    assert line.process.returncode not in (0, 126)


def test_an_order_without_an_end_fills_nothing(line, node) -> None:
    assert "an order of that size" in line.end(
        b"batch abc.0 1 7 0 1 999999999 300\n" + b"x" * 100_000)


# --- orders that count for nothing ---------------------------------------------------------------


def test_a_strangers_signature_is_refused(line, mallory) -> None:
    said = line.end(batch(MAKE, order=order(line.challenge, MAKE), sign=mallory.sign))
    assert "not signed by anybody who may" in said


def test_the_login_key_does_not_sign(gated, line, tmp_path) -> None:
    """Whoever stole it has only that one."""
    data = tmp_path / "order"
    data.write_bytes(order(line.challenge, MAKE))
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", gated.home / "login", "-n", "gnt-order",
                    data], check=True, capture_output=True)
    signature = (tmp_path / "order.sig").read_bytes()
    said = line.end(batch(MAKE, order=data.read_bytes(), sign=lambda _: signature))
    assert "not signed by anybody who may" in said


def test_a_signature_made_for_something_else_is_refused(line, alice) -> None:
    from gnt.config import signature

    def sign(data: bytes) -> bytes:
        return signature.armored(signature.sign(data, alice.key, "gnt-config")).encode()

    said = line.end(batch(MAKE, order=order(line.challenge, MAKE), sign=sign))
    assert "not signed by anybody who may" in said


def test_no_byte_of_an_order_can_be_changed(gated, node, alice) -> None:
    for change in (b"run ", b"job 7", b"for "):
        line = Line(gated, node)
        good = order(line.challenge, MAKE)
        other = good.replace(change, change.upper(), 1)
        said = line.end(batch(MAKE, order=other, sign=lambda _, good=good: alice.sign(good)))
        assert "not signed by anybody who may" in said


def test_an_order_for_another_connection_is_refused(gated, node, line, alice) -> None:
    other = Line(gated, node)
    said = line.end(batch(MAKE, order=order(other.challenge, MAKE), sign=alice.sign))
    other.end()
    assert "signed for another connection" in said


def test_a_captured_session_cannot_be_replayed(gated, node, alice) -> None:
    """Every byte of a session that was good once, sent again: the job has ended, or has not."""
    first = Line(gated, node)
    captured = batch(MAKE, order=order(first.challenge, MAKE), sign=alice.sign)
    assert " off 0" in first.end(captured)
    assert broken_in(node)
    assert "signed for another connection" in Line(gated, node).end(captured)


def test_a_replay_beside_the_living_session_is_refused(gated, node, alice) -> None:
    first = Line(gated, node)
    captured = batch(MAKE, order=order(first.challenge, MAKE), sign=alice.sign)
    first.send(captured)
    until(lambda: broken_in(node))
    assert "signed for another connection" in Line(gated, node).end(captured)
    first.end()


def test_grants_end_with_the_connection(gated, node, alice) -> None:
    first = Line(gated, node)
    assert " off 0" in first.end(
        batch(MAKE, order=order(first.challenge, MAKE), sign=alice.sign))
    assert broken_in(node)
    assert "not signed for this connection" in Line(gated, node).end(batch(MAKE))


def test_grants_of_one_job_are_not_those_of_the_next(line, alice) -> None:
    harmless = "set -- \ntrue\n"
    line.send(batch(harmless, order=order(line.challenge, MAKE, harmless), sign=alice.sign))
    said = line.end(batch(MAKE, job="8", order=order(line.challenge, harmless, job="8"),
                          sign=alice.sign))
    assert "refused a script that was not signed as it is" in said


def test_an_order_for_one_job_does_not_serve_another(line, alice) -> None:
    said = line.end(batch(MAKE, job="8", order=order(line.challenge, MAKE), sign=alice.sign))
    assert "a job that was not signed for this connection" in said


def test_another_script_than_the_signed_one_is_refused(line, alice) -> None:
    harmless = "set -- \ntrue\n"
    said = line.end(batch(MAKE, order=order(line.challenge, harmless), sign=alice.sign))
    assert "refused a script that was not signed as it is" in said


def test_other_words_than_the_signed_ones_are_refused(line, alice) -> None:
    signed = "set -- '/tmp/harmless'\ntouch \"$1\"\n"
    said = line.end(batch(signed.replace("/tmp/harmless", MARK),
                          order=order(line.challenge, signed), sign=alice.sign))
    assert "refused a script that was not signed as it is" in said


def test_another_stdin_than_the_signed_one_is_refused(line, alice) -> None:
    reads = f'set -- \nread -r x; touch "$x"; : {MARK}\n'
    good = order(line.challenge, reads, stdins=[b"/tmp/harmless\n"])
    said = line.end(batch(reads, MARK.encode() + b"\n", order=good, sign=alice.sign))
    assert "refused a script that was not signed as it is" in said


def test_a_stdin_that_was_not_signed_is_refused(line, alice) -> None:
    reads = 'set -- \nread -r x && touch "$x"\n'
    said = line.end(batch(reads, MARK.encode() + b"\n", order=order(line.challenge, reads),
                          sign=alice.sign))
    assert "refused a script that was not signed as it is" in said


def test_a_script_cannot_read_on_into_the_frames(line, alice) -> None:
    """What follows a script is frames, not its standard input."""
    reads = f'set -- \nread -r x && touch {MARK}\nexit 3\n'
    said = line.end(batch(reads, order=order(line.challenge, reads), sign=alice.sign) + b"more\n")
    assert "abc.0.0 off 3" in said


def test_an_older_term_is_refused(gated, node, alice) -> None:
    node.sh("mkdir -p /var/lib/gnt; echo 5 >/var/lib/gnt/term")
    line = Line(gated, node)
    said = line.end(batch(MAKE, term=4, order=order(line.challenge, MAKE, term=4),
                          sign=alice.sign))
    node.sh("rm /var/lib/gnt/term")
    assert "done fenced 5" in said


def test_another_term_than_the_signed_one_is_refused(line, alice, node) -> None:
    said = line.end(batch(MAKE, term=9, order=order(line.challenge, MAKE), sign=alice.sign))
    assert "was not signed for this connection" in said
    assert node.sh("cat /var/lib/gnt/term 2>/dev/null || echo none") in ("none\n", "1\n")


def test_a_removed_signer_is_refused(gated, node, alice, tmp_path) -> None:
    bob = Person(tmp_path / "bob", "bob")
    trust(node, [alice.line, bob.line])
    line = Line(gated, node)
    trust(node, [alice.line])
    said = line.end(batch(MAKE, order=order(line.challenge, MAKE), sign=bob.sign))
    assert "not signed by anybody who may" in said


@pytest.mark.parametrize(("option", "good"), [
    ('valid-before="20010101000000Z"', False), ('valid-before="20990101000000Z"', True)])
def test_an_expired_signer_is_refused(gated, node, alice, tmp_path, option, good) -> None:
    bob = Person(tmp_path / "bob", "bob")
    trust(node, [alice.line, bob.line.replace("namespaces", f"{option},namespaces")])
    line = Line(gated, node)
    said = line.end(batch(MAKE, order=order(line.challenge, MAKE), sign=bob.sign))
    trust(node, [alice.line])
    assert broken_in(node) is good
    assert ("not signed by anybody who may" in said) is not good


# --- tickets: the second connection of a console -------------------------------------------------


def ticket(line: Line, alice: Person, body: str) -> str:
    signed = order(line.challenge, body, job="-", term=0)
    signature = alice.sign(signed)
    line.send(f"ticket {len(body)} {len(signed)} {len(signature)}\n".encode() + signed + signature
              + body.encode())
    return line.hear().strip()


def test_a_ticket_is_good_once(gated, node, line, alice) -> None:
    word = ticket(line, alice, "echo redeemed")
    assert stolen(gated, node, word).stdout == b"redeemed\n"
    assert "a ticket that nobody gave" in stolen(gated, node, word).stderr.decode()


def test_a_ticket_ends_with_the_connection_that_got_it(gated, node, alice) -> None:
    line = Line(gated, node)
    word = ticket(line, alice, f"touch {MARK}")
    line.end()
    assert "a ticket that nobody gave" in stolen(gated, node, word).stderr.decode()


def test_a_ticket_for_another_text_is_refused(line, alice) -> None:
    signed = order(line.challenge, "echo harmless", job="-", term=0)
    body, signature = f"touch {MARK}", alice.sign(signed)
    said = line.end(f"ticket {len(body)} {len(signed)} {len(signature)}\n".encode() + signed
                    + signature + body.encode())
    assert REFUSED in said


# --- and what it can do --------------------------------------------------------------------------


def test_a_stolen_key_reads_facts(line) -> None:
    assert "mtotal" in line.end(fact(digest_of("query.facts.node_facts")))


def test_who_signs_runs_what_was_signed_and_nothing_runs_twice(gated, node, alice) -> None:
    transport = gated.transport(connect=20.0, orders=alice.orders)
    call = run.on("node1", f"[ ! -e {MARK} ] && echo >{MARK}; echo done")
    assert list(transport.perform([call], fence="7").values()) == ["done\n"]
    assert broken_in(node)


def test_one_order_serves_a_whole_job(gated, alice) -> None:
    transport = gated.transport(connect=20.0, orders=alice.orders)
    calls = [run.on("node1", "echo", word=str(n)) for n in range(5)]
    transport.foresee("7", calls)
    before = len(alice.signed)
    for call in calls:
        transport.perform([call], fence="7")
    assert len(alice.signed) == before + 1


def test_a_stream_runs_under_an_order(gated, alice) -> None:
    transport = gated.transport(connect=20.0, orders=alice.orders)
    context = NodeContext(transport.peer("node1"), term=1, fence="7", tell=lambda _: None,
                          reach=transport.peer)
    with context.stream("cat") as stream:
        stream.sendall(b"there and back\n")
        assert stream.recv(100) == b"there and back\n"
    context.close()


def test_a_reader_without_a_signing_key_is_told_so(gated) -> None:
    transport = gated.transport(connect=20.0)
    answers = transport.ask([node_facts.on("node1")])
    assert all(isinstance(answer, NodeFailed) for answer in answers.values())


def test_a_refusal_says_what_to_do(gated, mallory) -> None:
    transport = gated.transport(connect=20.0, orders=mallory.orders)
    (answer,) = transport.ask([run.on("node1", f"touch {MARK}")]).values()
    assert "hardened and refuses" in answer.message
    assert "gnt-cluster signer list" in answer.hint


def test_no_fact_changes_what_its_words_name() -> None:
    """Bodies that are open to any words hold none of the programs that change things."""
    changing = ("rm ", "mv ", "cp ", "tee ", "truncate", "chmod", "chown", "kill", "mkfs", "dd ",
                "eval ", "sh -c", "ln ")
    for name, body in facts().open.items():
        code = "\n".join(part.split("#")[0] for part in body.split("\n"))
        assert not [word for word in changing if f" {word}" in f" {code}"], (name, body[:200])


def digest_of(task: str) -> str:
    from gnt.plan import task_named
    from gnt.ssh.gate.facts import FIXED, OPEN

    made = task_named(task)
    if task in FIXED:
        return digest(made.script(made.on("-")).shell)
    return digest(made.script(made.on("-", **OPEN[task])).body)


def test_scripts_are_known_by_their_whole_text() -> None:
    one, other = script("echo $1", "a", parse=text), script("echo $1", "b", parse=text)
    assert digest(one.shell) != digest(other.shell)
