"""The admin's host: commands that run where the nodes can be reached."""

from __future__ import annotations

import os
import sys

from gnt.errors import GntError
from gnt.lab import power
from gnt.lab.layout import ADMIN, Host, Layout


def entered(layout: Layout, words: list[str], folder: str = "") -> list[str]:
    """The command line that runs ``words`` on the admin's host, in ``folder``.

    ``nsenter`` and ``env`` only replace themselves, so the process that runs it is the command.
    """
    pid = power.running(layout).get(ADMIN.short)
    if pid is None:
        raise GntError(f"lab {layout.name} is not up", hint=f"gnt-lab up 3 --name {layout.name}")
    folder = folder or os.getcwd()
    beside = os.path.dirname(os.path.abspath(sys.argv[0]))  # the suite's other commands
    return ["nsenter", f"--target={pid}", "--net", "--mount", "--uts", "--root", "--",
            "env", "-u", "SSH_AUTH_SOCK", "-u", "XDG_CONFIG_HOME", "-u", "XDG_CACHE_HOME",
            "-C", folder, "HOME=/root", "USER=root",
            f"PATH={beside}:{os.environ.get('PATH', os.defpath)}",
            f"GNT_LAB={layout.name}", *words]


def login(host: Host, words: list[str]) -> list[str]:
    """The plain ssh command line to a node, as used on the admin's host."""
    return ["ssh", "-o", "ConnectTimeout=5", f"root@{host.name}", *words]


def become(words: list[str]) -> int:
    """Replace this process by a command."""
    os.execvp(words[0], words)
