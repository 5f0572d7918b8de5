"""Which cluster a command talks to, whom it believes, and with which keys it comes.

On a node the cluster is the node's own (``/var/lib/gnt``).  Elsewhere a *context* per cluster lies
in ``~/.config/gnt/<name>/context.toml``: where the master candidates are, their host keys, and the
pinned signers.  ``--cluster NAME`` or ``GNT_CLUSTER`` chooses one, else the one made current by
``gnt-context use``.  Copies of the configuration are caches, in ``~/.cache/gnt/<name>``.
"""

from __future__ import annotations

import os

from gnt.config import canon
from gnt.errors import Conflict, Invalid, NoCluster, NotFound
from gnt.model.codec import from_data, to_data
from gnt.model.objects import Node
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = "/var/lib/gnt"
OWNER = "gnt@"  # the comment of a node's own login key, before the node's name
USUAL_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


class Context(Record):
    """``nodes``: candidates to begin with, until the configuration says where all are."""

    name: str  # of the cluster, for people; empty on a node
    cluster: str = ""  # its uuid; empty before it was read for the first time
    signers: tuple[str, ...] = ()  # pinned public keys
    nodes: tuple[Node, ...] = ()
    login: tuple[str, ...] = ()  # private key files
    agent: bool = True  # also the keys in ssh-agent
    signer: str = ""  # private key file
    here: str = ""  # the node that this machine is

    @property
    def directory(self) -> str:
        """Where the verified copy and its caches are."""
        return f"{_caches()}/{self.name or 'here'}"

    @property
    def runtime(self) -> str:
        """Where the runner of submitted jobs listens."""
        return f"{self.directory}/runner"


def find(cluster: str) -> Context:
    """The context a command line means; NoCluster when there is none."""
    wanted = cluster or os.environ.get("GNT_CLUSTER", "")
    if not wanted and on_node():
        return _of_node()
    name = wanted or current()
    if not name:
        raise NoCluster("there is no cluster here, and no context names one",
                        hint="gnt-cluster init NAME, or gnt-context join NAME HOST")
    return load(name)


def directory(cluster: str) -> str:
    """Where a context's caches are; empty when there is no context."""
    wanted = cluster or os.environ.get("GNT_CLUSTER", "")
    name = wanted or ("here" if on_node() else current())
    return f"{_caches()}/{_checked(name)}" if name else ""


def on_node() -> bool:
    return os.path.exists(f"{HERE}/term") or os.path.exists(f"{HERE}/config/head")


def _of_node() -> Context:
    """A node believes whoever signed what root put on it."""
    return Context(
        name="", signers=_signers_here(), login=(f"{HERE}/keys/login",), agent=False,
        signer=f"{HERE}/keys/signer", here=_own_name(),
    )


def _own_name() -> str:
    """The node's name is the comment of its login key."""
    try:
        with open(f"{HERE}/keys/login.pub", encoding="ascii") as file:
            comment = file.read().split(" ", 2)[2].strip()
    except (OSError, IndexError, ValueError):
        return ""
    return comment.removeprefix(OWNER) if comment.startswith(OWNER) else ""


def _signers_here() -> tuple[str, ...]:
    from gnt.config import base
    from gnt.config.disk import Disk, numbers

    disk = Disk(f"{HERE}/config")
    found: list[str] = []
    for number in numbers(disk.names(), "base"):
        data = disk.read(f"base-{number}.toml")
        if data is not None:
            listed = base.parse(data, f"base-{number}.toml").data.get("signers", {})
            found += [str(signer["key"]) for signer in listed.values()]  # type: ignore[index]  # a table, base.parse has checked
    return tuple(dict.fromkeys(found))


def fresh(name: str) -> Context:
    """A context for a cluster that is being created or joined: with this user's keys."""
    if on_node():
        return _of_node()
    home = os.path.expanduser("~/.ssh")
    login = tuple(f"{home}/{key}" for key in USUAL_KEYS if os.path.exists(f"{home}/{key}"))
    return Context(name=name, login=login, agent=bool(os.environ.get("SSH_AUTH_SOCK")),
                   signer=own_signer())


def own_signer() -> str:
    """The file of this user's signing key, made when there is none."""
    path = f"{_contexts()}/signer"
    if not os.path.exists(path):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        made = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        os.makedirs(_contexts(), 0o700, exist_ok=True)
        _write(path, made)
    return path


def names() -> list[str]:
    """The contexts there are."""
    try:
        found = sorted(os.listdir(_contexts()))
    except FileNotFoundError:
        return []
    return [name for name in found if os.path.exists(f"{_contexts()}/{name}/context.toml")]


def current() -> str:
    """The context made current, or the only one; empty without."""
    try:
        with open(f"{_contexts()}/current", encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        found = names()
        return found[0] if len(found) == 1 else ""


def use(name: str) -> None:
    load(name)
    _write(f"{_contexts()}/current", f"{name}\n".encode())


def load(name: str) -> Context:
    path = f"{_contexts()}/{_checked(name)}/context.toml"
    try:
        with open(path, "rb") as file:
            data = file.read(1 << 20)
    except FileNotFoundError:
        known = ", ".join(names()) or "none"
        raise NotFound(f"there is no context {name} (known: {known})",
                       hint=f"gnt-context join {name} HOST") from None
    return from_data(Context, canon.read(data, path).get("context", {}), path)


def save(context: Context) -> None:
    """Write a context down; the first one becomes the current one."""
    folder = f"{_contexts()}/{_checked(context.name)}"
    first = not names()
    os.makedirs(folder, 0o700, exist_ok=True)
    _write(f"{folder}/context.toml", canon.document([(("context",), to_data(context))]))
    if first:
        use(context.name)


def require_unknown(name: str) -> None:
    if name in names():
        raise Conflict(f"there is a context {name} already", hint="gnt-context list")


def forget(context: Context) -> None:
    """Take a context and its caches away."""
    import shutil

    if context.name:
        shutil.rmtree(f"{_contexts()}/{context.name}", ignore_errors=True)
        if current() == context.name:
            os.unlink(f"{_contexts()}/current")
    shutil.rmtree(context.directory, ignore_errors=True)


def update(context: Context, signers: Iterable[str], nodes: Iterable[Node], uuid: str) -> Context:
    """The context with what a read configuration says; written when that differs."""
    now = context.replace(cluster=uuid, signers=tuple(signers), nodes=tuple(nodes))
    if context.name and now != context:
        save(now)
    return now


def _contexts() -> str:
    return os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "gnt")


def _caches() -> str:
    if on_node() and os.geteuid() == 0:
        return "/var/cache/gnt"
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gnt")


def _checked(name: str) -> str:
    if not name or name.startswith(".") or "/" in name or not name.isprintable():
        raise Invalid("--cluster", f"{name!r} cannot be the name of a context")
    return name


def _write(path: str, data: bytes) -> None:
    """The whole file or the old one, readable for this user only."""
    fresh_path = f"{path}.{os.getpid()}.new"
    descriptor = os.open(fresh_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(fresh_path, path)
