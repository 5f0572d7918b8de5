"""What fuzzing found, one test for each bug: the smallest input, and what has to come of it."""

from __future__ import annotations

import pytest

from gnt.engine.ports import Reply
from gnt.errors import GntError, NodeFailed
from gnt.query.order import nice_order
from tests.fuzz.target import load, outcome

TARGETS = load()
DEEP = b"[" * 3000

REFUSED = [  # target, input, what it was before
    ("candidate", b"0\nturn 1 -1\n", "a turn below zero was believed"),
    ("candidate", b"0\nstanding 1 2  1 1 1 1 - -\n", "a head without a hash was believed"),
    ("candidate", "0\nturn 1 \u0663\n".encode(), "the digits of any script were numbers"),
    ("candidate", b"0\npart disk 1 0 1\nx", "a file of any kind was taken"),
    ("head", b"1 1  0\n\0\0", "a committed head may lack its hash"),
    ("head", b"\0-1 -1\0", "turns below zero were taken up"),
    ("answer-checks.hosts.standing", b"-1 1 y", "a clock below zero"),
    ("answer-checks.remains.locks", b"-1 /x", "a lock of the future"),
    ("answer-checks.copies.copy", b"1 7\nb\nc\n", "verify ended with IndexError"),
    ("answer-commands.cluster._run.command", b"gnt-status:-1", "a status below zero"),
    ("answer-commands.node._oob.health", DEEP, "RecursionError"),
    ("answer-commands.node._oob.powered", DEEP, "RecursionError"),
    ("answer-hypervisor.fake.found", b"u running -1 1 web", "memory below zero"),
    ("answer-hypervisor.kvm.tasks.free_port", b"-1", "a port below zero"),
    ("answer-query.facts.node_facts",
     b"mtotal 1\nunused -1\nctotal 8\ncsockets 1\ncnodes 1\nbootid b", "memory below zero"),
    ("answer-storage.file.found", b"-1 x", "a disk of less than nothing"),
    ("answer-storage.file.measure", b"-1", "a disk of less than nothing"),
    ("answer-checks.addresses.addresses", b"/-1 ", "a network below zero"),
    ("consent_file", b"gnt-consent-1\ncluster c1\nchange 3\nsigner b\nsignature AAAA\xf6",
     "a signature that was another one when it was written again"),
    ("recorded", b"[" * 600 + b"]" * 600, "RecursionError"), ("size", b"0\xc2\x85", "any blank"),
    ("size", b"-0", "a sign"), ("size", b"1_0", "underscores"), ("size", b"1e3", "an exponent"),
    ("duration", b"3 ", "a blank"), ("numbers", "\u0663".encode(), "digits of any script"),
    ("numbers", b"1_0", "underscores"), ("numbers", b" 5", "a blank"),
    ("named", b"/\x7f", "control characters in paths"),
    ("named", b"fe80::1%eth0 1e3 -1", "anything after the zone of an address"),
    ("disks", b"0:adopt=", "an empty name of a volume"),
    ("uids", "\u0663".encode(), "digits of any script"), ("bounds", b"", "ValueError"),
    ("mac_prefix", b"+a:00:00", "signs in octets"), ("plan_file", DEEP, "RecursionError"),
    ("submission", b"{", "JSONDecodeError"), ("submission", b"\xab", "UnicodeDecodeError"),
    ("consent_file", b"gnt-consent-1\nx", "signatures were glued to its last line"),
    ("filter", b"a == " + b"9" * 5000, "ValueError of int"),
    ("sealed", b"AAAA\0x", "ValueError of a key that is too short"),
    ("answer-session.vault.held", b"AAAA\n", "a key that is too short"),
    ("host_key", b"\xe4", "UnicodeEncodeError"),
    ("htools-simulate", b"p," + b"9" * 5000 + b",1g,1g,1", "ValueError"),
    ("htools-mond", b"[" * 600 + b"]" * 600, "RecursionError"),
    ("answer-storage.file.space", b"/dev/sda1 20 0 -1 49% /", "room below zero"),
]


@pytest.mark.parametrize(("name", "data", "before"), REFUSED)
def test_refused(name: str, data: bytes, before: str) -> None:
    assert outcome(TARGETS[name], data) not in ("accepted", before)


@pytest.mark.parametrize("name", ["guard", "signer_threshold"])
def test_a_signed_number_that_is_none_is_damage(name: str) -> None:
    """Every reader ended with ValueError."""
    from tests.fuzz.of_keys import CLUSTER, Put, _unsigned

    signed = _unsigned(put=(Put(path="cluster/cluster", value={**CLUSTER, name: "x"}),))
    assert outcome(TARGETS["followed"], signed) in ("Damaged", "accepted")


def test_numbers_without_end_in_names_are_sorted() -> None:
    """They ended lists with ValueError."""
    names = ["9" * 5000, "8" * 5000, "7"]
    assert [names[at][0] for at in nice_order(names)] == ["7", "8", "9"]


@pytest.mark.parametrize("said", [
    b"NONCE\n", b"NONCE \n", b"NONCE.\xe3\n", b"NONCE./0 off 0\n", b"NONCE.0.x off 0\n",
    b"NONCE.0.0 off  \n", b"NONCE.0.0 off 65536\n", b"NONCE.0.1 off 0\n", b"NONCE.0 done ok\n",
    b"NONCE.0.0 off 0\nNONCE.0.1 off 0\nNONCE.0.2 off 0\n", b"NONCE.0.0 off 0\x01NONCE.0.0 off 1",
])
def test_a_shell_that_talks_nonsense_is_given_up(said: bytes) -> None:
    """Each ended the whole command with a traceback, or counted as an answer."""
    from tests.fuzz.of_nodes import frames

    assert frames(said if b"\x01" not in said else said + b"\n") in (None, "garbled")


def test_an_answer_that_breaks_off_names_the_node() -> None:
    from gnt.config import remote

    with pytest.raises(NodeFailed, match="node n1: cannot understand its answer"):
        remote.answer(Reply(status=0, out=b"standing 1", err=b""), "n1")
    assert issubclass(NodeFailed, GntError)
