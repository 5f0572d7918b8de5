"""OS parameters come from the cluster's levels; addresses and secondary nodes that cannot be."""

from __future__ import annotations

import pytest

from gnt.commands.instance.add import Add
from gnt.commands.instance.migrate import Migrate
from gnt.errors import Invalid, NoCapacity
from tests.commands import build

SUM = "0" * 64


def cluster(**changes):
    cfg = build.small()
    data = {**cfg.state.data, "cluster": {
        "cluster": {**cfg.state.data["cluster"]["cluster"], **changes}}}
    return build.Config(build.MemoryState(data, 1, 7, "a" * 64))


def planned(cfg, **options):
    request = Add(name="new", disk_template="file", **{
        "os_size": 1024, "node": "node1", "hypervisor_parameters": ("kvm", {}), **options})
    return build.plan(request, cfg)


def written(plan):
    return [(step.do.args["image"], step.do.args["sha256"]) for step in plan.attempt
            if step.do.task == "guest.image.write"]


def test_images_of_the_os_and_its_variant():
    cfg = cluster(osparams={"debian": {"image": "/srv/debian.raw", "sha256": SUM},
                            "debian+big": {"image": "/srv/big.raw"}})
    assert written(planned(cfg, os_type="debian")) == [("/srv/debian.raw", SUM)]
    assert written(planned(cfg, os_type="debian+big")) == [("/srv/big.raw", "")]
    assert written(planned(cfg, os_type="debian", os_parameters={"image": "/x"})) == [("/x", "")]
    assert written(planned(cfg)) == []


def test_seeds_of_the_os():
    cfg = cluster(osparams={"debian": {"hostname": "from-the-cluster"}})
    (seed,) = [step.do.args for step in planned(cfg, os_type="debian").attempt
               if step.do.task == "guest.seed.place"]
    assert "from-the-cluster" in seed["meta_data"]


def test_an_address_without_a_network_does_not_become_dhcp():
    net = ((("0"), {"ip": "10.0.0.5"}),)
    with pytest.raises(Invalid, match=r"--net 0\.ip: 10\.0\.0\.5 is in no network") as refused:
        planned(build.small(), net=net, os_parameters={"image": "/x"})
    assert "network=NAME" in refused.value.hint and "seed=no" in refused.value.hint
    planned(build.small(), net=net, os_parameters={"image": "/x", "seed": "no"})
    planned(build.small(), net=net)


def test_a_secondary_node_needs_a_template_with_a_second_copy():
    with pytest.raises(Invalid, match="disks of the template file have no second copy") as refused:
        planned(build.small(), node="node1:node2")
    assert refused.value.hint == "-n node1"


def test_moving_within_a_group_is_not_judged_by_its_policy_again():
    cfg = build.small()
    web = cfg.instance("web").replace(beparams={"vcpus": 99})
    data = {**cfg.state.data, "instances": {**cfg.state.data["instances"],
                                            web.uuid: build.to_data(web)}}
    made = build.plan(Migrate(name="web", target_node="node2"),
                      build.Config(build.MemoryState(data, 1, 7, "a" * 64)))
    assert any("migrate web" in step.title for step in made.attempt)


def test_disks_that_do_not_fit_on_the_node_that_was_named():
    with pytest.raises(NoCapacity, match="51200 MiB of disk space free, new needs 51204"):
        planned(build.small(), os_size=51201)
    assert planned(build.small(), os_size=51200)
