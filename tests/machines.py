"""A lab of virtual nodes (tier B): real kernels with LVM and DRBD, on the lab's switch.

They boot once; what every test starts from is the saved state of machines that have booted, kept in
the lab's cache until the image, QEMU or this file changes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from gnt.lab import power
from gnt.lab.guest.image import CACHE
from gnt.lab.guest.machine import MACHINE
from gnt.lab.layout import ADMIN, Host, Layout
from tests.labs import Done, Lab, _expect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

COUNT = 3
MEMORY = 640  # MiB
BOOT = 400.0  # seconds: 30 on a quiet machine
SAVED = CACHE / "machines"
QEMU = (
    "qemu-system-x86_64", "-M", "q35,smbus=off,sata=off,vmport=off", "-accel",
    "tcg,thread=multi,tb-size=256", "-cpu", "max", "-smp", "1", "-m", str(MEMORY), "-nodefaults",
    "-no-user-config", "-no-reboot", "-display", "none", "-device", "virtio-rng-pci")
ARGUMENTS = "root=/dev/vda console=ttyS0 mitigations=off net.ifnames=0 panic=-1 loglevel=4"


class Machine:
    """One virtual node, and the folder with its disks."""

    def __init__(self, host: Host, folder: Path, hub: int) -> None:
        self.host, self.folder, self.hub = host, folder, hub
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        """Power on; ``more``: where to take the state from."""
        kernel, initrd = (str(CACHE / name) for name in MACHINE.files[1:])
        tap, low = f"lan{self.host.number}", f"{self.host.number:02x}"
        self._in_hub(f"ip link del {tap} 2>/dev/null; ip tuntap add {tap} mode tap &&"
                     f" ip link set {tap} master lan up")
        key = (self.folder / "id_ed25519.pub").read_text().split()[1]
        words = [*QEMU, "-kernel", kernel, "-initrd", initrd, "-append",
                 f"{ARGUMENTS} lab.host={self.host.short} lab.address={self.host.address}"
                 f" lab.key={key}",
                 "-serial", f"file:{self._at('serial')}", "-qmp",
                 f"unix:{self._at('qmp')},server=on,wait=off", "-netdev",
                 f"tap,id=lan,ifname={tap},script=no,downscript=no", "-device",
                 f"virtio-net-pci,romfile=,netdev=lan,mac=02:67:6e:75:00:{low}"]
        for name in ("root", "data"):
            words += ["-drive", f"id={name},if=none,format=qcow2,cache=unsafe,"
                      f"file={self._at(name)}", "-device", f"virtio-blk-pci,drive={name}"]
        with open(self.folder / f"{self.host.short}.log", "wb") as log:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/proc/{self.hub}/ns/net", "setpriv", "--pdeathsig=KILL",
                 *words, *more], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def restore(self) -> None:
        self.start("-incoming", f"exec:zstd -dcq {self._at('state')}")

    def resume(self) -> None:
        """Go on once the state is loaded."""
        self._until_migrated()
        self.ask({"execute": "cont"})

    def save(self) -> None:
        """Write the state, and end."""
        self.ask({"execute": "stop"}, {"execute": "migrate-set-parameters",
                                       "arguments": {"max-bandwidth": 4 * 1024**3}},
                 {"execute": "migrate", "arguments": {
                     "uri": f"exec:zstd -1 -q -f -o {self._at('state')}"}})
        self._until_migrated()
        self.ask({"execute": "quit"})
        assert self.process is not None
        self.process.wait(60)

    def kill(self) -> None:
        """Pull the plug."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self._in_hub(f"ip link del lan{self.host.number} 2>/dev/null || :")

    def ask(self, *requests: dict[str, Any]) -> list[Any]:
        """Answers of QEMU's control socket."""
        latest = time.monotonic() + BOOT
        with socket.socket(socket.AF_UNIX) as control:
            while True:
                try:
                    control.connect(self._at("qmp"))
                    break
                except OSError:
                    assert time.monotonic() < latest and self._alive(), self._log()
                    time.sleep(0.05)
            control.settimeout(BOOT)
            stream = control.makefile("rw")
            stream.readline()
            return [_answer(stream, request) for request in (
                {"execute": "qmp_capabilities"}, *requests)][1:]

    def _until_migrated(self) -> None:
        latest = time.monotonic() + BOOT
        while time.monotonic() < latest:
            (said,) = self.ask({"execute": "query-migrate"})
            if said.get("status") == "completed":
                return
            assert said.get("status") != "failed", said
            time.sleep(0.05)
        raise AssertionError(f"{self.host.short}: its state is not through after {BOOT} s")

    def _alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _log(self) -> str:
        return (self.folder / f"{self.host.short}.log").read_text(errors="replace")

    def _at(self, what: str) -> str:
        return str(self.folder / f"{self.host.short}.{what}")

    def _in_hub(self, command: str) -> None:
        subprocess.run(["nsenter", f"--net=/proc/{self.hub}/ns/net", "sh", "-c", command],
                       check=True)


def _answer(stream: Any, request: dict[str, Any]) -> Any:
    stream.write(json.dumps(request) + "\n")
    stream.flush()
    for line in stream:
        said = json.loads(line)
        if "event" not in said:
            assert "return" in said, f"{request}: {said}"
            return said["return"]
    raise AssertionError(f"{request}: QEMU went away")


class MachineLab(Lab):
    """The same as :class:`Lab`, with virtual nodes; ``on`` goes over SSH."""

    def __init__(self, layout: Layout, folder: Path) -> None:
        super().__init__(layout, COUNT)
        hub = power.running(layout)["hub"]
        self.folder = folder
        self.machines = {host.number: Machine(host, folder, hub) for host in self.hosts}

    def on(self, node: int, *words: str, status: int | None = 0, stdin: str = "") -> Done:
        line = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
        done = self.run("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20",
                        f"root@{self.address(node)}", line, status=None, stdin=stdin, timeout=300)
        return _expect(done, words, status)

    def kill(self, node: int) -> None:
        self.machines[node].kill()

    def start(self, node: int) -> None:
        """Boot a machine with the disks it has."""
        self.machines[node].start()
        self.await_ssh(node)

    def await_ssh(self, node: int) -> None:
        latest = time.monotonic() + BOOT
        while self.run("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5",
                       f"root@{self.address(node)}", "test -d /sys/module/drbd",
                       status=None, timeout=60).returncode:
            assert time.monotonic() < latest, f"node{node} does not answer"
            time.sleep(0.5)

    def down(self) -> None:
        for machine in self.machines.values():
            machine.kill()
        super().down()
        shutil.rmtree(self.folder, ignore_errors=True)


def make(purpose: str) -> MachineLab:
    """A lab of three virtual nodes that have booted; each has a volume group ``xenvg``."""
    saved = _saved()
    folder = Path(f"/var/tmp/gnt-machines-{os.getpid()}-{purpose}")
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["cp", "-r", "--sparse=always", str(saved), str(folder)], check=True)
    lab = _lab(f"test-{os.getpid()}-{purpose}", folder)
    for machine in lab.machines.values():
        machine.restore()
    for machine in lab.machines.values():
        machine.resume()
    for number in lab.machines:
        lab.await_ssh(number)
        lab.on(number, "date", "-s", f"@{int(time.time())}")
    return lab


def _lab(name: str, folder: Path) -> MachineLab:
    """Switches and the admin's host, which has the key that the machines know."""
    layout = Layout(name=name)
    power.down(layout)
    home = layout.host_disk(ADMIN.short) / "root/.ssh"
    home.mkdir(parents=True, mode=0o700)
    for key in ("id_ed25519", "id_ed25519.pub"):
        shutil.copy(folder / key, home / key)
    power.up(layout, 0, lambda message: None)
    lab = MachineLab(layout, folder)
    known = folder / "known_hosts"
    if known.exists():
        admin = power.running(layout)[ADMIN.short]
        shutil.copy(known, f"/proc/{admin}/root/root/.ssh/known_hosts")
    return lab


def _saved() -> Path:
    """The folder with machines that have booted, made when there is none that fits."""
    MACHINE.made()
    SAVED.mkdir(parents=True, exist_ok=True)
    with open(SAVED / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = SAVED / _recipe()
        if not folder.exists():
            for old in SAVED.iterdir():
                shutil.rmtree(old) if old.is_dir() else None
            _boot_all(folder)
    return folder


def _recipe() -> str:
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, check=True)
    image = (CACHE / f".{MACHINE.name}.recipe").read_bytes()
    return hashlib.sha256(
        b"".join((version.stdout, image, Path(__file__).read_bytes()))).hexdigest()[:16]


def _boot_all(folder: Path) -> None:
    new = folder.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(new / "id_ed25519")],
                   check=True)
    for number in range(1, COUNT + 1):
        _disks(new, Host(number=number))
    with _booted(new) as lab:
        names = [f"{h.name},{h.short},{h.address}" for h in lab.hosts]
        keys = [lab.on(h.number, "cat", "/etc/ssh/ssh_host_ed25519_key.pub").stdout.split()[:2]
                for h in lab.hosts]
        (new / "known_hosts").write_text("".join(
            f"{name} {' '.join(key)}\n" for name, key in zip(names, keys, strict=True)))
        for machine in lab.machines.values():
            lab.on(machine.host.number, "sync")
            machine.save()
    new.rename(folder)


def _disks(folder: Path, host: Host) -> None:
    """Its root disk, which lies over the image, and one for the volume group."""
    make = ["qemu-img", "create", "-q", "-f", "qcow2"]
    below = ["-F", "raw", "-b", str(MACHINE.path)]
    subprocess.run([*make, *below, str(folder / f"{host.short}.root")], check=True)
    subprocess.run([*make, str(folder / f"{host.short}.data"), "4G"], check=True)


@contextlib.contextmanager
def _booted(folder: Path) -> Iterator[MachineLab]:
    lab = _lab(f"test-{os.getpid()}-boot", folder)
    try:
        lab.run("sh", "-c", "printf 'Host *\\n StrictHostKeyChecking accept-new\\n' >~/.ssh/config")
        for machine in lab.machines.values():
            machine.start()
        for number in lab.machines:
            lab.await_ssh(number)
            lab.on(number, "sh", "-c", "until vgs xenvg >/dev/null 2>&1; do sleep 0.5; done")
        yield lab
    finally:
        for machine in lab.machines.values():
            machine.kill()
        Lab.down(lab)
