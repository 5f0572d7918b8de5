"""What each check finds on nodes that are not as they should be; the codes are the reference's."""

from __future__ import annotations

import ast
import inspect
import pathlib

import pytest

from gnt.checks.base import CODES
from gnt.checks.keys import Keys
from gnt.checks.neighbours import View
from gnt.checks.remains import Lock
from gnt.commands.cluster.verify import Verify, every
from gnt.errors import NodeFailed
from gnt.hypervisor.base import Capabilities
from gnt.model.objects import Group, Job, Signer
from tests.commands import build
from tests.commands.test_verify import FACTS, changed, small, there, verify

MASTER_IP = {"master_ip": "192.0.2.99", "master_netdev": "eth0"}


def cluster(**changes):
    return changed(build.small().cluster, **changes)


def test_addresses():
    found, _ = verify(answers={"node2:checks.addresses.addresses": {"192.0.2.2": ("eth0", 24)}})
    assert found == {"ENODENET": ["node2: does not have its secondary address 198.51.100.2"]}


@pytest.mark.parametrize(("node", "has", "said"), [
    ("node2", {"198.51.100.2": ("eth1", 24), "192.0.2.99": ("eth0", 32)}, "and is not the master"),
    ("node1", {"198.51.100.1": ("eth1", 24)}, "is the master without the master's address"),
    ("node1", {"198.51.100.1": ("eth1", 24), "192.0.2.99": ("br0", 32)}, "on br0, not on eth0"),
    ("node1", {"198.51.100.1": ("eth1", 24), "192.0.2.99": ("eth0", 28)}, "192.0.2.99/28, not /32"),
])
def test_the_master_s_address_is_where_the_master_is(node, has, said):
    cfg = cluster(**MASTER_IP)
    assert verify(cfg) == ({}, 0)
    found, _ = verify(cfg, answers={f"{node}:checks.addresses.addresses": has})
    assert len(found["ENODENET"]) == 1 and said in found["ENODENET"][0]


@pytest.mark.parametrize(("ip", "length", "status", "said"), [
    ("192.0.2.99", 24, 0, ""),  # as the network has it
    ("192.0.2.99", 28, 0, "192.0.2.99/28 is narrower than 192.0.2.0/24"),  # no node is in that
    ("192.0.2.5", 28, 1, "would be reached from 192.0.2.5, from where nobody is let in"),
    ("192.0.2.99", 16, 0, "what is outside of that is looked for on the wire"),
    ("198.51.100.99", 28, 0, ""),  # a network of its own
])
def test_the_master_s_address_makes_no_route_that_leads_astray(ip, length, status, said):
    found, code = verify(cluster(**MASTER_IP | {"master_ip": ip, "master_netmask": length}))
    assert code == status
    assert [said in one for one in found.get("ENODENET", ())] == [True] * bool(said)


def test_a_node_that_answers_has_power():
    found, status = verify(changed(build.small().node("node3"), powered=False))
    assert status == 0 and found["ENODESETUP"][0].startswith(
        "node3: is recorded to be without power, and answers")


@pytest.mark.parametrize(("settings", "cure"), [
    (MASTER_IP, "activate-master-ip"), ({}, "ip address delete"),
    ({"master_ip": "192.0.2.98"}, "ip address delete")])
def test_an_address_that_was_the_master_s_is_left(settings, cure):
    """The cluster was renamed while the old master was away."""
    said = {"node2:checks.remains.former": ("192.0.2.98", "192.0.2.99")[:len(settings) or 1]}
    found, status = verify(cluster(**settings), answers=said)
    line, = found["ENODENET"]
    assert status == 1 and line.startswith("node2: still has 192.0.2.98, which was") and (
        cure in line)


def keyring(**changes):
    cfg = build.small()
    fine = build.Nodes(cfg).answer(checks_keyring("node2"))
    return {"node2:checks.keys.keyring": fine.replace(**changes)}


def checks_keyring(node):
    from gnt.checks.keys import keyring

    return keyring.on(node)


def test_keys_that_are_let_in():
    fine = build.Nodes(build.small()).answer(checks_keyring("node2"))
    found, status = verify(answers=keyring(ours=fine.ours[1:]))
    assert status == 1 and found["ENODESSH"] == [
        "node2: does not let in gnt@node1 from 192.0.2.1,198.51.100.1"]
    stray = f'restrict,pty,from="192.0.2.66" {build.KEY}7 gnt@node7'
    found, _ = verify(answers=keyring(ours=(*fine.ours, stray)))
    assert found == {"ENODESSH": [
        "node2: lets in gnt@node7 from 192.0.2.66, which is none of the cluster's"]}
    moved = keyring(ours=(), theirs=fine.ours)  # put there by hand: --no-node-setup
    assert verify(answers=moved) == ({}, 0)
    foreign = cluster(modify_ssh_setup=False)
    assert verify(foreign, answers=keyring(ours=())) == ({}, 0)


def test_signers():
    found, _ = verify(answers=keyring(signer=f"{build.KEY}other"))
    assert "node2 has another signing key" in found["ECLUSTERCERT"][0]
    found, _ = verify(answers=keyring(open=("/var/lib/gnt/keys/signer",)))
    assert found == {"ENODESETUP": ["node2: others can read /var/lib/gnt/keys/signer"]}
    found, status = verify(build.cluster(Signer(name="node4", key=f"{build.KEY}s4"),
                                         build.node(4, master_candidate=False)))
    assert status == 0 and "node4 may sign and is no master candidate" in found["ECLUSTERCERT"][0]


def test_clutter_only_when_asked():
    own = build.small().cluster.login_keys[0]
    answers = keyring(theirs=(own,))
    assert verify(answers=answers) == ({}, 0)
    found, status = verify(answers=answers, fields={"verify_ssh_clutter": True})
    assert status == 0 and "without restriction" in found["ENODESSH"][0]


def test_neighbours():
    found, _ = verify(answers={"node1:checks.neighbours.look": View(keys=(), silent=())})
    assert found == {"ENODENET": ["node1: does not reach node2 at 192.0.2.2"]}
    found, _ = verify(answers={
        "node1:checks.neighbours.look": View(keys=("ssh-ed25519 other",), silent=())})
    assert "node2: shows node1 other host keys" in found["ENODESSH"][0]
    second = View(keys=build.small().node("node2").host_keys, silent=("198.51.100.2",))
    found, _ = verify(answers={"node1:checks.neighbours.look": second})
    assert "secondary address 198.51.100.2" in found["ENODENET"][0]


def test_hypervisors():
    broken = NodeFailed("node2", "failed", "exit status 1", stderr="qemu: not found\n")
    found, _ = verify(answers={"node2:hypervisor.kvm.tasks.capabilities": broken})
    assert found == {"ENODEHV": ["node2: kvm cannot be used: qemu: not found"]}
    older = Capabilities(version="5.2.0")
    found, status = verify(answers={"node2:hypervisor.kvm.tasks.capabilities": older})
    assert status == 0 and "5.2.0 on node2; 7.2.9 on node1, node3" in found["ENODEHV"][0]
    answers = {"node2:hypervisor.kvm.tasks.capabilities": broken}
    assert verify(answers=answers, fields={"hv_param_assessment": False}) == ({}, 0)


def test_parameters_of_hypervisors():
    found, _ = verify(changed(small("instance", "web"), hvparams={"nonsense": 1}))
    assert "nonsense" in found["EINSTANCEMISSINGCFGPARAMETER"][0]
    found, _ = verify(cluster(hvparams={"kvm": {"nonsense": 1}}))
    assert any("nonsense" in message for message in found["ECLUSTERCFG"])


def test_the_loss_of_a_node():
    tight = {"node2": 100, "node3": 100}
    found, status = verify(memory=tight)
    assert status == 1 and found == {"ENODEN1": [
        "node1: if it fails, 1 of its instances find no memory elsewhere (128 MiB: web)"]}
    assert verify(memory=tight, fields={"nplus1_mem": False}) == ({}, 0)
    assert verify(changed(small("instance", "web"), admin_state="down"), memory=tight) == ({}, 0)
    still = changed(small("instance", "web"), beparams={"auto_balance": False})
    assert verify(still, memory=tight) == ({}, 0)
    drained = changed(small("node", "node3"), drained=True, master_candidate=False)
    assert "ENODEN1" in verify(drained, memory={"node2": 100})[0]


def test_instances_share_what_is_left():
    cfg = build.cluster(*(part for name in ("a", "bb", "ccc")
                          for part in build.with_disk(build.instance(name))), nodes=3)
    assert verify(cfg, memory={"node2": 130, "node3": 260}) == ({}, 0)
    found, _ = verify(cfg, memory={"node2": 130, "node3": 250})
    assert "1 of its instances" in found["ENODEN1"][0]


@pytest.mark.parametrize(("folder", "code"), [
    ("/srv/gnt/shared-file-storage", "ENODESHAREDFILESTORAGEPATHUNUSABLE"),
    ("/srv/gnt/file-storage", "ENODEFILESTORAGEPATHUNUSABLE"),
])
def test_folders_for_disks(folder, code):
    from gnt.checks.paths import usable

    class Nodes(build.Nodes):
        def _usable(self, call):
            bad = call.args["folder"] == folder and call.node == "node3"
            return "cannot be written to" if bad else ""

    assert usable.name == "checks.paths.usable"
    found, _ = verify(nodes=Nodes)
    assert found == {code: [f"node3: {folder} cannot be written to"]}


@pytest.mark.parametrize("folder", ["/etc/disks", "/", "/var/lib/gnt", "/usr"])
def test_folders_where_no_disk_may_be(folder):
    found, status = verify(cluster(file_storage_dir=folder))
    assert status == 1 and "is no place for disks" in found["ENODEFILESTORAGEPATHS"][0]


def test_programs():
    oob = {"ndparams": {"oob_program": "/usr/local/sbin/oob"}}
    cfg = changed(small("node", "node3"), **oob)
    assert verify(cfg) == ({}, 0)
    found, _ = verify(cfg, answers={
        "node1:checks.programs.programs": {"/usr/local/sbin/oob": "missing"}})
    assert found == {"ENODEOOBPATH": ["node1: /usr/local/sbin/oob is not there"]}
    cfg, script = cluster(use_external_mip_script=True), "/etc/gnt/scripts/master-ip-setup"
    found, _ = verify(cfg, answers={"node2:checks.programs.programs": {script: "dull"},
                                    "node3:checks.programs.programs": {script: "6" * 64}})
    assert found == {"ENODEUSERSCRIPTS": [f"node2: {script} cannot be run"], "ECLUSTERFILECHECK": [
        f"cluster.example.com: {script} on node3 differs from the other candidates'"]}


def test_hooks_of_verify():
    found, _ = verify(answers={"node2:checks.programs.hooks": ("disk ended with 3: sda is old",)})
    assert found == {"ENODEHOOKS": ["node2: disk ended with 3: sda is old"]}


def test_what_jobs_left():
    old = (Lock(age=600, path="/run/gnt/fence/4"), Lock(age=600, path="/run/gnt/jobs/5"),
           Lock(age=5, path="/run/gnt/fence/6"), Lock(age=600, path="/run/gnt/fence/900"))
    found, status = verify(answers={"node1:checks.remains.locks": old})
    assert status == 0 and list(found) == ["ENODESETUP"]
    fence, lock = found["ENODESETUP"]
    assert fence.startswith("node1: /run/gnt/fence/4 is left of job 4, which has ended")
    assert lock.startswith("node1: /run/gnt/jobs/5 is left of job 5, which has ended")


def test_interfaces_that_nobody_uses():
    found, status = verify(answers={"node1:net.bridged.leftovers": ("gntwebnic0", "gntabcdef")})
    assert status == 0 and found == {"ENODENET": [
        "node1: interface gntabcdef is left of a guest that does not run there"]}


def test_disks_spread_over_groups():
    web, disk = build.with_disk(build.instance("web"))
    disk = disk.replace(nodes=("n1", "n2", "n3"))
    cfg = build.cluster(web, disk, Group(uuid="g2", name="rack2"), build.node(3, group="g2"))
    found, _ = verify(cfg)
    assert "node2, node3" in found["EINSTANCELAYOUT"][0]
    assert "node3, which has its disks, is in another group" in found["EINSTANCESPLITGROUPS"][0]


def test_two_nodes_with_one_address():
    found, _ = verify(changed(small("node", "node3"), primary_ip="192.0.2.2"))
    assert "node3: node2 has the address 192.0.2.2, too" in found["ECLUSTERCFG"]


def test_simulated_errors_have_every_code_that_checks_know():
    found, status = verify(fields={"debug_simulate_errors": True, "verify_ssh_clutter": True})
    assert status == 1
    assert set(found) == {code for check in every() for code in check.codes}


def test_only_the_reference_s_codes_are_used_and_each_is_declared():
    assert len(CODES) == 39
    for one in every():
        path = pathlib.Path(inspect.getfile(type(one)))
        words = {node.value for node in ast.walk(ast.parse(path.read_text()))
                 if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        used = {word for word in words if word in CODES}
        assert used == set(one.codes), path.name
        assert not {word for word in words if word.startswith(("ENODE", "EINST", "ECLUS"))} - used


def test_the_lines_for_programs():
    cfg = changed(small("instance", "web"), beparams={"vcpus": 99})
    query = Verify(error_codes=True)
    nodes = build.Nodes(cfg, answers={**FACTS, "storage.file.found": there(cfg)})
    lines = query.answer(cfg, nodes.seen(query.facts(cfg))).lines
    assert lines == ("  - ERROR:EINSTANCEPOLICY:instance:web:cpu-count 99 is outside 1 to 8",)


def test_keys_are_read():
    from gnt.checks.keys import keyring

    output = ("signer ssh-ed25519 AAAA gnt@node1\nopen /x\nours restrict ssh-ed25519 A b\n"
              "theirs ssh-rsa C\n")
    assert keyring.script(keyring.on("n")).answer(output) == Keys(
        signer="ssh-ed25519 AAAA", open=("/x",), ours=("restrict ssh-ed25519 A b",),
        theirs=("ssh-rsa C",))


def test_gates_of_a_hardened_cluster():
    cfg = cluster(hardened=True)
    obeyed = tuple(signer.obeyed for signer in cfg.signers)
    fine = {"ssh.gate.tasks.gate": ("v", obeyed)}
    passing = [f"{name}: lets in somebody@else past the gate, by a line of authorized_keys that "
               "gnt did not write" for name in ("node1", "node2", "node3")]
    assert verify(cfg, answers=fine) == ({"ENODESSH": passing}, 0)
    own = cfg.cluster.login_keys[0]
    had = build.Nodes(cfg).answer(checks_keyring("node2"))
    waits = had.replace(theirs=(f"# gnt: waits while this node is hardened: {own}", own))
    found, _ = verify(cfg, answers={**fine, "node2:checks.keys.keyring": waits})
    assert found == {"ENODESSH": [passing[0], passing[2]]}
    found, status = verify(cfg, answers={**fine, "node2:ssh.gate.tasks.gate": ("", ())})
    assert status == 1 and "node2: has no gate" in found["ENODESETUP"][0]
    stale = ("v", (*obeyed[1:], f"mallory,gnt namespaces=\"gnt-order,gnt-config\" {build.KEY}m"))
    found, _ = verify(cfg, answers={**fine, "node3:ssh.gate.tasks.gate": stale})
    assert found == {"ENODESETUP": [
        f"node3: does not obey the signer {cfg.signers[0].name}: gnt-cluster signer tell",
        "node3: obeys mallory, who is no signer: gnt-cluster signer tell"], "ENODESSH": passing}


def test_a_job_without_a_driver():
    """It is no reason to look no further, either: only what it makes itself may be there."""
    job = Job(id="5", operation="instance migrate", params={}, author="a", driver="d",
              state="running", exclusive=("instances/i-web",), plan={"attempt": [
                  {"do": "net.bridged.plug", "on": "node2", "with": {"tap": "gntwebnic0"}}]})
    cfg = build.cluster(*build.with_disk(build.instance("web")), job)
    query = Verify(error_codes=True)
    nodes = build.Nodes(cfg, answers={
        **FACTS, "storage.file.found": there(cfg),
        "node2:net.bridged.leftovers": ("gntwebnic0", "gntabcdef")})
    seen = nodes.seen(query.facts(cfg))
    said = query.answer(cfg, seen, [job])
    assert said.exit_code == 1
    assert [line.split(":", 4)[1] for line in said.lines] == ["ECLUSTERCFG", "ENODENET"]
    assert "job 5 (instance migrate) has lost its driver" in said.lines[0]
    assert "gnt-job resume 5 or gnt-job undo 5" in said.lines[0]
    assert "gntabcdef" in said.lines[1]
    assert query.answer(cfg, seen).exit_code == 0
    settling = query.answer(cfg, seen, [job.replace(state="settling")])
    assert "undo" not in settling.lines[0]
