"""Every cut of five candidates at every step of a commit, both ways and one way."""

from __future__ import annotations

import itertools

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
        problems, told = cuts.run(number, nodes, ways)
        assert not problems, (nodes, problems)
        acknowledged.append(told)
    assert any(acknowledged)  # a minority that is cut off does not matter
