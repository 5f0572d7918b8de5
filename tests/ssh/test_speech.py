"""What a driver says to a gate, by what the gate has said first."""

from __future__ import annotations

import pytest

from gnt.ssh.framing import Batch, Item
from gnt.ssh.gate.facts import WORDS, facts
from gnt.ssh.gate.orders import Orders
from gnt.ssh.gate.speech import Gate


def gate(greeting: str) -> Gate:
    return Gate("n", greeting.encode(), Orders(lambda order: b"S", lambda job: (b"R" + job.encode(),
                                                                              b"SIG")))


FENCED = Batch(scripts=(Item(text="true"),), term=3, fence="7")


def test_the_record_of_a_job_is_shown_once_for_each_term() -> None:
    speech = gate("gnt-gate 1 c v records")
    assert speech.compose("n", 0, FENCED).startswith(b"job 2 3\nR7SIGbatch n.0 3 7 ")
    assert speech.compose("n", 1, FENCED).startswith(b"batch n.1 3 7 ")
    later = FENCED.replace(term=4)
    assert speech.compose("n", 2, later).startswith(b"job 2 3\nR7SIGbatch n.2 4 7 ")
    assert b"job 2 3\nR8SIG" in speech.single("pipe", "cat", "8", 4)


@pytest.mark.parametrize("greeting", ["gnt-gate 1 c v", "gnt-gate 1 c v "])
def test_a_gate_of_before_records_is_shown_none(greeting) -> None:
    """Else nobody could bring it up to date."""
    assert gate(greeting).compose("n", 0, FENCED).startswith(b"batch n.0 3 7 ")


def test_what_is_not_for_a_job_needs_no_record() -> None:
    speech = gate("gnt-gate 1 c v records")
    assert speech.compose("n", 0, Batch(scripts=(Item(text="true"),))).startswith(b"batch n.0 0 - ")
    assert speech.single("ticket", "cat", "", 0).startswith(b"ticket 3 ")


def test_a_fact_with_too_many_words_is_ordered() -> None:
    """A gate takes only so many of whom it does not know."""
    speech = gate(f"gnt-gate 1 c {facts().version} records")
    body = next(iter(facts().open.values()))
    for count, kind in ((WORDS, b"fact 60 "), (WORDS + 1, b"run 0 60 ")):
        item = Item(text=body, body=body, words=("a",) * count)
        assert kind in speech.compose("n", count, Batch(scripts=(item,)))
