"""The record by which a job is ours, which hardened nodes want to see."""

from __future__ import annotations

import pytest

from gnt.engine.ports import Change
from gnt.errors import Conflict
from gnt.plan import Edit
from tests.config.clusters import Cluster


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path)
    yield made
    made.close()


def job(state: str, path: str = "jobs/2", **more) -> Change:
    value = {"id": "2", "operation": "test", "params": {}, "author": "a", "driver": "d",
             "state": state}
    return Change(edits=(Edit(path=path, value=value),), operation="test", **more)


def serial(store, name: str = "2") -> bytes:
    body, signature = store.record_of(name)
    assert signature.startswith(b"-----BEGIN SSH SIGNATURE-----\n")
    return body.split(b"\n")[0]


def test_it_is_the_one_of_its_begin_however_far_it_has_come(cluster) -> None:
    """All connections of a driver show the same, so that none looks like another driver's."""
    store = cluster.create()
    store.commit(lambda _: job("waiting", "jobs/@"))
    assert serial(store) == b"[txn.2]"
    store.commit(lambda _: job("running", job="2"))
    assert serial(store) == b"[txn.3]"
    store.commit(lambda _: job("settling", job="2"))
    assert serial(store) == b"[txn.3]"
    store.commit(lambda _: Change(edits=(Edit(path="jobs/2"),), operation="test", job="2",
                                  result="success"))
    with pytest.raises(Conflict, match="was not made by this command") as raised:
        store.record_of("2")
    assert raised.value.hint == "gnt-job resume 2"


def test_who_takes_a_job_over_has_a_later_one(cluster) -> None:
    first, other = cluster.create(), cluster.driver()
    first.commit(lambda _: job("running", "jobs/@"))
    other.commit(lambda _: job("settling", job="2"))
    assert (serial(first), serial(other)) == (b"[txn.2]", b"[txn.3]")


def test_a_change_that_does_not_put_the_job_is_none(cluster) -> None:
    store = cluster.create()
    store.commit(lambda _: job("running", "jobs/@"))
    store.commit(lambda _: Change(edits=(), operation="job archive", note="1", job="2"))
    assert serial(store) == b"[txn.2]"
