"""The n-th call of every kind fails, once or for ever: the old state stays readable, nothing that
was acknowledged is lost, and when the fault is gone, work goes on."""

import errno
import os

import pytest
from chains import KEY
from clusters import Cluster, change

from gnt.config.disk import CacheDisk, Disk
from gnt.config.memory_state import FollowingState
from gnt.config.record import Author
from gnt.config.replica import Replica
from gnt.config.store import SignedStore
from gnt.config.trust import Pin
from gnt.errors import GntError

pytestmark = pytest.mark.later


class Fault:
    """Which call fails, and how; shared by the disks of one test."""

    def __init__(self):
        self.kind, self.left, self.code, self.forever, self.short = "", 0, errno.EIO, False, False
        self.hit = 0

    def arm(self, kind, number, code, forever):
        self.kind, self.left, self.code, self.forever = kind, number, code, forever

    def check(self, kind):
        if kind == self.kind:
            self.left -= 1
            if self.left == 0 or (self.forever and self.left < 0):
                self.hit += 1
                raise OSError(self.code, os.strerror(self.code))


class FaultyDisk(Disk):
    """A disk whose calls fail as its fault says.  A failing write may first write a part (torn)."""

    fault: Fault

    def open(self, path, flags):
        if flags & os.O_CREAT:
            self.fault.check("open")
        return super().open(path, flags)

    def remove(self, name):
        self.fault.check("remove")
        super().remove(name)

    def write(self, descriptor, data):
        self.fault.check("write nothing")
        try:
            self.fault.check("write")
        except OSError:
            os.write(descriptor, data[: len(data) // 2])
            raise
        return os.write(descriptor, data[: max(1, len(data) * 2 // 3)])  # always short

    def fsync(self, descriptor):
        self.fault.check("fsync")

    def rename(self, old, new):
        self.fault.check("rename")
        os.rename(old, new)

    def truncate(self, descriptor, size):
        self.fault.check("truncate")
        os.ftruncate(descriptor, size)


def cluster_with(tmp_path, fault, victim, lease=20):
    cluster = Cluster(tmp_path, lease=lease)
    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    faulty = FaultyDisk(cluster.disks[victim].directory)
    faulty.fault = fault
    cluster.disks[victim] = faulty
    return cluster


def names(config):
    return {instance.uuid for instance in config.instances}


SITES = [(kind, code) for kind in ("open", "write", "write nothing", "fsync", "rename")
         for code in (errno.ENOSPC, errno.EDQUOT, errno.EIO)]
SITES += [("truncate", errno.EIO), ("remove", errno.EIO)]
RARE = ("truncate", "remove")  # which an undisturbed commit may not need


@pytest.mark.parametrize("victim", ["n1", "n2"])
@pytest.mark.parametrize("forever", [False, True])
@pytest.mark.parametrize(("kind", "code"), SITES)
def test_every_write_site(tmp_path, kind, code, forever, victim):
    number, hit = 0, True
    while hit:
        number += 1
        place = tmp_path / str(number)
        place.mkdir()
        fault = Fault()
        # a lease that cannot be taken away is waited for
        cluster = cluster_with(place, fault, victim, lease=1 if kind == "remove" else 20)
        driver = cluster.driver()
        driver.read()
        fault.arm(kind, number, code, forever)
        acknowledged = {"a"}
        try:
            driver.commit(lambda _: change("instances/b"), attempts=2)
            acknowledged.add("b")
        except GntError as error:
            assert error.message
        hit = fault.hit > 0
        fault.arm("", 0, 0, False)
        driver.release()
        seen = names(cluster.driver().read())
        assert acknowledged <= seen <= {"a", "b"}, (kind, number, acknowledged, seen)
        after = cluster.driver()
        assert names(after.commit(lambda _: change("instances/c"))) == seen | {"c"}
        assert set(after.redistribute().values()) == {""}
        assert len(cluster.heads()) == 1
    assert number > 1 or kind in RARE


class FaultyCache(CacheDisk, FaultyDisk):
    """The same for a driver's own copy, which nobody syncs."""

    fsync = CacheDisk.fsync


@pytest.mark.parametrize("forever", [False, True])
@pytest.mark.parametrize(("kind", "code"), [site for site in SITES if site[0] != "fsync"])
def test_every_write_site_of_the_driver_s_own_copy(tmp_path, kind, code, forever):
    """What it says is saved is saved, and the next command finds a copy that it can use."""
    cluster = Cluster(tmp_path)
    cluster.create()
    number, hit, acknowledged = 0, True, set()
    place = tmp_path / "copy"
    place.mkdir()
    while hit:
        number += 1
        fault = Fault()
        disk = FaultyCache(str(place))
        disk.fault = fault
        copy = Replica(disk, FollowingState(), Pin(signers=(KEY.public,)))
        store = SignedStore(cluster.peers(), copy, Author("root@t", lambda: KEY, lambda: 1000.0),
                            hints=cluster.names)
        fault.arm(kind, number, code, forever)
        name = f"i{number}"
        try:
            store.commit(lambda _, name=name: change(f"instances/{name}"), attempts=2)
            acknowledged.add(name)
        except (GntError, OSError) as error:  # which the front end names, too
            assert str(error)
        hit = fault.hit > 0
        fault.arm("", 0, 0, False)
        store.release()
        seen = names(cluster.driver(replica=place).read())
        assert acknowledged <= seen <= acknowledged | {name}, (kind, number)
        acknowledged = seen
    assert number > 1 or kind in RARE


def test_a_full_disk_of_a_minority_does_not_matter(tmp_path):
    fault = Fault()
    cluster = cluster_with(tmp_path, fault, "n3")
    fault.arm("write", 1, errno.ENOSPC, forever=True)
    driver = cluster.driver()
    for name in "bcd":
        driver.commit(lambda _, n=name: change(f"instances/{n}"))
    assert names(driver.read()) == {"a", "b", "c", "d"}
    fault.arm("", 0, 0, False)
    driver.redistribute()
    assert len(cluster.heads()) == 1


def test_a_full_disk_of_the_master_is_named(tmp_path):
    fault = Fault()
    cluster = cluster_with(tmp_path, fault, "n1")
    fault.arm("write", 1, errno.ENOSPC, forever=True)
    with pytest.raises(GntError, match=r"n1.*No space left"):
        cluster.driver().commit(lambda _: change("instances/b"))
    assert names(cluster.driver().read()) == {"a"}


def small_file_system(folder, size):
    import subprocess

    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "gnt-config", str(folder)],
                   check=True)


@pytest.mark.lab
def test_a_full_disk_under_the_shell_functions(tmp_path):
    """The same for candidate.sh, on a real file system without room."""
    import subprocess

    small_file_system(tmp_path / "n2", "64k")
    try:
        cluster = Cluster(tmp_path, kind="remote")
        store = cluster.create()
        store.commit(lambda _: change("instances/a"))
        filler = tmp_path / "n2" / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError as error:
                assert error.errno == errno.ENOSPC
        before = (cluster.disks["n2"].read("head"), cluster.disks["n2"].read("journal-1.toml"))
        for number in range(12):
            store.commit(lambda _, n=number: change(f"instances/b{n}", reason="x" * 900))
        assert cluster.disks["n2"].read("journal-1.toml").startswith(before[1])
        assert cluster.disks["n2"].read("head")
        filler.unlink()
        assert set(store.redistribute().values()) == {""}
        assert len(cluster.heads()) == 1
        cluster.close()
    finally:
        subprocess.run(["umount", str(tmp_path / "n2")], check=True)
