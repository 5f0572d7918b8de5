"""Nodes for tests of drivers: namespaces of mounts, processes and network, with their own /run.

Scripts are run by the real ``sh``, dialogues hold real conversations over pipes; no SSH.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gnt.errors import NodeFailed
from gnt.plan import Call, Progress, Script, Step, task_named

HERE = (
    "unshare",
    "--mount",
    "--net",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "sh",
    "-c",
)
INIT = (
    "mount -t tmpfs tmpfs /run && mkdir /run/gnt && ip link set lo up "
    "&& echo ready && exec sleep 900"
)


class LocalNode:
    """A place with a name, at which calls are performed."""

    def __init__(self, name: str, others: Mapping[str, LocalNode]) -> None:
        self.name, self._others = name, others
        self.told: list[Progress] = []
        self._holder = subprocess.Popen((*HERE, INIT), stdout=subprocess.PIPE)
        assert self._holder.stdout is not None and self._holder.stdout.readline() == b"ready\n"
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text()
        self.pid = int(children.split()[0])  # the init of the namespaces
        self.enter = ("nsenter", "-t", str(self.pid), "-m", "-n", "-p")

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()

    def run(self, command: str, **options: Any) -> Any:
        return subprocess.run(
            (*self.enter, "sh", "-c", command), capture_output=True, text=True, check=True
        )

    def cut(self, script: Script[Any], seconds: float, *, orphan: bool) -> None:
        """The script, started and cut off: killed with all it started, or left to itself."""
        started = self.popen(script)
        time.sleep(seconds)
        if orphan:
            started.kill()
        else:
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()

    def popen(self, script: Script[Any]) -> subprocess.Popen[bytes]:
        """The script, started."""
        return subprocess.Popen(
            (*self.enter, "sh", "-c", script.shell),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def script(self, script: Script[Any], deadline: float) -> Any:
        done = subprocess.run(
            (*self.enter, "sh", "-c", script.shell),
            input=script.stdin,
            capture_output=True,
            timeout=deadline,
        )
        if done.returncode:
            raise NodeFailed(
                self.name,
                "failed",
                f"exit status {done.returncode}",
                status=done.returncode,
                stderr=done.stderr.decode(),
            )
        return script.answer(done.stdout.decode())

    def stream(self, *words: str) -> socket.socket:
        ours, theirs = socket.socketpair()
        subprocess.Popen(
            (*self.enter, *words), stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL
        )
        theirs.close()
        return ours

    def tell(self, progress: Progress) -> None:
        self.told.append(progress)

    def at(self, node: str) -> LocalNode:
        return self._others[node]


class Nodes:
    """Several nodes; performs calls and steps as the engine would."""

    def __init__(self, *names: str) -> None:
        self.by_name: dict[str, LocalNode] = {}
        for name in names:
            self.by_name[name] = LocalNode(name, self.by_name)

    def __getitem__(self, name: str) -> LocalNode:
        return self.by_name[name]

    def ask(self, call: Call[Any]) -> Any:
        task, node = task_named(call.task), self.by_name[call.node]
        if task.dialogue:
            return task.body(node, **call.args)
        return node.script(task.script(call), task.deadline)

    def do(self, *steps: Step) -> list[Any]:
        return [self.ask(step.do) for step in steps]

    def undo(self, *steps: Step) -> None:
        for step in reversed(steps):
            if step.undo:
                self.ask(step.undo)

    def link(self, first: str, second: str, cable: str = "link0") -> tuple[str, str]:
        """A cable between two nodes; their addresses."""
        a, b = self[first], self[second]
        ends = (f"{cable} netns {a.pid} type veth peer name {cable} netns {b.pid}").split()
        subprocess.run(("ip", "link", "add", *ends), check=True)
        for node, address in ((a, "10.99.0.1"), (b, "10.99.0.2")):
            node.run(f"ip address add {address}/24 dev {cable}; ip link set {cable} up")
        return "10.99.0.1", "10.99.0.2"

    def close(self) -> None:
        for node in self.by_name.values():
            node.close()


@contextlib.contextmanager
def nodes(*names: str) -> Iterator[Nodes]:
    made = Nodes(*names)
    try:
        yield made
    finally:
        made.close()


def wait_for(look: Any, seconds: float = 120.0) -> Any:
    """The first true answer of ``look``; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = look()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")
