"""Processes by their namespaces: what a lab's hosts consist of, and how they end.

There are no pid files: a host's first process carries the lab's marker in its command line, and
everything that belongs to a host shares a namespace with it.  A crash leaves nothing to be stale.
"""

from __future__ import annotations

import os
import signal
import time

from gnt.errors import GntError


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read(pid: int, name: str) -> str:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def marked(prefix: str) -> dict[str, int]:
    """Marker → process, of all first processes whose marker begins with ``prefix``.

    A marker is the path of the script that the process runs.
    ``unshare`` waits outside with the same command line, and the shell has forks of its own: the
    one that counts is process 1 of its namespace, or the session's leader where there is none.
    """
    found: dict[str, int] = {}
    for pid in _pids():
        words = _read(pid, "cmdline").split("\0")
        marker = next((w for w in words if w.startswith(prefix) and w.endswith("/boot")), None)
        if marker is None or os.path.basename(words[0]) != "sh":
            continue
        nested = _status(pid, "NSpid").split()
        leads = _status(pid, "NSsid").split()[:1] == [str(pid)]
        if leads or (len(nested) > 1 and nested[-1] == "1"):
            found[marker] = pid
    return found


def _status(pid: int, name: str) -> str:
    for line in _read(pid, "status").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    return ""


def namespace(pid: int, kind: str) -> str:
    """The namespace of a process: ``kind`` is net, mnt or pid; empty when the process is gone."""
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""  # gone, or none of ours


def members(kind: str, spaces: set[str]) -> list[int]:
    """Every process in one of these namespaces, except this one."""
    spaces = spaces - {namespace(os.getpid(), kind), ""}
    return [pid for pid in _pids() if namespace(pid, kind) in spaces]


def end(pids: list[int], deadline: float = 20.0) -> None:
    """Kill at once and wait until they are gone, with all that depends on them."""
    handles = []
    for pid in pids:
        try:
            handles.append(os.pidfd_open(pid))
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    try:
        _wait_gone(handles, deadline)
    finally:
        for handle in handles:
            os.close(handle)


def _wait_gone(handles: list[int], deadline: float) -> None:
    import select

    latest = time.monotonic() + deadline
    poll = select.poll()
    waiting = set(handles)
    for handle in handles:
        poll.register(handle, select.POLLIN)
    while waiting:
        left = latest - time.monotonic()
        if left <= 0:
            raise GntError(f"{len(waiting)} processes of the lab do not end although killed",
                           hint="dmesg says whether the kernel waits for a disk")
        for handle, _ in poll.poll(left * 1000):
            poll.unregister(handle)
            waiting.discard(handle)


def stop(space: str) -> None:
    """Freeze every process of a pid namespace, those it forks meanwhile too."""
    for _ in range(100):
        awake = [p for p in members("pid", {space}) if _status(p, "State")[:1] not in ("T", "Z")]
        if not awake:
            return
        for pid in awake:
            _signal(pid, signal.SIGSTOP)
        time.sleep(0.01)
    raise GntError("the node's processes start faster than they can be stopped")


def resume(space: str) -> None:
    """Let a frozen pid namespace run on."""
    for pid in members("pid", {space}):
        _signal(pid, signal.SIGCONT)


def frozen(pid: int) -> bool:
    """Whether a process is stopped."""
    return _status(pid, "State")[:1] == "T"


def _signal(pid: int, number: signal.Signals) -> None:
    import contextlib

    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
