"""What anybody who can log in to a hardened node may ask it: texts that the node keeps by digest.

A *fixed* fact is a whole text with its words.  An *open* one is a body that takes words, of plain
characters only (:data:`WORD`).  What is listed here must change nothing whatever its words are, and
must not print what only root may read; everything else needs an order.
"""

from __future__ import annotations

import functools

from gnt.found import text_beside
from gnt.plan import task_named
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FIXED = (
    "query.facts.node_facts", "hypervisor.fake.found", "hypervisor.fake.version",
    "hypervisor.kvm.tasks.found", "hypervisor.kvm.tasks.leftovers", "net.bridged.leftovers",
    "checks.copies.copy", "checks.hosts.standing", "checks.addresses.addresses",
    "checks.keys.keyring", "checks.remains.locks", "checks.remains.former",
    "storage.drbd.tasks.copies",
    "storage.drbd.tasks.kernel", "commands.node._setup.inspect",
    "commands.node._setup.keys", "session.contexts.base_signature", "ssh.gate.tasks.gate",
)
OPEN: Mapping[str, Mapping[str, Any]] = {  # with arguments that show the body
    "config.facts.fetch": {"base": 1, "offset": 0},
    "config.facts.past": {"number": 1},
    "ssh.gate.tasks.alive": {"jobs": ("1",)},
    "ssh.gate.tasks.ended": {"job": "1", "deadline": 1.0},
    "engine.follow.read_log": {"job": "1", "position": 1},
    "engine.hooks.present": {"name": "x"},
    "storage.file.space": {"folder": "/x", "kind": "file"},
    "storage.plain.lvm.space": {"vg": "x"},
    "storage.plain.lvm.physical": {"vg": "x"},
    "net.bridged.missing": {"bridges": ("br0",)},
    "checks.paths.usable": {"folder": "/x", "makes": True},
    "commands.cluster._master_ip.where": {"ip": "192.0.2.1"},
}
JUDGE = "config.facts.judge"
WORDS = 1000  # that one fact takes at most
PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%_+=:,./ -")


class Facts(Record):
    """Texts by digest."""

    fixed: Mapping[str, str]
    open: Mapping[str, str]
    gate: str
    judge: str
    version: str


def plain(word: str) -> bool:
    """Whether a fact takes this word."""
    return PLAIN.issuperset(word) and ".." not in word and (word == "-" or word[:1] != "-")


def digest(text: str | bytes) -> str:
    import hashlib

    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()


@functools.cache
def facts() -> Facts:
    """Those of this version of gnt."""
    fixed = [_script(name, {}).shell for name in FIXED]
    opened = [_script(name, args).body for name, args in OPEN.items()]
    gate, judge = _gate(), _script(JUDGE, {}).body
    whole = "\0".join([gate, judge, *fixed, *opened])
    version = digest(whole)[:16]
    return Facts(
        fixed={digest(text): text for text in fixed},
        open={digest(text): text for text in opened},
        gate=f"gnt_g_version={version} gnt_g_facts=/var/lib/gnt/gate/{version}\n{gate}",
        judge=judge, version=version,
    )


def bundle() -> bytes:
    """All files of the gate in one, each after a line with its name and its size."""
    known = facts()
    files = {"gate": known.gate, "judge": known.judge}
    files |= {f"{known.version}/fixed/{name}": text for name, text in known.fixed.items()}
    files |= {f"{known.version}/open/{name}": text for name, text in known.open.items()}
    data = {name: text.encode() for name, text in files.items()}
    return b"".join(f"{n} {len(d)}\n".encode() + d for n, d in data.items())


def _script(name: str, args: Mapping[str, Any]) -> Any:
    task = task_named(name)
    return task.script(task.on("-", **args))


def _gate() -> str:
    from gnt.ssh.framing import FUNCTIONS

    return FUNCTIONS + text_beside(__name__, "gate.sh")
