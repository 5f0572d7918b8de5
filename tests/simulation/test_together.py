"""Seeds in which clients commit several changes in one turn (ADR 0066), odd ones, too."""

from __future__ import annotations

import pytest

from tests.simulation import scenario
from tests.simulation.__main__ import told

pytestmark = pytest.mark.later


def test_groups_keep_what_single_changes_keep():
    for seed in range(1, 40, 2):
        result = scenario.run(seed, together=True)
        assert not result.problems, told(result)
