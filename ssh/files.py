"""Files to nodes: small ones inside a frame, large ones over a channel of their own."""

from __future__ import annotations

from gnt.errors import Invalid, NodeFailed
from gnt.plan import Progress, node_task, script
from gnt.ssh.peers import LocalPeer, RemotePeer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from gnt.plan import Script
    from gnt.ssh.peers import Peer

SMALL = 64 << 10  # bytes; a shell has to read what comes inside a frame
PIECE = 1 << 18

PUT = """\
file=$1 mode=$2 owner=$3
[ -d "${file%/*}/" ] || { echo "there is no directory ${file%/*}" >&2; exit 1; }
umask 077
new=$(mktemp "$file.gnt.XXXXXX") || exit 1
if cat >"$new" && chmod "$mode" "$new" && { [ -z "$owner" ] || chown "$owner" "$new"; }; then
    if cmp -s "$new" "$file" && [ "$(stat -c %a:%U:%G "$new")" = "$(stat -c %a:%U:%G "$file")" ]
    then
        rm -f "$new"
        exit 0
    fi
    sync "$new" && mv "$new" "$file" && sync "${file%/*}/" && exit 0
fi
rm -f "$new"
exit 1
"""

PUSH = """\
file=$1 mode=$2 owner=$3
[ -d "${file%/*}/" ] || { echo "there is no directory ${file%/*}" >&2; exit 1; }
umask 077
new=$(mktemp "$file.gnt.XXXXXX") || exit 1
trap 'rm -f "$new"' EXIT
trap 'exit 1' HUP INT TERM PIPE
head -c "$4" >"$new" || exit 1
[ "$(stat -c %s "$new")" = "$4" ] || { echo 'it broke off' >&2; exit 1; }
read -r want || { echo 'it broke off' >&2; exit 1; }
have=$(sha256sum <"$new") || exit 1
[ "${have%% *}" = "$want" ] || { echo "checksum ${have%% *} instead of $want" >&2; exit 1; }
chmod "$mode" "$new" && { [ -z "$owner" ] || chown "$owner" "$new"; } && sync "$new" &&
    mv "$new" "$file" && sync "${file%/*}/"
"""


@node_task(deadline=30)
def put(path: str, content: str, mode: str = "644", owner: str = "") -> Script[None]:
    """A small file, whole or not at all; touched only when it differs.  Text, or latin-1 bytes."""
    if not path.startswith("/"):
        raise Invalid("path", f"{path!r} is not absolute")
    return script(PUT, path, mode, owner, stdin=content.encode("utf-8", "surrogateescape"))


def push(
    peer: Peer, source: BinaryIO, size: int, path: str, *, mode: str = "644", owner: str = "",
    tell: Callable[[Progress], None] = lambda progress: None,
) -> None:
    """``size`` bytes of ``source`` to a file on a node, checked there by SHA-256.

    Raises NodeFailed; the file is then as it was.
    """
    import hashlib

    from gnt.ssh import streams

    words = ("sh", "-c", PUSH, "sh", path, mode, owner, str(size))
    if isinstance(peer, RemotePeer):
        stream: streams.Duplex = streams.Remote(peer.piped(words))
    else:
        assert isinstance(peer, LocalPeer)
        stream = streams.Local(peer.command(words))
    digest, done = hashlib.sha256(), 0
    with stream:
        try:
            while done < size:
                piece = source.read(min(PIECE, size - done))
                if not piece:
                    raise Invalid(path, f"the source ends after {done} of {size} bytes")
                stream.write(piece)
                digest.update(piece)
                done += len(piece)
                tell(Progress(what=f"copy {path}", done=done, total=size))
            stream.write(digest.hexdigest().encode() + b"\n")
        except (OSError, EOFError):
            done = -1  # the command ended early; it has said why
        status, said = stream.finish()
    if status or done < 0:
        raise NodeFailed(peer.name, "failed" if status is not None else "lost",
                         f"{path} was not written", status=status,
                         stderr=said.decode("utf-8", "replace"))
