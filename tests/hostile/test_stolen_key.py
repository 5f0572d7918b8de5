"""A stolen login key in OpenSSH's own tools, at a hardened node: it reads facts and no more."""

from __future__ import annotations

import socket

import pytest

from gnt.errors import NodeFailed
from gnt.plan import script, text
from gnt.query.facts import node_facts
from gnt.ssh.dialogues import NodeContext
from gnt.ssh.gate.facts import digest, facts
from tests.hostile.thieves import MARK, REFUSED, broken_in, digest_of, fact
from tests.ssh.conftest import free_port, run
from tests.ssh.gates import stolen

pytestmark = pytest.mark.lab


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


def test_scripts_are_known_by_their_whole_text() -> None:
    one, other = script("echo $1", "a", parse=text), script("echo $1", "b", parse=text)
    assert digest(one.shell) != digest(other.shell)
