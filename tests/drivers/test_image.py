"""Images: what is refused before anything reads it, and what reaches the disk."""

from __future__ import annotations

import contextlib
import hashlib
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnt.errors import Invalid, NodeFailed
from gnt.guest import image
from gnt.guest.formats import Shape, inspect
from gnt.storage.base import Source
from tests.drivers.nodes import LocalNode, Nodes, nodes, wait_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

DISK = "11111111-2222-4333-8444-555555555555"
MIB = 1024**2


@pytest.fixture(scope="module")
def one() -> Iterator[Nodes]:
    with nodes("node1") as made:
        made["node1"].run("mkdir -p /var/cache/gnt && mount -t tmpfs tmpfs /var/cache/gnt")
        yield made


def qcow2(path: Path, size: str = "8M", *words: str) -> Path:
    subprocess.run(("qemu-img", "create", "-q", "-f", "qcow2", *words, str(path), size), check=True)
    subprocess.run(
        ("qemu-io", "-c", "write -P 7 0 2M", str(path)), check=True, stdout=subprocess.DEVNULL
    )
    return path


def changed(path: Path, offset: int, data: bytes) -> Path:
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)
    return path


def write(one: Nodes, source: str, target: Path, *, sha256: str = "", size: int = 16) -> None:
    if not target.exists():
        target.write_bytes(b"")
        with open(target, "r+b") as file:
            file.truncate(size * MIB)
    wanted = image.Image(source=source, sha256=sha256)
    attempt, settle = image.install(
        wanted, "node1", DISK, Source(driver="file", path=str(target)), size
    )
    try:
        one.do(attempt)
    finally:
        one.do(settle)


def sum_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_qcow2_reaches_the_disk_which_keeps_its_size(one: Nodes, tmp_path: Path) -> None:
    target = tmp_path / "disk.raw"
    source = qcow2(tmp_path / "a.qcow2")
    one["node1"].told.clear()
    write(one, str(source), target, sha256=sum_of(source))
    data = target.read_bytes()
    assert (
        data[: 2 * MIB] == b"\7" * (2 * MIB) and not any(data[2 * MIB :]) and len(data) == 16 * MIB
    )
    assert one["node1"].told[-1].done == 100


def test_raw_reaches_the_disk_without_a_sum(one: Nodes, tmp_path: Path) -> None:
    source, target = tmp_path / "a.raw", tmp_path / "disk.raw"
    source.write_bytes(b"boot" * 128 * 100)
    write(one, str(source), target)
    assert target.read_bytes()[: 4 * 128 * 100] == source.read_bytes()


WEB = """
import http.server, sys, time

class Page(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if not self.path.startswith("/odd-"):
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b"x" * 5000)
        self.wfile.flush()
        if self.path == "/odd-silent":
            time.sleep(60)

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

print("Serving", flush=True)
"""
WEB += "Server(('127.0.0.1', 8080), lambda *a: Page(*a, directory=sys.argv[1])).serve_forever()"
SITE = "http://127.0.0.1:8080"


@contextlib.contextmanager
def web(node: LocalNode, folder: Path) -> Iterator[None]:
    """A site on a node: the folder, a page that breaks off, and one that falls silent."""
    server = subprocess.Popen(
        (*node.enter, "python3", "-c", WEB, str(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert server.stdout is not None and b"Serving" in server.stdout.readline()
    wait_for(lambda: "1F90" in node.run("grep ' 0A ' /proc/net/tcp || :").stdout)
    try:
        yield
    finally:
        server.kill()
        server.wait()


HIDDEN = {"curl": (), "wget": ("curl",), "wget of busybox": ("curl",), "busybox": ("curl", "wget")}


@pytest.fixture(scope="module", params=HIDDEN)
def fetching(request: pytest.FixtureRequest) -> Iterator[Nodes]:
    """A node that has only one program to fetch with."""
    with nodes("node1") as made:
        run = made["node1"].run
        run("mkdir -p /var/cache/gnt && mount -t tmpfs tmpfs /var/cache/gnt")
        for program in HIDDEN[request.param]:
            run(f"mount --bind /dev/null $(command -v {program})")
        if request.param == "wget of busybox":
            run("mount --bind $(command -v busybox) $(command -v wget)")
        yield made


@pytest.mark.slow  # a silent server is waited for
def test_url_is_fetched_by_what_the_node_has(fetching: Nodes, tmp_path: Path) -> None:
    source = qcow2(tmp_path / "a b.qcow2")
    url, target = f"{SITE}/a%20b.qcow2", tmp_path / "disk.raw"
    with web(fetching["node1"], tmp_path):
        for place, problem in (
            (url, f"the sum of .* is {sum_of(source)} .*, not 0000"),
            (f"{SITE}/none", rf"cannot fetch {SITE}/none: .*404"),
            (f"{SITE}/odd-short", r"odd-short: \w+ ended with [1-9]\d* after 5000 bytes"),
            ("http://127.0.0.1:9/a", r"cannot fetch http://127.0.0.1:9/a: .*(refused|connect)"),
        ):
            with pytest.raises(NodeFailed, match=problem):
                write(fetching, place, target, sha256="0" * 64)
        write(fetching, url, target, sha256=sum_of(source))
        with pytest.raises(NodeFailed, match=r"odd-silent: nothing came for 1 s"):
            words = (f"{SITE}/odd-silent", "0" * 64, image.CACHE, "1")
            image._watch(fetching["node1"], "node1", "fetch", image._FETCH, *words)
    assert target.read_bytes()[:MIB] == b"\7" * MIB
    assert fetching["node1"].run("ls /var/cache/gnt/images | grep -c part || :").stdout == "0\n"


def test_url_is_kept_by_its_sum(one: Nodes, tmp_path: Path) -> None:
    source = qcow2(tmp_path / "a b.qcow2")
    url = f"{SITE}/a%20b.qcow2"
    with web(one["node1"], tmp_path):
        write(one, url, tmp_path / "disk.raw", sha256=sum_of(source))
    (tmp_path / "disk.raw").unlink()
    write(one, url, tmp_path / "disk.raw", sha256=sum_of(source))  # nothing serves it any more
    assert (tmp_path / "disk.raw").read_bytes()[:MIB] == b"\7" * MIB


def test_a_damaged_copy_in_the_cache_is_fetched_again_not_used(one: Nodes, tmp_path: Path) -> None:
    source = qcow2(tmp_path / "a.qcow2")
    total = sum_of(source)
    one["node1"].run(f"mkdir -p /var/cache/gnt/images; echo bad >/var/cache/gnt/images/{total}")
    with pytest.raises(NodeFailed, match="cannot fetch"):
        write(one, "http://127.0.0.1:9/a", tmp_path / "disk.raw", sha256=total)


def test_wrong_sum_of_a_file(one: Nodes, tmp_path: Path) -> None:
    source, target = qcow2(tmp_path / "a.qcow2"), tmp_path / "disk.raw"
    with pytest.raises(NodeFailed, match=f"is {sum_of(source)}, not ffff"):
        write(one, str(source), target, sha256="f" * 64)
    assert not any(target.read_bytes())


def test_missing_and_truncated_files(one: Nodes, tmp_path: Path) -> None:
    target = tmp_path / "disk.raw"
    with pytest.raises(NodeFailed, match="it has no file /none"):
        write(one, "/none", target)
    source = qcow2(tmp_path / "a.qcow2")
    for length, problem in ((2 * MIB, "truncated or damaged"), (60, "header is not complete")):
        source.write_bytes(source.read_bytes()[:length])
        with pytest.raises(NodeFailed, match=problem):
            write(one, str(source), target)
    source.write_bytes(b"x" * 1000)
    with pytest.raises(NodeFailed, match="not a multiple of 512"):
        write(one, str(source), target)
    assert not any(target.read_bytes())


def test_image_larger_than_the_disk_says_what_to_type(one: Nodes, tmp_path: Path) -> None:
    with pytest.raises(NodeFailed, match=r"is 100M, the disk only 16M") as caught:
        write(one, str(qcow2(tmp_path / "a.qcow2", "100M")), tmp_path / "disk.raw")
    assert caught.value.hint == "--disk 0:size=100m"


def test_full_disk_is_said(one: Nodes, tmp_path: Path) -> None:
    one["node1"].run(
        "mkdir -p /run/small && mount -t tmpfs -o size=1m tmpfs /run/small && "
        "truncate -s 16M /run/small/disk"
    )
    source = qcow2(tmp_path / "a.qcow2")
    attempt, _ = image.install(
        image.Image(source=str(source)),
        "node1",
        DISK,
        Source(driver="file", path="/run/small/disk"),
        16,
    )
    with pytest.raises(NodeFailed, match="No space left on device"):
        one.do(attempt)
    assert one["node1"].run("ls /run/gnt/installed 2>/dev/null || :").stdout == ""


def test_a_resumed_job_does_not_write_over_a_started_guest(one: Nodes, tmp_path: Path) -> None:
    source, target = qcow2(tmp_path / "a.qcow2"), tmp_path / "disk.raw"
    target.write_bytes(bytes(16 * MIB))
    steps = image.install(
        image.Image(source=str(source)), "node1", DISK, Source(driver="file", path=str(target)), 16
    )
    one.do(steps[0])
    changed(target, 0, b"the guest wrote this")
    one.do(steps[0])
    assert target.read_bytes().startswith(b"the guest wrote this")
    one.do(steps[1])
    one.do(steps[0])
    one.do(steps[1])
    assert target.read_bytes().startswith(b"\7")


@pytest.mark.parametrize(
    ("offset", "data", "problem"),
    [
        (8, struct.pack(">Q", 0x500), "backing file"),
        (4, struct.pack(">I", 9), "version 9"),
        (20, struct.pack(">I", 40), r"clusters of 2\^40"),
        (24, struct.pack(">Q", 2**63), "long inside"),
        (32, struct.pack(">I", 2), "encrypted"),
        (60, struct.pack(">I", 1), "snapshots"),
        (72, struct.pack(">Q", 1 << 1), "corrupt"),
        (72, struct.pack(">Q", 1 << 2), "another file"),
        (72, struct.pack(">Q", 1 << 40), "feature 40"),
    ],
)
def test_dangerous_qcow2_features(tmp_path: Path, offset: int, data: bytes, problem: str) -> None:
    path = changed(qcow2(tmp_path / "a.qcow2"), offset, data)
    with pytest.raises(Invalid, match=problem):
        inspect(path.read_bytes()[:512], path.stat().st_size, "a.qcow2")


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (b"", "empty"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"KDMV\1", "VMDK"),
        (b"vhdxfile", "VHDX"),
        (b"<!DOCTYPE html>", "web page"),
        (b"LUKS\xba\xbe", "encrypted"),
    ],
)
def test_other_formats(head: bytes, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        inspect(head, len(head), "x")


def test_zstd_compressed_clusters_are_harmless(tmp_path: Path) -> None:
    path = qcow2(tmp_path / "a.qcow2", "8M", "-o", "compression_type=zstd")
    assert inspect(path.read_bytes()[:512], 10**6, "x") == Shape(format="qcow2", size=8 * MIB)


@given(head=st.binary(max_size=512), size=st.integers(0, 2**64))
def test_any_bytes_have_a_shape_or_a_reason(head: bytes, size: int) -> None:
    for start in (b"", b"QFI\xfb", b"QFI\xfb\0\0\0\3"):
        try:
            shape = inspect((start + head)[:512], size, "x")
        except Invalid as error:
            assert error.problem
        else:
            assert shape.size > 0


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({"image": "relative.img"}, "-O.image"),
        ({"image": "ftp://x/y"}, "-O.image"),
        ({"image": "http://x/y"}, "-O.image"),
        ({"image": "/a", "sha256": "12"}, "-O.sha256"),
        ({"sha256": "0" * 64}, "-O.sha256"),
    ],
)
def test_bad_parameters_are_named(params: dict[str, str], where: str) -> None:
    with pytest.raises(Invalid) as caught:
        image.read(params)
    assert caught.value.where == where


def test_no_image_is_no_image() -> None:
    assert image.read({}) is None
