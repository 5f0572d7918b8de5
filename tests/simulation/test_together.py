"""Seeds in which clients commit several changes in one turn (ADR 0066)."""

from __future__ import annotations

import pytest

from tests.simulation import scenario
from tests.simulation.__main__ import told

pytestmark = pytest.mark.later


@pytest.mark.parametrize("first", [
    0, *(pytest.param(first, marks=pytest.mark.slow) for first in (20, 40))])
def test_groups_keep_what_single_changes_keep(first):
    for seed in range(first, first + 20):
        result = scenario.run(seed, together=True)
        assert not result.problems, told(result)
