"""A rollback says nothing of instances and nodes that is not so."""

from __future__ import annotations

import pytest

from gnt.commands.cluster import _rollback
from gnt.errors import Conflict
from tests.commands import build


def at(home, **node):
    return build.cluster(*build.with_disk(build.instance("web", home)), build.node(3, **node))


def required(now, then, **nodes):
    seen = build.Nodes(now, **nodes).seen(_rollback.facts(now, then))
    _rollback.require_true(now, then, seen)


def test_another_home_must_be_where_it_runs():
    now, then = at(2), at(1)
    with pytest.raises(Conflict, match="web runs on node2, and its home would be node1") as caught:
        required(now, then)
    assert "gnt-instance migrate -n node1 web" in caught.value.hint
    required(now, then, running={"node1": ["web"]})
    required(now, then, running={})


def test_a_node_that_does_not_answer_may_run_it():
    with pytest.raises(Conflict, match=r"node3 does not answer .* web may run there"):
        required(at(2), at(1), running={}, silent=["node3"])
    required(at(2, offline=True, master_candidate=False),
             at(1, offline=True, master_candidate=False), running={}, silent=["node3"])


def test_an_instance_that_comes_back_may_still_run_elsewhere():
    now, then = build.cluster(), at(1)
    required(now, then)
    nodes = build.Nodes(then, running={"node2": ["web"]})
    with pytest.raises(Conflict, match="web runs on node2"):
        _rollback.require_true(now, then, nodes.seen(_rollback.facts(now, then)))


def test_nothing_is_asked_when_homes_stay():
    assert list(_rollback.facts(at(1), at(1))) == []
