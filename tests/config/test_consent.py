"""Whose consent a dangerous change needs, and what they are asked."""

import pytest
from chains import CLUSTER, KEY, first_data, make_base, make_key

from gnt.config import consent, journal, signature
from gnt.config.journal import Put
from gnt.config.memory_state import FollowingState
from gnt.config.trust import Pin, Trusted
from gnt.errors import NotAuthorised

EVE = make_key(9)
BOB, STRANGER = make_key(3), make_key(77)


@pytest.fixture
def three():
    """The state of a cluster of three signers, two of whom must agree to what is dangerous."""
    data = first_data({"admin": KEY.public, "bob": BOB.public, "eve": EVE.public})
    data["cluster"]["cluster"]["signer_threshold"] = 2
    trusted = Trusted(FollowingState(), Pin(signers=(KEY.public,)))
    trusted.begin(make_base(data), "base")
    return trusted.state


def asking(state, operation="cluster signer remove", term=1, **more):
    """What is asked of others for a change by admin: it, how often, and who agreed."""
    txn = journal.Txn(term=term, turn=1, prev="", time=1.0, who="", operation=operation, **more)
    texts = []

    def asked(text, keys=(KEY, BOB, EVE, STRANGER)):
        texts.append(text)
        return [signature.sign(text, key, consent.NAMESPACE) for key in keys]

    return txn, texts, asked


def test_no_more_consent_is_kept_than_is_needed(three):
    txn, texts, asked = asking(three, drop=("signers/eve",))
    made = consent.attached(three, 1, txn, KEY.public, asked)
    assert [text.splitlines()[1:] for text in texts] == [
        [f"cluster {CLUSTER}".encode(), b"change 0", b"no signer eve"]]
    assert [signature.verify(texts[0], one, "x", consent.NAMESPACE) for one in made.consent] == [
        BOB.public]


@pytest.mark.parametrize("keys", [(), (KEY,), (KEY, STRANGER)])
def test_ones_own_consent_is_not_another_s(three, keys):
    txn, _, asked = asking(three, drop=("signers/eve",))
    with pytest.raises(NotAuthorised, match="consent of 2 signers, and 1 agree: no signer eve"):
        consent.attached(three, 1, txn, KEY.public, lambda text: asked(text, keys))


@pytest.mark.parametrize("when", ["pivot", "end"])
def test_what_a_job_will_do_needs_consent_before_it_begins(three, when):
    plan = {when: [{"path": "signers/eve", "drop": {}}]}
    txn, texts, asked = asking(three, put=(Put(path="jobs/2", value={"id": "2", "plan": plan}),))
    assert consent.attached(three, 1, txn, KEY.public, asked) == txn
    assert [text.splitlines()[-1] for text in texts] == [b"no signer eve"]
    with pytest.raises(NotAuthorised, match="no signer eve"):
        consent.attached(three, 1, txn, KEY.public, lambda text: ())


def test_where_one_signer_is_enough_nobody_is_asked():
    trusted = Trusted(FollowingState(), Pin(signers=(KEY.public,)))
    trusted.begin(make_base(), "base")
    plan = {"end": [{"path": "signers/admin", "drop": {}}]}
    txn, texts, asked = asking(trusted.state, drop=("signers/admin",), put=(
        Put(path="jobs/2", value={"id": "2", "plan": plan}),))
    assert (consent.attached(trusted.state, 1, txn, KEY.public, asked), texts) == (txn, [])


def test_what_is_dangerous_is_said_in_lines(three):
    def dangers(**more):
        return consent.dangers(three, 1, asking(three, **more)[0])

    cluster = three.load("cluster", "cluster")
    moved = Put(path="cluster/cluster", value={**cluster, "master_node": "uuid-n2"})
    assert dangers(put=(moved,)) == []
    assert dangers(put=(moved,), term=2) == ["master uuid-n2"]
    assert dangers(term=2) == ["master uuid-n1"]
    assert dangers(put=(Put(path="cluster/cluster", value={
        **cluster, "signer_threshold": 1, "hardened": True}),)) == [
        "signer_threshold 1", "hardened True"]
    same = Put(path="signers/bob", value={"name": "bob", "key": BOB.public})
    assert dangers(put=(same,)) == []
    assert dangers(put=(same.replace(value={**same.value, "valid_until": 7}),)) == [
        f"signer bob {BOB.public} until 7"]
    assert dangers(operation=consent.DESTROY) == ["destroy the cluster"]
