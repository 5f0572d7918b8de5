"""Hardened nodes are told who may sign by the state that a driver has read."""

from __future__ import annotations

from gnt.engine.desk import know
from tests.commands import build
from tests.fakes.transport import FakeTransport, Nodes


def test_only_a_hardened_cluster_tells_whom_to_obey():
    transport = FakeTransport(Nodes(), None)
    know(transport, build.cluster())
    assert transport.obeyed == []
    cfg = build.cluster(hardened=True)
    know(transport, cfg)
    lines = tuple(signer.obeyed for signer in cfg.signers)
    assert lines and transport.obeyed == [((cfg.term, cfg.serial), lines)]
