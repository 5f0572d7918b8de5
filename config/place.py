"""Where contexts and caches lie: all that a list from cached columns needs to know.

Apart from ``context.py``, so that such a list loads neither the model nor a parser.
"""

from __future__ import annotations

import os

from gnt.errors import Invalid, NoCluster

HERE = "/var/lib/gnt"  # what a node holds
ON_NODE = "node"  # the folder of a node's own cache


def cache(name: str) -> str:
    """The folder of a context's cache."""
    if os.geteuid() == 0 and name == ON_NODE:
        return f"/var/cache/gnt/{name}"
    return f"{_base('XDG_CACHE_HOME', '~/.cache')}/gnt/{name}"


def _base(variable: str, usual: str) -> str:
    """A folder of this user; a path that depends on where one stands does not count."""
    named = os.environ.get(variable, "")
    return named if named.startswith("/") else os.path.expanduser(usual)


def runtime(name: str) -> str:
    """The folder for the sockets of this user's runner; no name: this node's own cluster."""
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.geteuid() == 0 and not name:
        return f"/run/gnt/{ON_NODE}"
    return f"{base}/gnt/{name}" if base else f"{cache(name or ON_NODE)}/run"


def home() -> str:
    """The folder of this user's contexts, keys and choice."""
    return f"{_base('XDG_CONFIG_HOME', '~/.config')}/gnt"


def path(name: str, suffix: str = ".toml") -> str:
    """A file of a context; raises Invalid for what can be no name."""
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


def chosen(cluster: str) -> str:
    """The name that ``--cluster`` and ``GNT_CLUSTER`` come to; empty: this node's own cluster."""
    name = cluster or os.environ.get("GNT_CLUSTER", "")
    if name or is_node():
        return name
    name = current()
    if name:
        return name
    known = ", ".join(names())
    raise NoCluster(
        "which cluster? there are several" if known else "there is no cluster here",
        hint=f"gnt --cluster NAME, or gnt-context use NAME ({known})" if known
        else "gnt-context join NAME HOST, or gnt-cluster init NAME")


def is_node(folder: str = HERE) -> bool:
    """Whether this machine is a node and holds the configuration."""
    return os.path.exists(f"{folder}/config/head")


def directory(cluster: str) -> str:
    """The cache's folder of the context to use, without reading the context; empty: none."""
    try:
        return cache(chosen(cluster) or ON_NODE)
    except NoCluster:
        return ""
