"""Nodes answer, have what they need, and agree on the time."""

from __future__ import annotations

from gnt.checks.base import Check, Finding
from gnt.model import inherit
from gnt.model.objects import Group
from gnt.net.base import nic_mode
from gnt.plan import Script, node_task, script
from gnt.record import Record
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen

APART = 150  # seconds that clocks may differ


class Standing(Record):
    """How a node stands: its clock, the term it knows, whether it has its keys, what it lacks."""

    clock: int
    term: int
    keys: bool
    missing: tuple[str, ...]


@node_task(deadline=20)
def standing() -> Script[Standing]:
    """Clock, term, keys and programs of a node."""
    return script(
        """term=0
[ ! -e /var/lib/gnt/term ] || read -r term </var/lib/gnt/term
keys=no
[ -s /var/lib/gnt/keys/login ] && [ -s /var/lib/gnt/keys/signer ] && keys=yes
echo "$(date +%s) $term $keys"
for program in awk cmp cut flock ip mv sha256sum ssh-keygen stat sync; do
    command -v "$program" >/dev/null || echo "$program"
done
""", parse=_standing)


def _standing(output: str) -> Standing:
    first, *missing = output.splitlines()
    clock, term, keys = first.split()
    return Standing(clock=natural(clock), term=natural(term), keys=keys == "yes",
                    missing=tuple(missing))


class Hosts(Check):
    codes = ("ENODERPC", "ENODESSH", "ENODESETUP", "ENODEVERSION", "ENODENET", "ENODETIME")

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        for node in nodes:
            yield standing.on(node.name)
            yield from (call for _, call in _links(cfg, node))

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        clocks = []
        for node in nodes:
            failed = seen.failed(standing.on(node.name))
            if failed is not None:
                code = "ENODESSH" if failed.kind in ("hostkey", "denied") else "ENODERPC"
                yield _bad(node, code, failed.problem)
                continue
            found = seen[standing.on(node.name)]
            clocks.append((found.clock, node))
            yield from _judged(cfg, node, found)
            yield from _bridges(cfg, node, seen)
        middle = sorted(clock for clock, _ in clocks)[len(clocks) // 2] if clocks else 0
        for clock, node in clocks:
            if abs(clock - middle) > APART:
                yield _bad(node, "ENODETIME", f"its clock is {clock - middle:+d} seconds off")


def _judged(cfg: Config, node: Node, found: Standing) -> Iterator[Finding]:
    if found.missing:
        yield _bad(node, "ENODESETUP", f"lacks {', '.join(found.missing)}")
    if found.term > cfg.term:
        yield _bad(node, "ENODEVERSION", f"knows term {found.term}, this is term {cfg.term}: there "
                   "is a newer master")
    if not node.powered:
        yield _bad(node, "ENODESETUP", "is recorded to be without power, and answers: gnt-node "
                   f"power status {node.name}, or gnt-node modify --node-powered=yes {node.name}",
                   warning=True)
    if node.master_candidate and not found.keys:
        yield _bad(node, "ENODESETUP", "is a master candidate and has no keys")


def _bad(node: Node, code: str, message: str, *, warning: bool = False) -> Finding:
    return Finding(code=code, kind="node", name=node.name, message=message, warning=warning)


def _links(cfg: Config, node: Node) -> Iterator[tuple[str, Call[tuple[str, ...]]]]:
    """Which bridges and the like the node's instances need: by NIC mode."""
    group = cfg.get(Group, node.group)
    wanted: dict[str, set[str]] = {}
    for inst in cfg.instances_on(node):
        for nic in inst.nics:
            filled = inherit.nic(cfg, nic, group)
            wanted.setdefault(filled.mode, set()).add(filled.link)
    for mode, links in wanted.items():
        call = nic_mode(mode).missing(node.name, tuple(sorted(links)))
        if call is not None:
            yield mode, call


def _bridges(cfg: Config, node: Node, seen: Seen) -> Iterator[Finding]:
    for mode, call in _links(cfg, node):
        if seen.failed(call) is None and seen[call]:
            yield _bad(node, "ENODENET", f"has no {', '.join(seen[call])} for {mode} NICs")


CHECK = Hosts()
