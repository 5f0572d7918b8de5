"""Nothing that Python passes to the native code reaches outside its arrays."""

from __future__ import annotations

import ast
import pathlib

import pytest

from gnt.htools import arrays
from gnt.htools.world import part
from gnt.htools_ext import ctoml, evacuate
from gnt.htools_ext.allocate import Allocator
from gnt.htools_ext.balance import Balance
from gnt.htools_ext.colour import Colouring
from gnt.htools_ext.evacuate import evacuable
from gnt.htools_ext.lazy import Descent
from gnt.htools_ext.search import Search
from gnt.htools_ext.state import State
from tests.htools import clusters

WORLD = clusters.make(1, nodes=4, per_node=3)
WRONG = (-(2**31), -2, -1, 4, 12, 1000, 2**31 - 1)  # no nodes, and but for 4 no instances
ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("inst", "kind", "target"), [
    (-1, 0, -1), (999, 0, -1), (0, 6, 1), (0, 1, 4), (0, 1, -1), (0, 0, 2), (0, -1, 1),
])
def test_moves_out_of_range_are_refused(inst, kind, target):
    state = arrays.state(WORLD)
    with pytest.raises(IndexError):
        state.move(inst, kind, target)


@pytest.mark.parametrize(("pri", "sec"), [(4, 0), (-1, 0), (0, 0), (0, 9), (0, -2)])
def test_instances_on_nodes_that_are_not_there_are_refused(pri, sec):
    rows = arrays.Rows(WORLD)
    row = list(rows.row(WORLD.instances[0]))
    row[12], row[13] = pri, sec
    with pytest.raises(IndexError):
        State([arrays.node_row(WORLD, n) for n in WORLD.nodes], [tuple(row)])


def test_a_mirrored_instance_without_secondary_stays_where_it_is():
    lonely = WORLD.instances[0].replace(sec=-1)
    world = WORLD.replace(instances=(lonely, *WORLD.instances[1:]))
    state = arrays.state(world)
    for kind in range(6):
        assert state.move(0, kind, -1 if kind == 0 else 3 if lonely.pri != 3 else 2) >= 0
    balance = Balance(state)
    while (step := balance.step()) is not None:
        assert step[0] != 0
    assert len(evacuable(state, [[-1] * len(world.instances)] * 4)) == 4


def test_instances_across_groups_do_not_move():
    world = clusters.make(2, nodes=6, per_node=3, groups=2)
    other = next(k for k, n in enumerate(world.nodes) if n.group != world.nodes[0].group)
    split = world.instances[0].replace(pri=0, sec=other)
    world = world.replace(instances=(split, *world.instances[1:]))
    cut = part(world, world.nodes[0].group)
    at = cut.instances.index(0)
    assert not cut.world.instances[at].movable
    balance = Balance(arrays.state(cut.world))
    while (step := balance.step()) is not None:
        assert step[0] != at


def rows(world=WORLD):
    made = arrays.Rows(world)
    return [arrays.node_row(world, n) for n in world.nodes], [made.row(i) for i in world.instances]


def asked(state):
    """Every call that takes the number of a node or an instance: name -> what it does with it."""
    fits = [-1] * 4
    row = rows()[1][0]
    find = Allocator(state).find
    return {
        "State.node": state.node, "State.peers": state.peers,
        "State.set_offline": lambda n: state.set_offline(n, True),
        "State.move": lambda n: state.move(0, 1, n),
        "State.force_place": lambda n: state.force_place(0, n, 3),
        "Allocator.find": lambda n: find(row, [0, n], fits, True),
        "Allocator.find, primaries": lambda n: find(row, [0, 1], fits, True, primaries=[n]),
        "Allocator.place": lambda n: Allocator(state).place(row, n, 3),
        "Allocator.lost": lambda n: Allocator(state).lost(row, n, 3, [row]),
        "evacuate.best_move": lambda n: evacuate.best_move(state, 0, 1, [n], 0, False),
        "evacuate.best_pair": lambda n: evacuate.best_pair(state, 0, [0, n], 0, False),
        "evacuate.can_evacuate": lambda n: evacuate.can_evacuate(state, n, [[-1] * 12] * 4),
        "Search.start": lambda n: Search(state).start([(n, 3), *state.places()[1:]]),
        "State.place_of": lambda n: state.place_of(n + (8 if n == 4 else 0)),
        "State.set_movable": lambda n: state.set_movable(n + (8 if n == 4 else 0), True),
    }


@pytest.mark.parametrize("number", WRONG)
@pytest.mark.parametrize("call", list(asked(arrays.state(WORLD))))
def test_numbers_of_nothing_are_refused(call, number):
    state = arrays.state(WORLD)
    before, places = state.score(), state.places()
    with pytest.raises(IndexError):
        asked(state)[call](number)
    assert (state.score(), state.places()) == (before, places)


@pytest.mark.parametrize("spoilt", ["short node", "long node", "short instance", "members", "tag",
                                    "negative tag", "location", "migrations", "huge", "new tag"])
def test_rows_that_do_not_fit_are_refused(spoilt):
    nodes, instances = rows()
    last = list(instances[-1])
    more = {}
    if spoilt.endswith(" node"):
        nodes[1] = nodes[1][:-1] if spoilt == "short node" else (*nodes[1], 0)
    if spoilt == "short instance":
        last.pop()
    if spoilt in ("tag", "negative tag", "new tag"):
        last[18] = (7 if spoilt != "negative tag" else -1,)
    if spoilt == "location":
        last[19] = (3,)
    if spoilt == "members":
        more = {"members": [[0]]}
    if spoilt == "migrations":
        more = {"migrations": b"x"}
    if spoilt == "huge":
        more = {"tags": 2**31 - 1}
    with pytest.raises((IndexError, ValueError, OverflowError)):
        if spoilt == "new tag":
            Allocator(State(nodes, instances[:-1])).refusals(tuple(last))
        else:
            State(nodes, [*instances[:-1], tuple(last)], **more)


def test_what_was_made_for_fewer_instances_refuses_to_go_on():
    state = arrays.state(WORLD)
    users = [Balance(state).step, Descent(state).run, lambda: Search(state).run(10)]
    search = Search(state)
    assert Allocator(state).place(rows()[1][0], 0, 1, True) == 12
    users[2] = lambda: search.run(10)
    for use in (*users, search.places):
        with pytest.raises(RuntimeError, match="came to the state"):
            use()


def test_policies_and_places_have_one_for_each():
    state = arrays.state(WORLD)
    with pytest.raises(ValueError, match="every node"):
        Allocator(state).find(rows()[1][0], [0, 1], [-1], True)
    with pytest.raises(ValueError, match="places of 12"):
        Search(state).start([(0, 1)])


@pytest.mark.parametrize(("nodes", "edges", "colours"), [
    (2, b"1", [0, 1]), (2, b"0110", [0]), (2, b"0110", [0, 2]), (2, b"0110", [-1, 0]),
    (-1, b"", []),
])
def test_colourings_that_do_not_fit_are_refused(nodes, edges, colours):
    with pytest.raises((ValueError, MemoryError, OverflowError)):
        Colouring(nodes, edges, colours)


DOCUMENTS = (b"a = [" * 300, b"a = \"\\u00e9\\n\"", b"\xff", b"a = 9" + b"9" * 500, b"[[a]]\n",
             b"a = {" * 300, b"a\0 = 1", b'[a."b"]\nc = [1, 2.5, true]\n')


@pytest.mark.parametrize("data", DOCUMENTS)
def test_documents_that_end_anywhere_are_read_to_their_end_only(data):
    for end in range(len(data) + 1):
        try:
            ctoml.loads(data[:end])
        except ctoml.NotCanonical as error:
            assert str(error)


def test_what_states_tell_is_of_their_size():
    state = arrays.state(WORLD)
    assert state.size == (4, 12)
    assert len(state.parts()) == 20
    assert len(state.clashes()) == 4
    assert state.reserved() == sum(sum(state.peers(n).values()) for n in range(4)) > 0
    empty = State([], [])
    assert (empty.size, empty.places(), empty.clashes(), empty.reserved()) == ((0, 0), [], [], 0)
    assert Descent(empty).run() == [] and Balance(empty).step() is None
    assert evacuate.evacuable(empty, []) == [] and Search(empty).run(10)


def entries():
    """(file, name) of everything that Python can call in the native code."""
    return [(stub.name, node.name) for stub in (ROOT / "htools_ext").glob("*.pyi")
            for node in ast.walk(ast.parse(stub.read_text()))
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("__")]


@pytest.mark.parametrize("entry", entries(), ids=":".join)
def test_the_sanitizers_see_every_entry(entry):
    """``make sanitize`` runs these files."""
    script = (ROOT / "tests/htools/sanitize.sh").read_text()
    run = "".join(path.read_text() for path in (ROOT / "tests/htools").glob("test_*.py")
                  if path.name in script)
    assert f".{entry[1]}" in run


@pytest.mark.parametrize("inst", [-1, 999, 0])
def test_only_what_is_there_and_has_no_secondary_is_withdrawn(inst):
    with pytest.raises(IndexError):
        arrays.state(WORLD).withdraw(inst)


def test_a_withdrawn_instance_is_nowhere():
    alone = WORLD.instances[0].replace(template="plain", sec=-1)
    state = arrays.state(WORLD.replace(instances=(alone, *WORLD.instances[1:])))
    state.withdraw(0)
    assert state.place_of(0) == (-1, -1)
    with pytest.raises(IndexError):
        state.withdraw(0)


@pytest.mark.parametrize(("pri", "sec"), [(4, -1), (-1, 0), (1, 1), (0, 4), (0, -2)])
def test_what_is_lost_on_nodes_that_are_not_there_is_refused(pri, sec):
    state = arrays.state(WORLD)
    row = arrays.Rows(WORLD).row(WORLD.instances[0])
    with pytest.raises(IndexError):
        Allocator(state).lost(row, pri, sec, [])
