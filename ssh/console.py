"""A command on a node with this terminal in front of it, by the real ``ssh``."""

from __future__ import annotations

from gnt.errors import GntError
from gnt.plan import quote
from gnt.ssh.peers import RemotePeer
from gnt.ssh.trust import known_hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.ssh.identity import Identities
    from gnt.ssh.peers import Peer, Target


def command(target: Target, identities: Identities, pinned: str) -> list[str]:
    """The words of a strict ``ssh -t``; ``pinned`` is a known_hosts file with the node's keys."""
    options = {
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": pinned,
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": target.name,
        "UpdateHostKeys": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "IdentitiesOnly": "no" if identities.agent else "yes",
        "IdentityAgent": identities.agent or "none",
        "ForwardAgent": "no",
        "ServerAliveInterval": "10",
        "LogLevel": "ERROR",
    }
    words = ["ssh", "-t", "-F", "none", "-p", str(target.port), "-l", identities.user]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    for path in identities.files:
        words += ["-i", path]
    return [*words, "--", target.address]


def attach(
    target: Target | None, identities: Identities, words: tuple[str, ...],
    peer: Peer | None = None,
) -> int:
    """Run ``words`` on the node (None: on this machine); returns the exit status.

    255 is ssh's own: the connection failed, and ssh has said why.  ``peer``: the node as we are
    connected to it, which gets us a ticket where it is hardened.
    """
    import subprocess

    if target is None:
        return _status(subprocess.call(list(words)))
    remote = "exec " + " ".join(map(quote, words))
    if not isinstance(peer, RemotePeer):
        return _through(target, identities, remote)
    remote, kept = peer.ticket(remote)
    try:
        return _through(target, identities, remote)
    finally:
        if kept is not None:
            kept.close()


def _through(target: Target, identities: Identities, remote: str) -> int:
    import os
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(prefix="gnt-console-") as folder:
        pinned = os.path.join(folder, "known_hosts")
        with open(pinned, "w", encoding="utf-8") as file:
            file.write(known_hosts(target.name, target.host_keys))
        try:
            return _status(subprocess.call([*command(target, identities, pinned), remote]))
        except FileNotFoundError:
            raise GntError(f"the way to {target.name} is ssh, and this machine has none in PATH",
                           hint="apt-get install openssh-client; echo $PATH") from None


def _status(code: int) -> int:
    """A signal as shells report it."""
    return 128 - code if code < 0 else code
