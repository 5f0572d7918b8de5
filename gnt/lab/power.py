"""Switching hosts on and off: up, start, kill, hang, thaw, down."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid

from gnt.errors import Busy, GntError
from gnt.lab import needs, processes
from gnt.lab.layout import ADMIN, Host, Layout, hosts_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

BOOT_DEADLINE = 60.0  # seconds; one node takes 0.1 s, 200 at once on two busy cores 20 s
LOCK_DEADLINE = 30.0
AT_ONCE = 24  # nodes that boot side by side


def running(layout: Layout) -> dict[str, int]:
    """Short name → first process of every host that is on, and ``hub``."""
    found = processes.marked(f"{layout.run}/")
    return {marker.split("/")[-2]: pid for marker, pid in found.items()}


@contextlib.contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """Nobody else switches hosts of this lab meanwhile."""
    import fcntl

    latest = time.monotonic() + LOCK_DEADLINE
    while True:
        layout.run.mkdir(parents=True, exist_ok=True)
        with open(layout.run / "lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _same(file.fileno(), layout.run / "lock"):
                    yield
                    return
            except BlockingIOError:
                if time.monotonic() > latest:
                    raise Busy(f"somebody else is switching hosts of lab {layout.name}",
                               hint="wait a moment and try again") from None
                time.sleep(0.05)


def _same(handle: int, path: Path) -> bool:
    """Whether the open file is still the one there: down removes it."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def up(layout: Layout, count: int, tell: Callable[[str], None]) -> tuple[Host, ...]:
    """Make sure that nodes 1 … ``count`` and the admin's host run; returns those started."""
    needs.check()
    with locked(layout):
        _make_disks(layout)
        on = running(layout)
        hub = _hub(layout, on)
        wanted = [ADMIN, *(Host(number=n) for n in range(1, count + 1))]
        missing = [h for h in wanted if h.short not in on or not _booted(layout, h, on[h.short])]
        for host in missing:
            if host.short in on:  # a start that was interrupted
                processes.end([on[host.short]])
        for first in range(0, len(missing), AT_ONCE):
            _boot(layout, missing[first : first + AT_ONCE], hub)
            if len(missing) > AT_ONCE:
                tell(f"{min(first + AT_ONCE, len(missing))} of {len(missing)} hosts are up")
        _tell_admin_the_keys(layout)
    return tuple(missing)


def start(layout: Layout, host: Host) -> None:
    """Power on one node with the disk it has; nothing happens when it is on."""
    needs.check()
    with locked(layout):
        on = running(layout)
        if "hub" not in on:
            raise GntError(f"lab {layout.name} is not up",
                           hint=f"gnt-lab up {len(layout.nodes())} --name {layout.name}")
        if host.short not in on:
            _boot(layout, [host], on["hub"])


def kill(layout: Layout, host: Host) -> None:
    """Pull the plug: no process of the node does another thing, and nobody hears of it."""
    with locked(layout):
        on = running(layout)
        if host.short not in on:
            return
        # The cable first: dying processes must not close their connections politely.
        _in_hub(on["hub"], "ip", "link", "del", f"lan{host.number}")
        processes.end([on[host.short]])


def hang(layout: Layout, host: Host) -> None:
    """Stop every process of the node, as a host without CPU or memory does: it answers nothing."""
    processes.stop(processes.namespace(_pid(layout, host), "pid"))


def thaw(layout: Layout, host: Host) -> None:
    """End a :func:`hang`."""
    processes.resume(processes.namespace(_pid(layout, host), "pid"))


def state(on: dict[str, int], host: Host) -> str:
    """``up``, ``down`` or ``hung``."""
    if host.short not in on:
        return "down"
    return "hung" if processes.frozen(on[host.short]) else "up"


def down(layout: Layout) -> None:
    """End everything of the lab and remove its disks."""
    with locked(layout):
        on = running(layout)
        hub = on.pop("hub", None)
        spaces = {processes.namespace(pid, "net") for pid in on.values()}
        processes.end(list(on.values()))
        processes.end(processes.members("net", spaces))
        if hub is not None:
            processes.end([hub])
        _unmount(layout.disk)
        for folder in (layout.disk, layout.run):
            shutil.rmtree(folder, ignore_errors=False) if folder.exists() else None
    for parent in (layout.disk.parent, layout.run.parent):
        try:
            parent.rmdir()
        except OSError:  # other labs live there
            continue


def _pid(layout: Layout, host: Host) -> int:
    pid = running(layout).get(host.short)
    if pid is None:
        raise GntError(f"{host.short} is not running",
                       hint=f"gnt-lab start {host.short} --name {layout.name}")
    return pid


def _make_disks(layout: Layout) -> None:
    """The folders and the key that all hosts share; what is there stays."""
    import subprocess
    import tempfile

    layout.disk.mkdir(parents=True, exist_ok=True)
    kind = subprocess.run(["stat", "-f", "-c", "%T", str(layout.disk)],
                          capture_output=True, text=True, check=True).stdout.strip()
    if kind == "overlayfs":  # in a container: an overlay cannot lie on another, but on a tmpfs
        subprocess.run(["mount", "-t", "tmpfs", "gnt-lab", str(layout.disk)], check=True)
    layout.shared.mkdir(exist_ok=True)
    home = layout.host_disk(ADMIN.short) / "root"
    hidden = (home / ".ssh", home / ".cache/gnt", home / ".config/gnt",
              layout.host_disk(ADMIN.short) / "etc/gnt")
    for folder in hidden:
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)
            os.setxattr(folder, "trusted.overlay.opaque", b"y")
    home.chmod(0o700)
    (home / ".ssh").chmod(0o700)
    if not (home / ".ssh/id_ed25519").exists():
        # Elsewhere first: the child of a start that was killed may still be writing its own.
        with tempfile.TemporaryDirectory(dir=layout.disk, ignore_cleanup_errors=True) as new:
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "root@admin.lab",
                            "-f", f"{new}/id_ed25519"], check=True)
            for name in ("id_ed25519.pub", "id_ed25519"):
                os.replace(f"{new}/{name}", home / ".ssh" / name)


def _unmount(folder: Path) -> None:
    import subprocess

    if os.path.ismount(folder):
        subprocess.run(["umount", str(folder)], check=True)


def _hub(layout: Layout, on: dict[str, int]) -> int:
    """The process of the hub, started when it is not there or was left half made."""
    ready = layout.host_run("hub") / "ready"
    if "hub" in on and ready.exists():
        return on["hub"]
    if on:  # hosts without a hub have no network: they cannot be kept
        processes.end(list(on.values()))
        on.clear()
    shutil.rmtree(ready.parent, ignore_errors=True)
    ready.parent.mkdir(parents=True)
    _launch(layout, "hub", ["--net"], ["hub"], [str(ready.parent)])
    return _await(layout, "hub", lambda pid: ready.exists())


def _boot(layout: Layout, hosts: Iterable[Host], hub: int) -> None:
    for host in hosts:
        _prepare(layout, host)
        words = [host.short, str(host.number), host.address, str(layout.host_run(host.short)),
                 str(layout.host_disk(host.short)), f"/proc/{hub}/ns/net"]
        if host.number:
            _launch(layout, host.short, ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork",
                                         "--kill-child=KILL"], ["wire", "node"], words)
        else:
            _launch(layout, host.short, ["--net", "--mount", "--uts"], ["wire", "admin"], words)
    for host in hosts:
        _await(layout, host.short, lambda pid, host=host: _booted(layout, host, pid))  # type: ignore[misc]  # binds the loop variable


def _prepare(layout: Layout, host: Host) -> None:
    """The node's own disk (kept) and what belongs to this boot only."""
    run, disk = layout.host_run(host.short), layout.host_disk(host.short)
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    (run / "boot_id").write_text(f"{uuid.uuid4()}\n")
    if not (disk / "etc/hosts").exists():
        for folder in ("etc", "lib"):
            (disk / folder).mkdir(parents=True, exist_ok=True)
        if host.number:
            _let_admin_in(layout, disk / "root/.ssh")
        (disk / "etc/hosts").write_text(hosts_file())  # last: it says that the rest is there


def _let_admin_in(layout: Layout, folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    key = layout.host_disk(ADMIN.short) / "root/.ssh/id_ed25519.pub"
    shutil.copy(key, folder / "authorized_keys")
    (folder / "authorized_keys").chmod(0o600)


def _launch(
    layout: Layout, short: str, spaces: list[str], scripts: list[str], words: list[str],
) -> None:
    import pkgutil
    import subprocess

    body = b"\n".join(pkgutil.get_data("gnt.lab", f"{s}.sh") or b"" for s in scripts)
    (layout.host_run(short) / "boot").write_bytes(body)
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    with open(layout.host_run(short) / "log", "wb") as log:
        subprocess.Popen(
            ["unshare", *spaces, "sh", layout.marker(short), *words],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
            env={"PATH": path, "HOME": "/root", "LANG": "C.UTF-8"})


def _booted(layout: Layout, host: Host, pid: int) -> bool:
    if host.number:
        return os.path.exists(f"/proc/{pid}/root/run/sshd.pid")
    return (layout.host_run(host.short) / "ready").exists()


def _await(layout: Layout, short: str, ready: Callable[[int], bool]) -> int:
    """The process of a host once it is up; raises with the end of its log when it never is."""
    latest = time.monotonic() + BOOT_DEADLINE
    pause = 0.005
    while time.monotonic() < latest:
        pid = running(layout).get(short)
        if pid is not None and ready(pid):
            return pid
        log = (layout.host_run(short) / "log").read_text(errors="replace")
        if pid is None and log:
            break
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
    log = (layout.host_run(short) / "log").read_text(errors="replace")
    shown = "".join(f"\n    {line}" for line in log.strip().splitlines()[-5:])
    raise GntError(f"{short} of lab {layout.name} did not start{shown}",
                   hint=f"gnt-lab down --name {layout.name} clears what is left")


def _in_hub(hub: int, *words: str) -> None:
    import subprocess

    done = subprocess.run(["nsenter", f"--net=/proc/{hub}/ns/net", *words],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise GntError(f"{' '.join(words)}: {done.stderr.strip()}")


def _tell_admin_the_keys(layout: Layout) -> None:
    """Fill the admin's known_hosts, so that a plain ``ssh node1`` asks nothing."""
    admin = running(layout)[ADMIN.short]
    lines = []
    for host in layout.nodes():
        key = layout.host_disk(host.short) / "etc/ssh/ssh_host_ed25519_key.pub"
        if key.exists():
            kind, blob = key.read_text().split()[:2]
            lines.append(f"{host.name},{host.short},{host.address} {kind} {blob}\n")
    with open(f"/proc/{admin}/root/root/.ssh/known_hosts", "w") as file:
        file.writelines(lines)
