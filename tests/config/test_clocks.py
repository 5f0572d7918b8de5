"""Clocks that are wrong by years: what is committed is believed by everybody, or never sent."""

import pytest
from chains import KEY, first_data, make_key
from clusters import change

from gnt.config import compaction
from gnt.config import message as m
from gnt.config.failover import take_over
from gnt.errors import NotAuthorised

YEARS = 10 * 365 * 86400.0
EVE = make_key(2)


@pytest.fixture
def dated(cluster):
    """A cluster, and drivers of the admin and of Eve, whose right ends, at a time of their own."""
    data = first_data({"admin": KEY.public, "eve": EVE.public})
    data["signers"]["eve"]["valid_until"] = int(1.7e9)

    def driver(key, now):
        made = cluster.driver(key=key)
        made.author.clock = lambda: now
        return made

    cluster.create(data)
    driver(KEY, 1.6e9).commit(lambda _: change("instances/first"))
    return driver


def appended(store):
    """What this driver sends."""
    asked = []
    store.peers.before = lambda name, message: asked.append(type(message))
    return asked


@pytest.mark.parametrize("eve_s", [1.6e9, 1.6e9 + 3600.0])
def test_who_is_dated_back_by_somebody_s_clock_is_told_before_anything_is_sent(dated, eve_s):
    """Else it would be committed, and no reader would believe the history any more."""
    dated(KEY, 1.6e9 + YEARS).commit(lambda _: change("instances/of-the-future"))
    eve = dated(EVE, eve_s)
    asked = appended(eve)
    with pytest.raises(NotAuthorised, match="dated before the record before it") as refused:
        eve.commit(lambda _: change("instances/eve-s"))
    assert "clock" in refused.value.hint
    assert m.Append not in asked and eve.turn is None
    assert dated(KEY, 1.6e9).commit(lambda _: change("instances/a")).serial == 4
    assert dated(EVE, 1.6e9).commit(lambda _: change("instances/b")).serial == 5
    assert dated(KEY, 1.6e9).read().serial == 5


def test_a_signer_whose_right_ends_and_whose_clock_is_years_behind(dated):
    eve = dated(EVE, 1.6e9 - YEARS)
    asked = appended(eve)
    with pytest.raises(NotAuthorised, match="dated before the record before it"):
        eve.commit(lambda _: change("instances/eve-s"))
    assert m.Append not in asked
    assert dated(KEY, 1.6e9).read().serial == 2


def test_in_a_group_each_is_dated_after_the_one_before(dated):
    """The clock jumps back between two changes of one turn."""
    eve = dated(EVE, 1.6e9)
    times = iter([1.6e9])
    eve.author.clock = lambda: next(times, 1.6e9 - YEARS)
    outcomes = eve.commit_all([lambda _: change("instances/a"), lambda _: change("instances/b")])
    assert outcomes[0].serial == 3 and isinstance(outcomes[1], NotAuthorised)
    assert dated(KEY, 1.6e9).read().serial == 3


def test_who_removes_himself_makes_no_base(dated):
    """It would be signed by nobody who may: no reader could go on from it."""
    eve, reader = dated(EVE, 1.6e9), dated(KEY, 1.6e9)
    reader.read()
    compaction.compact(eve)  # so the base is hers, and the next change wants another one
    reader.read()
    eve.commit(lambda _: change(drop=["signers/eve"]))
    assert reader.read().serial == 3
    assert reader.commit(lambda _: change("instances/a")).serial == 4
    assert dated(KEY, 1.6e9).read().serial == 4  # the base is somebody's whom all know


@pytest.mark.parametrize("now", [1.8e9, 1.6e9 - YEARS])
def test_a_failover_by_who_may_not_now_fences_nobody(cluster, dated, now):
    eve = dated(EVE, now)
    with pytest.raises(NotAuthorised, match="right to sign"):
        take_over(eve, "n2")
    assert dated(KEY, 1.6e9).read().master.name == "n1"
    assert dated(KEY, 1.6e9).commit(lambda _: change("instances/a")).serial == 3


def test_a_right_that_ends_between_a_change_and_a_base(dated):
    """The change is good; a base made now would be one that nobody believes."""
    eve = dated(EVE, 1.6e9)
    eve.commit(lambda _: change("instances/a"))
    eve.author.clock = lambda: 1.8e9
    with pytest.raises(NotAuthorised, match="right to sign"):
        compaction.compact(eve)
    assert dated(KEY, 1.6e9).read().serial == 3
