"""Nonsense from outside: whatever a script or a file says, it is answered or refused."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from gnt.errors import GntError
from tests.commands import build

LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
                   st.sampled_from(["node1", "web", "OP_INSTANCE_MIGRATE", "migrate"]))
KEYS = st.one_of(st.text(max_size=4), st.sampled_from(
    ["success", "info", "result", "OP_ID", "instance_name", "target_node", "disks", "nics",
     "beparams", "disk_template", "name", "tags", "mode", "pnode"]))
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4)
                    | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12)


@settings(max_examples=50, deadline=None)
@given(JSON)
def test_no_answer_does_more_than_be_refused(value):
    from contextlib import suppress

    from gnt.htools import answer

    known, text = {"node1", "node2"}, json.dumps({"success": True, "result": value})
    with suppress(GntError):
        answer.result(json.dumps(value), "mine")
    result = answer.result(text, "mine") if value == value else None
    with suppress(GntError):
        assert set(answer.nodes(result, "mine", known, 1)) <= known
    with suppress(GntError):
        found, _ = answer.placed(result, "mine", known, {"web": 1})
        assert set(found) <= {"web"}
    with suppress(GntError):
        moves = answer.evacuated(result, "mine", known, {"web"}).moves
        assert {name for name, _, _ in moves} <= {"web"}


@settings(max_examples=50, deadline=None)
@given(st.lists(JSON, max_size=3))
def test_no_batch_does_more_than_be_refused(tmp_path_factory, value):
    from contextlib import suppress

    from gnt.commands.instance import _batch

    path = tmp_path_factory.getbasetemp() / "batch.json"
    path.write_text(json.dumps(value))
    with suppress(GntError):
        made = _batch.read(str(path))
        assert len(made) == len(value) and all(add.name for add in made)
        for add in made:
            with suppress(GntError):
                assert add.read(build.cluster()).copies == 1
