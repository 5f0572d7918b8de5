"""Dangerous changes need several signers: whatever is missing, forged or old is refused."""

from __future__ import annotations

import pytest

from gnt.config import consent, signature
from gnt.config.consent import ConsentFile
from gnt.config.journal import Put, Txn
from gnt.config.memory_state import FollowingState
from gnt.config.record import Author, agreed, sealed
from gnt.config.trust import Pin, Trusted
from gnt.errors import Damaged, NotAuthorised
from tests.config.chains import KEY, first_data, make_base, make_key

BOB, EVE = make_key(2), make_key(3)


def cluster(**more):
    return {**first_data()["cluster"]["cluster"], **more}


@pytest.fixture
def trusted():
    """Admin and Bob sign, both must agree to what is dangerous."""
    data = first_data({"admin": KEY.public, "bob": BOB.public})
    data["cluster"]["cluster"]["signer_threshold"] = 2
    made = Trusted(FollowingState(), Pin(signers=(KEY.public,)))
    made.begin(make_base(data), "the base")
    return made


def txn(trusted, *, put=(), drop=(), term=1, **more):
    return Txn(term=term, turn=2, prev=trusted.position.head, time=10.0, who="root@t",
               operation=more.pop("operation", "cluster signer add"), put=tuple(put),
               drop=tuple(drop), **more)


def signer(name, key, **more):
    return Put(path=f"signers/{name}", value={"name": name, "key": key.public, **more})


def author(key=KEY):
    return Author("root@t", lambda: key)


def record(trusted, made, key=KEY):
    return sealed(trusted.position.serial + 1, made, author(key))


def forced(trusted, made, *consents, guard=1):
    """The transaction with its count right and this consent, right or wrong."""
    puts = made.put if any(p.path == consent.CLUSTER for p in made.put) else (
        *made.put, Put(path=consent.CLUSTER, value=trusted.state.load("cluster", "cluster")))
    return made.replace(consent=consents, put=tuple(
        p.replace(value={**p.value, "guard": guard}) if p.path == consent.CLUSTER else p
        for p in puts))


def agreement(trusted, made, key):
    """A signature of what this transaction would change."""
    lines = consent.dangers(trusted.state, trusted.position.term, made)
    return signature.sign(consent.statement(trusted.state, lines), key, consent.NAMESPACE)


DANGEROUS = {
    "a new signer": {"put": [signer("eve", EVE)]},
    "another key of a signer": {"put": [signer("bob", EVE)]},
    "a longer right": {"put": [signer("bob", BOB, valid_until=99)]},
    "a signer removed": {"put": [signer("eve", EVE)], "drop": ["signers/bob"]},
    "a lower threshold": {"put": [Put(path=consent.CLUSTER, value=cluster(signer_threshold=1))]},
    "nodes no longer hardened": {
        "put": [Put(path=consent.CLUSTER, value=cluster(signer_threshold=2, hardened=True))]},
    "another term": {"term": 2},
    "the end of the cluster": {"operation": consent.DESTROY},
}


@pytest.mark.parametrize("what", DANGEROUS)
def test_one_signer_alone_is_refused(trusted, what) -> None:
    made = forced(trusted, txn(trusted, **DANGEROUS[what]))
    with pytest.raises(NotAuthorised, match="1 of the 2 signers"):
        trusted.follow(record(trusted, made), "n1")


@pytest.mark.parametrize("what", DANGEROUS)
def test_two_signers_who_agree_are_believed(trusted, what) -> None:
    made = txn(trusted, **DANGEROUS[what])
    made = forced(trusted, made, agreement(trusted, made, BOB))
    if what == "a signer removed":
        assert trusted.follow(record(trusted, made), "n1")
        assert BOB.public not in trusted.signers()
    else:
        trusted.follow(record(trusted, made), "n1")
    assert consent.guard(trusted.state) == 1


def test_the_same_signer_twice_counts_once(trusted) -> None:
    made = txn(trusted, put=[signer("eve", EVE)])
    mine = agreement(trusted, made, KEY)
    with pytest.raises(NotAuthorised, match="1 of the 2"):
        trusted.follow(record(trusted, forced(trusted, made, mine, mine)), "n1")


def test_the_consent_of_a_stranger_does_not_count(trusted) -> None:
    """Also not that of the one who would become a signer by this very change."""
    made = txn(trusted, put=[signer("eve", EVE)])
    with pytest.raises(NotAuthorised, match="1 of the 2"):
        trusted.follow(record(trusted, forced(trusted, made, agreement(trusted, made, EVE))), "n1")


def test_consent_to_something_else_does_not_count(trusted) -> None:
    other = txn(trusted, put=[signer("carol", make_key(4))])
    made = txn(trusted, put=[signer("eve", EVE)])
    with pytest.raises(Damaged, match="not of this content"):
        trusted.follow(record(trusted, forced(trusted, made, agreement(trusted, other, BOB))), "n1")


def test_old_consent_cannot_be_used_again(trusted) -> None:
    """Eve was added with Bob's consent, then removed; the same consent adds her no second time."""
    adds = txn(trusted, put=[signer("eve", EVE)])
    old = agreement(trusted, adds, BOB)
    trusted.follow(record(trusted, forced(trusted, adds, old)), "n1")
    drops = txn(trusted, drop=["signers/eve"])
    drops = forced(trusted, drops, agreement(trusted, drops, BOB), guard=2)
    trusted.follow(record(trusted, drops), "n1")
    again = forced(trusted, txn(trusted, put=[signer("eve", EVE)]), old, guard=3)
    with pytest.raises(Damaged, match="not of this content"):
        trusted.follow(record(trusted, again), "n1")


@pytest.mark.parametrize("guard", [0, 2, 7])
def test_the_count_of_dangerous_changes_cannot_be_bent(trusted, guard) -> None:
    made = txn(trusted, put=[signer("eve", EVE)])
    made = forced(trusted, made, agreement(trusted, made, BOB), guard=guard)
    with pytest.raises(Damaged, match="count"):
        trusted.follow(record(trusted, made), "n1")


def test_harmless_changes_need_one_signer_and_leave_the_count_alone(trusted) -> None:
    harmless = txn(trusted, put=[Put(path="nodes/x", value={"name": "x"})])
    trusted.follow(record(trusted, harmless), "n1")
    bent = txn(trusted, put=[Put(path=consent.CLUSTER, value=cluster(signer_threshold=2, guard=5))])
    with pytest.raises(Damaged, match="count"):
        trusted.follow(record(trusted, bent), "n1")


def test_signers_cannot_become_fewer_than_must_agree(trusted) -> None:
    """Key loss below the threshold would close the cluster for ever."""
    made = txn(trusted, drop=["signers/bob"])
    with pytest.raises(Damaged, match="it would leave 1 who may sign, where 2 must agree"):
        trusted.follow(record(trusted, forced(trusted, made, agreement(trusted, made, BOB))), "n1")


def test_the_driver_refuses_before_anything_is_done(trusted) -> None:
    """Also when the dangerous change is what a job would end with."""
    ends = ({"path": "signers/eve", "put": {"name": "eve", "key": EVE.public}},
            {"path": "signers/bob", "drop": {"name": "bob", "key": BOB.public}},
            {"path": consent.CLUSTER, "old": {"signer_threshold": 2}, "new": {}})
    begin = [txn(trusted, put=[Put(path="jobs/2", value={"id": "2", "plan": {"end": [end]}})])
             for end in ends]
    for made in (*begin, txn(trusted, put=[signer("eve", EVE)])):
        with pytest.raises(NotAuthorised, match="needs the consent of 2 signers") as raised:
            agreed(made, trusted.state, 1, author())
        assert "--consent FILE" in raised.value.hint


def test_consent_travels_in_a_file(trusted, tmp_path) -> None:
    path, made = str(tmp_path / "consent"), txn(trusted, put=[signer("eve", EVE)])
    admin = author()
    admin.asked = ConsentFile(path).asked
    with pytest.raises(NotAuthorised, match="nobody else has agreed"):
        agreed(made, trusted.state, 1, admin)
    assert f"signer eve {EVE.public}" in (tmp_path / "consent").read_text()
    ConsentFile(path).sign(EVE)
    with pytest.raises(NotAuthorised, match="needs the consent of 2"):
        agreed(made, trusted.state, 1, admin)
    ConsentFile(path).sign(BOB)
    full = agreed(made, trusted.state, 1, admin)
    assert [put.path for put in full.put] == ["signers/eve", consent.CLUSTER]
    assert full.put[0] == made.put[0] and full.put[1].value == cluster(signer_threshold=2, guard=1)
    trusted.follow(record(trusted, full), "n1")
    assert EVE.public in trusted.signers()


def test_a_threshold_may_be_more_than_there_are_signers_nowhere(trusted) -> None:
    higher = Put(path=consent.CLUSTER, value=cluster(signer_threshold=3))
    made = txn(trusted, put=[higher])
    with pytest.raises(Damaged, match="it would leave 2 who may sign, where 3 must agree"):
        trusted.follow(record(trusted, forced(trusted, made, agreement(trusted, made, BOB))), "n1")


@pytest.mark.parametrize("content", [b"", b"gnt-consent-1\ncluster c", b"something else\n",
                                     b"signature AAAA\n"])
def test_a_file_of_something_else_is_no_consent(tmp_path, content) -> None:
    (tmp_path / "consent").write_bytes(content)
    with pytest.raises(Damaged, match="holds no statement to agree to"):
        ConsentFile(str(tmp_path / "consent")).read()


def test_a_file_of_consent_to_something_else_is_refused(trusted, tmp_path) -> None:
    path = str(tmp_path / "consent")
    (tmp_path / "consent").write_bytes(consent.statement(trusted.state, ["no signer bob"]))
    ConsentFile(path).sign(BOB)
    admin = author()
    admin.asked = ConsentFile(path).asked
    with pytest.raises(NotAuthorised, match="consent to something else"):
        agreed(txn(trusted, put=[signer("eve", EVE)]), trusted.state, 1, admin)


def test_a_consent_of_one_cluster_is_none_in_another(trusted) -> None:
    made = txn(trusted, put=[signer("eve", EVE)])
    lines = consent.dangers(trusted.state, 1, made)
    text = consent.statement(trusted.state, lines).replace(b"cluster 6e8c", b"cluster 7e8c")
    foreign = signature.sign(text, BOB, consent.NAMESPACE)
    with pytest.raises(Damaged, match="not of this content"):
        trusted.follow(record(trusted, forced(trusted, made, foreign)), "n1")


def test_nobody_is_asked_about_a_harmless_change(trusted) -> None:
    renamed = {"path": consent.CLUSTER, "old": {"cluster_name": "a"}, "new": {"cluster_name": "b"}}
    plan = {"end": [{"path": "instances/a", "drop": True}, renamed]}
    harmless = txn(trusted, put=[Put(path="instances/a", value={"uuid": "a"}),
                                 Put(path=consent.CLUSTER, value=cluster(signer_threshold=2)),
                                 Put(path="jobs/2", value={"id": "2", "plan": plan})])

    def asked(text):
        raise AssertionError(text)

    made = consent.attached(trusted.state, 1, harmless, KEY.public, asked)
    assert made == harmless
