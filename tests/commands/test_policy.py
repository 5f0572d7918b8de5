"""Policies, addresses and identities, each by itself."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnt.errors import Conflict, Invalid
from gnt.model import address, names, policy
from gnt.model.objects import Cluster, Group
from tests.commands import build

WANTED = {"memory-size": 512, "cpu-count": 1, "disk-size": (1024, 2048), "disk-count": 2,
          "nic-count": 1, "spindle-use": 1}
TWO_PAIRS = ("min:memory-size=128,cpu-count=1,disk-size=1g,disk-count=1,nic-count=1,spindle-use=1/"
             "max:memory-size=1g,cpu-count=2,disk-size=10g,disk-count=2,nic-count=2,spindle-use=1//"
             "min:memory-size=8g,cpu-count=4,disk-size=1g,disk-count=1,nic-count=1,spindle-use=1/"
             "max:memory-size=64g,cpu-count=16,disk-size=1t,disk-count=4,nic-count=2,spindle-use=1")


def complaints(rules=policy.DEFAULT, template="file", **changes):
    return list(policy.violations(rules, {**WANTED, **changes}, template))


@pytest.mark.parametrize(("name", "value", "text"), [
    ("memory-size", 127, "memory-size 127 MiB is outside 128 to 32768 MiB"),
    ("memory-size", 32769, "memory-size 32769 MiB is outside 128 to 32768 MiB"),
    ("cpu-count", 9, "cpu-count 9 is outside 1 to 8"),
    ("disk-size", (1024, 1023), "disk-size 1023 MiB is outside 1024 to 1048576 MiB"),
    ("disk-count", 17, "disk-count 17 is outside 1 to 16"),
    ("nic-count", 0, "nic-count 0 is outside 1 to 8"),
    ("spindle-use", 13, "spindle-use 13 is outside 1 to 12"),
])
def test_each_value_is_judged_at_its_edges(name, value, text):
    assert complaints(**{name: value}) == [text]
    edge = value + (1 if isinstance(value, int) and value in (127, 0) else -1) if isinstance(
        value, int) else (1024,)
    assert complaints(**{name: edge}) == []


def test_templates_are_judged():
    rules = {**policy.DEFAULT, "disk-templates": ["file", "drbd"]}
    assert complaints(rules) == []
    assert complaints(rules, template="plain") == [
        "disk template plain is not allowed (allowed: file, drbd)"]


def test_one_of_several_pairs_is_enough():
    rules = {**policy.DEFAULT, "minmax": policy.read_bounds(TWO_PAIRS, "x")}
    assert complaints(rules) == []
    assert complaints(rules, **{"memory-size": 16384, "cpu-count": 8}) == []
    assert complaints(rules, **{"memory-size": 4096}) == [
        "memory-size 4096 MiB is outside 128 to 1024 MiB"]


def test_a_group_replaces_all_but_the_standard():
    cluster = Cluster(uuid="c", cluster_name="c", ipolicy={"vcpu-ratio": 2.0, "std": {"a": 1}})
    group = Group(uuid="g", name="g", ipolicy={"vcpu-ratio": 1.5, "std": {"a": 2}})
    filled = policy.policy(cluster, group)
    assert (filled["vcpu-ratio"], filled["std"], filled["spindle-ratio"]) == (1.5, {"a": 1}, 32.0)


def test_bounds_are_shown_as_they_are_read():
    pairs = policy.read_bounds(TWO_PAIRS, "x")
    assert policy.read_bounds(policy.show_bounds(pairs), "x") == pairs


@pytest.mark.parametrize(("text", "problem"), [
    ("max:memory-size=1g", "min lacks memory-size"),
    ("min:memory-size=1g", "min lacks cpu-count"),
    ("low:memory-size=1g", "does not begin with min: or max:"),
    (TWO_PAIRS.replace("cpu-count=2", "cpu-count=0"),
     r"the minimum of cpu-count \(1\) is more than its maximum \(0\)"),
    (TWO_PAIRS.replace("memory-size=1g", "memory-size=1y"), "memory-size: '1y' is not a size"),
    (TWO_PAIRS.replace("nic-count", "nick-count"), "there is no specification 'nick-count'"),
])
def test_bounds_that_are_refused(text, problem):
    with pytest.raises(Invalid, match=problem):
        policy.read_bounds(text, "--ipolicy-bounds-specs")


def test_the_standard_lies_within_the_bounds():
    with pytest.raises(Invalid, match="the standard specification lies outside the bounds"):
        policy.check({**policy.DEFAULT, "std": {**policy.LOWEST, "cpu-count": 99}}, "x")


@pytest.mark.parametrize(("text", "version", "problem"), [
    ("192.0.2.0", 4, "prefix outside /16 to /30"), ("192.0.2.7/24", 4, "not a network in CIDR"),
    ("10.0.0.0/8", 4, "prefix outside"), ("2001:db8::/64", 4, "is not an IPv4 network"),
    ("192.0.2.0/24", 6, "is not an IPv6 network"), ("lan", 4, "not a network in CIDR"),
])
def test_networks_that_are_refused(text, version, problem):
    with pytest.raises(Invalid, match=problem):
        address.read_network(text, "--network", version=version)


def test_reserving_and_releasing():
    net = build.network()
    marks = address.reserve(net, ["203.0.113.3", "203.0.113.2"], where="x")
    assert marks == "..XX"
    net = net.replace(ext_reservations=marks)
    assert address.reserved_by_hand(net) == ("203.0.113.2", "203.0.113.3")
    assert address.release(net, ["203.0.113.3"], where="x") == "..X"
    with pytest.raises(Conflict, match=r"203.0.113.2 is already reserved"):
        address.reserve(net, ["203.0.113.2"], where="x")
    with pytest.raises(Conflict, match=r"203.0.113.4 is not reserved"):
        address.release(net, ["203.0.113.4"], where="x")
    with pytest.raises(Invalid, match=r"192.0.2.1 is not in 203.0.113.0/29"):
        address.reserve(net, ["192.0.2.1"], where="x")


NETWORKS = st.builds(
    lambda base, bits: str(ipaddress.ip_network((base, bits), strict=False)),
    st.integers(0, 2**32 - 1), st.integers(16, 30))


@given(NETWORKS, NETWORKS)
def test_overlap_is_what_the_library_says(one, other):
    assert address.overlap(one, other) == ipaddress.ip_network(one).overlaps(
        ipaddress.ip_network(other))


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_uuids_are_uuids_and_depend_on_head_and_words(words):
    import uuid

    cfg = build.small()
    made = names.new_uuid(cfg, *words)
    assert str(uuid.UUID(made)) == made and uuid.UUID(made).version == 8
    assert made == names.new_uuid(cfg, *words) != names.new_uuid(cfg, *words, "more")
    cfg.state.head = "c" * 64
    assert names.new_uuid(cfg, *words) != made


def test_words_of_a_uuid_do_not_run_together():
    cfg = build.small()
    assert names.new_uuid(cfg, "a", "bc") != names.new_uuid(cfg, "ab", "c")


def test_a_mac_prefix_that_is_used_up_is_refused():
    with pytest.raises(Conflict, match="no free MAC address with the prefix aa:00:00"):
        names.new_mac(build.small(), "aa:00:00", "x", taken=lambda mac: True)


@pytest.mark.parametrize("name", ["", "-x", ".x", "a b", "é", "x" * 129, "a,b"])
def test_names_that_are_refused(name):
    with pytest.raises(Invalid, match="is not a name"):
        names.check_name(name, "group")
