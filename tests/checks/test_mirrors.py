"""What verify says of volume groups and of mirrored disks."""

from __future__ import annotations

from gnt.errors import NodeFailed
from gnt.storage.base import Copy, Kernel
from gnt.storage.plain.lvm import Physical
from tests.commands import build
from tests.commands import test_verify as usual
from tests.commands.test_plans import with_volumes

COPIES = "storage.drbd.tasks.copies"
KERNEL = "storage.drbd.tasks.kernel"
PHYSICAL = "storage.plain.lvm.physical"
GOOD = Copy(link="Connected", role="Secondary", here="UpToDate", there="UpToDate")


def cluster(**settings):
    cfg = with_volumes(build.small(), "web", "drbd")
    return cfg.plus(cfg.cluster.replace(**settings))


def verify(cfg, answers=()):
    volumes = {f"xenvg/d-web.disk0_{kind}": size for kind, size in (("data", 1024), ("meta", 128))}
    return usual.verify(cfg, answers={
        "storage.plain.lvm.found": {}, "node1:storage.plain.lvm.found": volumes,
        "node2:storage.plain.lvm.found": volumes, "storage.plain.lvm.measure": 1024,
        "storage.file.found": {"/srv/gnt/file-storage/db/d-db.raw": 1024}, **dict(answers)})


def test_a_healthy_cluster():
    assert verify(cluster()) == ({}, 0)


def test_devices_of_no_disk():
    found, _ = verify(cluster(), answers={f"node3:{COPIES}": {4: GOOD}})
    assert found == {"ENODEDRBD": ["node3: has a device with the number 4, which belongs to no "
                                   "disk"]}
    failed = NodeFailed("node3", "failed", "DRBD said nonsense")
    found, status = verify(cluster(), answers={f"node3:{COPIES}": failed})
    assert found == {"ENODEDRBD": ["node3: DRBD said nonsense"]} and status == 1


def test_copies_that_are_apart():
    bad = GOOD.replace(link="StandAlone", here="Outdated", there="DUnknown")
    found, _ = verify(cluster(), answers={f"node2:{COPIES}": {0: bad}})
    (line,) = found.pop("EINSTANCEFAULTYDISK")
    assert found == {} and line.startswith(
        "web: the copy of disk/0 on node2 is Outdated, the other one DUnknown (StandAlone)")
    assert "MIRRORED DISKS, says what to do" in line
    found, _ = verify(cluster(), answers={f"node2:{COPIES}": {}})
    assert found == {"EINSTANCEFAULTYDISK": [
        "web: the copy of disk/0 on node2 is not in use"]}
    syncing = GOOD.replace(link="SyncTarget", here="Inconsistent", done=41.6)
    found, _ = verify(cluster(), answers={f"node2:{COPIES}": {0: syncing}})
    assert found == {"EINSTANCEFAULTYDISK": ["web: disk/0 is brought in step, 42 % on node2"]}


def test_volumes_of_no_disk():
    found, _ = verify(cluster(reserved_lvs=("root",)), answers={
        "node3:storage.plain.lvm.found": {"xenvg/d-old.disk0_data": 1024}})
    assert found == {"ENODEORPHANLV": [
        "node3: has xenvg/d-old.disk0_data (plain), which belongs to no instance"]}


def test_kernels():
    found, _ = verify(cluster(), answers={
        f"node2:{KERNEL}": Kernel(version="8.4.7", helper="/bin/true"),
        f"node3:{KERNEL}": Kernel(version="8.4.11", helper="/sbin/drbdadm")})
    assert found == {
        "ENODEDRBDVERSION": ["node2: has DRBD 8.4.7, others of its group 8.4.11"],
        "ENODEDRBDHELPER": ["node3: calls /sbin/drbdadm at events of DRBD, not /bin/true"]}


def test_a_kernel_without_drbd():
    found, status = verify(cluster(), answers={f"node3:{KERNEL}": Kernel(version="", helper="")})
    assert status == 1 and found == {"ENODEDRBDVERSION": [
        "node3: its kernel has no DRBD, which the disk template drbd needs"]}
    assert verify(cluster(), answers={KERNEL: None}) == ({}, 0)  # loaded when it is needed


def test_volume_groups():
    failed = NodeFailed("node2", "failed", "exit status 1",
                        stderr="there is no volume group xenvg on this node\n")
    lost = (Physical(name="[unknown]", size=100, missing=True),)
    found, status = verify(cluster(), answers={f"node2:{PHYSICAL}": failed,
                                               f"node3:{PHYSICAL}": lost})
    assert found == {"ENODELVM": ["node2: there is no volume group xenvg on this node",
                                  "node3: [unknown] of the volume group is missing"]}
    assert status == 1


def test_physical_volumes_of_exclusive_storage():
    answers = {f"node2:{PHYSICAL}": (Physical(name="/dev/sdb", size=900, missing=False),)}
    assert verify(cluster(), answers=answers) == ({}, 0)
    found, _ = verify(cluster(ndparams={"exclusive_storage": True}), answers=answers)
    assert found["EGROUPDIFFERENTPVSIZE"] == [
        "default: its physical volumes have from 900 to 1000 MiB"]
