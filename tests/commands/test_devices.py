"""``--disk``, ``--net`` and ``--node``: what is understood, and what is refused and why."""

from __future__ import annotations

import pytest

from gnt.commands.instance.add import Add
from gnt.commands.instance.modify import Modify
from gnt.errors import Ambiguous, Conflict, Invalid, NotFound, PolicyViolation
from gnt.model.objects import Disk
from gnt.values import NAMED_PAIRS, PAIRS
from tests.commands import build


def add(cfg=None, nodes=None, **fields):
    cfg = cfg or build.small()
    many = {"disk": NAMED_PAIRS, "net": NAMED_PAIRS}
    typed = {name: tuple(map(kind.read, fields.pop(name, ()))) for name, kind in many.items()}
    for name in ("backend_parameters", "os_parameters"):
        if name in fields:
            fields[name] = PAIRS.read(fields[name])
    if "hypervisor_parameters" in fields:
        fields["hypervisor_parameters"] = NAMED_PAIRS.read(fields["hypervisor_parameters"])
    op = Add(**{"name": "new", "disk_template": "diskless", **typed, **fields})
    made = build.plan(op, cfg, nodes)
    after = build.applied(cfg, made)
    return after.instance("new"), after


def nic(*net, **fields):
    return add(net=net, **fields)[0].nics[0]


@pytest.mark.parametrize(("disks", "problem"), [
    (["0:size=0"], "--disk 0.size: '0' is not a size above 0"),
    (["0:size=10x"], "--disk 0.size: '10x' is not a size"),
    (["0:size=-5"], "--disk 0.size: '-5' is not a size"),
    (["0:mode=rw"], "--disk 0: no size is given"),
    (["0:size=1g,mode=wo"], "--disk 0.mode: 'wo' is not one of rw, ro"),
    (["0:size=1g,name=7"], "is not a name"),
    (["0:size=1g,shiny=yes"], "has no option shiny"),
    (["0:size=1g", "0:size=2g"], "disk 0 is given twice"),
    (["0:size=1g", "2:size=2g"], "the numbers 0, 2 do not count from 0"),
    (["16:size=1g"], "'16' is not a whole number from 0 to 15"),
    (["a:size=1g"], "'a' is not a whole number"),
    ([], "no disk is given"),
])
def test_disks_that_are_refused(disks, problem):
    with pytest.raises(Invalid) as caught:
        add(disk=disks, disk_template="file")
    assert problem in caught.value.message


def test_sixteen_disks_are_possible_and_numbered():
    words = [f"{n}:size=1g" for n in reversed(range(16))]
    inst, after = add(disk=words, disk_template="file")
    assert [disk.iv_name for disk in after.disks(inst)] == [f"disk/{n}" for n in range(16)]
    assert len({disk.uuid for disk in after.disks(inst)}) == 16


def test_sizes_have_units_and_are_rounded_up():
    inst, after = add(disk=["0:size=1.5g", "1:size=1025"], disk_template="file")
    assert [disk.size for disk in after.disks(inst)] == [1536, 1028]


def test_s_is_one_disk_and_excludes_disk():
    inst, after = add(os_size=2048, disk_template="file")
    assert [disk.size for disk in after.disks(inst)] == [2048]
    with pytest.raises(Invalid, match="cannot be combined with --disk"):
        add(os_size=2048, disk=["0:size=1g"], disk_template="file")


def test_diskless_takes_no_disk():
    with pytest.raises(Invalid, match="disk template diskless has no disks"):
        add(disk=["0:size=1g"])


@pytest.mark.parametrize(("net", "problem"), [
    (["0:mac=aa:00:00"], "'aa:00:00' is not a MAC address"),
    (["0:mac=01:00:00:00:00:01"], "multicast"),
    (["0:ip=300.1.1.1"], "'300.1.1.1' is not an IPv4 or IPv6 address"),
    (["0:ip=pool"], "pool needs network=NAME"),
    (["0:mode=carrier-pigeon"], "is not one of"),
    (["0:colour=red"], "there is no parameter 'colour'"),
    (["0:network=lan,link=br1"], "link cannot be combined with network=lan"),
    (["0:network=lan,ip=192.0.2.99"], "192.0.2.99 is not in 203.0.113.0/29"),
    (["0:link=br0", "0:link=br1"], "NIC 0 is given twice"),
    (["1:link=br0"], "the numbers 1 do not count from 0"),
    (["8:link=br0"], "'8' is not a whole number from 0 to 7"),
])
def test_nics_that_are_refused(net, problem):
    with pytest.raises(Invalid) as caught:
        add(net=net)
    assert problem in caught.value.message


def test_no_nics():
    assert add(no_nics=True, ignore_ipolicy=True)[0].nics == ()
    with pytest.raises(PolicyViolation, match="nic-count 0 is outside 1 to 8"):
        add(no_nics=True)
    with pytest.raises(Invalid, match="contradicts --net"):
        add(no_nics=True, net=["0:link=br0"])


def test_macs_are_made_with_the_prefix_of_the_network_else_the_cluster():
    assert nic("0:link=br1").mac.startswith("aa:00:00:")
    group = build.small().group("default")
    cfg = build.cluster(group, build.network(mac_prefix="02:11:22"))
    assert nic("0:network=lan", cfg=cfg).mac.startswith("02:11:22:")


def test_macs_of_one_request_differ():
    inst, _ = add(net=[f"{n}:link=br0" for n in range(8)])
    assert len({one.mac for one in inst.nics}) == len({one.uuid for one in inst.nics}) == 8


def test_a_mac_that_somebody_has_is_refused():
    taken = build.small().instance("web").nics[0].mac
    with pytest.raises(Conflict, match=f"MAC address {taken} belongs to web"):
        nic(f"0:mac={taken.upper()}")
    with pytest.raises(Conflict, match="belongs to this instance twice"):
        add(net=["0:mac=02:00:00:00:00:09", "1:mac=02:00:00:00:00:09"])


def test_the_pool_gives_the_lowest_free_address():
    inst, _after = add(net=["0:network=lan,ip=pool", "1:network=lan,ip=pool"])
    assert [one.ip for one in inst.nics] == ["203.0.113.2", "203.0.113.3"]


def test_a_full_pool_is_named():
    network = build.network(network="203.0.113.0/30", ext_reservations="..X")
    cfg = build.cluster(build.small().group("default"), network)
    with pytest.raises(Conflict, match=r"network lan \(203.0.113.0/30\) has no free address"):
        nic("0:network=lan,ip=pool", cfg=cfg)


@pytest.mark.parametrize(("net", "holder"), [
    ("0:ip=192.0.2.2", "node node2"),
    ("0:network=lan,ip=203.0.113.1", "the reserved addresses of network lan"),
    ("0:network=lan,ip=203.0.113.0", "the reserved addresses of network lan"),
    ("0:ip=203.0.113.4", r"network lan \(203.0.113.0/29\)"),
    ("0:network=lan,ip=203.0.113.5", "instance other"),
])
def test_addresses_that_somebody_has_are_refused_but_for_the_option(net, holder):
    other = build.instance("other")
    other = other.replace(nics=(other.nics[0].replace(ip="203.0.113.5", network="lan"),))
    cfg = build.cluster(build.small().group("default"), build.network(), other)
    with pytest.raises(Conflict, match=f"belongs to {holder}"):
        nic(net, cfg=cfg)
    assert nic(net, cfg=cfg, conflicts_check=False).ip


def test_a_network_must_be_connected():
    with pytest.raises(Conflict, match="network lan is not connected to group default") as caught:
        nic("0:network=lan", cfg=build.cluster(build.network()))
    assert "gnt-network connect" in caught.value.hint


@pytest.mark.parametrize(("name", "error", "problem"), [
    ("nodee2", NotFound, "there is no node nodee2"),
    ("node2:node3", Invalid, "names a secondary node"),
    ("web", NotFound, "there is no node web"),
])
def test_nodes_that_are_refused(name, error, problem):
    with pytest.raises(error, match=problem):
        add(node=name)


def test_an_ambiguous_short_name():
    cfg = build.cluster(build.node(4, name="x.a"), build.node(5, name="x.b"))
    with pytest.raises(Ambiguous, match=r"node x may be x.a, x.b"):
        add(cfg, node="x")


@pytest.mark.parametrize(("changes", "why"), [
    ({"offline": True}, "marked offline"), ({"drained": True}, "drained"),
    ({"vm_capable": False}, "not vm-capable"),
])
def test_a_node_that_takes_no_instances(changes, why):
    with pytest.raises(Conflict, match=f"node node2 is {why}"):
        add(build.cluster(build.node(2, **changes)), node="node2")


@pytest.mark.parametrize(("typed", "problem"), [
    ("memory=1x", "-B.minmem: '1x' is not a size"),
    ("vcpus=0", "-B.vcpus: '0' is not a whole number from 1 to 4096"),
    ("vcpu=2", "there is no parameter 'vcpu'"),
    ("minmem=512,maxmem=256", r"minmem \(512M\) is more than maxmem \(256M\)"),
    ("auto_balance=perhaps", "'perhaps' is not yes or no"),
])
def test_backend_parameters_that_are_refused(typed, problem):
    with pytest.raises(Invalid, match=problem):
        add(backend_parameters=typed)


@pytest.mark.parametrize(("typed", "problem"), [
    ("kvm:serial_speed=300", "serial_speed"),
    ("kvm:disk_aio=native", "disk_"),
    ("kvm:migration_port=99", "can only be set for the whole cluster"),
    ("kvm:no_such=1", "there is no parameter 'such'|there is no parameter 'no_such'"),
    ("xen", "there is no hypervisor 'xen'"),
])
def test_hypervisor_parameters_that_are_refused(typed, problem):
    with pytest.raises(Invalid, match=problem):
        add(hypervisor_parameters=typed)


def test_what_is_not_enabled_is_refused():
    cfg = build.cluster(enabled_hypervisors=("fake",), enabled_disk_templates=("diskless",))
    with pytest.raises(Conflict, match="hypervisor kvm is not enabled"):
        add(cfg, hypervisor_parameters="kvm")
    with pytest.raises(Conflict, match="disk template file is not enabled"):
        add(cfg, disk_template="file", os_size=1024)


@pytest.mark.parametrize(("typed", "problem"), [
    ("image=debian.qcow2", "is not an absolute path"),
    ("image=http://example.com/i,", "needs its sum"),
    ("image=/i,sha256=12", "is not 64 hexadecimal digits"),
    ("sha256=" + "a" * 64, "there is no image to check"),
    ("image=/i", "the instance has no disk to write it on"),
])
def test_images_that_are_refused(typed, problem):
    with pytest.raises(Invalid, match=problem):
        add(os_parameters=typed.rstrip(","))


def test_vnc_ports_are_the_cluster_s_and_differ():
    first, _after = add(hypervisor_parameters="kvm")
    assert first.network_port in range(11000, 15000)
    taken = first.replace(uuid="other", name="other", network_port=first.network_port)
    again, _ = add(build.cluster(taken), hypervisor_parameters="kvm")
    assert again.network_port == first.network_port + 1


def test_a_name_that_a_node_has_is_refused():
    with pytest.raises(Conflict, match="node3 is the name of a node"):
        add(name="node3")


def modify(cfg=None, name="db", **fields):
    cfg = cfg or build.small()
    for many in ("disk", "net"):
        fields[many] = tuple(map(NAMED_PAIRS.read, fields.get(many, ())))
    for name_ in ("backend_parameters", "hypervisor_parameters", "os_parameters"):
        fields[name_] = PAIRS.read(fields.get(name_, ""))
    made = build.plan(Modify(name=name, **fields), cfg)
    return build.applied(cfg, made).instance(name), build.applied(cfg, made), made


@pytest.mark.parametrize("fields", [
    {"online": True}, {"backend_parameters": "vcpus=1"}, {"net": ["0:modify,link=br0"]}])
def test_what_is_so_already_stays(fields):
    before, cfg, _ = modify(backend_parameters="vcpus=1", net=["0:modify,link=br0"])
    after, _, made = modify(cfg, **fields)
    assert after == before and made.end == ()


def test_disks_are_added_at_their_place_and_renumbered():
    inst, after, made = modify(disk=["0:add,size=2g", "-1:add,size=3g"])
    disks = after.disks(inst)
    assert [disk.size for disk in disks] == [2048, 1024, 3072]
    assert [disk.iv_name for disk in disks] == ["disk/0", "disk/1", "disk/2"]
    assert [step.do.args["size"] for step in made.attempt] == [2048, 3072]
    assert all(step.undo for step in made.attempt)


def test_a_removed_disk_leaves_the_instance_before_its_data_goes():
    inst, after, made = modify(disk=["0:remove"], ignore_ipolicy=True)
    assert inst.disks == () and after.get(Disk, "d-db") is None
    assert made.pivot and not made.attempt and len(made.settle) == 1


def test_nics_are_added_changed_and_removed():
    inst, after, _ = modify(net=["0:modify,link=br7", "-1:add,network=lan,ip=pool"])
    assert [one.nicparams for one in inst.nics] == [{"link": "br7"}, {}]
    assert inst.nics[1].ip == "203.0.113.2"
    inst, _, _ = modify(after, net=["1:modify,network=none,ip=none", "0:remove"])
    assert [(one.ip, one.network) for one in inst.nics] == [(None, None)]


@pytest.mark.parametrize(("fields", "error", "problem"), [
    ({}, Invalid, "nothing to change is given"),
    ({"disk": ["3:remove"]}, Conflict, r"db has no disk 3 \(it has 1\)"),
    ({"disk": ["0:modify,size=5g"]}, Invalid, "cannot be changed"),
    ({"disk": ["5:add,size=1g"]}, Invalid, "'5' is not a place from 0 to 1"),
    ({"disk": ["0:add,remove,size=1g"]}, Invalid, "add and remove contradict"),
    ({"net": ["0:remove,link=br0"]}, Invalid, "remove takes nothing else, not link"),
    ({"net": ["4:modify,link=br0"]}, Conflict, r"db has no NIC 4 \(it has 1\)"),
    ({"net": [f"-1:add,link=br{n}" for n in range(8)]}, Invalid, "more than 8 are not possible"),
    ({"runtime_memory": 128}, Conflict, "db does not run"),
    ({"offline": True, "online": True}, Invalid, "contradicts --offline"),
    ({"backend_parameters": "minmem=1g"}, Invalid, "is more than maxmem"),
    ({"backend_parameters": "vcpus=9"}, PolicyViolation, "cpu-count 9 is outside 1 to 8"),
])
def test_changes_that_are_refused(fields, error, problem):
    with pytest.raises(error, match=problem):
        modify(**fields)


def test_devices_change_only_while_the_instance_is_down():
    with pytest.raises(Conflict, match="web is running; changing its NICs or disks needs it down"):
        modify(name="web", net=["0:modify,link=br1"])


def test_parameters_go_back_to_what_is_inherited():
    inst, after, _ = modify(backend_parameters="vcpus=2", os_parameters="a=1")
    assert (inst.beparams, inst.osparams) == ({"vcpus": 2}, {"a": "1"})
    inst, _, _ = modify(after, backend_parameters="vcpus=default", os_parameters="a=default")
    assert (inst.beparams, inst.osparams) == ({}, {})


def test_memory_of_a_running_guest_stays_within_its_bounds():
    with pytest.raises(Invalid, match=r"outside web's minmem and maxmem \(128 to 128 MiB\)"):
        modify(name="web", runtime_memory=256)
    cfg = build.cluster(build.instance("web", beparams={"maxmem": 512}))
    _, _, made = modify(cfg, name="web", runtime_memory=256)
    assert made.settle and not made.end


def test_offline_and_back():
    inst, after, _ = modify(offline=True)
    assert inst.admin_state == "offline"
    assert modify(after, online=True)[0].admin_state == "down"
    with pytest.raises(Conflict, match="web is running"):
        modify(name="web", offline=True)
