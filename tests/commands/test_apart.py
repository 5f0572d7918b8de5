"""Copies of mirrored disks that lost each other, and what is taken back of what."""

from __future__ import annotations

from gnt.checks.mirrors import CHECK
from gnt.commands.cluster.verify_disks import VerifyDisks
from gnt.commands.instance.activate_disks import ActivateDisks
from gnt.commands.instance.failover import Failover
from gnt.commands.instance.replace_disks import ReplaceDisks
from gnt.errors import Conflict
from gnt.storage.base import Copy
from tests.commands import build
from tests.commands.moves import said
from tests.commands.sessions import Desk
from tests.commands.test_plans import with_object, with_volumes

COPIES = "storage.drbd.tasks.copies"
SPLIT = Copy(link="StandAlone", role="Primary", here="UpToDate", there="DUnknown")
DIFFERENT = Copy(link="Connected", role="Primary", here="UpToDate", there="UpToDate", behind=32768)


def mirrored(**web):
    """web, with a copy on node1 and node2."""
    cfg = build.small()
    return with_volumes(with_object(cfg, cfg.instance("web").replace(**web)), "web", "drbd")


def found(cfg, copy):
    """What verify says when both nodes say this of their only copy."""
    nodes = build.Nodes(cfg, answers={COPIES: {0: copy}})
    seen = nodes.seen(CHECK.facts(cfg, list(cfg.nodes)))
    return [finding.message for finding in CHECK.findings(cfg, list(cfg.nodes), seen)
            if finding.name == "web"]


def test_a_guest_that_is_started_again_has_its_seed_first():
    cfg = mirrored(hypervisor="kvm", osparams={"hostname": "web"})
    for timeout in (0, 120):
        made = build.plan(Failover(name="web", shutdown_timeout=timeout, force=True), cfg)
        back = [step.undo.task for step in reversed(made.attempt)
                if step.undo is not None and step.undo.node == "node1"]
        assert back == ["storage.drbd.tasks.promote", "guest.seed.place",
                        "hypervisor.kvm.tasks.start"]


def test_only_what_activating_began_is_taken_back():
    for active in (True, False):
        made = build.plan(ActivateDisks(name="web"), mirrored(disks_active=active))
        assert any(step.undo is not None for step in made.attempt) is not active


def test_a_split_brain_is_named_and_so_are_copies_that_only_seem_the_same():
    cfg = mirrored()
    first, second = found(cfg, SPLIT)
    assert "node1" in first and "node2" in second and "split brain" in first
    first, _ = found(cfg, DIFFERENT)
    assert "differ in 32768 KiB" in first and "replace-disks -s" in first
    assert found(cfg, Copy(link="Connected", role="Primary", here="UpToDate",
                           there="UpToDate")) == []


def test_the_second_copy_is_made_anew_where_both_only_seem_the_same():
    cfg = mirrored()
    nodes = build.Nodes(cfg, answers={COPIES: {0: DIFFERENT}})
    made = build.plan(ReplaceDisks(name="web", auto=True), cfg, nodes)
    assert {step.do.node for step in made.attempt} == {"node2"}


class Stubborn(Desk):
    """The disks of one instance cannot be activated."""

    def execute(self, operation):
        if operation.name == "web":
            raise Conflict("the copies\n  refuse each other")
        return super().execute(operation)


def test_what_cannot_be_activated_is_named_and_the_rest_is():
    cfg = with_volumes(with_object(mirrored(), build.instance("db")), "db", "drbd")
    desk = Stubborn(cfg, nodes=build.Nodes(cfg, answers={
        COPIES: {0: SPLIT, 1: SPLIT}, "storage.plain.lvm.measure": 1024}))
    assert VerifyDisks().run(desk) == 1
    content = desk.answers[0].content
    assert content["activated"] == ["db"] and "copies refuse each" in content["failed"][0]
    assert not said(desk)
