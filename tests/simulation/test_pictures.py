"""A picture of the master's disk, of any moment of its last commit, takes that disk's place."""

from __future__ import annotations

import itertools

import pytest

from tests.simulation import pictures

BACK = "nobody can go on: n1: it has forgotten turns that it gave"


@pytest.mark.parametrize("synced", [True, False], ids=["synced", "seen"])
def test_a_picture_of_any_moment_loses_nothing_that_was_acknowledged(synced):
    """The master notices that it has gone back, or what it forgot is committed again."""
    noticed, kept = 0, 0
    for number in itertools.count():
        problems = pictures.run(number, synced=synced)
        if problems is None:
            break
        if problems and problems[0].startswith(BACK):
            noticed += 1
            assert not kept and len(problems) == 1, number  # its turn is not in the picture
        else:
            assert not problems, (number, problems)
            kept += 1
    assert noticed > 8 and kept > 8  # calls of the disk before and after the turn is noted
