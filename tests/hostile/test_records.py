"""A hardened node runs for a job only what belongs to a signed, pending one of the current term."""

from __future__ import annotations

import subprocess

import pytest

from gnt.config import journal, signature
from gnt.config.journal import Put, Txn
from gnt.ssh import fences
from gnt.ssh.gate import tasks
from tests.hostile.thieves import (
    MAKE,
    MARK,
    Line,
    batch,
    broken_in,
    framed,
    order,
    shown,
    signed,
)
from tests.ssh.conftest import run, until
from tests.ssh.gates import Person, trust

pytestmark = pytest.mark.lab
OF_NONE = "a record of no job, or of the end of one"


def ordered(line: Line, by: Person, job: str = "7", term: int = 1) -> bytes:
    """A batch whose order is good, without the job's record."""
    made = order(line.challenge, MAKE, job=job, term=term)
    return batch(MAKE, job=job, term=term, order=made, sign=by.sign)


def test_a_job_without_its_record_is_refused(line, alice) -> None:
    """Also one that a signer orders: what runs for a job stands in the history first."""
    assert "job 7, of which it was shown no record" in line.end(ordered(line, alice))


def test_a_record_by_a_stranger_is_refused(line, alice, mallory) -> None:
    said = line.end(shown(mallory) + ordered(line, alice))
    assert "a record that is not signed by anybody who may" in said


def test_a_record_by_a_removed_signer_is_refused(gated, node, alice, tmp_path) -> None:
    bob = Person(tmp_path / "bob", "bob")
    trust(node, [alice.line, bob.line])
    line = Line(gated, node)
    trust(node, [alice.line])
    assert "not signed by anybody who may" in line.end(shown(bob) + ordered(line, alice))


def test_a_record_by_an_expired_signer_is_refused(gated, node, alice, tmp_path) -> None:
    bob = Person(tmp_path / "bob", "bob")
    ends = bob.line.replace("namespaces", 'valid-before="20010101000000Z",namespaces')
    trust(node, [alice.line, ends])
    line = Line(gated, node)
    said = line.end(shown(bob) + ordered(line, alice))
    trust(node, [alice.line])
    assert "not signed by anybody who may" in said


@pytest.mark.parametrize("at", [0.0, 0.1, 0.3, 0.5, 0.8, 0.99])
def test_no_byte_of_a_record_shown_can_be_changed(line, alice, at: float) -> None:
    body, made = alice.record("7")
    place = int(len(body) * at)
    bent = body[:place] + bytes([body[place] ^ 1]) + body[place + 1:]
    said = line.end(framed(bent, made) + ordered(line, alice))
    assert "a record that is not signed by anybody who may" in said


@pytest.mark.parametrize("left", [1, 40, 200])
def test_a_record_that_is_cut_off_is_refused(line, alice, left: int) -> None:
    body, made = alice.record("7")
    assert "not signed by anybody who may" in line.end(framed(body[:-left], made))


def test_a_record_without_an_end_fills_nothing(line) -> None:
    assert "a record of that size" in line.end(b"job 999999999 300\n" + b"x" * 100_000)


def test_a_record_signed_as_an_order_is_refused(line, alice) -> None:
    body, _ = alice.record("7")
    said = line.end(framed(body, alice.sign(body)) + ordered(line, alice))
    assert "a record that is not signed by anybody who may" in said


def test_the_record_of_a_job_s_end_is_refused(line, alice) -> None:
    said = line.end(shown(alice, result="success", put=(), drop=("jobs/7",)) + ordered(line, alice))
    assert OF_NONE in said


def test_a_record_that_puts_no_job_is_refused(line, alice) -> None:
    """It is one of the job's, but does not say what is pending."""
    node = Put(path="nodes/x", value={"name": "x"})
    assert OF_NONE in line.end(shown(alice, put=(node,)) + ordered(line, alice))


def test_the_record_of_another_job_is_refused(line, alice) -> None:
    said = line.end(shown(alice, "8") + ordered(line, alice))
    assert "job 7, of which it was shown no record" in said


def test_the_record_of_an_older_term_is_refused(line, alice) -> None:
    said = line.end(shown(alice, term=1) + ordered(line, alice, term=2))
    assert "of which it was shown no record of term 2" in said


@pytest.mark.parametrize(("job", "more"), [
    ("8", {"reason": 'job = "7"\n{path = "jobs/7", value = {'}),
    ("8", {"note": '"\njob = "7"\nput = [{path = "jobs/7", value = {'}),
    ("7", {"put": (Put(path="nodes/x", value={"name": '{path = "jobs/7", value = {'}),)}),
])
def test_a_job_hidden_in_the_words_of_a_record_counts_for_nothing(line, alice, job, more) -> None:
    said = line.end(shown(alice, job, **more) + ordered(line, alice))
    assert OF_NONE in said or "job 7, of which it was shown no record" in said


def test_a_stream_of_a_job_without_its_record_is_refused(line, alice) -> None:
    body = f"touch {MARK}"
    made = order(line.challenge, body)
    signature = alice.sign(made)
    head = f"pipe {len(body)} {len(made)} {len(signature)}\n".encode()
    assert "of which it was shown no record" in line.end(head + made + signature + body.encode())


def test_a_job_that_has_ended_here_is_refused_until_it_is_begun_again(gated, node, alice) -> None:
    """Its driver says so when all is answered; who resumes it makes a later record."""
    first = Line(gated, node)
    first.send(signed(first, alice, job="20"))
    until(lambda: broken_in(node))
    node.sh(fences.clearing("20", 1).shell)
    assert "job 20, which has ended" in first.end(batch(MAKE, job="20"))
    again = Line(gated, node)
    assert "job 20, which has ended" in again.end(signed(again, alice, job="20"))
    later = Line(gated, node)
    said = later.end(shown(alice, "20", serial=25) + ordered(later, alice, "20"))
    assert " off 0" in said
    assert broken_in(node)


def test_a_job_that_was_taken_over_is_refused_to_its_old_driver(gated, node, alice) -> None:
    """One that was frozen, and wakes up with its connection and its order still good."""
    old, new = Line(gated, node), Line(gated, node)
    old.send(signed(old, alice, job="30"))
    until(lambda: broken_in(node))
    new.send(shown(alice, "30", serial=31) + ordered(new, alice, "30"))
    until(lambda: broken_in(node))
    assert "another driver's by now" in old.end(batch(MAKE, job="30"))
    assert " off 0" in new.end(batch(MAKE, job="30"))
    assert broken_in(node)


def history(*entries: tuple[int, str, str]) -> str:
    """A candidate's journal: serial, job, and how it ended (empty: it did not)."""
    text = ""
    for serial, job, result in entries:
        body = journal.body(serial, Txn(
            term=1, turn=9, prev="ab" * 32, time=5.0, who="a", operation="t", job=job,
            reason='job = "40"', result=result,
            put=() if result else (Put(path=f"jobs/{job}", value={"id": job}),)))
        text += body.decode() + f'sig = "{"x" * 300}"\n\n'
    return text


@pytest.mark.parametrize(("entries", "good"), [
    (((40, "40", ""), (41, "41", "success")), True),
    (((40, "40", ""), (42, "40", "success")), False),
    (((40, "40", ""), (42, "40", "cancelled"), (43, "43", "")), False),
    (((41, "41", ""),), True),  # a candidate that has been away
    ((), True),
], ids=["pending", "ended", "cancelled", "unknown", "empty"])
def test_a_candidate_refuses_a_job_that_its_journal_says_has_ended(
    gated, node, alice, entries, good,
) -> None:
    """Whoever ended it, and wherever it ran."""
    folder = node.home / "state" / "config"
    folder.mkdir()
    (folder / "head").write_text(f"1 50 {'ab' * 32} 30\n")
    (folder / "journal-30.toml").write_text(history(*entries))
    try:
        line = Line(gated, node)
        said = line.end(signed(line, alice, job="40"))
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    assert broken_in(node) is good
    assert ("job 40, which has ended" in said) is not good


def test_an_end_that_was_not_committed_does_not_end_a_job_that_goes_on(gated, node, alice) -> None:
    """A candidate that was cut off while the end was tried; the job was then taken up again."""
    folder = node.home / "state" / "config"
    folder.mkdir()
    (folder / "head").write_text(f"1 49 {'ab' * 32} 30\n")
    (folder / "journal-30.toml").write_text(history((45, "45", ""), (50, "45", "success")))
    line = Line(gated, node)
    said = line.end(shown(alice, "45", serial=50) + ordered(line, alice, "45"))
    node.sh("rm -r /var/lib/gnt/config")
    assert " off 0" in said
    assert broken_in(node)


def test_a_large_plan_can_be_shown(line, alice) -> None:
    """Within the gate's own bounds; a record has at most 4 MiB."""
    plan = {"attempt": ["x" * 1000] * 3000}
    put = Put(path="jobs/95", value={"id": "95", "state": "running", "plan": plan})
    assert " off 0" in line.end(
        shown(alice, "95", put=(put,)) + batch("set -- \n:\n", job="95", sign=alice.sign,
                                               order=order(line.challenge, "set -- \n:\n",
                                                           job="95")))


def test_notes_of_a_cluster_that_has_gone_bind_no_other(gated, node, alice) -> None:
    """Its jobs had the same numbers; the gate that is installed for the next one forgets them."""
    node.sh("mkdir -p /run/gnt/gate.jobs; : >/run/gnt/gate.jobs/97-99")
    first = Line(gated, node)
    assert "job 97, which has ended" in first.end(signed(first, alice, job="97"))
    node.sh("rm /var/lib/gnt/gate/gate")
    task = tasks.install.script(tasks.install.on("node1", [alice.line]))
    subprocess.run(["nsenter", "-m", "-t", str(node.process.pid), "sh", "-c", task.shell],
                   input=task.stdin, check=True)
    again = Line(gated, node)
    assert " off 0" in again.end(signed(again, alice, job="97"))
    assert broken_in(node)


def test_records_that_a_thief_shows_end_nothing(gated, node, alice) -> None:
    """Everybody who reads the journal has them, also later ones than the driver has shown."""
    first, thief = Line(gated, node), Line(gated, node)
    first.send(signed(first, alice, job="60"))
    until(lambda: broken_in(node))
    assert "nothing was signed" in thief.end(
        shown(alice, "60", serial=66) + batch(MAKE, job="-", term=0))
    assert " off 0" in first.end(batch(MAKE, job="60"))
    assert broken_in(node)


def test_a_driver_shows_the_record_once_for_each_connection(gated, alice) -> None:
    asked = []

    def record(job: str) -> tuple[bytes, bytes]:
        asked.append(job)
        return alice.record(job)

    orders = alice.orders
    orders.record = record
    transport = gated.transport(connect=20.0, orders=orders)
    for number in range(4):
        transport.perform([run.on("node1", "echo", word=str(number))], fence="50")
    assert asked == ["50"]


def test_signatures_of_records_and_orders_are_not_exchanged(line, alice) -> None:
    """What was signed for the journal is no order, whatever it says."""
    made = order(line.challenge, MAKE)
    as_record = signature.armored(signature.sign(made, alice.key)).encode()
    said = line.end(shown(alice) + batch(MAKE, order=made, sign=lambda _: as_record))
    assert "an order that is not signed by anybody who may" in said
