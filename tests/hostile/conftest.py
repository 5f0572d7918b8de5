"""What the hostile suite stands on: a node behind a real gate and sshd, a folder as a candidate."""

from __future__ import annotations

import pytest

from tests.hostile.thieves import Line, broken_in
from tests.ssh.conftest import gated, shared_gated
from tests.ssh.gates import Person

__all__ = ["gated", "shared_gated"]


@pytest.fixture
def node(gated):
    made = gated.nodes["node1"]
    yield made
    assert not broken_in(made), "the attack has had its way"


@pytest.fixture
def line(gated, node):
    made = Line(gated, node)
    yield made
    made.process.kill()
    made.process.communicate()


@pytest.fixture
def alice(gated):
    return gated.alice


@pytest.fixture
def mallory(gated, tmp_path):
    """A signer of some other cluster."""
    return Person(tmp_path / "mallory", "mallory")
