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
    {"path": "groups/one", "new": {}}, {"path": "groups/one", "old": {}, "new": 1},
    {"path": "groups/one", "old": 1, "new": {}}, {"path": 1, "put": {}},
    {"path": "groups/one", "drop": []}, {"path": "groups/one", "put": {}, "odd": {}},
    {"path": "groups/one", "old": {}, "new": {}, "put": {}}, {},
])
def test_nonsense_is_refused_with_its_place(change):
    with pytest.raises(Damaged, match=r"jobs\.7\[0\]"):
        forward(View(config({})), [change], "jobs.7")


def test_a_list_of_changes_may_come_to_one_object_twice():
    cfg = config({"one": {"a": 1}})
    edits = [Edit(path="groups/one", value={"a": 2}), Edit(path="groups/two", value={"b": 1}),
             Edit(path="groups/one", value={"a": 2, "b": 3}), Edit(path="groups/two")]
    changes = difference(View(cfg), edits)
    there = forward(View(cfg), changes, "x")
    assert applied({"one": {"a": 1}}, there) == {"one": {"a": 2, "b": 3}}
    assert [edit.path for edit in there] == [edit.path for edit in edits]
    after = config({"one": {"a": 2, "b": 3}})
    assert applied({"one": {"a": 2, "b": 3}}, backward(View(after), changes, "x")) == {
        "one": {"a": 1}}


def test_what_a_job_leaves_alone_within_a_table_stays_as_another_made_it():
    """One job sets the processors, another the memory: neither takes back what the other did."""
    before = {"one": {"be": {"memory": 1, "vcpus": 1}, "name": "x"}}
    mine = {"be": {"memory": 1, "vcpus": 2}, "name": "x"}
    changes = difference(View(config(before)), [Edit(path="groups/one", value=mine)])
    now = config({"one": {"be": {"memory": 4, "vcpus": 1}, "name": "x"}})
    (edit,) = forward(View(now), changes, "x")
    assert edit.value == {"be": {"memory": 4, "vcpus": 2}, "name": "x"}


def test_where_both_changed_one_field_a_job_s_end_wins_and_its_undo_yields():
    changes = [{"path": "groups/one", "old": {"a": 1}, "new": {"a": 2}}]
    (edit,) = forward(View(config({"one": {"a": 9}})), changes, "x")
    assert edit.value == {"a": 2}
    assert backward(View(config({"one": {"a": 9}})), changes, "x") == []


TABLES = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2), max_size=4)


@given(TABLES, TABLES, TABLES, st.booleans())
def test_of_two_changes_of_a_table_each_field_is_of_the_one_who_changed_it(
        before, after, now, mine):
    merged = {name: value for name, value in ((name, merge(
        {"t": before}, {"t": after}, {"t": now}, mine=mine)["t"].get(name)) for name in "abcd")
        if value is not None}
    for name in "abcd":
        old, my, other = before.get(name), after.get(name), now.get(name)
        if my == old or other == old:
            assert merged.get(name) == (other if my == old else my)
        else:
            assert merged.get(name) == (my if mine or my == other else other)


UNIQUE = st.lists(st.integers(0, 6), unique=True, max_size=5)


@given(UNIQUE, UNIQUE, UNIQUE, st.booleans())
def test_lists_are_merged_as_sets_and_keep_their_order(before, after, now, mine):
    merged = merge(before, after, now, mine=mine)
    gone, come = set(before) - set(after), set(after) - set(before)
    if before != now != after:
        assert set(merged) == (set(now) - gone) | come
        assert [item for item in merged if item in now] == [i for i in now if i in merged]
    assert len(merged) == len(set(merged))


@given(st.data(), st.integers(2, 6), st.booleans())
def test_texts_of_one_length_are_merged_letter_by_letter(data, length, mine):
    texts = st.text(alphabet=".X", min_size=length, max_size=length)
    before, after, now = data.draw(texts), data.draw(texts), data.draw(texts)
    assert merge(before, after, now, mine=mine) == "".join(
        a if a != b else n for b, a, n in zip(before, after, now, strict=True))


@pytest.mark.parametrize(("before", "after", "now"), [
    ("a", "b", "c"), ("ab", "abc", "xy"), ("ab", "cd", "efg"), ("ab", 1, "cd"), (1, 2, 3),
    ([1], "x", "y"), ({"a": 1}, 2, {"a": 2}), ({"a": 1}, {"a": 2}, 3), (ABSENT, 1, [2]),
    ([1], [2], "x"), ("x", [2], [1]), ([1], "x", [2]), (1, {"a": 1}, {"a": 2}),
])
def test_what_cannot_be_merged_is_of_whoever_may_say(before, after, now):
    assert merge(before, after, now, mine=True) is after
    assert merge(before, after, now, mine=False) is now


@pytest.mark.parametrize(("before", "after", "now", "both"), [
    (ABSENT, [1], [2], [2, 1]), ([1], ABSENT, [1, 2], [2]), ([1, 2], [1, 3], ABSENT, [3]),
    ({"a": 1}, {"a": 1, "b": 2}, {"a": 1, "c": 3}, {"a": 1, "b": 2, "c": 3}),
    ({"a": 1, "b": 1}, {"a": 1}, {"a": 2, "b": 1}, {"a": 2}),
    ({"a": {"x": 1}}, {"a": {"x": 2}}, {"a": {"x": 1, "y": 1}}, {"a": {"x": 2, "y": 1}}),
])
def test_what_was_not_there_is_an_empty_list_or_a_field_less(before, after, now, both):
    assert merge(before, after, now, mine=True) == both == merge(before, after, now, mine=False)


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
    undated = config({"old": {"uuid": "old"}})
    (edit,) = stamped(undated, edits[:1], 9.0)
    assert edit.value == {"uuid": "old", "ctime": 9.0, "mtime": 9.0}
