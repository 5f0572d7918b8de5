"""NICs on a bridge, in a namespace of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gnt.errors import NodeFailed
from gnt.hypervisor.base import hypervisor
from gnt.net.base import Port, nic_mode, tap_name
from gnt.plan import task_named
from tests.drivers import guests
from tests.drivers.nodes import Nodes, nodes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

UUID = "aaaaaaaa-1111-4222-8333-444444444444"
BRIDGED = nic_mode("bridged")
TAP = tap_name("01234567-89ab-4cde-8f01-23456789abcd")
PORT = Port(uuid="x", interface=TAP, mac="aa:00:00:00:00:01", mode="bridged", link="br0")


@pytest.fixture
def one() -> Iterator[Nodes]:
    with nodes("node1") as made:
        made["node1"].run(
            "ip link add br0 type bridge; ip link set br0 mtu 1400 up;"
            "ip link add br1 type bridge; ip link set br1 up"
        )
        yield made


def link(one: Nodes, name: str = TAP) -> dict[str, object]:
    said = one["node1"].run(f"ip -d -j link show dev {name} 2>/dev/null || echo '[{{}}]'").stdout
    found: dict[str, object] = json.loads(said)[0]
    return found


def test_names_fit() -> None:
    assert TAP == "gnt0123456789ab" and len(TAP) == 15


def test_plugged_twice_and_unplugged_twice(one: Nodes) -> None:
    for _ in range(2):
        one.do(*BRIDGED.plug("node1", PORT))
    seen = link(one)
    assert (seen["master"], seen["mtu"]) == ("br0", 1400)
    assert "UP" in seen["flags"]  # type: ignore[operator]  # a list
    for _ in range(2):
        one.do(*BRIDGED.unplug("node1", PORT))
    assert link(one) == {}


def test_undo_takes_it_away(one: Nodes) -> None:
    steps = list(BRIDGED.plug("node1", PORT))
    one.undo(*steps)
    one.do(*steps)
    one.undo(*steps)
    assert link(one) == {}


def test_queues_are_made_anew_when_they_change(one: Nodes) -> None:
    def multi() -> bool:
        about = link(one)["linkinfo"]["info_data"]  # type: ignore[index]  # nested
        return bool(about["multi_queue"])

    one.do(*BRIDGED.plug("node1", PORT.replace(queues=4)))
    assert multi()
    one.do(*BRIDGED.plug("node1", PORT))
    assert not multi()


def test_moved_to_another_bridge(one: Nodes) -> None:
    one.do(*BRIDGED.plug("node1", PORT))
    one.do(*BRIDGED.plug("node1", PORT.replace(link="br1")))
    assert link(one)["master"] == "br1"


# what iproute2 says of a bridge that filters; kernels without 802.1Q cannot make one
FILTERING = (
    "7: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group "
    "default qlen 1000\\    link/ether 42:0c:9e:7e:2b:a2 brd ff:ff:ff:ff:ff:ff promiscuity 0 \\    "
    "bridge forward_delay 1500 vlan_filtering 1 vlan_protocol 802.1Q addrgenmode eui64"
)


@pytest.mark.parametrize(("vlan", "expected"), [
    ("10", ["10 pvid untagged"]),
    (".10", ["10 pvid untagged"]),
    (":10:20", ["10", "20"]),
    (".10:20:30", ["10 pvid untagged", "20", "30"]),
])  # fmt: skip
def test_vlans(one: Nodes, tmp_path: Path, vlan: str, expected: list[str]) -> None:
    for tool, answer in (
        ("ip", f'case "$*" in *" br0") echo "{FILTERING}" ;; esac'),
        ("bridge", ""),
    ):
        path = tmp_path / tool
        path.write_text(f'#!/bin/sh\necho "{tool} $*" >>{tmp_path}/log\n{answer}\nexit 0\n')
        path.chmod(0o755)
    (step,) = BRIDGED.plug("node1", PORT.replace(vlan=vlan))
    script = task_named(step.do.task).script(step.do)
    script.body = f"PATH={tmp_path}:$PATH\n" + script.body
    one["node1"].script(script, 10)
    log = (tmp_path / "log").read_text().splitlines()
    assert log[-len(expected) :] == [f"bridge vlan add dev {TAP} vid {v}" for v in expected]
    assert log[-len(expected) - 1] == f"bridge vlan delete dev {TAP} vid 1"


def test_refused_with_what_to_do(one: Nodes) -> None:
    for port, problem in (
        (PORT.replace(link="br9"), "there is no bridge br9 on this node"),
        (PORT.replace(link="lo"), "lo is no bridge"),
        (PORT.replace(vlan="10"), "ip link set dev br0 type bridge vlan_filtering 1"),
    ):
        with pytest.raises(NodeFailed, match=problem):
            one.do(*BRIDGED.plug("node1", port))
        assert link(one) == {}


def test_taps_that_no_guest_uses_are_told(one: Nodes, tmp_path: Path) -> None:
    call = BRIDGED.leftovers("node1")
    assert call is not None and one.ask(call) == ()
    one["node1"].run("ip tuntap add dev tap0 mode tap; ip link set tap0 up")  # a stranger's
    one.do(*BRIDGED.plug("node1", PORT))
    assert one.ask(call) == (TAP,)
    kvm = hypervisor("kvm")
    guest = guests.guest(UUID, "node1", guests.disk(tmp_path / "disk.raw"), ports=(PORT,))
    one.do(*kvm.start(guest))
    assert one.ask(call) == ()
    one.do(*kvm.stop(guest, 0))
    assert one.ask(call) == (TAP,)


def test_missing_bridges_are_named(one: Nodes) -> None:
    call = BRIDGED.missing("node1", ("br0", "br9", "lo"))
    assert call is not None and one.ask(call) == ("br9", "lo")
