"""Whom the gate of a hardened node obeys: the next order of anybody who may sign brings it."""

from __future__ import annotations

import pytest

from gnt.ssh.gate import tasks
from gnt.ssh.gate.orders import Signers, signers
from tests.hostile.thieves import MAKE, Line, batch, broken_in, order, shown, signed
from tests.ssh.conftest import run
from tests.ssh.gates import Person, trust

pytestmark = pytest.mark.lab


@pytest.fixture
def bob(gated, node, alice, tmp_path):
    """A signer who was removed while the node could not be reached: it still obeys him."""
    made = Person(tmp_path / "bob", "bob")
    since(node, (1, 5), alice.line, made.line)
    yield made
    trust(node, [alice.line])


def since(node, at, *lines):
    """The node was told these signers in the state ``at``."""
    trust(node, [f"# since {at[0]} {at[1]} {signers(at, lines).digest}", *lines])


def telling(line, at, *lines, job="7", term=1):
    """An order that brings signers, and runs :data:`MAKE`."""
    made = order(line.challenge, MAKE, job=job, term=term).decode()
    head, runs = made.split("run ", 1)
    told = "".join(f"signer {one}\n" for one in lines)
    return f"{head}obey {at[0]} {at[1]}\n{told}run {runs}".encode()


def obeyed(node):
    return node.sh("cat /var/lib/gnt/gate/signers").splitlines()


def sent(line, by, said, shows):
    return line.end(shown(shows) + batch(MAKE, order=said, sign=by.sign))


def test_the_next_order_ends_a_removed_signer(gated, node, line, alice, bob) -> None:
    assert obeyed(node)[2:] == [bob.line]
    assert "off 0" in sent(line, alice, telling(line, (1, 6), alice.line), alice)
    assert broken_in(node)
    assert obeyed(node) == [f"# since 1 6 {signers((1, 6), [alice.line]).digest}", alice.line]
    late = Line(gated, node)
    assert "not signed by anybody who may" in late.end(signed(late, bob, shows=alice))


@pytest.mark.parametrize("at", [(1, 4), (1, 5), (0, 9)])
def test_an_older_list_does_not_bring_a_signer_back(gated, node, line, alice, bob, at) -> None:
    since(node, (1, 5), alice.line)
    sent(line, alice, telling(line, at, alice.line, bob.line), alice)
    assert broken_in(node)  # the order itself is good
    assert obeyed(node)[1:] == [alice.line]


def test_who_is_not_on_the_list_that_he_brings_is_refused(node, line, alice, bob) -> None:
    said = sent(line, bob, telling(line, (1, 6), alice.line), alice)
    assert "not signed by anybody who may" in said
    assert obeyed(node)[1:] == [alice.line]


def test_a_stranger_brings_nobody(node, line, alice, mallory) -> None:
    before = obeyed(node)
    assert "not signed by anybody who may" in sent(
        line, mallory, telling(line, (9, 9), mallory.line), alice)
    assert obeyed(node) == before


def test_a_list_of_nobody_is_not_taken(node, line, alice, bob) -> None:
    sent(line, alice, telling(line, (1, 6)), alice)
    assert broken_in(node)
    assert obeyed(node)[1:] == [alice.line, bob.line]


@pytest.mark.parametrize("state", ["1 x", "1", "1 12345678901"])
def test_a_state_that_makes_no_sense_is_refused(node, line, alice, bob, state) -> None:
    said = telling(line, (1, 6), alice.line).replace(b"obey 1 6", f"obey {state}".encode())
    assert "signers of no state" in sent(line, alice, said, alice)
    assert obeyed(node)[1:] == [alice.line, bob.line]


def test_a_greeting_names_the_state(gated, node, alice, bob) -> None:
    words = Line(gated, node).greeting.split()
    assert words[5:] == ["signers", "1", "5", signers((1, 5), [alice.line, bob.line]).digest]


def test_a_driver_tells_with_its_first_order_and_only_news(gated, node, alice, bob) -> None:
    before = len(alice.signed)
    transport = gated.transport(connect=20.0, orders=alice.orders)
    transport.obey((1, 4), [alice.line, "someone"])  # of before bob came
    transport.perform([run.on("node1", "true")], fence="7")
    assert obeyed(node)[1:] == [alice.line, bob.line]
    transport.obey((1, 7), [alice.line])
    for word in ("a", "b"):
        transport.perform([run.on("node1", "echo", word=word)], fence="7")
    assert obeyed(node)[1:] == [alice.line]
    assert sum(b"\nobey " in each for each in alice.signed[before:]) == 1


def test_a_step_that_tells_keeps_the_state(node, alice, bob) -> None:
    step = tasks.trust.script(tasks.trust.on("node1", signers=(alice.line,)))
    for _ in range(2):
        node.sh(step.shell)
        assert obeyed(node) == [f"# since 1 5 {signers((1, 5), [alice.line]).digest}", alice.line]


def test_lines_that_were_changed_by_hand_are_put_right(node, alice, bob) -> None:
    head = obeyed(node)[0]
    trust(node, [head, alice.line])
    node.sh(tasks.trust.script(tasks.trust.on("node1", signers=(alice.line, bob.line))).shell)
    assert obeyed(node)[1:] == [alice.line, bob.line]


@pytest.mark.parametrize(("node", "lacking"), [
    (("x", 1, 4), True), (("x", 1, 5), False), (("x", 1, 6), False), (("x", 0, 9), True),
    (("ours", 1, 4), False), (("ours", 0, 0), True), (("x", 0, 0), True)])
def test_who_lacks_what(node, lacking) -> None:
    ours = signers((1, 5), ["a line"])
    digest, *at = node
    known = Signers(at=tuple(at), digest=ours.digest if digest == "ours" else digest)
    assert ours.lacking(known) is lacking
