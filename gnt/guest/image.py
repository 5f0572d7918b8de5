"""A guest from an image: fetched on the node, checked, and written to the first disk.

``-O image=FILE_OR_URL,sha256=…``: a raw or qcow2 file that is on the node, or an http(s) URL, which
the node fetches by itself into ``/var/cache/gnt/images``, under its sum.  Nothing reads an image
before its sum and its header were checked.
"""

from __future__ import annotations

import re

from gnt.errors import Invalid, NodeFailed
from gnt.guest.formats import inspect
from gnt.plan import Progress, Script, Step, dialogue, node_task, script
from gnt.record import Record
from gnt.values import PATH, natural, show_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.plan import Context
    from gnt.storage.base import Source

CACHE = "/var/cache/gnt/images"
MIB = 1024**2
DAY = 86400.0
PATIENCE = 60  # seconds without a byte, after which a download is given up


class Image(Record):
    """An image, and the sum by which it is known to be the right one (empty: not checked)."""

    source: str
    sha256: str = ""


def read(params: Mapping[str, str], where: str = "-O") -> Image | None:
    """The image that OS parameters name; None when they name none."""
    source, total = params.get("image"), params.get("sha256", "").lower()
    if not source:
        if total:
            raise Invalid(f"{where}.sha256", "there is no image to check", hint="image=FILE_OR_URL")
        return None
    if total and not re.fullmatch("[0-9a-f]{64}", total):
        raise Invalid(
            f"{where}.sha256",
            f"{total!r} is not 64 hexadecimal digits",
            hint="sha256sum IMAGE prints them",
        )
    if "://" not in source:
        return Image(source=PATH.read(source, f"{where}.image"), sha256=total)
    if not source.startswith(("http://", "https://")):
        raise Invalid(
            f"{where}.image", f"{source!r} is neither an absolute path nor an http(s) URL"
        )
    if not total:
        raise Invalid(
            f"{where}.image",
            "an image from the network needs its sum",
            hint=f"{where} image={source},sha256=…",
        )
    return Image(source=source, sha256=total)


def install(image: Image, node: str, disk: str, source: Source, size: int) -> tuple[Step, Step]:
    """(attempt, settle): write the image to a disk (its uuid, where it is, its MiB) on a node.

    A marker keeps a resumed job from writing over a guest that was started in between; the second
    step, after the point of no return, takes it away.
    """
    target = source.path if source.driver in ("file", "host_device") else _named(source)
    attempt = Step(
        do=write.on(node, node, image.source, image.sha256, disk, target, size),
        undo=unmark.on(node, disk),
        title=f"write {image.source} to the disk ({show_size(size)})",
    )
    return attempt, Step(do=unmark.on(node, disk), title="end the installation")


def _named(source: Source) -> str:
    import json

    return "json:" + json.dumps({"driver": source.driver, **source.options})


_UNMARK = r"""
rm -f "/run/gnt/installed/$1"
"""

_MARKED = r"""
[ ! -e "/run/gnt/installed/$1" ] || echo yes
"""

_FETCH = r"""
url=$1 sum=$2 cache=$3 patience=$4
exec 2>&1
umask 077
fail() { echo "error $*"; exit 0; }
mkdir -p "$cache" || fail "cannot make $cache"
exec 9>>"$cache/$sum.lock"
flock 9 || fail "cannot lock $cache/$sum.lock"
matches() { [ "$(sha256sum <"$1")" = "$sum  -" ]; }
if [ -f "$cache/$sum" ]; then
    matches "$cache/$sum" && { echo "done $cache/$sum"; exit 0; }
    rm -f "$cache/$sum"
fi
part=$cache/$sum.part
: >"$part" || fail "cannot write $part"
case $(wget --version 2>/dev/null) in
    *GNU*) wget=gnu ;;
    *) wget=small ;; # perhaps busybox', which may know neither -T nor -t
esac
if command -v curl >/dev/null; then
    set -- curl --fail --location --silent --show-error --output "$part" "$url"
elif [ "$wget" = gnu ]; then
    set -- wget -nv -t 1 -O "$part" "$url"
elif command -v wget >/dev/null; then
    set -- wget -q -O "$part" "$url"
elif command -v busybox >/dev/null; then
    set -- busybox wget -q -O "$part" "$url"
else
    fail "this node has neither curl nor wget"
fi
"$@" 9>&- &
loader=$!
trap 'kill $loader 2>/dev/null' EXIT HUP PIPE TERM
size=0 silent=0 # fifths of a second without a byte
while kill -0 "$loader" 2>/dev/null; do
    before=$size
    size=$(stat -c %s "$part")
    echo "at $size"
    if [ "$size" -gt "$before" ]; then silent=0; else silent=$((silent + 1)); fi
    if [ "$silent" -gt $((patience * 5)) ]; then
        kill "$loader"; wait "$loader"
        rm -f "$part"
        fail "cannot fetch $url: nothing came for $patience s"
    fi
    sleep 0.2
done
wait "$loader"
status=$? size=$(stat -c %s "$part")
if [ "$status" -ne 0 ]; then
    rm -f "$part"
    fail "cannot fetch $url: $1 ended with $status after $size bytes (see the line before)"
fi
if ! matches "$part"; then
    found=$(sha256sum <"$part")
    rm -f "$part"
    fail "the sum of $url is ${found%% *} ($size bytes), not $sum"
fi
{ sync "$part" && mv "$part" "$cache/$sum"; } || fail "cannot keep $cache/$sum"
echo "done $cache/$sum"
"""

_CHECK = r"""
path=$1 sum=$2
exec 2>&1
found=$(sha256sum <"$path") || { echo "error cannot read $path"; exit 0; }
[ "$found" = "$sum  -" ] || { echo "error the sum of $path is ${found%% *}, not $sum"; exit 0; }
echo "done $path"
"""

_LOOK = r"""
[ -f "$1" ] || { echo none; exit 0; }
stat -L -c %s "$1" && od -A n -v -t x1 -N 512 "$1"
"""

_CONVERT = r"""
path=$1 format=$2 disk=$3 target=$4
exec 2>&1
fail() { echo "error $*"; exit 0; }
command -v qemu-img >/dev/null || fail "this node has no qemu-img"
if [ "$format" = qcow2 ]; then
    said=$(qemu-img check -q -f qcow2 "$path" 2>&1)
    case $? in 0|3) ;; *) fail "$path is truncated or damaged: $(echo "$said" | tail -n 1)" ;; esac
fi
qemu-img convert -p -n -f "$format" -O raw "$path" "$target" ||
    fail "cannot write $path to the disk (see the line before)"
case $target in /*) sync "$target" || fail "cannot write $target out to its storage" ;; esac
{ mkdir -p /run/gnt/installed && : >"/run/gnt/installed/$disk"; } || fail "cannot keep a note"
echo "done $target"
"""


@node_task(deadline=20)
def unmark(disk: str) -> Script[None]:
    """Forget that an image was written to this disk."""
    return script(_UNMARK, disk)


@dialogue(deadline=DAY)
def write(
    context: Context, here: str, image: str, sha256: str, disk: str, target: str, size: int
) -> None:
    """Fetch and check an image and write it to a disk of ``size`` MiB, once."""
    if context.script(script(_MARKED, disk, parse=lambda out: out.strip() == "yes"), 20.0):
        return
    path = image
    if "://" in image:
        path = _watch(
            context, here, f"fetch {image}", _FETCH, image, sha256, CACHE, str(PATIENCE)
        )
    elif sha256:
        _watch(context, here, f"check {image}", _CHECK, image, sha256)
    length, head = context.script(script(_LOOK, path, parse=_looked), 20.0)
    if length < 0:
        raise NodeFailed(
            here,
            "failed",
            f"it has no file {path}",
            hint=f"gnt-cluster copyfile {path} puts a file of the master on all nodes; "
            "or image=https://…,sha256=…",
        )
    try:
        shape = inspect(head, length, image)
    except Invalid as error:
        raise NodeFailed(here, "failed", str(error), hint=error.hint) from None
    if shape.size > size * MIB:
        needed = -(-shape.size // MIB)
        raise NodeFailed(
            here,
            "failed",
            f"{image} is {show_size(needed)}, the disk only {show_size(size)}",
            hint=f"--disk 0:size={needed}m",
        )
    _watch(context, here, "write the image", _CONVERT, path, shape.format, disk, target)


def _looked(output: str) -> tuple[int, bytes]:
    if output == "none\n":
        return -1, b""
    size, _, dump = output.partition("\n")
    return natural(size), bytes.fromhex(dump)


def _watch(context: Context, here: str, what: str, body: str, *words: str) -> str:
    """Run a long script and tell what it says of its progress; its result, or NodeFailed."""
    stream = context.stream("sh", "-c", body, "sh", *words)
    result, before, rest = "", "", b""
    try:
        while chunk := stream.recv(65536):
            *lines, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
            for line in (raw.decode(errors="replace").strip() for raw in lines):
                word, _, tail = line.partition(" ")
                if word == "error":
                    more = f": {before}" if before and "line before" in tail else ""
                    raise NodeFailed(
                        here, "failed", tail.replace(" (see the line before)", "") + more
                    )
                if word == "done":
                    result = tail
                elif not _progress(context, what, line):
                    before = line or before
    finally:
        stream.close()
    if not result:
        raise NodeFailed(here, "lost", f"{what}: it was cut off")
    return result


def _progress(context: Context, what: str, line: str) -> bool:
    """Whether the line says how far it is; if so, tell it."""
    if line.startswith("at ") and line[3:].isdecimal():
        context.tell(Progress(what=what, done=int(line[3:])))
        return True
    percent = re.match(r"\((\d+)\.\d+/100%\)", line)
    if percent:
        context.tell(Progress(what=what, done=int(percent[1]), total=100, unit="%"))
    return bool(percent)
