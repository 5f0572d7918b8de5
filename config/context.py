"""The clusters this user knows: where each is, whom to believe there, with which keys to come.

A context is a file, ``~/.config/gnt/contexts/NAME.toml``.  On a node there is one without a file
and without a name: the cluster that the node belongs to.  Only files here, no network.
"""

from __future__ import annotations

import os

from gnt.config import canon
from gnt.config.disk import Disk
from gnt.config.place import HERE as HERE
from gnt.config.place import ON_NODE, cache, chosen, home, runtime
from gnt.config.place import current as current
from gnt.config.place import names as names
from gnt.config.place import path as _path
from gnt.errors import Conflict, Damaged, Invalid, NoCluster
from gnt.model.codec import from_data, to_data
from gnt.model.objects import Node
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

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
        return runtime(self.name)


def use(name: str, signer: str = "") -> None:
    """Make it the one that is used when none is named; ``signer``: sign with this key there."""
    context = load(name)
    if signer:
        save(context.replace(signer=signer))
    Disk(home()).replace("current", f"{name}\n".encode())


def find(cluster: str) -> Context:
    """The context to use; raises NoCluster or Invalid."""
    name = chosen(cluster)
    return load(name) if name else _of_node()


def _of_node(folder: str = HERE) -> Context:
    """The cluster of this node: believe what its own candidate directory holds."""
    try:
        with open(f"{folder}/keys/signer.pub", encoding="utf-8") as file:
            words = file.read().split()
    except OSError as error:
        raise NoCluster(f"this host was a node, but {error.filename} cannot be read: "
                        f"{error.strerror}", hint="gnt-node add --readd NODE") from None
    cluster, signers = _root(folder)
    here = words[2].partition("@")[2] if len(words) > 2 else ""  # the comment: gnt@NODE
    return Context(name="", cluster=cluster, signers=signers, here=here,
                   login=(f"{folder}/keys/login",), signer=f"{folder}/keys/signer",
                   agent=False)


def _root(folder: str) -> tuple[str, tuple[str, ...]]:
    """The cluster's uuid and the signers that this node's base names."""
    from gnt.config.disk import numbers

    disk = Disk(f"{folder}/config")
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
        return from_data(Context, {**data, "name": name}, path)
    except FileNotFoundError:
        known = ", ".join(names()) or "none"
        raise NoCluster(f"there is no context {name} (known: {known})",
                        hint=f"gnt-context join {name} HOST") from None
    except (Damaged, Invalid) as error:
        raise Damaged(error.message, hint=f"mend {path}, or remove it, and then: gnt-context join "
                      f"{name} HOST") from None


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
    signer = _signer()
    held = signer.startswith("ssh-")  # by ssh-agent, which logs in with it, too
    return Context(name=name, login=login if held or signer in login else (signer, *login),
                   signer=signer)


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
        except UsageError:  # it has a passphrase: ssh-agent signs, or a key of our own
            if os.environ.get("SSH_AUTH_SOCK") and (public := public_half(own)):
                return public
        else:
            return own
    signature.make_key(path)
    return path


def public_half(private: str) -> str:
    """``ssh-ed25519 AAAA…`` of the file beside a private key; empty when there is none."""
    try:
        with open(f"{private}.pub", encoding="utf-8") as file:
            words = file.read(8192).split()
    except (OSError, UnicodeDecodeError):
        return ""
    return " ".join(words[:2]) if words[:1] == ["ssh-ed25519"] and len(words) > 1 else ""


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
