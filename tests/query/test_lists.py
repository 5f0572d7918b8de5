"""Rows of lists: names, patterns, order; statuses from intent and facts together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnt.cli import find
from gnt.commands.instance.list import InstanceList
from gnt.commands.node.list import NodeList
from gnt.errors import Ambiguous, NodeFailed, NotFound
from gnt.hypervisor.base import Running
from gnt.query.cells import NODATA, OFFLINE, UNAVAIL
from gnt.query.columns import columns_of
from gnt.query.facts import NodeFacts, node_facts, read_facts
from gnt.query.field import output
from gnt.query.live import Live, Room, node_value, status
from gnt.query.order import nice_key, nice_order
from gnt.spec import Seen
from tests.query.clusters import small

NAMES = ["db.example.com", "db.example.org", "web1.example.com", "web2.example.com",
         "web10.example.com"]
NOBODY = Seen({})


def rows(command) -> list:
    """The first column, from the objects and from the columns: they must agree."""
    table = command.answer(small(), NOBODY)
    assert command.table(columns_of(command.kind, small())).rows == table.rows
    return [row[0] for row in table.rows]


def listed(*words: str, **more):
    return rows(InstanceList(output="name", names=words, **more))


def test_every_example_names_fields_that_exist() -> None:
    import re
    import shlex

    for noun in find.nouns():
        for command in find.commands(noun):
            for line, _ in command.examples:
                found = re.match(r"gnt-(\w+) list .*-o (\S+)", line)
                if found:
                    assert output(found[1], shlex.split(found[2])[0])


def test_everything_is_in_nice_order() -> None:
    assert listed() == NAMES


def test_names_keep_the_order_given_and_appear_once() -> None:
    assert listed("web2", "web1.example.com", "i10", "web2.example.com") == [
        "web2.example.com", "web1.example.com", "web10.example.com"]


def test_patterns_stop_at_dots() -> None:
    assert listed("web?") == ["web1.example.com", "web2.example.com"]
    assert listed("*") == NAMES
    assert listed("*.example.org", "web1*") == [
        "db.example.org", "web1.example.com", "web10.example.com"]
    assert listed("nothing*") == []


def test_a_filter_keeps_nice_order() -> None:
    assert listed('admin_state == "up" and pnode != "node3.lab"') == [
        "web1.example.com", "web10.example.com"]
    assert listed("tags", filter=True) == ["db.example.com", "web1.example.com"]


def test_unknown_and_ambiguous_names_fail_with_a_hint() -> None:
    with pytest.raises(NotFound, match=r"there is no instance web3\.example\.com") as caught:
        listed("web1", "web3.example.com")
    assert "did you mean web" in caught.value.hint
    with pytest.raises(Ambiguous, match=r"db may be db.example.com, db.example.org"):
        listed("db")


def test_static_lists_ask_nobody_live_ones_ask_online_nodes() -> None:
    cfg = small()
    assert list(InstanceList(output="name,pnode").facts(cfg)) == []
    assert InstanceList(output="name,pnode").columns() == ("instance", ("name", "pnode"))
    assert InstanceList(output="name,status").columns() is None
    assert InstanceList(output="name", names=('status == "running"',)).columns() is None
    asked = {call.node for call in NodeList(output="name,mfree").facts(cfg)}
    assert asked == {"node1.lab", "node2.lab", "node4.lab"}


@pytest.mark.parametrize(("words", "asked"), [
    (("web1",), {"node1.lab"}), (('name == "web1.example.com"',), {"node1.lab"}),
    (("web1", "web2"), {"node1.lab", "node2.lab"}),
    (('status == "running"',), {"node1.lab", "node2.lab", "node4.lab"}),
    ((), {"node1.lab", "node2.lab", "node4.lab"}),
])
def test_for_some_instances_only_their_homes_are_asked(words, asked) -> None:
    assert {call.node for call in InstanceList(names=words).facts(small())} == asked


def test_for_some_nodes_only_they_are_asked() -> None:
    cfg = small()
    asked = {call.node for call in NodeList(names=("node2", "node4")).facts(cfg)}
    assert asked == {"node2.lab", "node4.lab"}
    with pytest.raises(NotFound, match="there is no node node9"):
        NodeList(names=("node9",)).facts(cfg)


@pytest.mark.parametrize(("found", "others", "expected"), [
    ({"node1.lab": "i1"}, set(), "running"),
    ({"node2.lab": "i1"}, {"node2.lab", "node4.lab"}, "ERROR_wrongnode"),
    ({}, {"node2.lab", "node4.lab"}, "ERROR_down"),
])
def test_an_instance_that_is_not_at_home_is_looked_for_everywhere(found, others, expected) -> None:
    cfg, command = small(), InstanceList(output="name,status", names=("web1",))

    def ask(calls) -> Seen:
        return Seen({call.key: tuple(guest(uuid) for node, uuid in found.items()
                                     if node == call.node) for call in calls})

    seen = ask(command.facts(cfg))
    further = list(command.further(cfg, seen))
    assert {call.node for call in further} == others
    assert command.answer(cfg, seen.plus(ask(further))).rows == (("web1.example.com", expected),)


def test_a_silent_node_is_named_and_its_cells_say_no_data() -> None:
    cfg = small()
    command = NodeList(output="name,mtotal,mfree,ctotal")
    facts = NodeFacts(mtotal=4096, mfree=1024, ctotal=2, csockets=1, cnodes=1, bootid="b")
    failed = NodeFailed("node2.lab", "timeout", "did not answer within 15 s")
    calls = {node: node_facts.on(node).key for node in ("node1.lab", "node2.lab", "node4.lab")}
    seen = Seen({calls["node1.lab"]: facts, calls["node4.lab"]: facts,
                 calls["node2.lab"]: failed})
    table = command.answer(cfg, seen)
    assert table.rows == (
        ("node1.lab", 4096, 1024, 2), ("node2.lab", NODATA, NODATA, NODATA),
        ("node3.lab", OFFLINE, OFFLINE, OFFLINE), ("node4.lab", 4096, 1024, 2))
    assert table.problems == ("node node2.lab: did not answer within 15 s",)


def guest(uuid: str, state: str = "running") -> Running:
    return Running(name=uuid, uuid=uuid, memory=256, vcpus=1, state=state)


@pytest.mark.parametrize(("inst", "guests", "expected"), [
    ("i1", {"n1": ["i1"], "n2": []}, "running"),
    ("i1", {"n1": [], "n2": []}, "ERROR_down"),
    ("i1", {"n1": [], "n2": ["i1"]}, "ERROR_wrongnode"),
    ("i1", {"n1": ["i1"], "n2": ["i1"]}, "ERROR_wrongnode"),
    ("i1", {"n2": []}, "ERROR_nodedown"),
    ("i2", {"n2": ["i2"]}, "ERROR_up"),
    ("i2", {"n2": []}, "ADMIN_down"),
    ("i3", {"n1": ["i3"]}, "ERROR_nodeoffline"),
    ("i4", {"n4": []}, "ADMIN_offline"),
    ("i4", {"n4": ["i4"]}, "ERROR_up"),
])
def test_status_joins_intent_and_facts(inst: str, guests: dict, expected: str) -> None:
    cfg = small()
    live = Live(guests={node: tuple(map(guest, uuids)) for node, uuids in guests.items()})
    assert status(cfg, live, cfg.instance(inst)) == expected


@pytest.mark.parametrize(("allowed", "expected"), [(True, "USER_down"), (False, "ERROR_down")])
def test_a_guest_shut_down_from_inside(allowed: bool, expected: str) -> None:
    cfg = small()
    cfg.state.data["cluster"]["cluster"]["enabled_user_shutdown"] = allowed
    live = Live(guests={"n1": (guest("i1", "shutdown"),)})
    assert status(cfg, live, cfg.instance("web1")) == expected


def test_a_stop_by_the_user_is_told_from_one_by_an_admin() -> None:
    cfg = small()
    cfg.state.data["instances"]["i2"]["admin_state_source"] = "user"
    assert status(cfg, Live(guests={"n2": ()}), cfg.instance("i2")) == "USER_down"


def test_the_console_of_a_running_instance_is_a_command_on_its_node() -> None:
    cfg = small()
    command = InstanceList(output="name,console", names=("web1", "web2"))
    calls = list(command.facts(cfg))
    assert {call.node for call in calls} == {"node1.lab", "node2.lab"}
    seen = Seen({call.key: (guest("i1"),) if call.node == "node1.lab" else () for call in calls})
    (_, console), (_, nothing) = command.answer(cfg, seen).rows
    assert (console["host"], console["kind"]) == ("node1.lab", "ssh")
    assert console["command"]
    assert nothing is UNAVAIL


def test_what_is_neither_free_nor_guests_is_the_node_s_own_memory() -> None:
    cfg = small()
    facts = NodeFacts(mtotal=4096, mfree=1024, ctotal=2, csockets=1, cnodes=1, bootid="b")
    live = Live(facts={"n1": facts}, guests={"n1": (guest("i1"), guest("x"))},
                room={"n1": Room(total=100, free=40)})
    node = cfg.node("node1")
    assert node_value(live, node, "mnode") == 4096 - 1024 - 512
    assert (node_value(live, node, "dtotal"), node_value(live, node, "dfree")) == (100, 40)
    assert node_value(live, node, "spfree") is UNAVAIL


def test_the_facts_script_runs_here() -> None:
    import subprocess

    done = subprocess.run(["sh", "-c", node_facts.body().shell], capture_output=True, text=True,
                          check=True)
    facts = read_facts(done.stdout)
    assert 0 < facts.mfree <= facts.mtotal
    assert facts.ctotal >= facts.csockets >= 1
    assert facts.cnodes >= 1 and len(facts.bootid) == 36


@given(st.lists(st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=6)))
def test_nice_order_is_a_total_order(texts: list[str]) -> None:
    order = nice_order(texts)
    assert sorted(order) == list(range(len(texts)))
    keys = [nice_key(texts[at]) for at in order]
    assert keys == sorted(keys)


def test_nice_order_counts() -> None:
    assert [["n10", "n9", "n1", "n", "m2", "9"][at] for at in nice_order(
        ["n10", "n9", "n1", "n", "m2", "9"])] == ["9", "m2", "n", "n1", "n9", "n10"]
