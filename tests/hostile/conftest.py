"""What the hostile suite stands on: a node behind a real gate and sshd, a folder as a candidate."""

from __future__ import annotations

import pytest

from tests.config.chains import KEY, make_base
from tests.hostile.candidates import NAMED, SIDES, Node
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


@pytest.fixture(params=list(SIDES))
def side(request, tmp_path):
    """Makes a reader, or a candidate, that holds a base of these data."""
    made = []

    def make(data=NAMED, known=(KEY,)):
        made.append(SIDES[request.param](tmp_path / str(len(made)), make_base(data), known))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def candidate(tmp_path):
    """A candidate of a hardened cluster alone."""
    made = Node(tmp_path / "candidate", make_base(NAMED))
    yield made
    made.close()
