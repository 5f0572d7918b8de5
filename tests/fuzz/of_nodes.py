"""What nodes print: one target for each node task that is listened to, found by itself.

A parser may refuse by ValueError and its kin, which ``Script.answer`` makes Damaged.  What it
accepts may hold no number below zero, and no name that is not of one line.
"""

from __future__ import annotations

import functools
import importlib
import pathlib
import pkgutil

import gnt
from gnt import plan
from gnt.record import Record
from gnt.ssh import answers
from gnt.ssh.framing import Batch, Item
from gnt.ssh.shell import Shell
from tests.fuzz.target import answered, target

PASSED_ON = (plan.nothing, plan.text, str, str.strip)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

TOOLS = pathlib.Path(__file__).resolve().parents[1] / "tools"
BY_KIND = {"str": "x", "int": 1, "float": 1.5, "bool": True, "bytes": b"x", "Iterable": ("x",),
           "tuple": ("x",), "Mapping": {}, "dict": {}}
WORDS = ("- yes no 0 1 -1 1.5 hostname address missing member guest arg -name -m -smp status "
         'balloon end stat lacks version machine flag vhost {"return": {} {"status": "running"} '
         "key silent signer open ours theirs mtotal unused mfree ctotal csockets cnodes bootid "
         "gnt-status: ssh-ed25519 AAAA / 100% {\"powered\": true} [[\"a\",\"OK\"]]")
FACTS = ("mtotal 16384\nunused 1024\nmfree 2048\nctotal 8\ncsockets 1\ncnodes 1\nbootid b-1\n")
DF = "/dev/sda1       20511312  9430204  10016148      49% /\n"
STANDING = f"standing 1 2 {'a' * 64} 1 1 1 1 2 {'a' * 64}\n"
SEEDS = {
    "query.facts.node_facts": (FACTS,),
    "storage.file.space": (DF, "//server/share with spaces 1000000 400000 600000 40% /srv\n"),
    "storage.file.found": ("1048576 /srv/gnt/a b.raw\n0 /srv/x\n",),
    "storage.file.measure": ("1048576\n", ""),
    "storage.drbd.history.history": (
        "0EE112C18B9E0BE2:0000000000000000:F4F4025E7B51E900:0000000000000004:1:1:0:1:0:0:0\n", ""),
    "storage.plain.lvm.space": ("  4092.00 3896.00\n",),
    "storage.plain.lvm.measure": ("64.00\n", ""),
    "storage.plain.lvm.found": ("  u.disk0_data 64.00\n  u.disk0_meta 128.00\n",),
    "storage.plain.lvm.physical": ("  4092.00 a-- /dev/vdb\n  96.00 a-m [unknown]\n",),
    "storage.drbd.tasks.copies": ((TOOLS / "drbd-proc-8.4.txt").read_text(),),
    "storage.drbd.tasks.kernel": ("version: 8.4.11 (api:1/proto:86-101)\n/bin/true\n", "none\n"),
    "hypervisor.fake.found": ("u1 running 128 1 web one\n",),
    "hypervisor.kvm.tasks.found": ((TOOLS / "kvm-found-7.2.txt").read_text(),),
    "hypervisor.kvm.tasks.capabilities": ((TOOLS / "kvm-capabilities-7.2.txt").read_text(),),
    "hypervisor.kvm.tasks.free_port": ("5900\n",),
    "commands.node._oob.powered": ('{"powered": true}\n',),
    "commands.node._oob.health": ('[["disk0", "OK"], ["fan", "WARNING"]]\n',),
    "commands.node._setup.inspect": (
        "hostname node1\nmissing awk\naddress 192.0.2.1\nmember yes\n",),
    "commands.node._setup.keys": ("ssh-ed25519 AAAA gnt@n1\nssh-ed25519 AAAB gnt@n1\n",),
    "commands.cluster._run.command": ("hello\ngnt-status:0\n",),
    "checks.hosts.standing": ("1700000000 1 yes\nflock\n",),
    "checks.copies.copy": (f"1 7 {'a' * 64} 1\n{'b' * 64}  -\n{'c' * 64}  -\n0 100\n",
                           "1 7\nb\nc\n"),
    "checks.keys.keyring": ("signer ssh-ed25519 AAAA gnt@n1\nours ssh-ed25519 AAAB x\ntheirs a\n",),
    "checks.addresses.addresses": ("192.0.2.1/24 eth0\nfe80::1/64 eth1\n10.0.0.1 ppp0\n",),
    "checks.neighbours.look": ("key ssh-ed25519 AAAA\nsilent 192.0.2.9\n",),
    "checks.programs.programs": (f"{'a' * 64}  /etc/gnt/hooks\n- /usr/bin/x\n",),
    "checks.remains.former": ("192.0.2.9\n",),
    "checks.remains.locks": ("120 /run/gnt/fence/7\n",),
}


def tasks() -> dict[str, plan.Task[..., Any]]:
    """All scripts of node tasks whose answer is understood rather than passed over."""
    for module in pkgutil.walk_packages(gnt.__path__, "gnt."):
        if ".htools_ext" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    known = {name: task for name, task in plan.TASKS.items()
             if not task.dialogue and task.body.__module__.startswith("gnt.")
             and task.body.__annotations__["return"] != "Script[None]"}
    return {name: task for name, task in sorted(known.items())
            if made(task).parse not in PASSED_ON}


def made(task: plan.Task[..., Any]) -> plan.Script[Any]:
    """A script of a task, with arguments of the right kinds."""
    kinds = task.body.__annotations__
    needed = [name for name in task._names if name not in task._defaults]
    script: plan.Script[Any] = task.body(
        **{name: BY_KIND[kinds[name].partition("[")[0]] for name in needed})
    return script


def sensible(answer: object) -> bool:
    """No number below zero in it, at any depth."""
    if isinstance(answer, Record):
        return all(sensible(value) for name, value in answer.items()
                   if name != "age")  # by clocks that may be wrong
    if isinstance(answer, dict):
        return all(sensible(part) for pair in answer.items() for part in pair)
    if isinstance(answer, (tuple, list)):
        return all(sensible(part) for part in answer)
    return not isinstance(answer, (int, float)) or 0 <= answer < 2**64


def _listen(script: plan.Script[Any], data: bytes) -> object:
    answer = script.answer(answered(data))
    assert sensible(answer), answer
    return answer


def _declare(name: str, task: plan.Task[..., Any]) -> None:
    run: Callable[[bytes], object] = functools.partial(_listen, made(task))
    target(name=f"answer-{name}", words=WORDS, seeds=(*SEEDS.get(name, ("",)), FACTS))(run)


for _name, _task in tasks().items():
    _declare(_name, _task)


class Wire:
    """One end of a kept shell whose other end says what the input says."""

    def __init__(self) -> None:
        self.closed = False
        self.sent = b""
        self.coming = (b"", b"")

    def send(self, data: bytes) -> None:
        self.sent += data

    def take(self) -> tuple[bytes, bytes]:
        came, self.coming = self.coming, (b"", b"")
        return came

    def wake(self, call: Callable[[], None]) -> None:
        self.call = call

    def close(self) -> None:
        self.closed = True


NONCE = b"NONCE"


@target(words="NONCE NONCE.0 NONCE.0.0 NONCE.0.1 NONCE.1 on off done ok fenced 7 0 -1 nofence \x01",
        seeds=(b"NONCE on\nhi\nNONCE.0.0 off 0\nNONCE.0.1 off 1\nNONCE.0 done ok\n",
               b"NONCE on\nNONCE.0 done fenced 9\n", b"NONCE.0.0 off 0\n\x01NONCE.0.0 off 0\n"))
def frames(data: bytes) -> object:
    """A shell that answers anything: both streams the same, or two halves at a \\x01 in three
    pieces.  It knows the nonce, because it was told."""
    wire = Wire()
    shell = Shell(wire, lambda _: None)
    batch = Batch(scripts=(Item(text="a"), Item(text="b")), term=3, fence="7")
    pending = shell.submit(batch)
    data = data.replace(NONCE, shell._nonce.encode())
    out, _, err = data.partition(b"\x01")
    err = err or out
    for part in range(3):
        wire.coming = tuple(text[len(text) * part // 3:len(text) * (part + 1) // 3]
                            for text in (out, err))  # type: ignore[assignment]  # two of them
        shell.feed()
    assert len(pending.replies) <= 2
    assert all(0 <= reply.status < 256 for reply in pending.replies)
    if not pending.complete:
        return None
    failure = answers.broken("node1", pending, "a task", 0.0)
    assert failure.message
    return pending.outcome
