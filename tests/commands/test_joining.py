"""Hosts become nodes: fingerprints, what is refused, what is recorded."""

from __future__ import annotations

import pytest

from gnt.commands import _access
from gnt.commands.cluster.init import Init
from gnt.commands.node._setup import Host, PublicKeys
from gnt.commands.node.add import Add
from gnt.commands.node.modify import Modify
from gnt.errors import ConfirmationNeeded, Conflict, Invalid, NodeFailed, NodeSetupFailed, NotFound
from gnt.model.codec import from_data
from gnt.model.objects import Cluster, Group, Signer
from tests.commands import build
from tests.commands.sessions import Desk

KEYS = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVua25vd24=", "ecdsa-sha2-nistp256 AAAAE2VjZHNh")
HOSTS = {"new": ("192.0.2.77", KEYS)}
FREE = Host(hostname="new", addresses=("192.0.2.77", "198.51.100.77"), missing=(), member=False)


def desk(cfg=None, *, host=FREE, **options):
    answers = {"commands.node._setup.inspect": host, "commands.node._setup.prepare": None,
               "commands.node._setup.authorize": None}
    cfg = cfg or build.small()
    return Desk(cfg, hosts=HOSTS, nodes=build.Nodes(cfg, answers=answers), **options)


def joined(cfg=None, **fields):
    at = desk(cfg)
    operation, = Add(name="new", **fields).prepare(at)
    made = build.plan(operation, at.cfg)
    return build.applied(at.cfg, made), made, at


def test_the_fingerprints_are_shown_and_pinned():
    after, _made, at = joined()
    node = after.node("new")
    assert node.host_keys == KEYS and node.primary_ip == node.secondary_ip == "192.0.2.77"
    assert all(_access.fingerprint(key) in at.questions[0] for key in KEYS)
    assert at.met[0].host_keys == KEYS
    assert not node.master_candidate and node.group == "g1"


def test_nobody_confirms_nothing_is_sent():
    at = desk(yes=False)
    with pytest.raises(ConfirmationNeeded):
        Add(name="new").prepare(at)
    assert at.asked == [] and at.met == []


@pytest.mark.parametrize("wanted", [_access.fingerprint(KEYS[0]), KEYS[0], KEYS[0] + " comment"])
def test_a_key_that_is_named_is_not_asked_about_and_is_the_only_one_pinned(wanted):
    after, _, at = joined(ssh_host_key=wanted)
    assert at.questions == [] and after.node("new").host_keys == KEYS[:1]


def test_another_key_than_the_named_one_is_refused():
    with pytest.raises(Invalid, match="new shows other host keys: ssh-ed25519 SHA256:"):
        Add(name="new", ssh_host_key="SHA256:AAAA").prepare(desk())


@pytest.mark.parametrize(("host", "fields", "error", "problem"), [
    ({"missing": ("flock", "ip")}, {}, NodeSetupFailed, "new lacks flock, ip"),
    ({"member": True}, {}, Conflict, "new belongs to a cluster already"),
    ({}, {"secondary_ip": "198.51.100.78"}, NodeSetupFailed, "secondary address 198.51.100.78"),
])
def test_hosts_that_cannot_join(host, fields, error, problem):
    with pytest.raises(error, match=problem):
        Add(name="new", **fields).prepare(desk(host=FREE.replace(**host)))


def test_force_join_takes_the_remains_of_a_cluster():
    assert Add(name="new", force_join=True).prepare(desk(host=FREE.replace(member=True)))


@pytest.mark.parametrize(("fields", "error", "problem"), [
    ({"name": "node2"}, Conflict, "node node2 is in the cluster already"),
    ({"name": "new", "readd": True}, NotFound, "there is no node new to add again"),
    ({"name": "nowhere"}, NodeFailed, "its name has no address"),
    ({"name": "new", "node_group": "racks"}, NotFound, "there is no group racks"),
    ({"name": "new", "node_parameters": {"spindel_count": "2"}}, Invalid, "spindel_count"),
])
def test_requests_that_are_refused_before_anything_is_asked(fields, error, problem):
    at = desk()
    with pytest.raises(error, match=problem):
        Add(**fields).prepare(at)
    assert at.asked == []


def test_an_address_that_a_node_has_is_refused():
    cfg = build.cluster(build.node(3, primary_ip="192.0.2.77"))
    with pytest.raises(Conflict, match=r"192.0.2.77 is an address of node node3"):
        joined(cfg)
    with pytest.raises(Conflict, match=r"192.0.2.77 is the master's address, which moves"):
        joined(build.cluster(master_ip="192.0.2.77", master_netdev="eth0"))


def test_joining_is_undone_and_lets_in_only_the_cluster_s_keys():
    _, made, _ = joined()
    prepare, authorize = made.attempt
    assert prepare.undo.task == "commands.node._setup.forget"
    lines = authorize.do.args["lines"]
    assert lines[0] == (f'restrict,pty,from="192.0.2.1,198.51.100.1" {build.KEY}1 gnt@node1')
    assert lines[-1] == f"restrict,pty {build.KEY}9 admin@desk"
    assert all(line.startswith("restrict,") for line in lines)


def test_promotions_follow_while_the_pool_has_room():
    after, _made, _at = joined()
    follow, = Add(name="new").then(after)
    assert (follow.name, follow.master_candidate) == ("new", True)
    full = build.cluster(build.node(4), candidate_pool_size=3)
    assert Add(name="new").then(full) == ()


def test_a_promotion_records_the_keys_that_the_node_made():
    cfg = build.cluster(build.node(4))
    made = build.plan(Modify(name="node4", master_candidate=True), cfg)
    after = build.applied(cfg, made)
    assert after.node("node4").master_candidate
    assert after.one(Signer, "node4").key == f"{build.KEY}s"
    assert f"{build.KEY}l gnt@node4" in after.cluster.login_keys
    assert [step.do.node for step in made.attempt] == ["node1", "node2", "node3", "node4"]
    assert all('from="192.0.2.4,198.51.100.4"' in step.do.args["lines"][-1]
               for step in made.attempt)


def test_a_node_that_is_installed_anew_loses_its_old_keys_and_is_promoted_again():
    at = Desk(build.small(), hosts={"node3": ("192.0.2.33", KEYS)},
              nodes=build.Nodes(build.small(), answers={"commands.node._setup.inspect": FREE}))
    operation, = Add(name="node3", readd=True).prepare(at)
    after = build.applied(at.cfg, build.plan(operation, at.cfg))
    node = after.node("node3")
    assert (node.uuid, node.primary_ip, node.host_keys) == ("n3", "192.0.2.33", KEYS)
    assert after.get(Signer, "node3") is None and not node.master_candidate
    assert [one.name for one in operation.then(after)] == ["node3"]


def again(old=None, **fields):
    """node3 as it is after it was added again with these options."""
    cfg = build.cluster(old or build.node(3), build.instance("db", 2))
    answers = {"commands.node._setup.inspect": FREE.replace(
        addresses=("192.0.2.33", "198.51.100.33"))}
    at = Desk(cfg, hosts={"node3": ("192.0.2.33", KEYS)}, nodes=build.Nodes(cfg, answers=answers))
    operation, = Add(name="node3", readd=True, **fields).prepare(at)
    return build.applied(cfg, build.plan(operation, cfg)).node("node3")


def test_nobody_lets_in_the_old_keys_of_a_node_that_is_added_again():
    """Also where it does not become a candidate again, whose promotion would write them anew."""
    base = build.small().cluster
    cfg = build.cluster(login_keys=(*base.login_keys, f"{build.KEY}old gnt@node3"))
    at = Desk(cfg, hosts={"node3": ("192.0.2.3", KEYS)},
              nodes=build.Nodes(cfg, answers={"commands.node._setup.inspect": FREE}))
    operation, = Add(name="node3", readd=True, master_capable=False).prepare(at)
    told = {step.do.node: step.do.args["lines"] for step in build.plan(operation, cfg).attempt
            if step.do.task.endswith(".authorize")}
    assert told.keys() == {"node1", "node2", "node3"}
    assert not any("old gnt@node3" in line for lines in told.values() for line in lines)


def test_a_node_that_is_added_again_keeps_what_is_not_given():
    node = again(build.node(3, ndparams={"ssh_port": 2222}, vm_capable=False, tags=("old",)))
    assert (node.ndparams, node.vm_capable, node.tags) == ({"ssh_port": 2222}, False, ("old",))
    assert node.secondary_ip == "198.51.100.3"
    one = build.node(3, primary_ip="192.0.2.3", secondary_ip="192.0.2.3", offline=True)
    assert again(one).secondary_ip == "192.0.2.33" and not again(one).offline
    node = again(secondary_ip="198.51.100.33", ssh_port=23, master_capable=False,
                 hypervisor_state=(("kvm", {"mem_total": "4096"}),))
    assert (node.secondary_ip, node.ndparams, node.master_capable, node.hv_state_static) == (
        "198.51.100.33", {"ssh_port": 23}, False, {"kvm": {"mem_total": 4096}})


@pytest.mark.parametrize(("fields", "problem"), [
    ({"node_group": "rack2"}, "node3 is in the group default"),
    ({"name": "node2", "vm_capable": False}, "node2 has instances"),
])
def test_what_adding_again_cannot_change(fields, problem):
    group = Group(uuid="g2", name="rack2")
    cfg = build.cluster(group, build.instance("db", 2))
    with pytest.raises(Conflict, match=problem):
        Add(**{"name": "node3", "readd": True, **fields}).prepare(Desk(cfg))


def test_a_host_is_met_at_the_port_of_its_group():
    group = build.small().groups[0].replace(ndparams={"ssh_port": 2222})
    at = desk(build.cluster(group))
    Add(name="new").prepare(at)
    assert {node.ndparams["ssh_port"] for node in at.met} == {2222}


def test_a_node_that_still_runs_what_moved_away_is_not_added_again():
    nodes = build.Nodes(build.small(), running={"node1": ["web"], "node3": ["web"]},
                        answers={"commands.node._setup.inspect": FREE})
    at = Desk(build.small(), hosts={"node3": ("192.0.2.33", KEYS)}, nodes=nodes)
    with pytest.raises(Conflict, match="web still runs on node3, but its home is node1"):
        Add(name="node3", readd=True).prepare(at)


@pytest.mark.parametrize(("shown", "problem"), [
    (("ssh-ed25519 AAAAothe",), "is not node2: it shows other host keys"), ((), r"\(none\)")])
def test_a_new_address_must_be_the_node_s(shown, problem):
    at = Desk(build.small(), hosts={"192.0.2.77": ("192.0.2.77", shown)})
    with pytest.raises((Conflict, Invalid), match=problem):
        Modify(name="node2", primary_ip="192.0.2.77").prepare(at)
    keys = at.cfg.node("node2").host_keys
    at.hosts["192.0.2.77"] = ("192.0.2.77", keys)
    assert Modify(name="node2", primary_ip="192.0.2.77").prepare(at)


def test_a_role_and_an_address_are_changed_one_after_the_other():
    wish = Modify(name="node3", primary_ip="192.0.2.77", master_candidate=False, force=True)
    with pytest.raises(Conflict, match="one after the other"):
        wish.holds(build.small())


def test_the_master_is_not_added_again():
    with pytest.raises(Conflict, match="node1 is the master"):
        Add(name="node1", readd=True).prepare(desk())


def test_a_second_promotion_replaces_the_key_of_the_first():
    assert _access.with_key(("a A gnt@x", "b B me"), "c C gnt@x") == ("b B me", "c C gnt@x")


def test_a_demotion_takes_the_rights_away():
    made = build.plan(Modify(name="node3", master_candidate=False, force=True), build.small())
    after = build.applied(build.small(), made)
    assert after.get(Signer, "node3") is None and not after.node("node3").master_candidate


@pytest.mark.parametrize(("fields", "problem"), [
    ({"name": "node1", "master_candidate": False}, "node1 is the master"),
    ({"name": "node1", "offline": True}, "node1 is the master"),
    ({"name": "node3", "master_candidate": False}, "there are 2 master candidates"),
    ({"name": "node2", "offline": True, "drained": True}, "cannot be offline and drained"),
    ({"name": "node2", "vm_capable": False}, "node2 runs instances: db"),
    ({"name": "node2", "master_capable": False, "master_candidate": True}, "cannot be a master"),
])
def test_roles_that_are_refused(fields, problem):
    with pytest.raises(Conflict, match=problem):
        build.plan(Modify(**fields), build.small())


def test_asking_for_nothing_is_refused():
    with pytest.raises(Invalid, match="nothing to change"):
        build.plan(Modify(name="node2", force=True), build.small())


def test_what_is_so_already_is_no_change_and_no_error():
    plan = build.plan(Modify(name="node2", offline=False), build.small())
    assert (plan.steps, plan.end, plan.notes) == ((), (), ("everything is as asked for already",))


def initialised(**fields):
    answers = {"commands.node._setup.inspect": FREE, "commands.node._setup.prepare": None,
               "commands.node._setup.authorize": None,
               "commands.node._setup.keys": PublicKeys(login=f"{build.KEY}l gnt@new",
                                                       signer=f"{build.KEY}s gnt@new")}
    at = Desk(None, hosts=HOSTS, nodes=build.Nodes(build.small(), answers=answers))
    assert Init(name="cluster.example.com", master="new", **fields).run(at) == 0
    return at


def test_a_cluster_begins_with_one_node_and_its_keys():
    at = initialised(backend_parameters={"vcpus": "2"}, secondary_ip="198.51.100.77")
    objects, master = at.created
    cluster = from_data(Cluster, objects["cluster"]["cluster"], "cluster")
    assert cluster.beparams == {"vcpus": 2} and cluster.master_node == master.uuid
    assert cluster.login_keys == (f"{build.KEY}9 admin@desk", f"{build.KEY}l gnt@new")
    node, = objects["nodes"].values()
    assert node["master_candidate"] and node["secondary_ip"] == "198.51.100.77"
    assert objects["signers"]["new"]["key"] == f"{build.KEY}s"
    group, = objects["groups"]
    assert node["group"] == group


def test_a_policy_from_single_figures():
    at = initialised(specs_mem_size={"min": "512", "std": "1g", "max": "4g"})
    rules = from_data(Cluster, at.created[0]["cluster"]["cluster"], "cluster").ipolicy
    assert rules["std"]["memory-size"] == 1024
    assert rules["minmax"][0]["min"]["memory-size"] == 512
    assert rules["minmax"][0]["max"]["memory-size"] == 4096


def test_the_term_that_marks_a_member_is_written_last():
    terms = [call.args["term"] for call in initialised().asked if call.task.endswith("prepare")]
    assert terms == [0, 1]


@pytest.mark.parametrize(("fields", "problem"), [
    ({"enabled_hypervisors": ("xen",)}, "there is no hypervisor 'xen'"),
    ({"enabled_disk_templates": ("file", "file")}, "a name is given twice"),
    ({"backend_parameters": {"minmem": "2g", "maxmem": "1g"}}, "is more than maxmem"),
    ({"nic_parameters": {"mode": "smoke"}}, "mode: 'smoke' is not one of"),
    ({"ipolicy_disk_templates": ("papyrus",)}, "there is no disk template 'papyrus'"),
    ({"ipolicy_std_specs": {"cpu-count": "99"}}, "the standard specification lies outside"),
    ({"specs_mem_size": {"mid": "1g"}}, "'mid' is not one of min, max, std"),
    ({"specs_mem_size": {"min": "99g"}}, "the minimum 101376 is more than the maximum 32768"),
    ({"specs_cpu_count": {"std": "9"}}, "the standard specification lies outside"),
    ({"specs_cpu_count": {"max": "9"}, "ipolicy_std_specs": {"cpu-count": "2"}}, "combined"),
])
def test_settings_that_are_refused(fields, problem):
    with pytest.raises(Invalid, match=problem):
        initialised(**fields)
