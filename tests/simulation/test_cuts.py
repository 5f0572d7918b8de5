"""Every cut of five candidates at every step of a commit, both ways and one way."""

from __future__ import annotations

import itertools
import os
import random

import pytest

from tests.simulation import cuts

NAMES = ("n1", "n2", "n3", "n4", "n5")
EVERY = [nodes for size in range(6) for nodes in itertools.combinations(NAMES, size)]


@pytest.mark.slow
@pytest.mark.parametrize("ways", cuts.WAYS, ids="+".join)
@pytest.mark.parametrize("number", cuts.MESSAGES)
def test_what_was_acknowledged_survives_every_cut(number, ways):
    acknowledged = []
    for nodes in EVERY:
        problems, told, _ = cuts.run(number, nodes, ways)
        assert not problems, (nodes, problems)
        acknowledged.append(told)
    assert any(acknowledged)  # a minority that is cut off does not matter


def test_every_message_has_its_turn():
    """The last number that is tried is one at which there is no message any more."""
    for numbers, failover in ((cuts.MESSAGES, False), (cuts.FAILOVER, True)):
        _, told, sent = cuts.run(999, (), (), failover=failover)
        assert told and sent == numbers[-1]


SOME = 3 if os.environ.get("GNT_CUTS", "some") == "some" else len(EVERY)  # of the cuts, at each


@pytest.mark.slow
@pytest.mark.parametrize("ways", cuts.WAYS, ids="+".join)
def test_a_failover_survives_every_cut(ways):
    """Some of the 32 cuts at each message; all of them with GNT_CUTS=all (ten minutes)."""
    chance = random.Random(f"cuts {ways}")
    acknowledged = []
    for number in cuts.FAILOVER:
        for nodes in chance.sample(EVERY, SOME):
            problems, told, _ = cuts.run(number, nodes, ways, failover=True)
            assert not problems, (number, nodes, problems)
            acknowledged.append(told)
    assert any(acknowledged) and not all(acknowledged)
