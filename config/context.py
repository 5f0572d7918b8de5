"""The clusters this user knows: where each is, whom to believe there, with which keys to come.

A context is a file, ``~/.config/gnt/contexts/NAME.toml``.  On a node there is one without a file
and without a name: the cluster that the node belongs to.  Only files here, no network.
"""

from __future__ import annotations

import os

from gnt.config import canon
from gnt.config.disk import Disk
from gnt.errors import Conflict, Invalid, NoCluster
from gnt.model.codec import from_data, to_data
from gnt.model.objects import Node
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = "/var/lib/gnt"  # what a node holds
ON_NODE = "node"  # the folder of a node's own cache
MAX_FILE = 1024 * 1024
LOGIN_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


class Context(Record):
    """``signers``: public keys to believe until the configuration says more (the trust root).

    ``signer``: the file of the key that signs, or the public key of one that ssh-agent holds.
    ``here``: the name of the node that this machine is, or empty.
    """

    name: str
    cluster: str = ""  # uuid
    signers: tuple[str, ...] = ()
    nodes: tuple[Node, ...] = ()  # candidates, with addresses and host keys
    login: tuple[str, ...] = ()  # files of keys to log in with
    agent: bool = True  # offer the keys of ssh-agent, too
    signer: str = ""
    here: str = ""

    @property
    def directory(self) -> str:
        """The cache: the verified copy of the configuration, and what is derived from it."""
        return cache(self.name or ON_NODE)

    @property
    def seen(self) -> str:
        """The file that remembers the highest term and serial, should the cache be lost."""
        return f"{HERE}/seen" if not self.name else _path(self.name, ".seen")

    @property
    def runtime(self) -> str:
        """The folder for the sockets of this user's runner."""
        base = os.environ.get("XDG_RUNTIME_DIR", "")
        if os.geteuid() == 0 and self.here:
            return f"/run/gnt/{self.name or ON_NODE}"
        return f"{base}/gnt/{self.name}" if base else f"{self.directory}/run"


def cache(name: str) -> str:
    """The folder of a context's cache."""
    if os.geteuid() == 0 and name == ON_NODE:
        return f"/var/cache/gnt/{name}"
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return f"{base}/gnt/{name}"


def home() -> str:
    """The folder of this user's contexts, keys and choice."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return f"{base}/gnt"


def _path(name: str, suffix: str = ".toml") -> str:
    if not name or name[0] in ".-" or not all(
            (c.isascii() and c.isalnum()) or c in "._-" for c in name) or name == ON_NODE:
        raise Invalid("--cluster", f"{name!r} cannot be the name of a context",
                      hint="letters, digits, dots and - can")
    return f"{home()}/contexts/{name}{suffix}"


def names() -> list[str]:
    """All contexts of this user."""
    try:
        files = os.listdir(f"{home()}/contexts")
    except FileNotFoundError:
        return []
    return sorted(file[:-5] for file in files if file.endswith(".toml"))


def current() -> str:
    """The context that is used when none is named; empty: none."""
    try:
        with open(f"{home()}/current", encoding="utf-8") as file:
            chosen = file.read().strip()
    except FileNotFoundError:
        chosen = ""
    known = names()
    if chosen in known:
        return chosen
    return known[0] if len(known) == 1 else ""


def use(name: str) -> None:
    """Make it the one that is used when none is named."""
    load(name)
    Disk(home()).replace("current", f"{name}\n".encode())


def chosen(cluster: str) -> str:
    """The name that ``--cluster`` and ``GNT_CLUSTER`` come to; empty: this node's own cluster."""
    name = cluster or os.environ.get("GNT_CLUSTER", "")
    if name or _is_node():
        return name
    name = current()
    if name:
        return name
    known = ", ".join(names())
    raise NoCluster(
        "which cluster? there are several" if known else "there is no cluster here",
        hint=f"gnt --cluster NAME, or gnt-context use NAME ({known})" if known
        else "gnt-context join NAME HOST, or gnt-cluster init NAME")


def _is_node() -> bool:
    return os.path.exists(f"{HERE}/config/head")


def find(cluster: str) -> Context:
    """The context to use; raises NoCluster or Invalid."""
    name = chosen(cluster)
    return load(name) if name else _of_node()


def directory(cluster: str) -> str:
    """The cache's folder of the context to use, without reading the context; empty: none."""
    try:
        return cache(chosen(cluster) or ON_NODE)
    except NoCluster:
        return ""


def _of_node() -> Context:
    """The cluster of this node: believe what its own candidate directory holds."""
    try:
        with open(f"{HERE}/keys/signer.pub", encoding="utf-8") as file:
            words = file.read().split()
    except OSError as error:
        raise NoCluster(f"this host was a node, but {error.filename} cannot be read: "
                        f"{error.strerror}", hint="gnt-node add --readd NODE") from None
    cluster, signers = _root()
    here = words[2].partition("@")[2] if len(words) > 2 else ""  # the comment: gnt@NODE
    return Context(name="", cluster=cluster, signers=signers, here=here,
                   login=(f"{HERE}/keys/login",), signer=f"{HERE}/keys/signer", agent=False)


def _root() -> tuple[str, tuple[str, ...]]:
    """The cluster's uuid and the signers that this node's base names."""
    from gnt.config.disk import numbers

    disk = Disk(f"{HERE}/config")
    found = numbers(disk.names(), "base")
    if not found:
        return "", ()
    with open(disk.path(f"base-{found[-1]}.toml"), encoding="utf-8", errors="replace") as file:
        return _scan(file)


def _scan(lines: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """Line by line: a whole base takes long to parse, and only these few lines are needed."""
    cluster, signers, section = "", [], ""
    for line in lines:
        if line.startswith("["):
            section = line
        elif section == "[cluster]\n" and line.startswith('uuid = "'):
            cluster = line[8:-2]
        elif section.startswith("[signers.") and line.startswith('key = "'):
            signers.append(line[7:-2])
    return cluster, tuple(signers)


def load(name: str) -> Context:
    """A context by name; raises NoCluster when there is none."""
    path = _path(name)
    try:
        with open(path, "rb") as file:
            data = canon.read(file.read(MAX_FILE + 1), path, MAX_FILE)
    except FileNotFoundError:
        known = ", ".join(names()) or "none"
        raise NoCluster(f"there is no context {name} (known: {known})",
                        hint=f"gnt-context join {name} HOST") from None
    return from_data(Context, {**data, "name": name}, path)


def save(context: Context) -> None:
    """Keep a context."""
    path = _path(context.name)
    data = {key: value for key, value in to_data(context).items() if key not in ("name", "here")}
    text = "".join(f"{canon.key(k)} = {canon.value(v, k)}\n" for k, v in data.items())
    disk = Disk(os.path.dirname(path))
    disk.prepare()
    disk.replace(os.path.basename(path), canon.encode(text, path))


def require_unknown(name: str) -> None:
    """Raise Conflict when there is a context of this name."""
    if os.path.exists(_path(name)):
        raise Conflict(f"there is a context {name} already", hint="choose another name, or remove "
                       + _path(name))


def fresh(name: str) -> Context:
    """A new context with this user's keys; makes a signing key when there is none."""
    folder = os.path.expanduser("~/.ssh")
    login = tuple(f"{folder}/{key}" for key in LOGIN_KEYS if os.path.exists(f"{folder}/{key}"))
    return Context(name=name, login=login, signer=_signer())


def _signer() -> str:
    from gnt.config import signature
    from gnt.errors import UsageError

    path = f"{home()}/keys/signer"
    if os.path.exists(path):
        return path
    own = os.path.expanduser("~/.ssh/id_ed25519")
    if os.path.exists(own):
        try:
            signature.read_key(own)
        except UsageError:  # it has a passphrase: a key of our own signs instead
            pass
        else:
            return own
    signature.make_key(path)
    return path


def update(
    context: Context, signers: Iterable[str], nodes: Iterable[Node], cluster: str,
) -> Context:
    """The context with what a verified configuration says now; kept when it is another."""
    bare = tuple(Node(uuid=node.uuid, name=node.name, primary_ip=node.primary_ip,
                      secondary_ip=node.secondary_ip, group=node.group, ndparams=node.ndparams,
                      host_keys=node.host_keys, master_candidate=True) for node in nodes)
    now = context.replace(signers=tuple(signers), nodes=bare, cluster=cluster)
    if now != context:
        save(now)
    return now


def forget(context: Context) -> None:
    """Drop a context, its pins and its cache."""
    import shutil

    shutil.rmtree(context.directory, ignore_errors=True)
    paths = [context.seen]
    if context.name:
        paths.append(_path(context.name))
    for path in paths:
        if os.path.exists(path):
            os.unlink(path)
