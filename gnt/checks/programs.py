"""Programs of the administrator's: out-of-band, the master's address, hooks."""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_cluster, on_node
from gnt.errors import GntError
from gnt.model import inherit
from gnt.plan import Script, node_task, script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen

MASTER_IP = "/etc/gnt/scripts/master-ip-setup"
HOOKS = "/etc/gnt/hooks/cluster-verify-post.d"

_PROGRAMS = """\
for program; do
    if [ ! -e "$program" ]; then echo "missing $program"
    elif [ ! -f "$program" ] || [ ! -x "$program" ]; then echo "dull $program"
    else sum=$(sha256sum <"$program"); echo "${sum%% *} $program"
    fi
done
"""

_HOOKS = """\
dir=$1; shift
cd / || exit 1
for hook in "$dir"/*; do
    [ -e "$hook" ] || continue
    name=${hook##*/}
    case $name in *[!a-zA-Z0-9_-]*) echo "$name is skipped because of its name"; continue ;; esac
    if [ ! -f "$hook" ] || [ ! -x "$hook" ]; then echo "$name cannot be run"; continue; fi
    said=$(timeout 15 env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin "$@" "$hook" </dev/null 2>&1)
    status=$?
    [ "$status" = 0 ] || echo "$name ended with $status: $(printf '%s' "$said" | tail -n 1)"
done
exit 0
"""


@node_task(deadline=20)
def programs(paths: tuple[str, ...]) -> Script[Mapping[str, str]]:
    """The digest of each program; ``missing`` or ``dull`` (not executable) in its place."""
    return script(_PROGRAMS, *paths, parse=_read)


def _read(output: str) -> dict[str, str]:
    lines = (line.split(" ", 1) for line in output.splitlines())
    return {path: state for state, path in lines}


@node_task(deadline=60)
def hooks(env: tuple[str, ...]) -> Script[tuple[str, ...]]:
    """Run the node's hooks of cluster-verify: a line for each that failed."""
    return script(_HOOKS, HOOKS, *env, parse=lambda output: tuple(output.splitlines()))


class Programs(Check):
    codes = ("ENODEOOBPATH", "ENODEUSERSCRIPTS", "ECLUSTERFILECHECK", "ENODEHOOKS")

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        for node in nodes:
            yield _hooks(cfg, node)
            if _wanted(cfg, node):
                yield programs.on(node.name, _wanted(cfg, node))

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        sums: dict[str, str] = {}
        for node in nodes:
            call = _hooks(cfg, node)
            if seen.failed(call) is None:
                for line in seen[call]:
                    yield on_node(node, "ENODEHOOKS", line)
            wanted = _wanted(cfg, node)
            if wanted and seen.failed(programs.on(node.name, wanted)) is None:
                for path, state in seen[programs.on(node.name, wanted)].items():
                    yield from _judged(cfg, node, path, state, sums)


def _judged(
    cfg: Config, node: Node, path: str, state: str, sums: dict[str, str],
) -> Iterator[Finding]:
    code = "ENODEUSERSCRIPTS" if path == MASTER_IP else "ENODEOOBPATH"
    if state in ("missing", "dull"):
        why = "is not there" if state == "missing" else "cannot be run"
        yield on_node(node, code, f"{path} {why}")
    elif sums.setdefault(path, state) != state:
        yield on_cluster(cfg, "ECLUSTERFILECHECK",
                         f"{path} on {node.name} differs from the other candidates'")


def _wanted(cfg: Config, node: Node) -> tuple[str, ...]:
    """The out-of-band programs on the master; the script for its address on every candidate."""
    found = {_oob(cfg, other) for other in cfg.nodes} if node.uuid == cfg.cluster.master_node \
        else set()
    if cfg.cluster.use_external_mip_script and node.master_candidate:
        found.add(MASTER_IP)
    return tuple(sorted(found - {""}))


def _oob(cfg: Config, node: Node) -> str:
    try:
        return inherit.node(cfg, node).oob_program
    except GntError:
        return ""  # the check of consistency says why


def _hooks(cfg: Config, node: Node) -> Call[tuple[str, ...]]:
    cluster = cfg.cluster
    env = {"HOOKS_VERSION": "2", "HOOKS_PHASE": "post", "HOOKS_PATH": "cluster-verify",
           "OP_CODE": "OP_CLUSTER_VERIFY", "OP_TARGET": cluster.cluster_name,
           "OBJECT_TYPE": "CLUSTER", "CLUSTER": cluster.cluster_name,
           "CLUSTER_TAGS": " ".join(cluster.tags),
           "MASTER": cfg.master.name, "DATA_DIR": "/var/lib/gnt"}
    return hooks.on(node.name, tuple(f"GANETI_{name}={value}" for name, value in env.items()))


CHECK = Programs()
