"""Every shell text of the drivers passes shellcheck as POSIX sh."""

from __future__ import annotations

import importlib
import re
import subprocess

import pytest

MODULES = (
    "gnt.hypervisor.fake",
    "gnt.hypervisor.kvm.shell",
    "gnt.hypervisor.kvm.qmp",
    "gnt.storage.file",
    "gnt.storage.plain.lvm",
    "gnt.storage.drbd.tasks",
    "gnt.storage.drbd.change",
    "gnt.net.bridged",
    "gnt.guest.image",
    "gnt.guest.seed",
)


def texts() -> list[tuple[str, str]]:
    found = []
    for module in MODULES:
        for name, value in vars(importlib.import_module(module)).items():
            if re.fullmatch("_?[A-Z]+", name) and "\n" in str(value) and isinstance(value, str):
                found.append((f"{module}.{name}", value))
    return found


@pytest.mark.parametrize(("name", "text"), texts(), ids=[name for name, _ in texts()])
def test_shellcheck(name: str, text: str) -> None:
    # SC2034, SC2329: a shared beginning may hold what one script does not use
    done = subprocess.run(
        ("shellcheck", "-s", "dash", "-e", "SC2034,SC2317,SC2329", "-"),
        input=text,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout
    assert subprocess.run(("dash", "-n"), input=text, text=True).returncode == 0


def test_they_are_found() -> None:
    assert len(texts()) > 20
