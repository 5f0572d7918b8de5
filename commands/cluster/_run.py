"""Commands and files on many nodes."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.plan import Script, node_task, script
from gnt.record import Record
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Session

LARGEST = 64 * 1024 * 1024  # bytes of a file that is copied


class Ran(Record):
    """What a command printed, on both streams, and how it ended."""

    status: int
    output: str


@node_task(deadline=600)
def command(words: str) -> Script[Ran]:
    """Run a command line as a shell of its own."""
    return script(
        """output=$(sh -c "$1" 2>&1 </dev/null; printf '%s' "gnt-status:$?")
printf '%s\\n' "$output"
""", words, parse=_ran)


def _ran(output: str) -> Ran:
    text, _, status = output.rstrip("\n").rpartition("gnt-status:")
    return Ran(status=natural(status), output=text)


@node_task(deadline=600)
def put(path: str, mode: str, content: bytes, sha256: str) -> Script[None]:
    """A file with this content, whole or not at all."""
    return script(
        """umask 077
path=$1 mode=$2 sum=$3
[ -d "${path%/*}/" ] || { echo "there is no folder ${path%/*} on this node" >&2; exit 1; }
trap 'rm -f "$path.gnt"' EXIT
cat >"$path.gnt" || exit 1
found=$(sha256sum <"$path.gnt")
[ "${found%% *}" = "$sum" ] || { echo "$path did not arrive whole" >&2; exit 1; }
chmod "$mode" "$path.gnt" && sync "$path.gnt" && mv "$path.gnt" "$path"
""", path, mode, sha256, stdin=content)


def keep(
    session: Session, cfg: Config, operation: str, what: str, calls: Iterable[Call[Any]],
) -> None:
    """Where nodes run only what is signed, the history says who did what."""
    if cfg.cluster.hardened:
        session.ledger.record(operation, f"{what} on {', '.join(call.node for call in calls)}")


def chosen(cfg: Config, names: tuple[str, ...], group: str) -> list[Node]:
    """The nodes to work on: those named, those of a group, or all; never offline ones."""
    if names and group:
        raise Invalid("-g", "cannot be combined with -n")
    if names:
        nodes = [cfg.node(name) for name in names]
        away = [node.name for node in nodes if node.offline]
        if away:
            raise Invalid("-n", f"{', '.join(away)} is marked offline",
                          hint=f"gnt-node modify --offline=no {away[0]}")
        return nodes
    if group:
        uuid = cfg.group(group).uuid
        return [node for node in cfg.online() if node.group == uuid]
    return cfg.online()
