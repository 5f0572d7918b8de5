"""Kept shells on this machine, as ``engine.ports.Frames``: real ``/bin/sh`` behind pipes."""

import contextlib
import os
import subprocess

from gnt.engine.ports import Reply
from gnt.errors import NodeFailed
from gnt.plan import quote


class Shell:
    """One ``sh``; what it runs sees HOME as the node's root (see ``Shells.directory``)."""

    def __init__(self, argv=("/bin/sh",)):
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.sent = 0

    def run(self, frame, scratch):
        out, err, inp = (os.path.join(scratch, name) for name in ("out", "err", "in"))
        with open(inp, "wb") as file:
            file.write(frame.stdin)
        body = f"command eval {quote(frame.text)}" if frame.keep else f"(eval {quote(frame.text)})"
        text = f"{body} <{quote(inp)} >{quote(out)} 2>{quote(err)}\necho $?\n".encode()
        self.sent += len(frame.text.encode()) + len(frame.stdin)
        try:
            self.process.stdin.write(text)
            self.process.stdin.flush()
            status = self.process.stdout.readline()
        except BrokenPipeError:
            status = b""
        if not status.strip():
            raise EOFError
        with open(out, "rb") as file_out, open(err, "rb") as file_err:
            return Reply(status=int(status), out=file_out.read(), err=file_err.read())

    def close(self):
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.process.kill()
        self.process.wait()


class Shells:
    """A ``Frames``: one kept shell per node; ``cut`` names the nodes that do not answer."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.shells = {}
        self.cut = set()
        self.trips = 0
        self.number = 0

    def _run(self, node, frame):
        if node in self.cut:
            return NodeFailed(node, "unreachable", "no route to host")
        shell = self.shells.get(node)
        if shell is None:
            shell = self.shells[node] = Shell()
        self.number += 1
        scratch = os.path.join(self.scratch, f"{self.number}.{node}")
        os.makedirs(scratch)
        try:
            return shell.run(frame, scratch)
        except EOFError:
            self.shells.pop(node).close()
            return NodeFailed(node, "lost", "the shell ended")

    def frames(self, scripts, *, deadline=15.0):
        self.trips += 1
        return {node: self._run(node, frame) for node, frame in scripts.items()}

    def post(self, scripts):
        for node, frame in scripts.items():
            self._run(node, frame)

    def sent(self, node):
        return self.shells[node].sent if node in self.shells else 0

    def close(self):
        for shell in self.shells.values():
            shell.close()
        self.shells.clear()
