"""Nodes let in the keys they should, and sign with the keys that are recorded."""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_cluster, on_node
from gnt.model import access
from gnt.plan import Script, node_task, script
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen

_KEYS = """\
echo "signer $(cat /var/lib/gnt/keys/signer.pub 2>/dev/null)"
mode=$(stat -c %a /var/lib/gnt/keys/signer 2>/dev/null)
case $mode in ''|?00) ;; *) echo "open /var/lib/gnt/keys/signer" ;; esac
file=${HOME:-/root}/.ssh/authorized_keys
[ -e "$file" ] || exit 0
awk -v begin="$1" -v end="$2" '
    $0 == begin { inside = 1; next }
    $0 == end { inside = 0; next }
    $0 != "" { print (inside ? "ours " : "theirs ") $0 }' "$file"
"""


class Keys(Record):
    """The node's signer, private keys that others can read, and who is let in: by gnt, by hand."""

    signer: str
    open: tuple[str, ...]
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


@node_task(deadline=20)
def keyring() -> Script[Keys]:
    """What a node signs with, and whom it lets in."""
    return script(_KEYS, access.BEGIN, access.END, parse=_keys)


def _keys(output: str) -> Keys:
    found: dict[str, list[str]] = {"signer": [], "open": [], "ours": [], "theirs": []}
    for line in output.splitlines():
        kind, _, rest = line.partition(" ")
        found[kind].append(rest)
    return Keys(signer=access.plain(found["signer"][0]), open=tuple(found["open"]),
                ours=tuple(found["ours"]), theirs=tuple(found["theirs"]))


class KeysCheck(Check):
    codes = ("ECLUSTERCERT", "ENODESSH", "ENODESETUP")

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        return (keyring.on(node.name) for node in nodes)

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        wanted = set(access.authorized(
            cfg.cluster.login_keys, cfg.nodes, hardened=cfg.cluster.hardened))
        signers = {signer.name: signer for signer in cfg.signers}
        for node in nodes:
            if seen.failed(keyring.on(node.name)) is not None:
                continue
            had = seen[keyring.on(node.name)]
            if cfg.cluster.modify_ssh_setup:
                yield from _let_in(node, had, wanted)
            for path in had.open:
                yield on_node(node, "ENODESETUP", f"others can read {path}")
            signer = signers.get(node.name)
            if signer is not None and access.plain(signer.key) != had.signer:
                yield on_cluster(cfg, "ECLUSTERCERT", f"{node.name} has another signing key than "
                                 "the one recorded: it can sign nothing")
        for node in cfg.nodes:
            if node.master_candidate and node.name not in signers:
                yield on_cluster(cfg, "ECLUSTERCERT", f"{node.name} is a master candidate and may "
                                 "not sign", warning=True)
            elif not node.master_candidate and node.name in signers:
                yield on_cluster(cfg, "ECLUSTERCERT", f"{node.name} may sign and is no master "
                                 "candidate", warning=True)


def _let_in(node: Node, had: Keys, wanted: set[str]) -> Iterator[Finding]:
    for line in sorted(wanted - set(had.ours) - set(had.theirs)):
        yield on_node(node, "ENODESSH", f"does not let in {_shown(line)}")
    for line in sorted(set(had.ours) - wanted):
        yield on_node(node, "ENODESSH", f"lets in {_shown(line)}, which is none of the cluster's")


def past_the_gate(cfg: Config, had: Keys) -> Iterator[str]:
    """Whom lines that people have written let in at a hardened node as if it were none.

    Lines for the cluster's own keys do not: they wait there as comments.
    """
    blobs = {access.plain(key).split(" ")[-1] for key in cfg.cluster.login_keys}
    for line in had.theirs:
        words = line.split()
        if not line.startswith(("#", access.GATE)) and not blobs.intersection(words):
            yield words[-1] if len(words[-1]) < 60 else f"…{words[-1][-12:]}"


def _shown(line: str) -> str:
    """The key of a line by its comment and the addresses it may come from."""
    words = line.removeprefix(access.GATE).split(" ")
    where = words[0].partition('from="')[2].partition('"')[0]
    key = " ".join(words[3:]) or words[-1][-12:]
    return f"{key} from {where}" if where else key


CHECK = KeysCheck()
