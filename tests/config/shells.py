"""Kept shells on this machine, as ``engine.ports.Frames``: real ``/bin/sh`` behind pipes."""

import contextlib
import os
import subprocess
import time
from concurrent import futures

from gnt.engine.ports import Reply
from gnt.errors import NodeFailed
from gnt.plan import quote

GRACE = 0.2  # seconds for the others once enough have answered


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
        text = f"{body} <{quote(inp)} >{quote(out)} 2>{quote(err)}\ncommand echo $?\n".encode()
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
    """A ``Frames``: one kept shell per node; ``cut`` names the nodes that do not answer.

    ``late``: whom each round trip did not wait for.  A thread per node keeps its frames in order.
    """

    def __init__(self, scratch):
        self.scratch = scratch
        self.shells = {}
        self.workers = {}
        self.cut = set()
        self.late = []
        self.trips = 0
        self.number = 0

    def _run(self, node, frame, number):
        if node in self.cut:
            return NodeFailed(node, "unreachable", "no route to host")
        shell = self.shells.get(node)
        if shell is None:
            shell = self.shells[node] = Shell()
        scratch = os.path.join(self.scratch, f"{number}.{node}")
        os.makedirs(scratch)
        try:
            return shell.run(frame, scratch)
        except EOFError:
            self.shells.pop(node).close()
            return NodeFailed(node, "lost", "the shell ended")

    def _begin(self, scripts):
        """{node: a reply to come}"""
        self.number += 1
        begun = {}
        for node, frame in scripts.items():
            if node not in self.workers:
                self.workers[node] = futures.ThreadPoolExecutor(1)
            begun[node] = self.workers[node].submit(self._run, node, frame, self.number)
        return begun

    def frames(self, scripts, *, deadline=15.0, enough=None):
        self.trips += 1
        begun = self._begin(scripts)
        end, patience = None, time.monotonic() + deadline
        while (waiting := [f for f in begun.values() if not f.done()]) and end != "passed":
            if end is None and enough is not None and self._good(begun) >= enough:
                end = time.monotonic() + GRACE
            left = (end or patience) - time.monotonic()
            futures.wait(waiting, max(0.0, left), futures.FIRST_COMPLETED)
            if left <= 0:
                end = "passed"
        self.late.append({node for node, reply in begun.items() if not reply.done()})
        return {node: reply.result() if reply.done() else NodeFailed(node, "timeout", "late")
                for node, reply in begun.items()}

    @staticmethod
    def _good(begun):
        replies = [reply.result() for reply in begun.values() if reply.done()]
        return sum(isinstance(reply, Reply) and reply.status == 0 for reply in replies)

    def post(self, scripts):
        futures.wait(self._begin(scripts).values())

    def sent(self, node):
        return self.shells[node].sent if node in self.shells else 0

    def close(self):
        for shell in list(self.shells.values()):
            shell.process.kill()
        for worker in self.workers.values():
            worker.shutdown()
        for shell in self.shells.values():
            shell.close()
        self.shells.clear()
