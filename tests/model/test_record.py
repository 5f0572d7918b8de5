"""Records are frozen, complete, comparable values."""

from __future__ import annotations

import pytest

from gnt.errors import Damaged
from gnt.model.codec import from_data, to_data
from gnt.model.objects import Instance, Nic, Node
from gnt.record import Record, field
from gnt.values import SIZE


class Box(Record):
    name: str
    size: int = field(SIZE, "how big", default=4)


class TaggedBox(Box):
    tag: str = ""


def test_fields_are_inherited_in_order_with_their_defaults():
    assert TaggedBox.NAMES == ("name", "size", "tag")
    assert TaggedBox(name="a") == TaggedBox(name="a", size=4, tag="")


@pytest.mark.parametrize("values", [{}, {"name": "a", "colour": "red"}])
def test_missing_and_unknown_fields_are_refused(values):
    with pytest.raises(TypeError):
        Box(**values)


def test_a_record_cannot_be_changed_but_copied():
    box = Box(name="a")
    with pytest.raises(AttributeError):
        box.size = 8
    assert box.replace(size=8).size == 8
    assert box.size == 4


def test_records_of_different_classes_differ():
    assert Box(name="a") != TaggedBox(name="a")
    assert hash(Box(name="a")) == hash(Box(name="a"))


def instance():
    nic = Nic(uuid="n1", mac="aa:00:00:00:00:01", nicparams={"link": "br1"})
    return Instance(
        uuid="i1", name="web", primary_node="node1", nics=(nic,), disks=("d1",), ctime=1.5,
        beparams={"maxmem": 512, "auto_balance": False}, network_port=11000, tags=("a", "b"),
    )  # fmt: skip


def test_data_holds_only_what_differs_from_the_defaults():
    data = to_data(instance())
    assert data["nics"] == [
        {"uuid": "n1", "mac": "aa:00:00:00:00:01", "nicparams": {"link": "br1"}}
    ]
    assert "hvparams" not in data
    assert from_data(Instance, data, "instances.i1") == instance()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": 3}, "x.name"),
        ({"nics": [{"uuid": "n1"}]}, "x.nics[0].mac"),
        ({"nics": {}}, "x.nics"),
        ({"colour": "red"}, "x.colour"),
        ({"beparams": {"maxmem": []}}, "x.beparams.maxmem"),
        ({"network_port": "11000"}, "x.network_port"),
        ({"tags": ["a", 1]}, "x.tags[1]"),
        ({"ctime": "now"}, "x.ctime"),
    ],
)
def test_wrong_data_is_refused_with_its_path(change, path):
    with pytest.raises(Damaged, match=rf"^{path.replace('[', chr(92) + '[')}:"):
        from_data(Instance, {**to_data(instance()), **change}, "x")


def test_a_table_is_needed():
    with pytest.raises(Damaged, match="expected a table"):
        from_data(Node, [], "nodes.a")
