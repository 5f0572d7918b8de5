"""Making many instances at once, from a file."""

from __future__ import annotations

import json

import pytest

from gnt.commands.instance.batch_create import BatchCreate
from gnt.errors import GntError
from gnt.htools.world import BadData
from tests.commands import build
from tests.commands.moves import answering, homes, said, yes
from tests.commands.sessions import Desk


def batch(tmp_path, *entries):
    path = tmp_path / "batch.json"
    path.write_text(json.dumps(list(entries)))
    return str(path)


def entry(name, **more):
    return {"instance_name": name, "disk_template": "diskless", "nics": [{}],
            "beparams": {"memory": 128}, **more}


def test_many_instances_are_placed_together(tmp_path):
    desk = Desk(build.cluster(nodes=3))
    path = batch(tmp_path, *(entry(f"i{n}") for n in range(6)), entry("named", pnode="node2"))
    assert BatchCreate(file=path).run(desk) == 0
    found = homes(desk.cfg)
    assert sorted(list(found.values()).count(n) for n in ("n1", "n2", "n3")) == [2, 2, 3]
    assert found["named"] == "n2"


def test_what_does_not_fit_is_named_and_the_rest_is_made(tmp_path):
    desk = Desk(build.cluster(nodes=2))
    path = batch(tmp_path, entry("small"), entry("huge", beparams={"memory": 32768}))
    assert BatchCreate(file=path).run(desk) == 1
    assert "huge is not made: there is no room for huge" in said(desk)
    assert list(homes(desk.cfg)) == ["small"]


def test_a_script_places_many(tmp_path):
    desk = answering(build.cluster(), yes([[["a", ["node3"]]], [["b", "too hot"]]]))
    path = batch(tmp_path, entry("a"), entry("b"))
    assert BatchCreate(file=path, iallocator="mine").run(desk) == 1
    assert homes(desk.cfg) == {"a": "n3"} and "b is not made: too hot" in said(desk)


@pytest.mark.parametrize(("entries", "problem"), [
    ({}, "not a list"), ([], "the list is empty"), ([1], r"\[0\]: not an object"),
    ([{"disk_template": "file"}], "instance_name: a text is needed"),
    ([entry("a"), entry("a")], "comes twice"),
    ([entry("a", disk_size=3)], "disk_size: there is no such parameter"),
    ([entry("a", disk_template=7)], "disk_template: 7 is no str"),
    ([entry("a", disks="x")], "disks: 'x' is not a list"),
    ([entry("a", disks=["big"])], r"disks\[0\]: 'big' is not a size"),
    ([entry("a", beparams=[])], "beparams: .. is not an object"),
    ([entry("a", beparams={"memory": {}})], "beparams.memory"),
    ([entry("a", tags=["x y"])], "tags: 'x y' is not a tag"),
    ([entry("a", mode="import")], "is not part of this version"),
    ([entry("-a")], "is not a host name"),
])
def test_files_that_are_refused(tmp_path, entries, problem):
    path = tmp_path / "batch.json"
    path.write_text(json.dumps(entries))
    desk = Desk(build.cluster())
    with pytest.raises(GntError, match=problem) as caught:
        BatchCreate(file=str(path)).run(desk)
    assert str(path) in caught.value.message and desk.executed == []
    with pytest.raises(BadData, match="No such file") as caught:
        BatchCreate(file=str(tmp_path / "none")).run(desk)
    assert caught.value.hint == "gnt-instance batch-create --help"


def test_nodes_that_do_not_answer_are_named(tmp_path):
    """They are not chosen, and who makes many is to know why."""
    cfg = build.cluster(nodes=3)
    desk = Desk(cfg, nodes=build.Nodes(cfg, silent=["node2"]))
    path = batch(tmp_path, *(entry(f"i{n}") for n in range(4)))
    assert BatchCreate(file=path).run(desk) == 0
    assert "node2: no route to host" in said(desk)
    assert set(homes(desk.cfg).values()) == {"n1", "n3"}
