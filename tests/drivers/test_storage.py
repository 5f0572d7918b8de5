"""File disks: made, grown, found, removed, refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from gnt.errors import Invalid, NodeFailed
from gnt.model.codec import to_data
from gnt.model.config import Config, MemoryState
from gnt.model.objects import Cluster, Disk, Group, Instance, Node
from gnt.plan import task_named
from gnt.storage import file
from gnt.storage.base import DiskSpec, Growable, Shared, storage
from tests.drivers.nodes import Nodes, nodes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.storage.file import File

MIB = 1024**2
UUID = "d15c0000-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def two() -> Iterator[Nodes]:
    with nodes("node1", "node2") as made:
        yield made


def config(folder: Path, offline: str = "") -> Config:
    things = (
        (
            "cluster",
            Cluster(
                uuid="cluster",
                cluster_name="c",
                file_storage_dir=str(folder / "own"),
                shared_file_storage_dir=str(folder / "shared"),
            ),
        ),
        ("groups", Group(uuid="g", name="default")),
        *(
            (
                "nodes",
                Node(
                    uuid=f"n{i}",
                    name=f"node{i}",
                    primary_ip="",
                    secondary_ip="",
                    group="g",
                    offline=f"node{i}" == offline,
                ),
            )
            for i in (1, 2)
        ),
        ("instances", Instance(uuid="i1", name="web", primary_node="n2")),
    )
    data: dict[str, dict[str, object]] = {}
    for section, thing in things:
        data.setdefault(section, {})[thing.uuid] = to_data(thing)
    return Config(MemoryState(data, 1, 1, "x"))  # type: ignore[arg-type]  # plain data


def shape(cfg: Config, template: str, **spec: object) -> Disk:
    inst = Instance(uuid="i1", name="web", primary_node="n1")
    made = storage(template).shape(
        cfg, inst, tuple(cfg.nodes[:1]), 0, DiskSpec(**{"size": 8, **spec}), UUID
    )
    return made[0]


@pytest.fixture
def driver() -> File:
    return file.DRIVER


def test_shape_is_recorded_as_the_reference_does(tmp_path: Path) -> None:
    cfg = config(tmp_path)
    disk = shape(cfg, "file")
    assert disk.logical_id == ("loop", f"{tmp_path}/own/web/{UUID}.raw")
    assert (disk.nodes, disk.iv_name, disk.size) == (("n1",), "disk/0", 8)
    assert shape(cfg, "sharedfile").logical_id[1] == f"{tmp_path}/shared/web/{UUID}.raw"


def test_capabilities_are_classes() -> None:
    assert isinstance(storage("file"), Growable) and not isinstance(storage("file"), Shared)
    assert isinstance(storage("sharedfile"), Shared) and isinstance(storage("sharedfile"), Growable)
    assert isinstance(storage("diskless"), Shared)


def test_made_grown_found_and_removed_each_twice(two: Nodes, tmp_path: Path, driver: File) -> None:
    cfg = config(tmp_path)
    disk = shape(cfg, "file")
    node = cfg.nodes[0]
    path = Path(str(disk.logical_id[1]))
    assert two.ask(driver.size(cfg, disk, node)) is None
    assert two.ask(driver.found(cfg, node)) == {}
    for _ in range(2):
        two.do(*driver.create(cfg, disk))
    assert two.ask(driver.size(cfg, disk, node)) == 8
    assert path.stat().st_blocks == 0, "sparse"
    path.write_bytes(b"data".ljust(8 * MIB, b"\0"))
    two.do(*driver.create(cfg, disk))
    for _ in range(2):
        two.do(*driver.grow(cfg, disk, 12))
    two.do(*driver.grow(cfg, disk, 4))  # never smaller
    assert two.ask(driver.found(cfg, node)) == {str(path): 12}
    assert path.read_bytes().startswith(b"data")
    for _ in range(2):
        two.do(*driver.remove(cfg, disk))
    assert list((tmp_path / "own").iterdir()) == []


def test_removing_keeps_the_folder_of_other_disks(two: Nodes, tmp_path: Path, driver: File) -> None:
    cfg = config(tmp_path)
    disk = shape(cfg, "file")
    two.do(*driver.create(cfg, disk))
    other = tmp_path / "own/web/other.raw"
    other.write_bytes(b"")
    two.do(*driver.remove(cfg, disk))
    assert other.exists()


def test_undo_of_what_never_ran(two: Nodes, tmp_path: Path, driver: File) -> None:
    cfg = config(tmp_path)
    two.undo(*driver.create(cfg, shape(cfg, "file")))
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize("orphan", [True, False])
@pytest.mark.parametrize("milliseconds", [0, 1, 2, 3, 4, 6, 8, 10])
def test_create_killed_at_any_instant_and_repeated(
    two: Nodes, tmp_path: Path, driver: File, milliseconds: int, orphan: bool
) -> None:
    cfg = config(tmp_path)
    disk = shape(cfg, "file")
    (step,) = driver.create(cfg, disk)
    script = task_named(step.do.task).script(step.do)
    two["node1"].cut(script, milliseconds / 1000, orphan=orphan)
    two.do(step)
    assert two.ask(driver.size(cfg, disk, cfg.nodes[0])) == 8


def test_a_file_of_another_size_is_not_touched(two: Nodes, tmp_path: Path, driver: File) -> None:
    cfg = config(tmp_path)
    two.do(*driver.create(cfg, shape(cfg, "file")))
    with pytest.raises(NodeFailed, match=f"is there with {8 * MIB} bytes, not {16 * MIB}"):
        two.do(*driver.create(cfg, shape(cfg, "file", size=16)))


def test_links_out_of_the_folder_are_refused(two: Nodes, tmp_path: Path, driver: File) -> None:
    cfg = config(tmp_path)
    disk = shape(cfg, "file")
    (tmp_path / "own").mkdir()
    (tmp_path / "elsewhere").mkdir()
    kept = tmp_path / f"elsewhere/{UUID}.raw"
    kept.write_bytes(b"precious")
    (tmp_path / "own/web").symlink_to(tmp_path / "elsewhere")
    for steps in (driver.create(cfg, disk), driver.remove(cfg, disk), driver.grow(cfg, disk, 16)):
        with pytest.raises(NodeFailed, match="is a symbolic link, which could lead out"):
            two.do(*steps)
    (tmp_path / "own/web").unlink()
    (tmp_path / "own/web").mkdir()
    (tmp_path / f"own/web/{UUID}.raw").symlink_to(kept)
    for steps in (driver.create(cfg, disk), driver.grow(cfg, disk, 16)):
        with pytest.raises(NodeFailed, match="is a symbolic link"):
            two.do(*steps)
    assert kept.read_bytes() == b"precious"


@pytest.mark.parametrize("path", [
    "{0}/x.raw", "{0}/a/b/c.raw", "/etc/a/b", "{0}/../own/x/y", "{0}/./y", "{0}//y", "{0}x/y/z", "",
])  # fmt: skip
def test_paths_that_are_not_below_the_folder(two: Nodes, tmp_path: Path, path: str) -> None:
    base = tmp_path / "own"
    base.mkdir()
    where = path.format(base)
    for call in (
        file.create.on("node1", str(base), where, 8, True),
        file.remove.on("node1", str(base), where),
        file.grow.on("node1", str(base), where, 8),
    ):
        with pytest.raises(NodeFailed, match="is not two levels below"):
            two.ask(call)


def test_full_file_system_is_said(two: Nodes) -> None:
    two["node1"].run("mkdir -p /run/full && mount -t tmpfs -o nr_inodes=2 tmpfs /run/full")
    with pytest.raises(NodeFailed, match="No space left on device"):
        path = f"/run/full/a/{UUID}.raw"
        two.ask(file.create.on("node1", "/run/full", path, 8, True))


def test_shared_folder_that_is_not_mounted(two: Nodes, tmp_path: Path) -> None:
    cfg = config(tmp_path)
    with pytest.raises(NodeFailed, match="is the shared file system mounted"):
        two.do(*storage("sharedfile").create(cfg, shape(cfg, "sharedfile")))


def test_shared_files_are_removed_where_the_instance_is_now(tmp_path: Path) -> None:
    for offline, expected in (("", "node2"), ("node2", "node1")):
        cfg = config(tmp_path, offline)
        steps = list(storage("sharedfile").remove(cfg, shape(cfg, "sharedfile")))
        assert [step.do.node for step in steps] == [expected]


def test_nothing_is_asked_of_an_offline_node(tmp_path: Path, driver: File) -> None:
    cfg = config(tmp_path, "node1")
    assert list(driver.remove(cfg, shape(cfg, "file"))) == []


def test_space_of_a_folder_that_is_yet_to_be_made(two: Nodes, tmp_path: Path, driver: File) -> None:
    cfg = config(tmp_path)
    space = two.ask(driver.space(cfg, cfg.nodes[0]))
    assert space.kind == "file" and 0 < space.free <= space.total


def test_options_that_files_do_not_have(tmp_path: Path) -> None:
    cfg = config(tmp_path)
    with pytest.raises(Invalid, match="has no option vg"):
        shape(cfg, "file", options={"vg": "x"})
    with pytest.raises(Invalid, match="cannot be adopted"):
        shape(cfg, "file", adopt="/x")
    with pytest.raises(Invalid, match="diskless instance has no disks"):
        shape(cfg, "diskless")
