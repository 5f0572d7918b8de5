"""Frames that nobody signed, spoken to the gate of a hardened node byte for byte."""

from __future__ import annotations

import pytest

from tests.hostile.thieves import MAKE, MARK, REFUSED, Line, batch, digest_of, fact

pytestmark = pytest.mark.lab


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
    said = line.end(fact(digest_of("engine.hooks.present"), word))
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
