"""Hardened nodes for tests: the real gate behind a real sshd, and people who sign or do not."""

from __future__ import annotations

import subprocess
from pathlib import Path

from gnt.config import journal, signature
from gnt.config.journal import Put, Txn
from gnt.model.access import GATE
from gnt.ssh.gate import facts
from gnt.ssh.gate.orders import NAMESPACE, Orders

from .conftest import Site, Sshd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

INSTALL = "ssh.gate.tasks.install"


class Person:
    """Somebody with a signing key."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.key = signature.make_key(str(folder / name))
        self.name = name
        self.signed: list[bytes] = []  # every order, in order

    def sign(self, data: bytes) -> bytes:
        self.signed.append(data)
        return signature.armored(signature.sign(data, self.key, NAMESPACE)).encode()

    def record(self, job: str, term: int = 1, serial: int = 0, **more) -> tuple[bytes, bytes]:
        """What the journal says of a job that this person drives, and the signature of it."""
        put = Put(path=f"jobs/{job}", value={"id": job, "operation": "test", "state": "running"})
        fields = {"term": term, "turn": 9, "prev": "ab" * 32, "time": 5.0, "who": self.name,
                  "operation": "test", "job": job, "put": (put,), **more}
        body = journal.body(serial or int(job), Txn(**fields))
        return body, signature.armored(signature.sign(body, self.key)).encode()

    @property
    def orders(self) -> Orders:
        return self.orders_in(1)

    def orders_in(self, term: int) -> Orders:
        return Orders(self.sign, lambda job: self.record(job, term))

    @property
    def line(self) -> str:
        return f'gnt namespaces="gnt-order,gnt-config" {self.key.public} {self.name}'


def harden(sshd: Sshd, login: str, lines: Iterable[str]) -> None:
    """Put the gate on a node, and nothing else behind its login key."""
    known = facts.facts()
    gate = sshd.home / "state" / "gate"
    for kind, texts in (("fixed", known.fixed), ("open", known.open)):
        folder = gate / known.version / kind
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text)
    (gate / "gate").write_text(known.gate)
    trust(sshd, lines)
    (sshd.home / "authorized_keys").write_text(f'{GATE}restrict,pty,from="127.0.0.1" {login}\n')


def trust(sshd: Sshd, lines: Iterable[str]) -> None:
    (sshd.home / "state" / "gate" / "signers").write_text("".join(f"{x}\n" for x in lines))


def stolen(site: Site, sshd: Sshd, *words: str, stdin: bytes = b"", options: Iterable[str] = (),
           program: str = "ssh", timeout: float = 20) -> subprocess.CompletedProcess[bytes]:
    """What somebody with the login key and OpenSSH's own client gets."""
    port = "-p" if program == "ssh" else "-P"
    line = [program, "-F", "none", "-i", str(site.home / "login"), port, str(sshd.port), "-o",
            "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
            "LogLevel=ERROR", "-o", "BatchMode=yes", *options]
    line += ["root@127.0.0.1", *words] if program == "ssh" else [*words]
    return subprocess.run(line, input=stdin, capture_output=True, check=False, timeout=timeout)
