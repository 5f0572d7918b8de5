"""Somebody with a stolen login key who speaks to a gate by hand, byte for byte."""

from __future__ import annotations

import subprocess

from gnt.ssh.gate.facts import digest
from tests.ssh.conftest import Site, Sshd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.ssh.gates import Person

SHELL = "exec /bin/sh"
MARK = "/var/lib/gnt/broken-in"  # what attacks try to make
REFUSED = "hardened and refuses"
MAKE = f"set -- \ntouch {MARK}\n"  # a script, as the driver would write it


class Line:
    """One connection with a stolen key; ``said`` is everything that came back."""

    def __init__(self, site: Site, sshd: Sshd, command: str = SHELL,
                 options: Iterable[str] = ()) -> None:
        self.process = subprocess.Popen(
            ["ssh", "-F", "none", "-i", str(site.home / "login"), "-p", str(sshd.port), "-o",
             "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
             "LogLevel=ERROR", "-o", "BatchMode=yes", *options, "root@127.0.0.1", command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self.process.stdout is not None
        self.greeting = self.process.stdout.readline().decode() if command == SHELL else ""
        self.challenge = (self.greeting.split() + [""] * 4)[2]

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def hear(self) -> str:
        """The next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode()

    def end(self, data: bytes = b"") -> str:
        """Send the rest; what comes until the gate ends the connection."""
        try:
            out, err = self.process.communicate(data, timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return (out + err).decode("utf-8", "replace")


def order(challenge: str, *texts: str, job: str = "7", term: int = 1,
          stdins: Iterable[bytes] = ()) -> bytes:
    """An order as the driver writes it, not signed yet."""
    given = [*stdins, *(b"" for _ in texts)]
    runs = [f"run {digest(text)} {digest(stdin) if stdin else '-'}\n"
            for text, stdin in zip(texts, given, strict=False)]
    return f"gnt-order-1\nfor {challenge}\njob {job} {term}\n{''.join(runs)}".encode()


_order = order


def batch(text: str, stdin: bytes | None = None, *, job: str = "7", term: int = 1, keep: int = 0,
          order: bytes = b"", sign: Callable[[bytes], bytes] = lambda data: b"") -> bytes:
    """A frame with one script; ``sign`` makes the signature of the order."""
    signature = sign(order) if order else b""
    head = f"batch abc.0 {term} {job} 0 1 {len(order)} {len(signature)}\n".encode()
    data = text.encode()
    size = "-" if stdin is None else str(len(stdin))
    return head + order + signature + f"run {keep} 20 {len(data)} {size}\n".encode() + data + (
        stdin or b"")


def shown(person: Person, job: str = "7", term: int = 1, **more) -> bytes:
    """The frame that shows the record of a job, as its driver signed it: everybody may read it."""
    return framed(*person.record(job, term, **more))


def framed(record: bytes, signature: bytes) -> bytes:
    return f"job {len(record)} {len(signature)}\n".encode() + record + signature


def signed(line: Line, by: Person, text: str = MAKE, stdin: bytes | None = None, *,
           job: str = "7", term: int = 1, order: bytes = b"", shows: Person | None = None) -> bytes:
    """All that a driver sends: a job's record, and a batch with one script and its order."""
    wanted = order or _order(line.challenge, text, job=job, term=term, stdins=[stdin or b""])
    return shown(shows or by, job, term) + batch(
        text, stdin, job=job, term=term, order=wanted, sign=by.sign)


def fact(name: str, *words: str, term: int = 0) -> bytes:
    """A frame with one fact."""
    lines = "".join(f"{word}\n" for word in words)
    return f"batch abc.0 {term} - 0 1 0 0\nfact 20 {name} {len(words)}\n{lines}".encode()


def broken_in(sshd: Sshd) -> bool:
    """Whether an attack has had its way; it is undone."""
    return sshd.sh(f"if [ -e {MARK} ]; then rm -f {MARK}; echo yes; fi") == "yes\n"


def digest_of(task: str) -> str:
    from gnt.plan import task_named
    from gnt.ssh.gate.facts import FIXED, OPEN

    made = task_named(task)
    if task in FIXED:
        return digest(made.script(made.on("-")).shell)
    return digest(made.script(made.on("-", **OPEN[task])).body)
