"""Changes that land later leave what others changed meanwhile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnt.engine.edits import ABSENT, View, backward, difference, forward, merge, stamped
from gnt.errors import Damaged
from gnt.model.config import Config, MemoryState
from gnt.plan import Edit

SCALARS = st.one_of(st.integers(0, 3), st.sampled_from(["", "XX.", "X.X", "..."]), st.booleans())
DATA = st.dictionaries(st.sampled_from("abc"), st.one_of(
    SCALARS, st.lists(st.integers(0, 4), unique=True, max_size=3),
    st.dictionaries(st.sampled_from("xy"), SCALARS, max_size=2)), max_size=3)
STATES = st.dictionaries(st.sampled_from(["one", "two"]), DATA, max_size=2)


def config(things):
    return Config(MemoryState({"groups": things}, 1, 1, "h"))


def applied(things, edits):
    things = dict(things)
    for edit in edits:
        key = edit.path.partition("/")[2]
        if edit.value is None:
            things.pop(key, None)
        else:
            things[key] = dict(edit.value)
    return things


def edits_between(before, after):
    gone = [Edit(path=f"groups/{key}") for key in before if key not in after]
    return [Edit(path=f"groups/{key}", value=value) for key, value in after.items()] + gone


@given(STATES, STATES)
def test_undisturbed_a_difference_goes_there_and_back(before, after):
    changes = difference(View(config(before)), edits_between(before, after))
    assert applied(before, forward(View(config(before)), changes, "x")) == after
    assert applied(after, backward(View(config(after)), changes, "x")) == before


@given(STATES, STATES)
def test_doing_it_twice_is_doing_it_once(before, after):
    changes = difference(View(config(before)), edits_between(before, after))
    assert forward(View(config(after)), changes, "x") == []
    assert backward(View(config(before)), changes, "x") == []


@pytest.mark.parametrize(("before", "after", "now", "end", "undo"), [
    ("....", "X...", "XX..", "XX..", ".X.."),  # two took addresses of one network
    ("X...", "....", "XX..", ".X..", "XX.."),  # one gave its address back meanwhile
    ([1], [1, 2], [1, 2, 3], [1, 2, 3], [1, 3]),
    ([1, 2], [1], [1, 2, 3], [1, 3], [1, 2, 3]),
    ({"a": 1}, {"a": 2}, {"a": 2, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 1}),
    (1, 2, 3, 2, 3),  # both changed one scalar: the job's end wins, its undo yields
    (ABSENT, 2, 2, 2, ABSENT),
])
def test_what_others_did_meanwhile_stays(before, after, now, end, undo):
    assert merge(before, after, now, mine=True) == end
    assert merge(after, before, now, mine=False) == undo


def test_a_dropped_object_is_remembered_whole():
    before = {"one": {"a": 1, "b": [2]}}
    changes = difference(View(config(before)), [Edit(path="groups/one")])
    assert changes == [{"path": "groups/one", "drop": {"a": 1, "b": [2]}}]


def test_only_changed_fields_are_recorded():
    before = {"one": {"a": 1, "b": 2, "gone": 3}}
    after = Edit(path="groups/one", value={"a": 1, "b": 5, "new": 6})
    assert difference(View(config(before)), [after]) == [
        {"path": "groups/one", "old": {"b": 2, "gone": 3}, "new": {"b": 5, "new": 6}}]


def test_a_field_of_an_object_that_somebody_dropped_is_nobodys():
    change = {"path": "groups/one", "old": {"a": 1}, "new": {"a": 2}}
    assert forward(View(config({})), [change], "x") == []


@pytest.mark.parametrize("change", [
    {"path": "groups/one"}, {"path": "one", "put": {}}, {"path": "groups/one", "put": 1},
    {"path": "groups/one", "old": {}}, {"put": {}}, {"path": "groups/one", "put": {}, "drop": {}},
])
def test_nonsense_is_refused_with_its_place(change):
    with pytest.raises(Damaged, match=r"jobs\.7\[0\]"):
        forward(View(config({})), [change], "jobs.7")


def test_new_objects_are_dated_and_changed_ones_keep_when_they_were_made():
    cfg = config({"old": {"uuid": "old", "ctime": 5.0, "mtime": 6.0}})
    edits = [Edit(path="groups/old", value={"uuid": "old"}),
             Edit(path="groups/new", value={"uuid": "new"}), Edit(path="groups/gone"),
             Edit(path="signers/eve", value={"name": "eve", "key": "k"}),
             Edit(path="signers/bob", value={"name": "bob", "key": "k", "added": 3.0})]
    old, new, gone, eve, bob = (edit.value for edit in stamped(cfg, edits, 9.0))
    assert (old["ctime"], old["mtime"]) == (5.0, 9.0)
    assert (new["ctime"], new["mtime"]) == (9.0, 9.0)
    assert gone is None
    assert (eve["added"], bob["added"]) == (9.0, 3.0)
