"""Groups, networks, tags and the cluster's settings: what is recorded, what is refused."""

from __future__ import annotations

import pytest

from gnt.cli import find, general
from gnt.cli.parser import parse
from gnt.errors import Conflict, GntError, Invalid, NotFound
from gnt.model import inherit
from gnt.model.objects import Group
from tests.commands import build
from tests.commands.sessions import Desk


def command(line):
    words = line.split()
    cls, rest = find.command([words[0].removeprefix("gnt-"), *words[1:]])
    return parse(cls, rest, general.groups(cls)).command


def after(line, cfg=None):
    cfg = cfg or build.small()
    return build.applied(cfg, build.plan(command(line), cfg))


def answer(line, cfg=None):
    cfg = cfg or build.small()
    query = command(line)
    return query.answer(cfg, build.Nodes(cfg).seen(query.facts(cfg)))


def refused(line, cfg=None):
    with pytest.raises(GntError) as caught:
        after(line, cfg)
    return caught.value


def two_groups():
    web = build.instance("web", 3)
    return build.cluster(
        Group(uuid="g2", name="rack2", networks={"lan": {"link": "br1"}}), build.network(),
        build.node(3, group="g2"),
        web.replace(nics=(web.nics[0].replace(network="lan", ip="203.0.113.4"),)))


def test_a_group_s_parameters_lie_over_the_cluster_s_and_go_back():
    cfg = after("gnt-cluster modify --node-parameters spindle_count=3")
    cfg = after("gnt-group modify --node-parameters spindle_count=5 default", cfg)
    assert inherit.node(cfg, cfg.node("node1")).spindle_count == 5
    cfg = after("gnt-node modify --node-parameters spindle_count=7 node1", cfg)
    assert inherit.node(cfg, cfg.node("node1")).spindle_count == 7
    cfg = after("gnt-node modify --node-parameters spindle_count=default node1", cfg)
    cfg = after("gnt-group modify --node-parameters spindle_count=default default", cfg)
    assert inherit.node(cfg, cfg.node("node1")).spindle_count == 3


def test_instances_inherit_from_the_cluster():
    cfg = after("gnt-cluster modify -B vcpus=3,maxmem=1g -N link=br9")
    web = cfg.instance("web")
    assert (inherit.backend(cfg, web).vcpus, inherit.backend(cfg, web).maxmem) == (3, 1024)
    assert inherit.nic(cfg, web.nics[0]).link == "br9"
    assert inherit.backend(after("gnt-cluster modify -B vcpus=default", cfg), web).vcpus == 1


def test_user_ids_of_the_pool():
    cfg = after("gnt-cluster modify --uid-pool 100-200,300")
    cfg = after("gnt-cluster modify --add-uids 201-210 --remove-uids 150-160,300", cfg)
    assert cfg.cluster.uid_pool == ((100, 149), (161, 210))
    assert answer("gnt-cluster info", cfg).content["Cluster parameters"]["uid pool"] == (
        "100-149,161-210")


def test_states_are_kept_figure_by_figure():
    cfg = after("gnt-node modify --hypervisor-state kvm:mem_total=4096 node1")
    cfg = after("gnt-node modify --hypervisor-state kvm:cpu_total=8 node1", cfg)
    assert cfg.node("node1").hv_state_static == {"kvm": {"mem_total": 4096, "cpu_total": 8}}
    cfg = after("gnt-group modify --disk-state file/a:disk_total=9 default", cfg)
    cfg = after("gnt-group modify --disk-state file/b:disk_total=8 default", cfg)
    assert cfg.group("default").disk_state_static == {
        "file": {"a": {"disk_total": 9}, "b": {"disk_total": 8}}}


def test_policies_of_groups_and_the_cluster():
    cfg = after("gnt-group modify --ipolicy-disk-templates diskless default")
    assert "disk template file is not allowed" in refused(
        "gnt-instance add -t file -s 1g -n node1 new", cfg).message
    cfg = after("gnt-group modify --ipolicy-disk-templates default default", cfg)
    assert after("gnt-instance add -t file -s 1g -n node1 new", cfg).instance("new")


@pytest.mark.parametrize(("line", "error", "problem"), [
    ("gnt-group add -a!", Invalid, ""),
    ("gnt-group add rack,2", Invalid, "is not a name"),
    ("gnt-group add default", Conflict, "group default already exists"),
    ("gnt-group modify default", Invalid, "nothing to change"),
    ("gnt-group modify --alloc-policy never default", Invalid, "is not one of preferred"),
    ("gnt-group modify --ipolicy-std-specs cpu-count=2 default", Invalid, "whole cluster only"),
    ("gnt-group modify --ipolicy-vcpu-ratio 0 default", Invalid, "'0' is not a number"),
    ("gnt-group modify -D file:stripes=2 default", Invalid, "there is no parameter 'stripes'"),
    ("gnt-group rename default default", Conflict, "already exists"),
    ("gnt-group remove nowhere", NotFound, "there is no group nowhere"),
    ("gnt-node modify --node-parameters exclusive_storage=yes node1", Invalid, "set for groups"),
    ("gnt-cluster modify -H kvm:acpi=maybe", Invalid, "'maybe' is not yes or no"),
    ("gnt-cluster modify -B minmem=2g,maxmem=1g", Invalid, "is more than maxmem"),
    ("gnt-cluster modify -m 01:00:00", Invalid, "multicast"),
    ("gnt-cluster modify -m aa:bb", Invalid, "a MAC prefix"),
    ("gnt-cluster modify --uid-pool 0-5", Invalid, "is not user ids or ranges"),
    ("gnt-cluster modify --uid-pool 5-9,9", Conflict, "user id 9 is in the pool twice"),
    ("gnt-cluster modify --remove-uids 7", Conflict, "user ids 7-7 are not in the pool"),
    ("gnt-cluster modify --hypervisor-state kvm:mem=5", Invalid, "there is no figure 'mem'"),
    ("gnt-node modify --disk-state file:disk_total=5 node1", Invalid, "is not TEMPLATE/NAME"),
    ("gnt-cluster modify -C 0", Invalid, "'0' is not a whole number from 1 to 64"),
    ("gnt-cluster modify --file-storage-dir srv", Invalid, "is not an absolute path"),
    ("gnt-cluster modify --enabled-hypervisors kvm,xen", Invalid, "there is no hypervisor 'xen'"),
    ("gnt-cluster modify --enabled-hypervisors kvm", Conflict, "fake is used by web, db"),
    ("gnt-network add --network 198.18.0.0/24 lan", Conflict, "network lan already exists"),
    ("gnt-network add --network 198.18.0.0/8 x", Invalid, "not a network in CIDR|outside /16"),
    ("gnt-network add --network 198.18.0.0/24 --gateway 1.2.3.4 x", Invalid, "is not in 198.18"),
    ("gnt-network add --network 198.18.0.0/24 --gateway6 ::1 x", Invalid, "needs --network6"),
    ("gnt-network disconnect lan rack9", NotFound, "there is no group rack9"),
    ("gnt-network modify --remove-reserved-ips 203.0.113.4 lan", Conflict, "is not reserved"),
    ("gnt-instance add-tags web a b a!", Invalid, "'a!' is not a tag"),
    ("gnt-instance add-tags web", Invalid, "no tag is given"),
    ("gnt-node remove-tags node1 x", NotFound, "it has no tag x"),
    ("gnt-cluster list-tags x", Invalid, "needs no word"),
])
def test_requests_that_are_refused(line, error, problem):
    import re

    with pytest.raises(GntError) as caught:
        if "list-tags" in line:
            answer(line)
        else:
            after(line)
    assert problem == "" or (isinstance(caught.value, error)
                             and re.search(problem, caught.value.message)), caught.value.message


def test_assigning_nodes_keeps_instances_whole_and_connected():
    cfg = two_groups()
    assert "web has a NIC in a network that default is not connected to" in refused(
        "gnt-group assign-nodes default node3", cfg).message
    assert after("gnt-group assign-nodes -f default node3", cfg).node("node3").group == "g1"
    db, disk = build.with_disk(build.instance("db", 1), "file")
    cfg = build.cluster(Group(uuid="g2", name="rack2"), db, disk.replace(nodes=("n1", "n2")))
    assert "db would have disks in two groups" in refused(
        "gnt-group assign-nodes rack2 node1", cfg).message
    cfg = after("gnt-group assign-nodes rack2 node1 node2", cfg)
    assert {cfg.node(f"node{n}").group for n in (1, 2)} == {"g2"}


def test_networks_keep_what_people_reserve_and_what_nodes_have():
    cfg = after("gnt-network add --network 192.0.2.0/29 --add-reserved-ips 192.0.2.6 x")
    assert cfg.network("x").ext_reservations == ".XXX..X"  # node1 to node3 have 1 to 3
    cfg = after("gnt-network connect -N link=br-x x", cfg)
    made = after("gnt-instance add -t diskless -n node1 --net 0:network=x,ip=pool new", cfg)
    assert made.instance("new").nics[0].ip == "192.0.2.4"
    assert "belongs to instance new" in refused(
        "gnt-network modify --add-reserved-ips 192.0.2.4 x", made).message
    shown = answer("gnt-network info x", made).content[0]
    assert shown["Free"] == 1 and shown["Used by"] == {"new NIC 0": "192.0.2.4"}


def test_networks_in_use_stay():
    cfg = two_groups()
    assert "web in rack2 use network lan" in refused("gnt-network disconnect lan", cfg).message
    free = after("gnt-instance shutdown web", cfg)
    free = after("gnt-instance modify --net 0:modify,network=none,ip=none web", free)
    free = after("gnt-network disconnect lan", free)
    gone = after("gnt-network remove lan", free)
    assert gone.networks == []


def test_connecting_without_parameters_takes_the_clusters():
    cfg = after("gnt-network add --network 10.9.0.0/24 y")
    cfg = after("gnt-network connect y", cfg)
    assert cfg.group("default").networks[cfg.network("y").uuid] == {"mode": "bridged",
                                                                    "link": "br0"}


def test_connecting_names_nodes_that_lack_the_bridge():
    cfg = build.cluster(build.network())
    made = build.plan(command("gnt-network connect -N link=wan lan"), cfg)
    assert made.notes == tuple(f"node{n} has no wan yet" for n in (1, 2, 3))


def test_tags_are_added_listed_found_and_removed():
    cfg = after("gnt-instance add-tags web env:test env:old")
    cfg = after("gnt-cluster add-tags site:here", cfg)
    cfg = after("gnt-group add-tags default env:all", cfg)
    assert answer("gnt-instance list-tags web", cfg).lines == ("env:old", "env:test")
    assert answer("gnt-cluster search-tags ^env:", cfg).lines == (
        "/instances/web env:old", "/instances/web env:test", "/nodegroup/default env:all")
    none = answer("gnt-cluster search-tags nothing", cfg)
    assert (none.lines, none.exit_code) == ((), 1)
    cfg = after("gnt-instance remove-tags web env:old", cfg)
    assert answer("gnt-instance list-tags web", cfg).lines == ("env:test",)


def test_a_tag_that_is_there_already_stays():
    """Scripts say it again and again; nothing is recorded when nothing is new."""
    cfg = after("gnt-node add-tags node1 rack:4")
    assert after("gnt-node add-tags node1 rack:4 ssd", cfg).node("node1").tags == ("rack:4", "ssd")
    assert build.plan(command("gnt-node add-tags node1 rack:4"), cfg).end == ()


@pytest.mark.parametrize("line", [
    "gnt-group modify --alloc-policy preferred default", "gnt-network modify --gateway none lan",
    "gnt-cluster modify -C 7"])
def test_what_is_so_already_stays(line):
    cfg = after(line)
    assert build.plan(command(line), cfg).end == ()


def test_tags_can_come_from_a_file(tmp_path):
    file = tmp_path / "tags"
    file.write_text("one\n\n two \n")
    made, = command(f"gnt-node add-tags --from {file} node1").prepare(Desk(build.small()))
    assert made.words == ("node1", "one", "two")


@pytest.mark.parametrize("line", [
    "gnt-cluster info", "gnt-node info", "gnt-group info", "gnt-network info",
    "gnt-instance info --all", "gnt-instance info -s web",
])
def test_info_shows_names_and_parameters(line):
    shown = str(answer(line, two_groups()).content)
    assert "None" not in shown
    assert {"cluster": "cluster.example.com", "node": "node3", "group": "rack2",
            "network": "203.0.113.0/29", "instance": "203.0.113.4"}[line.split()[0][4:]] in shown


@pytest.mark.parametrize(("line", "told"), [
    ("gnt-instance startup web", {"INSTANCE_NAME": "web", "INSTANCE_PRIMARY": "node1",
                                  "INSTANCE_STATUS": "up", "INSTANCE_DISK0_SIZE": "1024",
                                  "INSTANCE_NIC0_LINK": "br0", "INSTANCE_BE_vcpus": "1"}),
    ("gnt-instance remove web", {"INSTANCE_DISK_COUNT": "1"}),
    ("gnt-instance add -t diskless new", {"INSTANCE_NAME": "new", "ADD_MODE": "create"}),
    ("gnt-node modify --offline=yes node2", {"NODE_NAME": "node2", "NODE_PIP": "192.0.2.2",
                                             "MASTER_CANDIDATE": "True"}),
    ("gnt-group rename default racks", {"OLD_NAME": "default", "NEW_NAME": "racks"}),
    ("gnt-network remove lan", {"NETWORK_SUBNET": "203.0.113.0/29"}),
])
def test_hooks_are_told_what_it_is_about(line, told):
    env = command(line).hook_env(build.small())
    assert told.items() <= env.items() and env["OP_TARGET"]
    assert all(type(value) is str for value in env.values())


def test_a_new_instance_is_told_of_in_full_once_it_is_there():
    line = "gnt-instance add -t diskless -n node2 new"
    env = command(line).hook_env(after(line))
    assert env["INSTANCE_PRIMARY"] == "node2" and env["INSTANCE_NIC0_MAC"].startswith("aa:00:00")


def test_info_of_a_silent_node_says_so():
    cfg = two_groups()
    query = command("gnt-instance info web")
    shown = query.answer(cfg, build.Nodes(cfg, silent=["node3"]).seen(query.facts(cfg)))
    assert shown.content[0]["State"] == "its node does not answer"
    assert shown.exit_code == 1 and "node3" in shown.problems[0]
