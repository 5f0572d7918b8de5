"""Verify: a healthy cluster is silent, every fault has its code."""

from __future__ import annotations

import pytest

from gnt.checks.copies import Copy, judged
from gnt.checks.hosts import Standing
from gnt.commands.cluster.verify import Verify
from gnt.errors import NodeFailed
from gnt.hypervisor.base import Running
from gnt.model.objects import Disk, Group
from tests.commands import build

COPY = Copy(head=f"1 {build.small().serial} {build.small().head} 1", base="b" * 64,
            journal="c" * 64)
FINE = Standing(clock=1000, term=1, keys=True, missing=())


FACTS = {"checks.hosts.standing": FINE, "checks.copies.copy": COPY, "storage.file.measure": 1024,
         "hypervisor.kvm.tasks.found": ()}


def there(cfg):
    """The files of all disks, with their sizes."""
    return {str(disk.logical_id[1]): disk.size for disk in cfg.all(Disk)}


def verify(cfg=None, *, fields=None, nodes=build.Nodes, answers=(), **options):
    """({code: messages}, exit code)"""
    cfg = cfg or build.small()
    query = Verify(error_codes=True, **(fields or {}))
    answering = nodes(cfg, answers={**FACTS, "storage.file.found": there(cfg), **dict(answers)},
                      **options)
    said = query.answer(cfg, answering.seen(query.facts(cfg)))
    found = {}
    for line in said.lines:
        _, code, _, name, message = line.split(":", 4)
        found.setdefault(code, []).append(f"{name}: {message}")
    return found, said.exit_code


def changed(thing, **changes):
    cfg = build.small()
    section, key = build.path(thing)
    data = {**cfg.state.data,
            section: {**cfg.state.data[section], key: build.to_data(thing.replace(**changes))}}
    return build.Config(build.MemoryState(data, 1, 7, "a" * 64))


def test_a_healthy_cluster():
    assert verify() == ({}, 0)


def small(kind, name):
    return getattr(build.small(), kind)(name)


@pytest.mark.parametrize(("thing", "changes", "code"), [
    (("instance", "web"), {"primary_node": "n9"}, "ECLUSTERDANGLINGINST"),
    (("node", "node3"), {"group": "g9"}, "ECLUSTERDANGLINGNODES"),
    (("instance", "web"), {"disks": ("d-web", "d9")}, "EINSTANCEMISSINGCFGPARAMETER"),
    (("instance", "web"), {"disks": ()}, "ECLUSTERCFG"),
    (("instance", "web"), {"beparams": {"vcpus": 99}}, "EINSTANCEPOLICY"),
    (("instance", "web"), {"beparams": {"minmem": 4096}}, "EINSTANCEMISSINGCFGPARAMETER"),
    (("node", "node1"), {"vm_capable": False}, "EINSTANCEUNSUITABLENODE"),
    (("node", "node1"), {"offline": True}, "EINSTANCEBADNODE"),
    (("node", "node1"), {"master_candidate": False}, "ECLUSTERCFG"),
])
def test_configurations_that_make_no_sense(thing, changes, code):
    found, status = verify(changed(small(*thing), **changes))
    assert code in found and status == 1


def test_the_same_mac_twice():
    mac = small("instance", "web").nics[0].mac
    db = small("instance", "db")
    found, _ = verify(changed(db, nics=(db.nics[0].replace(mac=mac),)))
    assert found["ECLUSTERCFG"] == [f"db: web has the MAC address {mac}, too"]


def test_guests_that_are_not_where_they_belong():
    found, _ = verify(running={"node2": ["web"], "node3": ["web", "db"]})
    assert sorted(found["EINSTANCEWRONGNODE"]) == [
        "db: runs on node3, its home is node2", "web: runs on node2, its home is node1",
        "web: runs on node3, its home is node1"]
    assert found["EINSTANCEDOWN"] == ["web: does not run on its home node1"]
    found, _ = verify(running={"node1": ["web"], "node2": ["db"]})
    assert found == {"EINSTANCEWRONGNODE": ["db: runs on node2 and should be down"]}


def test_strangers_and_remains():
    stranger = Running(name="mallory", uuid="m", memory=1, vcpus=1)
    found, _ = verify(answers={"node2:hypervisor.kvm.tasks.found": (stranger,),
                               "node3:hypervisor.kvm.tasks.leftovers": ("/run/gnt/kvm/x.qmp",)})
    assert found == {"ENODEORPHANINSTANCE": [
        "node2: runs mallory, which is no instance",
        "node3: /run/gnt/kvm/x.qmp is left of a guest that is gone"]}


def test_what_ended_is_no_stranger():
    ended = Running(name="old", uuid="o", memory=1, vcpus=1, state="shutdown")
    assert verify(answers={"node2:hypervisor.kvm.tasks.found": (ended,)}) == ({}, 0)


def test_disks():
    folder = "/srv/gnt/file-storage"
    found, _ = verify(answers={"node1:storage.file.found": {},
                               "node2:storage.file.found": {f"{folder}/db/d-db.raw": 512},
                               "node3:storage.file.found": {f"{folder}/x/y.raw": 5}})
    assert found["EINSTANCEMISSINGDISK"] == ["web: disk/0 is not on node1"]
    assert found["EINSTANCEFAULTYDISK"] == ["db: disk/0 has 512M on node2, not 1.0G"]
    assert "y.raw (file), which belongs to no instance" in found["ENODEORPHANLV"][0]


def test_a_disk_outside_of_the_folder_is_asked_for_by_itself():
    """The folder of the cluster was changed after the disk had been made."""
    cfg = changed(build.small().cluster, file_storage_dir="/srv/other")
    found, status = verify(cfg)
    assert found == {} and status == 0
    found, _ = verify(cfg, answers={"node2:storage.file.measure": None})
    assert found["EINSTANCEMISSINGDISK"] == ["db: disk/0 is not on node2"]


def test_a_disk_in_a_folder_that_another_template_has_now_is_no_orphan():
    folder = "/srv/gnt/file-storage"
    cfg = changed(build.small().cluster, file_storage_dir="/srv/other",
                  shared_file_storage_dir=folder, enabled_disk_templates=("sharedfile",))
    found, _ = verify(cfg, answers={"node1:storage.file.found": {
        f"{folder}/db/d-db.raw": 1024, f"{folder}/x/y.raw": 5}})
    assert found == {"ENODEORPHANLV": [
        f"node1: has {folder}/x/y.raw (sharedfile), which belongs to no instance"]}


def test_hosts():
    found, status = verify(silent=["node3"], answers={
        "node1:checks.hosts.standing": FINE.replace(term=5, keys=False),
        "node2:checks.hosts.standing": FINE.replace(clock=2000, missing=("flock",)),
        "node1:net.bridged.missing": ("br0",)})
    assert found["ENODERPC"] == ["node3: no route to host"]
    assert found["ENODEVERSION"][0].startswith("node1: knows term 5, this is term 1")
    assert sorted(found["ENODESETUP"]) == [
        "node1: is a master candidate and has no keys", "node2: lacks flock"]
    assert found["ENODENET"] == [
        "node1: has no br0 for bridged NICs", "node2: does not reach node3 at 192.0.2.3"]
    assert len(found["ENODETIME"]) == 1 and status == 1


def test_a_strange_host_key_has_a_code_of_its_own():
    strange = NodeFailed("node2", "hostkey", "its host key is not the recorded one")
    found, _ = verify(answers={"node2:checks.hosts.standing": strange})
    assert found == {"ENODESSH": ["node2: its host key is not the recorded one"]}


def test_an_ignored_code_is_only_a_warning():
    cfg = changed(small("instance", "web"), beparams={"vcpus": 99})
    assert verify(cfg)[1] == 1
    found, status = verify(cfg, fields={"ignore_errors": ("EINSTANCEPOLICY",)})
    assert "EINSTANCEPOLICY" in found and status == 0


def test_one_group_only():
    cfg = build.cluster(Group(uuid="g2", name="rack2"), build.node(3, group="g2"),
                        build.instance("web"))
    fields = {"node_group": "rack2"}
    assert verify(cfg, running={}, fields=fields) == ({}, 0)
    assert verify(cfg, silent=["node1"], fields=fields) == ({}, 0)
    assert "ENODERPC" in verify(cfg, silent=["node3"], fields=fields)[0]


def test_a_running_job_is_no_fault():
    from gnt.model.objects import Job

    job = Job(id="5", operation="instance migrate", params={}, author="a", driver="d",
              state="running", exclusive=("instances/i-web",))
    cfg = build.small()
    data = {**cfg.state.data, "jobs": {"5": build.to_data(job)}}
    cfg = build.Config(build.MemoryState(data, 1, 7, "a" * 64))
    assert verify(cfg, running={"node2": ["web"]}) == ({}, 0)


def test_a_change_that_was_staged_and_left():
    staged = COPY.replace(staged=412, age=30)
    assert verify(answers={"node2:checks.copies.copy": staged}) == ({}, 0)
    found, status = verify(answers={"node2:checks.copies.copy": staged.replace(age=300)})
    assert status == 0 and "412 bytes of a change that was never" in found["ENODEFILECHECK"][0]


def test_copies_of_the_configuration_that_differ():
    other = COPY.replace(journal="d" * 64)
    late = COPY.replace(head="1 3 " + "e" * 64 + " 1")
    ahead = COPY.replace(head="1 99 " + "f" * 64 + " 1")
    copies = {"n1": COPY, "n2": other, "n3": COPY, "n4": late, "n5": ahead}
    found = judged(copies, build.small().head)
    assert found.keys() == {"n2", "n4"}
    assert "journal-1.toml" in found["n2"] and "serial 3, not" in found["n4"]
    assert judged({"n1": COPY, "n2": other}, build.small().head).keys() == {"n1", "n2"}
    assert judged({"n1": COPY}, build.small().head) == {}
