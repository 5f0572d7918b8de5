"""Live migration between two nodes with real QEMU: done, repeated, failed, cut off, taken back."""

from __future__ import annotations

import itertools
import multiprocessing
import re
from pathlib import Path

import pytest

from gnt.errors import NodeFailed
from gnt.guest.seed import Seed
from gnt.hypervisor.base import hypervisor
from gnt.hypervisor.kvm import Kvm, tasks
from gnt.hypervisor.kvm.migration import Migrated
from gnt.hypervisor.kvm.params import Params
from tests.drivers import guests
from tests.drivers.nodes import Nodes, nodes, wait_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.hypervisor.base import Guest
    from gnt.plan import Step

KVM = hypervisor("kvm")
assert isinstance(KVM, Kvm)
U1 = "aaaaaaaa-1111-4222-8333-444444444444"
SLOW = Params(migration_bandwidth=1, migration_downtime=1)


class Pair:
    """A guest that runs on the first of two nodes, and its way to the second."""

    def __init__(self, both: Nodes, disk: Path) -> None:
        self.nodes = both
        self.addresses = both.link("node1", "node2")
        # shared: the cache is bypassed, as for any disk that two nodes open
        self.disk = guests.disk(disk).replace(shared=True)
        self.guest = guests.guest(U1, "node1", self.disk, address=self.addresses[0])

    def target(self, **changes: object) -> Guest:
        there = self.guest.replace(node="node2", address=self.addresses[1])
        return there.replace(**changes)

    def steps(
        self, *, live: bool = True, **changes: object
    ) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        return KVM.migrate(self.guest, self.target(**changes), live=live)

    def start(self, **changes: object) -> None:
        self.guest = self.guest.replace(**changes)
        self.nodes.do(*KVM.start(self.guest))
        wait_for(lambda: self.said("node1"))

    def said(self, node: str) -> str:
        return guests.console(self.nodes, node, U1)

    def states(self) -> tuple[str, str]:
        """The guest's state on each node; empty where it is not."""
        here, there = (
            [seen.state for seen in self.nodes.ask(KVM.found(node))] for node in ("node1", "node2")
        )
        return "".join(here), "".join(there)

    def grows(self, node: str) -> None:
        """The guest goes on speaking on this node."""
        before = len(self.said(node))
        wait_for(lambda: len(self.said(node)) > before)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with nodes("node1", "node2") as both:
        yield Pair(both, tmp_path / "disk.raw")


def test_live_the_guest_goes_on_where_it_was(pair: Pair) -> None:
    pair.start()
    attempt, settle = pair.steps()
    answers = pair.nodes.do(*attempt)
    (report,) = [answer for answer in answers if isinstance(answer, Migrated)]
    assert 0 <= report.downtime_ms <= report.total_ms and report.transferred > 4096
    assert pair.states() == ("migrated", "running")
    wait_for(lambda: len(pair.said("node2")) > 5)
    # the letter after the last one here is the first one there: the memory came along
    last, first = pair.said("node1")[-1], pair.said("node2")[0]
    assert (ord(first) - ord(last)) % 26 == 1
    pair.nodes.do(*settle)
    assert pair.states() == ("", "running")
    assert pair.nodes.ask(tasks.leftovers.on("node1")) == ()
    assert pair.nodes["node1"].told[-1].what == f"migrated, downtime {report.downtime_ms} ms"


@pytest.mark.parametrize("live", [True, False])
def test_there_and_back_and_there_again(pair: Pair, live: bool) -> None:
    pair.start()
    here, there = pair.guest, pair.target()
    for source, target in ((here, there), (there, here), (here, there)):
        attempt, settle = KVM.migrate(source, target, live=live)
        pair.nodes.do(*attempt)
        pair.nodes.do(*attempt, *settle)
        pair.grows(target.node)
    assert pair.states() == ("", "running")


def test_taken_back_at_a_node_it_once_came_to(pair: Pair) -> None:
    pair.start(params=SLOW)
    attempt, settle = pair.steps()
    pair.nodes.do(*attempt, *settle)
    back, _ = KVM.migrate(pair.target(), pair.guest, live=False)
    pair.nodes.do(back[0])
    cut_off(pair, back[1], "node2")
    pair.nodes.undo(*back)
    assert pair.states() == ("", "running")
    pair.grows("node2")


def test_every_step_can_be_repeated_after_all_were_done(pair: Pair) -> None:
    pair.start()
    attempt, settle = pair.steps()
    first = pair.nodes.do(*attempt)
    assert pair.nodes.do(*attempt) == first
    pair.nodes.do(*settle)
    pair.nodes.do(*settle)
    assert pair.states() == ("", "running")


def test_what_it_printed_before_comes_along(pair: Pair) -> None:
    pair.start()
    here, there = pair.guest, pair.target()
    began = pair.said("node1")[:5]

    def logged(node: str) -> str:
        said = pair.nodes.ask(KVM.console_log(pair.guest.replace(node=node), 40))
        assert isinstance(said, str)
        return said

    for source, target in ((here, there), (there, here)):
        attempt, settle = KVM.migrate(source, target, live=True)
        pair.nodes.do(*attempt, *settle, *settle)
        pair.grows(target.node)
        said = logged(target.node)
        assert said.startswith(began)
        letters = [ord(letter) - ord("A") for letter in said]
        assert all((b - a) % 26 == 1 for a, b in itertools.pairwise(letters)), said
    pair.nodes.do(*KVM.stop(here, 0), *KVM.forget(here))
    assert pair.nodes["node1"].run("ls /run/gnt/kvm").stdout == ""


def test_the_log_that_is_carried_is_bounded_and_what_is_gone_is_left(pair: Pair) -> None:
    pair.start()
    attempt, settle = pair.steps()
    pair.nodes.do(*attempt)
    file = f"/run/gnt/kvm/{U1}"
    pair.nodes["node1"].run(f"head -c 1000000 /dev/zero | tr '\\0' x >>{file}.console")
    pair.nodes.do(*settle)
    size = pair.nodes["node2"].run(f"stat -c %s {file}.earlier.console").stdout
    assert int(size) == 65536
    recall = next(step for step in settle if step.do.task.endswith(".recall"))
    pair.nodes.do(recall)  # nothing is there any more: what was carried stays
    assert pair.nodes["node2"].run(f"stat -c %s {file}.earlier.console").stdout == size
    pair.nodes.do(*KVM.stop(pair.target(), 0), *KVM.start(pair.target()))
    assert pair.nodes["node2"].run(f"ls {file}.earlier.console 2>/dev/null || :").stdout == ""


def test_undo_is_refused_once_the_guest_is_there(pair: Pair) -> None:
    pair.start()
    attempt, _ = pair.steps()
    pair.nodes.do(*attempt)
    for step in attempt:
        if step.undo:
            with pytest.raises(NodeFailed, match=r"moved here already|handed over") as caught:
                pair.nodes.ask(step.undo)
            assert "gnt-job resume" in caught.value.hint and caught.value.final
    assert pair.states() == ("migrated", "running")


def test_paused_while_it_is_copied(pair: Pair) -> None:
    pair.start()
    attempt, settle = pair.steps(live=False)
    report = next(a for a in pair.nodes.do(*attempt) if isinstance(a, Migrated))
    assert report.downtime_ms == report.total_ms, "it stood still all the while"
    pair.nodes.do(*settle)
    assert pair.states() == ("", "running")
    pair.grows("node2")


def test_a_paused_guest_arrives_paused(pair: Pair) -> None:
    pair.guest = pair.guest.replace(paused=True)
    pair.nodes.do(*KVM.start(pair.guest))
    attempt, settle = pair.steps()
    pair.nodes.do(*attempt, *settle)
    assert pair.states() == ("", "paused")


def test_capabilities_and_postcopy(pair: Pair) -> None:
    pair.start(params=Params(migration_caps="xbzrle:postcopy-ram"))
    attempt, settle = pair.steps()
    pair.nodes.do(*attempt[:2])
    pair.nodes.do(*attempt, *settle)
    assert pair.states() == ("", "running")


def test_the_seed_comes_along(pair: Pair) -> None:
    seed = Seed(
        meta_data="instance-id: x\n", user_data="#cloud-config\n", network_config="version: 2\n"
    )
    pair.start(seed=seed)
    attempt, settle = pair.steps()
    pair.nodes.do(*attempt, *settle)
    assert pair.states() == ("", "running")
    kept = [pair.nodes[n].run("ls /run/gnt/kvm/").stdout.count(".seed") for n in ("node1", "node2")]
    assert kept == [0, 1]


def test_nobody_listens_there(pair: Pair) -> None:
    pair.start()
    attempt, _ = pair.steps()
    send = next(step for step in attempt if step.do.task.endswith(".send"))
    with pytest.raises(NodeFailed, match="Connection refused"):
        pair.nodes.do(send)
    pair.nodes.undo(*attempt)
    assert pair.states() == ("running", "")
    pair.grows("node1")


def test_memory_or_processors_set_since_the_start_are_named(pair: Pair) -> None:
    pair.start()
    for changes, problem in (
        ({"maxmem": 128}, "started with maxmem 64 MiB"),
        ({"vcpus": 2}, "vcpus 1"),
    ):
        attempt, _ = pair.steps(**changes)
        with pytest.raises(NodeFailed, match=problem):
            pair.nodes.do(*attempt)
        pair.nodes.undo(*attempt)
        assert pair.states() == ("running", "")


def test_parameters_set_since_the_start_do_not_matter(pair: Pair) -> None:
    params = Params(disk_type="ide", use_guest_agent=True)
    kept = pair.nodes.ask(KVM.capabilities("node1", params)).runtime
    pair.start(params=params, runtime=kept)
    pair.guest = pair.guest.replace(params=Params(vga="std", migration_bandwidth=100))
    attempt, settle = pair.steps()
    pair.nodes.do(*attempt, *settle)
    assert pair.states() == ("", "running")


def test_a_target_that_cannot_take_the_guest(pair: Pair) -> None:
    pair.start()
    attempt, _ = pair.steps(disks=())
    with pytest.raises(NodeFailed, match="the migration ended as failed"):
        pair.nodes.do(*attempt)
    assert pair.states()[0] == "running"
    pair.nodes.undo(*attempt)
    assert pair.states() == ("running", "")
    assert pair.nodes["node2"].run("ls /run/gnt/kvm").stdout == ""
    pair.grows("node1")
    attempt, settle = pair.steps()
    pair.nodes.do(*attempt, *settle)  # the next try succeeds
    assert pair.states() == ("", "running")


def test_a_port_that_is_taken_is_named(pair: Pair) -> None:
    pair.start()
    listener = pair.nodes["node2"].stream("socat", "-u", "TCP-LISTEN:8150,bind=10.99.0.2", "STDOUT")
    attempt, _ = pair.steps(migration_port=8150)
    listening = "grep -q ':1FD6 00000000:0000 0A' /proc/net/tcp && echo yes || :"
    wait_for(lambda: pair.nodes["node2"].run(listening).stdout)
    with pytest.raises(NodeFailed, match="Address already in use"):
        pair.nodes.do(*attempt)
    listener.close()
    pair.nodes.undo(*attempt)
    assert pair.states() == ("running", "")


def cut_off(pair: Pair, step: Step, node: str = "node1") -> None:
    """A driver that performs the step and is killed when the migration is on its way."""
    driver = multiprocessing.get_context("fork").Process(target=pair.nodes.do, args=(step,))
    driver.start()
    ask = f"""printf '{{"execute":"qmp_capabilities"}}{{"execute":"query-migrate"}}' |
        socat -t0.2 - UNIX-CONNECT:/run/gnt/kvm/{U1}.mon"""
    try:
        wait_for(lambda: re.search('"status": "active"', pair.nodes[node].run(ask).stdout))
    finally:
        driver.kill()
        driver.join()


def test_cut_off_and_taken_back(pair: Pair) -> None:
    pair.start(params=SLOW)
    attempt, _ = pair.steps()
    pair.nodes.do(attempt[0])
    cut_off(pair, attempt[1])
    pair.nodes.undo(*attempt)
    assert pair.states() == ("running", "")
    assert pair.nodes["node2"].run("ls /run/gnt/kvm").stdout == ""
    pair.grows("node1")


def test_cut_off_and_resumed(pair: Pair) -> None:
    pair.start(params=SLOW)
    attempt, settle = pair.steps()
    pair.nodes.do(attempt[0])
    cut_off(pair, attempt[1])
    pair.nodes.do(*attempt, *settle)
    assert pair.states() == ("", "running")
    pair.grows("node2")


def test_the_target_dies_on_the_way(pair: Pair) -> None:
    pair.start(params=SLOW)
    attempt, _ = pair.steps()
    pair.nodes.do(attempt[0])
    cut_off(pair, attempt[1])
    pair.nodes["node2"].run(f"kill -9 $(cat /run/gnt/kvm/{U1}.pid)")
    with pytest.raises(NodeFailed):
        pair.nodes.do(*attempt[1:])
    pair.nodes.undo(*attempt)
    assert pair.states() == ("running", "")
    pair.grows("node1")


def test_a_guest_that_waits_is_shown_as_incoming(pair: Pair) -> None:
    pair.start()
    attempt, _ = pair.steps()
    pair.nodes.do(attempt[0])
    assert pair.states() == ("running", "incoming")
    pair.nodes.undo(attempt[0])
    assert pair.states() == ("running", "")


def test_a_target_that_does_not_answer_is_not_ended(pair: Pair) -> None:
    pair.start()
    attempt, settle = pair.steps()
    pair.nodes.do(*attempt)
    pair.nodes["node2"].run(f"kill -STOP $(cat /run/gnt/kvm/{U1}.pid)")
    assert attempt[0].undo is not None
    with pytest.raises(NodeFailed, match="does not answer: the guest may run in it"):
        pair.nodes.ask(attempt[0].undo)
    pair.nodes["node2"].run(f"kill -CONT $(cat /run/gnt/kvm/{U1}.pid)")
    pair.nodes.do(*settle)
    assert pair.states() == ("", "running")


def test_the_source_is_started_anew_after_the_guest_was_handed_over(pair: Pair) -> None:
    """The job can still be brought to its end, and only there: the guest is on the target."""
    pair.start()
    attempt, settle = pair.steps()
    pair.nodes.do(*attempt[:2])
    pair.nodes["node1"].run(f"kill -9 $(cat /run/gnt/kvm/{U1}.pid)")
    assert attempt[1].undo is not None and attempt[0].undo is not None
    wait_for(lambda: not pair.states()[0])
    pair.nodes.ask(attempt[1].undo)
    with pytest.raises(NodeFailed, match="has moved here already") as caught:
        pair.nodes.ask(attempt[0].undo)
    assert caught.value.final
    pair.nodes.do(*attempt, *settle)
    assert pair.states() == ("", "running")
    pair.grows("node2")


def test_the_source_dies_before_it_sent_anything(pair: Pair) -> None:
    pair.start()
    attempt, _ = pair.steps()
    pair.nodes.do(attempt[0])
    pair.nodes["node1"].run(f"kill -9 $(cat /run/gnt/kvm/{U1}.pid)")
    wait_for(lambda: not pair.states()[0])
    with pytest.raises(NodeFailed, match="nothing came in"):
        pair.nodes.do(*attempt[1:])
    pair.nodes.undo(*attempt)
    assert pair.states() == ("", "")
