"""What hardened nodes cost: the same steps through a kept shell with and without a gate.

    python tests/bench/hardened.py

CPU time is that of the node's processes (shell, gate and what they start), wall time that of one
step after the other on this machine; the least of some rounds.  Needs root, for a /run of its own.
"""

from __future__ import annotations

import queue
import resource
import tempfile
import time
from pathlib import Path

from gnt.config import journal, signature
from gnt.config.journal import Put, Txn
from gnt.plan import script
from gnt.query.facts import node_facts
from gnt.ssh.framing import Batch, Item, Plain
from gnt.ssh.gate.facts import facts
from gnt.ssh.gate.orders import NAMESPACE, Orders, grant
from gnt.ssh.gate.speech import Gate
from gnt.ssh.local import PipeLink
from gnt.ssh.shell import Shell

STEPS, ROUNDS = 100, 5
SETUP = """mount --make-rprivate /
for d in /run /var/lib; do mount -t tmpfs gnt-bench "$d"; done
mkdir -p /var/lib/gnt && cp -r "$1" /var/lib/gnt/gate && shift && exec "$@"
"""


class Bench:
    """Times steps through one kind of shell."""

    def __init__(self, folder: Path, gated: bool) -> None:
        self.key = signature.make_key(str(folder / f"key{gated}"))
        self.folder, self.gated = folder / f"gate{gated}", gated
        known = facts()
        for kind, texts in (("fixed", known.fixed), ("open", known.open)):
            (self.folder / known.version / kind).mkdir(parents=True)
            for name, text in texts.items():
                (self.folder / known.version / kind / name).write_text(text)
        (self.folder / "gate").write_text(known.gate)
        (self.folder / "signers").write_text(
            f'gnt namespaces="{NAMESPACE},gnt-config" {self.key.public}\n')

    def time(
        self, items: list[Item], *, foreseen: bool = False, fence: str = "",
    ) -> tuple[float, float]:
        """(milliseconds of wall, of CPU on the node) for each step, without starting the shell."""
        idle = self._run([], foreseen)
        best = [self._run(items, foreseen, fence) for _ in range(ROUNDS)]
        wall, cpu = (min(one[n] for one in best) for n in (0, 1))
        return wall / len(items) * 1000, max(0.0, cpu - idle[1]) / len(items) * 1000

    def start(self) -> tuple[float, float]:
        best = [self._run([], False) for _ in range(ROUNDS)]
        return min(one[2] for one in best) * 1000, min(one[1] for one in best) * 1000

    def _run(
        self, items: list[Item], foreseen: bool, fence: str = "",
    ) -> tuple[float, float, float]:
        words = ("/bin/sh",) if not self.gated else (
            "env", "-i", "SSH_ORIGINAL_COMMAND=exec /bin/sh", "/bin/sh", "/var/lib/gnt/gate/gate")
        before, began = _children(), time.perf_counter()
        link = PipeLink(("unshare", "-m", "sh", "-c", SETUP, "sh", str(self.folder), *words))
        heard: queue.SimpleQueue[Shell] = queue.SimpleQueue()
        shell = Shell(link, heard.put, self._speech(link, items if foreseen else []))
        self._step(shell, heard, Item(text=node_facts.script(node_facts.on("n")).shell))
        started = time.perf_counter()
        for item in items:
            self._step(shell, heard, item, fence)
        wall = time.perf_counter() - started
        shell.close()
        link._process.wait()
        return wall, _children() - before, started - began

    def _speech(self, link: PipeLink, items: list[Item]) -> Plain | Gate:
        if not self.gated:
            return Plain()
        said = b""
        while not said.endswith(b"\n"):
            said += link.take()[0]
            time.sleep(0.0005)
        orders = Orders(lambda data: signature.armored(
            signature.sign(data, self.key, NAMESPACE)).encode(), self._recorded)
        gate = Gate("n", said, orders)
        orders.foreseen = lambda job, node: (grant(i.text, i.stdin) for i in items)  # type: ignore[method-assign]  # a job of these
        return gate

    def _recorded(self, job: str) -> tuple[bytes, bytes]:
        """The record of a job with a plan of some size."""
        put = Put(path=f"jobs/{job}", value={"id": job, "plan": {"attempt": ["x" * 200] * 50}})
        body = journal.body(int(job), Txn(term=1, turn=1, prev="ab" * 32, time=1.0, who="root@b",
                                          operation="instance add", job=job, put=(put,)))
        return body, signature.armored(signature.sign(body, self.key)).encode()

    def _step(self, shell: Shell, heard: queue.SimpleQueue[Shell], item: Item,
              fence: str = "") -> None:
        pending = shell.submit(Batch(scripts=(item,), term=1 if fence else 0, fence=fence))
        while not pending.complete:
            heard.get().feed()
        assert pending.replies and pending.replies[0].status == 0, pending.outcome


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    steps = [Item(text=script("true", str(n)).shell) for n in range(STEPS)]
    asked = [Item(text=node_facts.script(node_facts.on("n")).shell)] * STEPS
    with tempfile.TemporaryDirectory(prefix="gnt-bench-") as folder:
        plain, gate = Bench(Path(folder), False), Bench(Path(folder), True)
        rows = [
            ("a shell with its first fact", plain.start(), gate.start()),
            ("a fact", plain.time(asked), gate.time(asked)),
            ("the first step of a job (record, order)", plain.time(steps[:1], fence="7"),
             gate.time(steps[:1], foreseen=True, fence="7")),
            ("a step of a job (one order for all)", plain.time(steps),
             gate.time(steps, foreseen=True)),
            ("a step that needs an order of its own", plain.time(steps), gate.time(steps)),
        ]
    print(f"{'':40}{'plain':>18}{'hardened':>18}   (wall / node's CPU, ms)")
    for name, one, other in rows:
        print(f"{name:40}{one[0]:9.2f} /{one[1]:6.2f}{other[0]:10.2f} /{other[1]:6.2f}")


if __name__ == "__main__":
    main()
