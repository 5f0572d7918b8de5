"""Letting an admin in and out: the right to sign, and the keys that nodes let in."""

from __future__ import annotations

import subprocess

import pytest

from gnt.commands.cluster._signer import LOGIN_KEY, SIGNER_NAME
from gnt.commands.cluster.modify import Modify
from gnt.commands.cluster.signer_add import SignerAdd
from gnt.commands.cluster.signer_remove import SignerRemove
from gnt.commands.node import _setup
from gnt.errors import Conflict, Invalid, NotFound
from gnt.model.objects import Signer
from tests.commands import build
from tests.commands.sessions import Desk

BOB = f"{build.KEY}b"
ROLE = "cluster/cluster"


def lines(plan):
    """node -> the lines that let in, after the plan."""
    assert all(step.do.task == _setup.authorize.name for step in plan.attempt)
    return {step.do.node: step.do.args["lines"] for step in plan.attempt}


def with_bob(**settings):
    return build.cluster(Signer(name="bob", key=BOB), **settings)


def test_a_signer_s_key_signs_and_logs_in_everywhere():
    cfg = build.cluster()
    operation = SignerAdd(name="bob", key=BOB)
    plan = build.plan(operation, cfg)
    assert operation.holds(cfg).exclusive == ("signers/bob", ROLE)
    assert set(lines(plan)) == {"node1", "node2", "node3"}
    assert all(f"restrict,pty {BOB} bob" in let_in for let_in in lines(plan).values())
    before = {step.do.node: step.undo.args["lines"] for step in plan.attempt}
    assert not any("bob" in line for let_in in before.values() for line in let_in)
    after = build.applied(cfg, plan)
    assert after.get(Signer, "bob").key == BOB
    assert after.cluster.login_keys == (*cfg.cluster.login_keys, f"{BOB} bob")


def test_a_signer_may_log_in_with_other_keys_or_not_at_all():
    cfg = build.cluster()
    rsa = "ssh-rsa AAAAB3NzaC1yc2E="
    more = build.plan(SignerAdd(name="bob", key=BOB, login_key=(rsa,)), cfg)
    assert build.applied(cfg, more).cluster.login_keys[-2:] == (f"{BOB} bob", f"{rsa} bob")
    none = SignerAdd(name="bob", key=BOB, login=False)
    assert none.holds(cfg).exclusive == ("signers/bob",)
    plan = build.plan(none, cfg)
    assert plan.attempt == () and [edit.path for edit in plan.end] == ["signers/bob"]


def test_a_key_that_logs_in_already_is_not_added_twice():
    cfg = build.cluster(login_keys=(f"{BOB} desk",))
    plan = build.plan(SignerAdd(name="bob", key=BOB), cfg)
    assert plan.attempt == () and [edit.path for edit in plan.end] == ["signers/bob"]


def test_where_the_cluster_keeps_out_of_ssh_only_the_record_changes():
    cfg = build.cluster(modify_ssh_setup=False)
    plan = build.plan(SignerAdd(name="bob", key=BOB), cfg)
    assert plan.attempt == ()
    assert build.applied(cfg, plan).cluster.login_keys[-1] == f"{BOB} bob"


def test_signers_that_are_there_already():
    cfg = with_bob()
    with pytest.raises(Conflict, match="there is a signer bob already"):
        build.plan(SignerAdd(name="bob", key=f"{build.KEY}c"), cfg)
    with pytest.raises(Conflict, match="is the signer bob already"):
        build.plan(SignerAdd(name="rob", key=BOB), cfg)


@pytest.mark.parametrize("operation", [SignerAdd(name="eve", key=f"{build.KEY}e"),
                                       SignerRemove(name="bob")])
def test_a_node_that_cannot_be_told_is_named(operation):
    cfg = with_bob(login_keys=(f"{BOB} bob",))
    with pytest.raises(Conflict, match="node node3 does not answer") as caught:
        build.plan(operation, cfg, build.Nodes(cfg, silent=["node3"]))
    assert caught.value.hint.startswith("gnt-node modify --offline=yes node3")


def test_a_removed_signer_is_let_in_nowhere():
    keys = (f"{build.KEY}1 gnt@node1", f"{BOB}", "ssh-rsa AAAA bob", f"{build.KEY}9 admin@desk")
    cfg = with_bob(login_keys=keys)
    plan = build.plan(SignerRemove(name="bob"), cfg)
    assert set(lines(plan)) == {"node1", "node2", "node3"}
    assert not any("bob" in line or BOB in line for let in lines(plan).values() for line in let)
    after = build.applied(cfg, plan)
    assert after.get(Signer, "bob") is None
    assert after.cluster.login_keys == (keys[0], keys[3])


def test_a_node_s_signer_keeps_its_own_login():
    cfg = build.cluster()
    plan = build.plan(SignerRemove(name="node2"), cfg)
    assert plan.attempt == () and [edit.path for edit in plan.end] == ["signers/node2"]


def test_the_last_signer_and_oneself_stay():
    with pytest.raises(Conflict, match="the only signer"):
        build.plan(SignerRemove(name="node1"), build.cluster(nodes=1))
    desk = Desk(with_bob())
    desk.own_key = lambda: BOB  # of its ledger
    with pytest.raises(Conflict, match="bob is you"):
        SignerRemove(name="bob").prepare(desk)
    assert SignerRemove(name="bob", force=True).prepare(desk)
    with pytest.raises(NotFound, match=r"no signer rob \(there are: node1, node2, node3, bob\)"):
        SignerRemove(name="rob").prepare(desk)


@pytest.mark.parametrize("name", ["gnt@node1", "", "a b", "-x", "x" * 65, "ä"])
def test_names_that_no_signer_may_have(name):
    with pytest.raises(Invalid):
        SIGNER_NAME.read(name, "name")


def test_login_keys_of_any_kind(tmp_path):
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-C", "me", "-f", file],
                   check=True)
    line = file.with_suffix(".pub").read_text()
    wanted = " ".join(line.split()[:2])
    assert LOGIN_KEY.read(str(file) + ".pub", "x") == LOGIN_KEY.read(line, "x") == wanted
    for bad in (str(tmp_path / "none"), "ssh-rsa ????", "hello world", str(file)):
        with pytest.raises(Invalid):
            LOGIN_KEY.read(bad, "x")


def test_hardening_says_whose_keys_pass_the_gate():
    plan = build.plan(Modify(hardened=True), build.cluster())
    assert len(plan.notes) == 3
    assert all(f"{node} goes on letting in somebody@else past the gate" in note
               for node, note in zip(("node1", "node2", "node3"), plan.notes, strict=True))
    assert "authorized_keys" in plan.notes[0]
    assert build.plan(Modify(hardened=False), build.cluster(hardened=True)).notes == ()
