"""Hardened nodes for tests: the real gate behind a real sshd, and people who sign or do not."""

from __future__ import annotations

import subprocess
from pathlib import Path

from gnt.config import signature
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

    @property
    def orders(self) -> Orders:
        return Orders(self.sign)

    @property
    def line(self) -> str:
        return f'gnt namespaces="gnt-order" {self.key.public} {self.name}'


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
