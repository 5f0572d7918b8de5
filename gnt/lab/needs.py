"""What the machine must have for a lab, and which Debian package brings it."""

from __future__ import annotations

from gnt.errors import GntError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TOOLS = {
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "/usr/sbin/sshd": "openssh-server",
}


def check(tools: Mapping[str, str] = TOOLS) -> None:
    """Raise unless this is root and the tools (tool → Debian package) are there."""
    import os
    import shutil

    if os.geteuid() != 0:
        raise GntError("a lab needs root: it makes namespaces and mounts", hint="sudo gnt-lab up 3")
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = {package for tool, package in tools.items() if not shutil.which(tool, path=path)}
    if missing:
        raise GntError(f"a lab needs {', '.join(sorted(missing))}",
                       hint=f"apt-get install --no-install-recommends {' '.join(sorted(missing))}")
