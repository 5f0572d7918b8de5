"""Each way in which the product was broken on purpose is found by a seed under 1,000."""

from __future__ import annotations

import pytest

from tests.simulation.broken import ALL, BREAKS, NEAR, hunted

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", BREAKS)
def test_a_listed_seed_finds(name):
    listed = BREAKS[name].seed
    said = hunted(name, listed, NEAR)
    assert said.returncode == 0, said.stdout + said.stderr
    assert listed <= int(said.stdout.split()[0]) < ALL
    assert BREAKS[name].told in said.stdout
