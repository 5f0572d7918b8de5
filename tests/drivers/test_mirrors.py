"""Volumes and mirrored disks: what tools print, what is recorded, what steps look like."""

from __future__ import annotations

from pathlib import Path

import pytest

from gnt.errors import Conflict, Damaged, Invalid, NotYet
from gnt.model.objects import Disk
from gnt.storage.base import Copy, DiskSpec, Growable, Mirrored, Shared, storage
from gnt.storage.drbd.answers import parse_copies
from gnt.storage.drbd.history import parse_history
from gnt.storage.drbd.params import Params, disk_words, net_words
from gnt.storage.drbd.sync import InStep, in_step
from gnt.storage.plain import lvm
from tests.commands import build
from tests.commands.test_plans import with_volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config

PROC = (Path(__file__).parents[1] / "tools/drbd-proc-8.4.txt").read_text()


def cluster() -> Config:
    return with_volumes(build.small(), "web", "drbd")


def shape(cfg: Config, template: str = "drbd", **spec: object) -> tuple[Disk, ...]:
    inst = build.instance("new")
    return storage(template).shape(
        cfg, inst, tuple(cfg.nodes[:2]), 0, DiskSpec(**{"size": 64, **spec}), "u1")


def test_copies_are_read_from_the_kernel() -> None:
    found = parse_copies(PROC)
    assert sorted(found) == [0, 1, 3, 4]
    assert found[0] == Copy(link="SyncSource", role="Primary", here="UpToDate",
                            there="Inconsistent", behind=38296, done=47.1, left=6, speed=5448)
    assert found[0].moving and not found[0].whole
    assert found[1].here == "Outdated" and not found[1].moving
    assert found[3].whole and found[3].left is None
    assert (found[4].done, found[4].left, found[4].speed) == (5.9, 163, 0)
    assert parse_copies("") == {}


@pytest.mark.parametrize(("first", "second", "lacks", "lacked", "split"), [
    ("A00:0:0:0", "A00:0:0:0", False, False, False),
    ("A01:B00:0:0", "B00:0:0:0", False, True, False),  # the partner is away; lowest bits are flags
    ("C00:0:A00:0", "A00:0:0:0", False, True, False),
    ("A00:B00:0:0", "C00:B00:0:0", False, False, True),
    ("4:0:0:0", "A00:0:4:0", True, False, False),
    ("4:0:0:0", "4:0:0:0", False, False, False),
])
def test_copies_tell_what_they_have_seen(
    first: str, second: str, lacks: bool, lacked: bool, split: bool,
) -> None:
    one, other = (parse_history(":".join(word.zfill(16) for word in said.split(":"))
                                + ":1:1:0:1:0:0:0\n") for said in (first, second))
    assert one is not None and other is not None and one.whole
    assert (one.lacks(other), other.lacks(one)) == (lacks, lacked)
    assert one.contradicts(other) is other.contradicts(one) is split


def test_copies_that_are_not_whole_or_say_nothing() -> None:
    said = "0EE112C18B9E0BE2:0000000000000000:F4F4025E7B51E900:0000000000000004:{}:{}:0:1:0:0:0"
    for consistent, current in ((0, 1), (1, 0)):
        found = parse_history(said.format(consistent, current))
        assert found is not None and not found.whole and found.before == ("f4f4025e7b51e900",)
    assert parse_history("") is None
    with pytest.raises(Damaged, match="no generation"):
        parse_history("No usable meta data found")


def test_volume_groups_are_read() -> None:
    space = lvm.parse_space("  4092.00 3896.00\n", "xenvg")
    assert (space.total, space.free, space.kind) == (4092, 3896, "lvm-vg")
    said = "  u.disk0_data 64.00\n  u.disk0_meta 128.00\n  root 900.00\n  swap_1 8.00\n"
    assert lvm.parse_found(said, "xenvg", ("root", "xenvg/swap.*")) == {
        "xenvg/u.disk0_data": 64, "xenvg/u.disk0_meta": 128}
    assert lvm.parse_physical("  4092.00 a-- /dev/vdb\n  96.00 a-m [unknown]\n") == (
        lvm.Physical(name="/dev/vdb", size=4092, missing=False),
        lvm.Physical(name="[unknown]", size=96, missing=True))
    measured = lvm.measure.body("xenvg", "x")
    assert measured.answer("64.00\n") == 64 and measured.answer("") is None
    with pytest.raises(Damaged):
        measured.answer("-1.00")


def test_capabilities_are_classes() -> None:
    assert isinstance(storage("plain"), Growable)
    assert not isinstance(storage("plain"), (Shared, Mirrored))
    assert isinstance(storage("drbd"), Growable) and isinstance(storage("drbd"), Mirrored)
    assert not isinstance(storage("drbd"), Shared)


def test_shape_is_recorded_as_the_reference_does() -> None:
    cfg = cluster()
    disk, data, meta = shape(cfg)
    assert disk.nodes == ("n1", "n2") and disk.children == (data.uuid, meta.uuid)
    first, second, port, minor, other, secret = disk.logical_id
    assert (first, second, minor, other) == ("n1", "n2", 1, 1)  # web has 0 on both
    assert 11000 <= int(port) < 15000 and port != 11007 and len(str(secret)) == 40
    assert data.logical_id == ("xenvg", "u1.disk0_data") and data.size == 64
    assert meta.logical_id == ("xenvg", "u1.disk0_meta") and meta.size == 128
    assert storage("drbd").usage(disk) == 192


def test_several_disks_of_one_request_take_nothing_from_each_other() -> None:
    cfg = cluster()
    seen = set()
    inst, nodes = build.instance("new"), tuple(cfg.nodes[:2])
    for number in range(4):
        disk, *children = storage("drbd").shape(
            cfg, inst, nodes, number, DiskSpec(size=8), f"u{number}")
        cfg = cfg.plus(disk, *children)
        seen.add((disk.logical_id[2], disk.logical_id[3], disk.logical_id[4]))
    assert {minor for _, minor, _ in seen} == {1, 2, 3, 4}
    assert len({port for port, *_ in seen}) == 4


def test_consoles_and_disks_share_the_ports() -> None:
    from gnt.model.names import PORTS, digest, new_port

    cfg = cluster()
    usual = new_port(cfg, "some")
    assert usual == PORTS[int.from_bytes(digest("port", "some")[:4], "big") % len(PORTS)]
    taken = cfg.one(Disk, "d-web")
    moved = cfg.plus(taken.replace(logical_id=(*taken.logical_id[:2], usual, 0, 0, "s")))
    assert new_port(moved, "some") == usual + 1


def test_options_of_volumes() -> None:
    cfg = cluster()
    _, data, meta = shape(cfg, options={"vg": "fast", "metavg": "slow"})
    assert (data.logical_id[0], meta.logical_id[0]) == ("fast", "slow")
    with pytest.raises(Invalid, match="no option colour"):
        shape(cfg, options={"colour": "red"})
    with pytest.raises(NotYet, match="adopting"):
        shape(cfg, "plain", adopt="old")
    with pytest.raises(Conflict, match="no volume group"):
        shape(cfg.plus(cfg.cluster.replace(volume_group_name=None)), "plain")


def test_parameters_become_words() -> None:
    assert disk_words(Params()) == ("--c-plan-ahead=0", "--resync-rate=61440k")
    made = disk_words(Params(dynamic_resync=True, disk_barriers="bf", meta_barriers=True,
                             c_fill_target=100, disk_custom="--al-extents=257"))
    assert made == ("--c-plan-ahead=20", "--c-fill-target=100s", "--c-delay-target=1",
                    "--c-max-rate=61440k", "--c-min-rate=4096k", "--disk-barrier=no",
                    "--disk-flushes=no", "--md-flushes=no", "--al-extents=257")
    assert net_words(Params(protocol="A", net_custom="--ping-int=5 --timeout=40"))[-2:] == (
        "--ping-int=5", "--timeout=40")
    with pytest.raises(Invalid, match="quotation"):
        net_words(Params(net_custom="'"))


@pytest.mark.parametrize("word", ["", "x", "nb", "bb"])
def test_barriers_that_are_none(word: str) -> None:
    with pytest.raises(Invalid, match="letters of b, f and d"):
        Params.FIELDS["disk_barriers"].kind.read(word, "x")


def test_secrets_are_not_shown() -> None:
    cfg = cluster()
    steps = list(storage("drbd").activate(cfg, cfg.one(Disk, "d-web"), cfg.nodes[0]))
    connects = [step for step in steps if step.do.task.endswith("connect")]
    assert len(connects) == 2 and all("secret=…" in str(step) for step in connects)
    assert "s3cret" not in " ".join(str(step) for step in steps)


class Proc:
    """A node whose /proc/drbd changes with every look."""

    def __init__(self, *looks: str) -> None:
        self.looks, self.told = list(looks), []

    def script(self, asked: object, deadline: float) -> object:
        said = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return asked.answer(said)  # type: ignore[attr-defined]  # a Script

    def tell(self, progress: object) -> None:
        self.told.append(progress)


def line(link: str, here: str, there: str, more: str = "") -> str:
    return f" 0: cs:{link} ro:Primary/Secondary ds:{here}/{there} C r-----\n{more}"


def test_waiting_tells_how_far_it_is() -> None:
    node = Proc(PROC, line("Connected", "UpToDate", "UpToDate"))
    assert in_step.body(node, "node1", 0, "disk/0", True) == InStep()
    (told,) = node.told
    assert told.what == "bring disk/0 in step, 5.3 MiB/s, 6 s left"
    assert told.total // 1024**2 in (70, 71) and round(told.done / told.total, 2) == 0.47


def test_waiting_for_a_device_that_is_not_there() -> None:
    assert in_step.body(Proc(""), "node1", 0, "disk/0", False).told() == (
        "disk/0 is not in step: its device is not there")
    from gnt.errors import NodeFailed

    with pytest.raises(NodeFailed, match="its device is not there"):
        in_step.body(Proc(""), "node1", 0, "disk/0", True)


