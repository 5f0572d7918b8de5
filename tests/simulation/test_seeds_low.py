"""The first five hundred seeds."""

import pytest

from tests.simulation import seeds


@pytest.mark.slow
@pytest.mark.parametrize("first", seeds.ranges(0, 500))
def test_no_promise_is_broken(first):
    seeds.check(first)
