"""The fake hypervisor lives by the rules of the real one."""

from __future__ import annotations

import pytest

from gnt.errors import NodeFailed
from gnt.hypervisor.base import Guest, Migratable, hypervisor
from gnt.plan import task_named
from tests.drivers import guests
from tests.drivers.nodes import Nodes, nodes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FAKE = hypervisor("fake")
assert isinstance(FAKE, Migratable)
UUID = "aaaaaaaa-1111-4222-8333-444444444444"


@pytest.fixture
def two() -> Iterator[Nodes]:
    with nodes("node1", "node2") as made:
        yield made


@pytest.fixture
def guest() -> Guest:
    return guests.guest(UUID, "node1", params=FAKE.params(), name="name with 'quotes'")


def states(two: Nodes) -> tuple[list[str], list[str]]:
    here, there = ([s.state for s in two.ask(FAKE.found(n))] for n in ("node1", "node2"))
    return here, there


def test_life(two: Nodes, guest: Guest) -> None:
    assert states(two) == ([], [])
    for _ in range(2):
        two.do(*FAKE.start(guest))
    (seen,) = two.ask(FAKE.found("node1"))
    assert (seen.uuid, seen.name, seen.memory, seen.vcpus, seen.state) == (
        UUID, guest.name, 64, 1, "running")  # fmt: skip
    two.do(*FAKE.reboot(guest))
    two.do(*FAKE.balloon(guest, 32))
    assert two.ask(FAKE.found("node1"))[0].memory == 32
    for _ in range(2):
        two.do(*FAKE.stop(guest, 30))
    assert states(two) == ([], [])
    with pytest.raises(NodeFailed, match="is absent on this node, cannot become running"):
        two.do(*FAKE.reboot(guest))


def test_undo_of_a_start(two: Nodes, guest: Guest) -> None:
    two.undo(*FAKE.start(guest))
    two.do(*FAKE.start(guest))
    two.undo(*FAKE.start(guest))
    assert states(two) == ([], [])


def test_migration_step_by_step(two: Nodes, guest: Guest) -> None:
    two.do(*FAKE.start(guest))
    target = guest.replace(node="node2")
    attempt, settle = FAKE.migrate(guest, target, live=True)
    seen = []
    for step in (*attempt, *settle):
        two.do(step)
        two.do(step)
        seen.append(states(two))
    assert seen == [
        (["running"], ["incoming"]),
        (["migrated"], ["incoming"]),
        (["migrated"], ["running"]),
        ([], ["running"]),
    ]
    assert all(pair.count(["running"]) <= 1 for pair in seen), "never two"


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_migration_taken_back_from_anywhere(two: Nodes, guest: Guest, done: int) -> None:
    two.do(*FAKE.start(guest))
    attempt, _ = FAKE.migrate(guest, guest.replace(node="node2"), live=True)
    two.do(*attempt[:done])
    two.undo(*attempt)
    assert states(two) == (["running"], [])


def test_migration_resumed_from_anywhere(two: Nodes, guest: Guest) -> None:
    two.do(*FAKE.start(guest))
    attempt, settle = FAKE.migrate(guest, guest.replace(node="node2"), live=True)
    two.do(*attempt)
    two.do(*attempt, *settle, *settle)
    assert states(two) == ([], ["running"])


def test_a_target_that_runs_the_guest_is_not_dropped(two: Nodes, guest: Guest) -> None:
    two.do(*FAKE.start(guest))
    attempt, _ = FAKE.migrate(guest, guest.replace(node="node2"), live=True)
    two.do(*attempt)
    assert attempt[0].undo is not None
    with pytest.raises(NodeFailed, match="moved here already") as caught:
        two.ask(attempt[0].undo)
    assert caught.value.final


def test_start_needs_no_further_process(two: Nodes, guest: Guest) -> None:
    two.do(*FAKE.start(guest), *FAKE.stop(guest, 0))
    (step,) = FAKE.start(guest)
    script = task_named(step.do.task).script(step.do)
    script.body = "PATH=/none\n" + script.body
    two["node1"].script(script, 10)
    assert states(two) == (["running"], [])
