"""Older configurations are brought to the newest schema by steps, in order, as one transaction."""

import pytest
from chains import first_data
from clusters import Cluster, change

from gnt.config import upgrade
from gnt.engine.ports import Change
from gnt.errors import Busy, Damaged, GntError
from gnt.model.codec import to_data
from gnt.model.objects import Cluster as ClusterObject
from gnt.model.objects import Job
from gnt.plan import Edit

STEPS = "upgrade_steps"


def test_what_is_new_needs_nothing():
    assert upgrade.edits(first_data()) == ()
    assert upgrade.newest() == ClusterObject.DEFAULTS["schema"]


def test_steps_are_found_and_taken_in_order():
    assert upgrade.newest(STEPS) == 3
    after = upgrade.upgraded({**first_data(), "networks": {"n": {}}}, STEPS)
    assert after["groups"]["g1"]["tags"] == ["two-three"]
    assert after["cluster"]["cluster"]["schema"] == 3
    assert "networks" not in after
    assert upgrade.upgraded(after, STEPS) == after


def test_a_newer_schema_is_not_touched():
    data = first_data()
    data["cluster"]["cluster"]["schema"] = 9
    with pytest.raises(GntError, match="schema 9; this gnt knows up to 3") as caught:
        upgrade.upgraded(data, STEPS)
    assert "newer gnt" in caught.value.hint


def test_a_step_that_makes_nonsense_is_refused():
    data = first_data()
    data["groups"]["g1"]["nonsense"] = 1
    with pytest.raises(Damaged, match=r"groups\.g1\.nonsense"):
        upgrade.upgraded(data, STEPS)


def test_an_upgrade_is_one_transaction(tmp_path):
    store = Cluster(tmp_path).create()
    assert "has now schema 3" in upgrade.commit(store, STEPS)
    config = store.read()
    assert (config.serial, config.cluster.schema, config.groups[0].tags) == (2, 3, ("two-three",))
    ended = next(iter(store.history()))
    assert (ended["operation"], ended["result"]) == ("cluster upgrade", "success")


def test_an_upgrade_of_what_is_new_changes_nothing(tmp_path):
    store = Cluster(tmp_path).create()
    assert "has already schema 1" in upgrade.commit(store)
    assert store.read().serial == 1


def test_an_upgrade_waits_for_no_job(tmp_path):
    store = Cluster(tmp_path).create()
    job = to_data(Job(id="@", operation="node modify", params={}, author="t", driver="t 1",
                      state="waiting", received=1.0))
    store.commit(lambda _: Change(edits=(Edit(path="jobs/@", value=job),), operation="node modify"))
    with pytest.raises(Busy, match="jobs are pending: 2"):
        upgrade.commit(store, STEPS)
    assert store.read().cluster.schema == 1


def test_an_older_version_changes_nothing_in_a_newer_schema(tmp_path):
    store = Cluster(tmp_path).create()
    upgrade.commit(store, STEPS)
    with pytest.raises(GntError, match="has schema 3; this gnt writes schema 1"):
        store.commit(lambda _: change("instances/a"))
    assert store.read().serial == 2
