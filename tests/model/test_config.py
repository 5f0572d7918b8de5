"""Look-ups by name, short name and uuid; parameters along their levels."""

from __future__ import annotations

import pytest

from gnt.errors import Ambiguous, Conflict, Damaged, Invalid, NotFound
from gnt.model import inherit
from gnt.model.codec import to_data
from gnt.model.config import Config, MemoryState
from gnt.model.objects import Cluster, Group, Instance, Nic, Node


def config(**extra):
    cluster = Cluster(
        uuid="c", cluster_name="demo", master_node="n1",
        beparams={"maxmem": 512, "vcpus": 2}, nicparams={"link": "br7"},
        hvparams={"kvm": {"acpi": False}}, os_hvp={"debian": {"kvm": {"vga": "std"}}},
    )  # fmt: skip
    group = Group(uuid="g", name="default", ndparams={"ssh_port": 2222})
    nodes = [
        Node(uuid=f"n{i}", name=f"node{i}.lab", primary_ip=f"10.0.0.{i}",
             secondary_ip=f"10.0.0.{i}", group="g", master_candidate=i < 3)
        for i in (1, 2, 3)
    ]  # fmt: skip
    web = Instance(
        uuid="i1", name="web.one", primary_node="n1", os="debian+small", beparams={"vcpus": 4},
        nics=(Nic(uuid="x", mac="aa:00:00:00:00:01", ip="10.1.0.5"),),
    )  # fmt: skip
    objects = {
        "cluster": {"cluster": cluster}, "groups": {"g": group},
        "nodes": {n.uuid: n for n in nodes}, "instances": {"i1": web}, **extra,
    }  # fmt: skip
    data = {kind: {k: to_data(v) for k, v in things.items()} for kind, things in objects.items()}
    return Config(MemoryState(data, term=1, serial=9, head="h"))


def test_names_short_names_and_uuids():
    cfg = config()
    assert cfg.node("node2.lab") is cfg.node("node2") is cfg.node("n2")
    assert cfg.master.name == "node1.lab"
    assert [n.name for n in cfg.candidates] == ["node1.lab", "node2.lab"]


def test_an_unknown_name_suggests_the_closest():
    with pytest.raises(NotFound, match=r"no node nude2\.lab") as caught:
        config().node("nude2.lab")
    assert caught.value.hint == "did you mean node2.lab?"


def test_an_ambiguous_short_name_lists_what_it_may_be():
    twins = {
        k: Instance(uuid=k, name=f"db.{k}", primary_node="n1") for k in ("east", "west")
    }  # fmt: skip
    with pytest.raises(Ambiguous, match=r"db\.east, db\.west"):
        config(instances=twins).instance("db")


def test_a_taken_name_is_a_conflict():
    config().require_new(Instance, "web.two")
    with pytest.raises(Conflict, match=r"instance web\.one already exists"):
        config().require_new(Instance, "web.one")


def test_indexes_look_into_nics_and_lists():
    cfg = config()
    assert cfg.state.find("nic.mac", "aa:00:00:00:00:01") == ("i1",)
    assert cfg.instances_on(cfg.node("n1")) == [cfg.instance("web")]
    assert cfg.state.find("nic.ip", "10.1.0.6") == ()


def test_a_dangling_reference_is_damage():
    with pytest.raises(Damaged, match=r"nodes\.zz"):
        config().one(Node, "zz")


def test_levels_lay_over_one_another():
    cfg = config()
    web = cfg.instance("web")
    filled = inherit.backend(cfg, web)
    assert (filled.minmem, filled.maxmem, filled.vcpus) == (128, 512, 4)
    assert inherit.nic(cfg, web.nics[0]).link == "br7"
    assert inherit.node(cfg, cfg.node("n1")).ssh_port == 2222
    assert inherit.hypervisor_levels(cfg.cluster, web)[:2] == ({"acpi": False}, {"vga": "std"})


def test_memory_sets_both_ends():
    assert inherit.parse_backend({"memory": "1g"}) == {"minmem": 1024, "maxmem": 1024}
    assert inherit.overlay({"vcpus": 2}, inherit.parse_backend({"vcpus": "default"})) == {}


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"vcpu": "2"}, "no parameter 'vcpu'"),
        ({"vcpus": "0"}, "from 1 to 4096"),
        ({"auto_balance": "perhaps"}, "yes or no"),
    ],
)
def test_bad_parameters_are_named_with_their_range(typed, message):
    with pytest.raises(Invalid, match=message):
        inherit.parse_backend(typed)
