"""The commands of the history and of signers, on a real store."""

import pytest
from chains import CLUSTER, KEY
from clusters import Cluster, change

from gnt.checks.copies import Copy
from gnt.checks.keys import Keys
from gnt.commands.cluster._signer import PUBLIC_KEY
from gnt.commands.cluster.config_cat import ConfigCat
from gnt.commands.cluster.config_diff import ConfigDiff
from gnt.commands.cluster.config_export import ConfigExport
from gnt.commands.cluster.config_log import ConfigLog
from gnt.commands.cluster.config_rollback import ConfigRollback
from gnt.commands.cluster.config_show import ConfigShow
from gnt.commands.cluster.config_verify import ConfigVerify
from gnt.commands.cluster.redist_conf import RedistConf
from gnt.commands.cluster.signer_list import SignerList
from gnt.config import signature
from gnt.config.ledger import Ledger
from gnt.errors import ConfirmationNeeded, Damaged, Invalid, NodeFailed
from gnt.spec import Seen


class Session:
    """As much of ``spec.Session`` as these commands use."""

    def __init__(self, store):
        self.store = store
        self.ledger = Ledger(lambda: store)
        self.shown, self.told, self.asked = [], [], []
        self.yes = True
        self.flipped: tuple[str, ...] = ()  # candidates with another journal
        self.silent: tuple[str, ...] = ()
        self.late: list[Copy] = []  # what the first answer with
        self.let_in: tuple[str, ...] = ()  # the lines in every node's authorized_keys

    def ask(self, calls):
        held = self.ledger.digests()
        right = Copy(head=held["head"], base=held["base"], journal=held["journal"])
        return Seen({
            call.key: NodeFailed(call.node, "unreachable", "down") if call.node in self.silent
            else () if call.task.endswith(".found")
            else Keys(signer="", open=(), ours=self.let_in, theirs=())
            if call.task.endswith(".keyring")
            else right.replace(journal="0" * 64) if call.node in self.flipped
            else self.late.pop().replace(base=right.base) if self.late else right
            for call in calls})

    def config(self):
        return self.store.read()

    known = config

    def show(self, answer):
        self.shown.append(answer)

    def tell(self, message):
        self.told.append(message)

    def confirm(self, question, affected=()):
        self.asked.append(question)
        if not self.yes:
            raise ConfirmationNeeded(question)


@pytest.fixture
def session(tmp_path):
    store = Cluster(tmp_path).create()
    store.commit(lambda _: change("instances/a", reason="wanted"))
    store.commit(lambda _: change("nodes/x", drop=["instances/a"]))
    return Session(store)


def shown(session, command):
    assert command.run(session) == 0
    return session.shown[-1]


def test_the_log(session):
    table = shown(session, ConfigLog())
    assert [(r[0], r[2], r[3], r[4], r[6], r[7]) for r in table.rows] == [
        (3, "root@t", "admin", "node modify", "node name-of-x, -instance name-of-a", ""),
        (2, "root@t", "admin", "node modify", "instance name-of-a", "wanted")]
    assert [r[0] for r in shown(session, ConfigLog(newest=1)).rows] == [3]
    assert [r[0] for r in shown(session, ConfigLog(path="nodes/")).rows] == [3]


def test_one_transaction(session):
    content = shown(session, ConfigShow(serial=2)).content
    assert content["signer"] == f"admin ({signature.fingerprint(KEY.public)})"
    assert content["put"]["instances/a"]["name"] == "name-of-a"


def test_objects_and_differences(session):
    assert shown(session, ConfigCat(path="instances", at=2)).lines == ("instances/a",)
    assert "[instances.a]" in shown(session, ConfigCat(path="instances/a", at=2)).lines
    assert "--- 2:instances/a" in shown(session, ConfigDiff(before=2)).lines


def test_a_rollback_asks_first(session):
    assert shown(session, ConfigRollback(serial=2, only_show=True)).lines == (
        "config: put instances/a", "config: drop nodes/x") or session.shown[-1].lines == (
        "config: drop nodes/x", "config: put instances/a")
    session.yes = False
    with pytest.raises(ConfirmationNeeded, match="2 objects"):
        ConfigRollback(serial=2).run(session)
    session.yes = True
    assert ConfigRollback(serial=2, because="oops").run(session) == 0
    assert "transaction 4" in session.told[-1]
    assert [i.uuid for i in session.config().instances] == ["a"]


def test_candidates_with_other_bytes_are_named(session):
    name = session.config().master.name
    assert shown(session, ConfigVerify()).content["candidates"] == "the same"
    session.silent = (name,)
    assert ConfigVerify().run(session) == 1
    assert name in session.shown[-1].problems[0]
    session.silent, session.flipped = (), (name,)
    with pytest.raises(Damaged, match=f"{name}: its copy has other bytes in journal-1.toml") as bad:
        ConfigVerify().run(session)
    assert "redist-conf" in bad.value.hint


def test_who_gets_the_last_change_a_moment_later_is_looked_at_again(session):
    head = session.ledger.digests()["head"].split()
    before = " ".join([head[0], str(int(head[1]) - 1), *head[2:]])
    session.late = [Copy(head=before, base="", journal="0" * 64)]
    assert shown(session, ConfigVerify()).content["candidates"] == "the same"
    session.late = [Copy(head=before, base="", journal="0" * 64)] * 50
    with pytest.raises(Damaged, match="its copy stands at serial 2, not 3"):
        ConfigVerify().run(session)


def test_whom_a_redistribution_would_help_is_said_and_nothing_done(session):
    name, count = session.config().master.name, len(session.config().candidates)
    assert RedistConf(dry_run=True).run(session) == 0
    assert session.told == [f"{count} of {count} candidates are up to date; nothing was changed"]
    session.flipped, session.let_in = (name,), ("ssh-ed25519 AAAA stranger",)
    assert RedistConf(dry_run=True).run(session) == 0
    assert any(line.startswith(f"{name}: its copy has other") for line in session.told)
    assert f"{name}: it lets in other keys than it should" in session.told
    session.flipped, session.silent = (), (name,)
    assert RedistConf(dry_run=True).run(session) == 1
    assert session.told[-1].startswith(f"{count - 1} of {count} candidates are up to date")


def test_an_export_is_verified(session, tmp_path):
    folder = str(tmp_path / "audit")
    assert ConfigExport(folder=folder).run(session) == 0
    content = shown(session, ConfigVerify(folder=folder)).content
    assert (content["cluster"], content["checked"]) == (CLUSTER, "2 transactions, 1 bases")
    assert shown(session, ConfigVerify()).content == {**content, "candidates": "the same"}


def test_the_list_of_signers(session):
    table = SignerList().answer(session.config(), Seen({}))
    assert [row[:2] for row in table.rows] == [("admin", signature.fingerprint(KEY.public))]


@pytest.mark.parametrize("text", [
    "ssh-rsa AAAA", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 !!!", "/nowhere/key.pub",
    KEY.public[:-4], KEY.public + "AA"])
def test_what_is_no_public_key(text):
    with pytest.raises(Invalid):
        PUBLIC_KEY.read(text)


def test_a_public_key_from_a_file(tmp_path):
    file = tmp_path / "k.pub"
    file.write_text(f"{KEY.public} somebody@somewhere\n")
    assert PUBLIC_KEY.read(str(file)) == PUBLIC_KEY.read(f" {KEY.public} x".strip()) == KEY.public
