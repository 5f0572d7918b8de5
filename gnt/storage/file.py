"""Disks that are sparse raw files below the cluster's ``file_storage_dir``, on one node.

``logical_id`` is (driver, path), as the reference's; the file is called after the disk's uuid, so
a file that is there is ours, and making it twice is making it once.
"""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.plan import Script, Step, node_task, script
from gnt.storage.base import Growable, Source, Space, online
from gnt.values import natural, show_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance, Node
    from gnt.plan import Call
    from gnt.storage.base import DiskSpec

MIB = 1024**2

_BELOW = r"""
base=$1 path=$2
folder=${path%/*}
case $path in
    "$base"/*/*/*|*/./*|*/../*|*//*) bad=yes ;;
    "$base"/*/*) bad= ;;
    *) bad=yes ;;
esac
[ -z "$bad" ] || { echo "$path is not two levels below $base" >&2; exit 1; }
for part in "$folder" "$path"; do
    if [ -L "$part" ]; then
        echo "$part is a symbolic link, which could lead out of $base" >&2
        exit 1
    fi
done
"""

_CREATE = (
    _BELOW
    + r"""
bytes=$3 make=$4
umask 077
if [ ! -d "$base" ]; then
    if [ "$make" != yes ]; then
        echo "there is no $base on this node: is the shared file system mounted?" >&2
        exit 1
    fi
    mkdir -p "$base" || exit 1
fi
mkdir -p "$folder" || exit 1
if [ -e "$path" ]; then
    [ -f "$path" ] || { echo "$path is there and is no file" >&2; exit 1; }
else
    # never over another's file; but a killed driver's script may still be at it
    (set -C; : >"$path") 2>/dev/null || [ -f "$path" ] || { : >>"$path" || exit 1; }
fi
size=$(stat -c %s "$path") || exit 1
[ "$size" != "$bytes" ] || exit 0
[ "$size" = 0 ] || { echo "$path is there with $size bytes, not $bytes" >&2; exit 1; }
truncate -s "$bytes" "$path"
"""
)

_REMOVE = (
    _BELOW
    + r"""
rm -f "$path" || exit 1
[ ! -d "$folder" ] || rmdir "$folder" 2>/dev/null
exit 0
"""
)

_GROW = (
    _BELOW
    + r"""
bytes=$3
size=$(stat -c %s "$path") || exit 1
[ "$size" -lt "$bytes" ] || exit 0
truncate -s "$bytes" "$path"
"""
)

_SIZE = r"""
[ ! -f "$1" ] || stat -c %s "$1"
"""

_SPACE = r"""
folder=$1
while [ ! -d "$folder" ] && [ "$folder" != / ]; do folder=${folder%/*}; folder=${folder:-/}; done
df -P -k "$folder" | tail -n 1
"""

_FOUND = r"""
[ -d "$1" ] || exit 0
find -H "$1" -mindepth 2 -maxdepth 2 -type f -exec stat -c '%s %n' {} +
"""


@node_task(deadline=60)
def create(base: str, path: str, size: int, make_base: bool) -> Script[None]:
    """Make a sparse file of ``size`` MiB, in a folder of its instance."""
    return script(_CREATE, base, path, size * MIB, make_base)


@node_task(deadline=120)
def remove(base: str, path: str) -> Script[None]:
    """Take the file away, and its folder when it is empty."""
    return script(_REMOVE, base, path)


@node_task(deadline=60)
def grow(base: str, path: str, size: int) -> Script[None]:
    """Make the file ``size`` MiB, if it is smaller."""
    return script(_GROW, base, path, size * MIB)


@node_task(deadline=20)
def measure(path: str) -> Script[int | None]:
    """MiB of a file, or None."""
    return script(_SIZE, path, parse=_size)


def _size(output: str) -> int | None:
    return natural(output.strip()) // MIB if output else None


@node_task(deadline=20)
def space(folder: str, kind: str) -> Script[Space]:
    """The file system that a folder is, or will be, on."""
    return script(_SPACE, folder, parse=lambda output: parse_space(output, kind, folder))


@node_task(deadline=60)
def found(base: str) -> Script[Mapping[str, int]]:
    """All files of instances below ``base`` and their MiB."""
    return script(_FOUND, base, parse=parse_found)


def parse_space(output: str, kind: str, folder: str) -> Space:
    """What ``df -P -k`` says: file system, blocks, used, available, use, mount."""
    words = output.split()
    numbers = [i for i, word in enumerate(words) if word.isdecimal()]
    total, free = words[numbers[0]], words[numbers[0] + 2]
    return Space(kind=kind, name=folder, total=natural(total) // 1024, free=natural(free) // 1024)


def parse_found(output: str) -> dict[str, int]:
    """Lines of bytes and path."""
    lines = (line.split(" ", 1) for line in output.splitlines())
    return {path: natural(size) // MIB for size, path in lines}


class File(Growable):
    name = "file"
    makes_base = True

    def base(self, cfg: Config) -> str:
        """The folder below which everything is."""
        return cfg.cluster.file_storage_dir.rstrip("/")

    def place(self, cfg: Config, disk: Disk) -> tuple[str, ...]:
        """The names of the nodes that make and remove the file."""
        return tuple(node.name for node in online(cfg, disk))

    def shape(
        self, cfg: Config, inst: Instance, nodes: tuple[Node, ...], index: int, spec: DiskSpec,
        uuid: str,
    ) -> tuple[Disk, ...]:
        if spec.options:
            raise Invalid(
                f"--disk {index}", f"a {self.name} disk has no option {', '.join(spec.options)}"
            )
        if spec.adopt:
            raise Invalid(f"--disk {index}", f"{self.name} disks cannot be adopted")
        path = f"{self.base(cfg)}/{inst.name}/{uuid}.raw"
        return (self.recorded(inst, index, spec, uuid, nodes[:1], ("loop", path)),)

    def create(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        base, path = self.base(cfg), _path(disk)
        for node in self.place(cfg, disk):
            yield Step(
                do=create.on(node, base, path, disk.size, self.makes_base),
                undo=remove.on(node, base, path),
                title=f"create {disk.iv_name} ({show_size(disk.size)}) on {node}",
            )

    def remove(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        for node in self.place(cfg, disk):
            yield Step(
                do=remove.on(node, self.base(cfg), _path(disk)),
                title=f"remove {disk.iv_name} from {node}",
            )

    def source(self, cfg: Config, disk: Disk, node: Node) -> Source:
        return Source(driver="file", path=_path(disk))

    def size(self, cfg: Config, disk: Disk, node: Node) -> Call[int | None]:
        return measure.on(node.name, _path(disk))

    def space(self, cfg: Config, node: Node) -> Call[Space]:
        return space.on(node.name, self.base(cfg), self.name)

    def found(self, cfg: Config, node: Node) -> Call[Mapping[str, int]]:
        return found.on(node.name, self.base(cfg))

    def listed(self, cfg: Config, disk: Disk) -> str:
        base, path = self.base(cfg), _path(disk)
        inside = path.startswith(f"{base}/") and path[len(base) + 1 :].count("/") == 1
        return path if inside else ""

    def grow(self, cfg: Config, disk: Disk, size: int) -> Iterator[Step]:
        for node in self.place(cfg, disk):
            yield Step(
                do=grow.on(node, self.base(cfg), _path(disk), size),
                title=f"grow {disk.iv_name} to {show_size(size)}",
            )


def _path(disk: Disk) -> str:
    return str(disk.logical_id[1])


DRIVER = File()
