"""Orders that count for nothing at the gate of a hardened node: not signed, or not for this."""

from __future__ import annotations

import subprocess

import pytest

from gnt.config import signature
from gnt.errors import NodeFailed
from tests.hostile.thieves import MAKE, MARK, Line, batch, broken_in, order, shown, signed
from tests.ssh.conftest import run, until
from tests.ssh.gates import Person, trust

pytestmark = pytest.mark.lab
HARMLESS = "set -- \ntrue\n"
NOT_AS_IT_IS = "refused a script that was not signed as it is"


def test_a_strangers_signature_is_refused(line, alice, mallory) -> None:
    assert "not signed by anybody who may" in line.end(signed(line, mallory, shows=alice))


def test_the_login_key_does_not_sign(gated, line, alice, tmp_path) -> None:
    """Whoever stole it has only that one."""
    data = tmp_path / "order"
    data.write_bytes(order(line.challenge, MAKE))
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", gated.home / "login", "-n", "gnt-order",
                    data], check=True, capture_output=True)
    made = (tmp_path / "order.sig").read_bytes()
    said = line.end(shown(alice) + batch(MAKE, order=data.read_bytes(), sign=lambda _: made))
    assert "not signed by anybody who may" in said


@pytest.mark.parametrize("namespace", ["gnt-config", "gnt-consent", "git", "file"])
def test_a_signature_made_for_something_else_is_refused(line, alice, namespace) -> None:
    def sign(data: bytes) -> bytes:
        return signature.armored(signature.sign(data, alice.key, namespace)).encode()

    said = line.end(shown(alice) + batch(MAKE, order=order(line.challenge, MAKE), sign=sign))
    assert "not signed by anybody who may" in said


@pytest.mark.parametrize("change", [b"run ", b"job 7", b"for ", b"gnt-order-1", b" -\n"])
def test_no_byte_of_an_order_can_be_changed(line, alice, change: bytes) -> None:
    good = order(line.challenge, MAKE)
    other = good.replace(change, bytes([change[0] ^ 1]) + change[1:], 1)
    said = line.end(shown(alice) + batch(MAKE, order=other, sign=lambda _: alice.sign(good)))
    assert "not signed by anybody who may" in said


def test_an_order_for_another_connection_is_refused(gated, node, line, alice) -> None:
    other = Line(gated, node)
    said = line.end(signed(other, alice))
    other.end()
    assert "signed for another connection" in said


@pytest.fixture
def named(node):
    """As the installed gate is: it knows the name of its node."""
    node.sh("echo node1 >/var/lib/gnt/gate/name")
    yield node
    node.sh("rm -f /var/lib/gnt/gate/name")


@pytest.mark.parametrize("name", ["", "node2", "node1 x", "node"])
def test_an_order_for_another_node_is_refused(named, gated, alice, name) -> None:
    """A node that was broken into hands on the challenge of another, and the order it gets."""
    line = Line(gated, named)
    assert line.greeting.split()[-1] == "on"
    made = order(line.challenge, MAKE).replace(b"run ", f"on {name}\nrun ".encode() if name else
                                               b"run ", 1)
    assert "signed for another node" in line.end(signed(line, alice, order=made))


def test_an_order_that_names_a_node_is_refused_where_none_is_known(line, alice) -> None:
    made = order(line.challenge, MAKE).replace(b"run ", b"on node2\nrun ", 1)
    assert "says what this gate does not know" in line.end(signed(line, alice, order=made))


def test_a_driver_names_the_node_for_which_it_signs(named, gated, alice) -> None:
    transport = gated.transport(connect=20.0, orders=alice.orders)
    assert list(transport.ask([run.on("node1", "echo yes")]).values()) == ["yes\n"]
    assert b"\non node1\n" in alice.signed[-1]


@pytest.mark.parametrize("said", [
    "", "x", "x y", "x y records signers 1", "x y records signers a b c",
    "x y records signers 9" + "9" * 5000 + " 1 z on"])
def test_a_greeting_that_makes_no_sense_fails_that_node_only(gated, node, alice, said) -> None:
    keys = node.home / "authorized_keys"
    usual = keys.read_text()
    login = usual[usual.index("ssh-"):]
    keys.write_text(f'command="echo gnt-gate 1 {said}; sleep 1" {login}')
    try:
        transport = gated.transport(connect=20.0, orders=alice.orders)
        transport.obey((1, 2), [alice.line])
        (answer,) = transport.ask([run.on("node1", "true")]).values()
        assert isinstance(answer, NodeFailed)
    finally:
        keys.write_text(usual)


def test_a_captured_session_cannot_be_replayed(gated, node, alice) -> None:
    """Every byte of a session that was good once, sent again: the job has ended, or has not."""
    first = Line(gated, node)
    captured = signed(first, alice)
    assert " off 0" in first.end(captured)
    assert broken_in(node)
    assert "signed for another connection" in Line(gated, node).end(captured)


def test_a_replay_beside_the_living_session_is_refused(gated, node, alice) -> None:
    first = Line(gated, node)
    captured = signed(first, alice)
    first.send(captured)
    until(lambda: broken_in(node))
    assert "signed for another connection" in Line(gated, node).end(captured)
    first.end()


def test_grants_end_with_the_connection(gated, node, alice) -> None:
    first = Line(gated, node)
    assert " off 0" in first.end(signed(first, alice))
    assert broken_in(node)
    assert "not signed for this connection" in Line(gated, node).end(shown(alice) + batch(MAKE))


def test_grants_of_one_job_are_not_those_of_the_next(line, alice) -> None:
    line.send(signed(line, alice, HARMLESS, order=order(line.challenge, MAKE, HARMLESS)))
    said = line.end(signed(line, alice, job="8", order=order(line.challenge, HARMLESS, job="8")))
    assert NOT_AS_IT_IS in said


def test_an_order_for_one_job_does_not_serve_another(line, alice) -> None:
    said = line.end(signed(line, alice, job="8", order=order(line.challenge, MAKE)))
    assert "a job that was not signed for this connection" in said


def test_another_script_than_the_signed_one_is_refused(line, alice) -> None:
    assert NOT_AS_IT_IS in line.end(signed(line, alice, order=order(line.challenge, HARMLESS)))


def test_other_words_than_the_signed_ones_are_refused(line, alice) -> None:
    good = "set -- '/tmp/harmless'\ntouch \"$1\"\n"
    other = good.replace("/tmp/harmless", MARK)
    assert NOT_AS_IT_IS in line.end(signed(line, alice, other, order=order(line.challenge, good)))


def test_another_stdin_than_the_signed_one_is_refused(line, alice) -> None:
    reads = f'set -- \nread -r x; touch "$x"; : {MARK}\n'
    good = order(line.challenge, reads, stdins=[b"/tmp/harmless\n"])
    said = line.end(signed(line, alice, reads, MARK.encode() + b"\n", order=good))
    assert NOT_AS_IT_IS in said


def test_a_stdin_that_was_not_signed_is_refused(line, alice) -> None:
    reads = 'set -- \nread -r x && touch "$x"\n'
    good = order(line.challenge, reads)
    assert NOT_AS_IT_IS in line.end(signed(line, alice, reads, MARK.encode() + b"\n", order=good))


def test_a_script_cannot_read_on_into_the_frames(line, alice) -> None:
    """What follows a script is frames, not its standard input."""
    reads = f'set -- \nread -r x && touch {MARK}\nexit 3\n'
    assert "abc.0.0 off 3" in line.end(signed(line, alice, reads) + b"more\n")


def test_an_older_term_is_refused(gated, node, alice) -> None:
    node.sh("mkdir -p /var/lib/gnt; echo 5 >/var/lib/gnt/term")
    line = Line(gated, node)
    said = line.end(signed(line, alice, term=4))
    node.sh("rm /var/lib/gnt/term")
    assert "done fenced 5" in said


def test_another_term_than_the_signed_one_is_refused(line, alice, node) -> None:
    said = line.end(signed(line, alice, term=9, order=order(line.challenge, MAKE)))
    assert "was not signed for this connection" in said
    assert node.sh("cat /var/lib/gnt/term 2>/dev/null || echo none") in ("none\n", "1\n")


def test_a_removed_signer_is_refused(gated, node, alice, tmp_path) -> None:
    """Also one who had begun to talk while he might."""
    bob = Person(tmp_path / "bob", "bob")
    trust(node, [alice.line, bob.line])
    line = Line(gated, node)
    trust(node, [alice.line])
    assert "not signed by anybody who may" in line.end(signed(line, bob, shows=alice))


@pytest.mark.parametrize(("option", "good"), [
    ('valid-before="20010101000000Z"', False), ('valid-before="20990101000000Z"', True)])
def test_an_expired_signer_is_refused(gated, node, alice, tmp_path, option, good) -> None:
    bob = Person(tmp_path / "bob", "bob")
    trust(node, [alice.line, bob.line.replace("namespaces", f"{option},namespaces")])
    line = Line(gated, node)
    said = line.end(signed(line, bob, shows=alice))
    trust(node, [alice.line])
    assert broken_in(node) is good
    assert ("not signed by anybody who may" in said) is not good
