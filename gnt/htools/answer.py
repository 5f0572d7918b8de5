"""What iallocators answer (reference D.5), checked before anything is done with it."""

from __future__ import annotations

from gnt.htools.allocate import NoRoom
from gnt.htools.parts import Part, parse_json
from gnt.htools.place import Evacuated
from gnt.htools.world import BadData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any


MOST_WORDS = 400  # characters of a script's reason


def result(text: str, allocator: str) -> Any:
    """The result of a successful answer; NoRoom with what a refusal says."""
    top = Part(parse_json(text, f"the answer of allocator {allocator}"),
               f"the answer of allocator {allocator}")
    info = top.get("info", str, "")
    if not top.get("success", bool):
        raise NoRoom(f"allocator {allocator} found no place: {why(info)}")
    if "result" not in top.value:
        raise BadData(f"{top.where}: the key 'result' is missing")
    return top.value["result"]


def why(info: str) -> str:
    """A script's reason as one line of what can be shown."""
    words = "".join(c if c.isprintable() else " " for c in info[:MOST_WORDS + 1]).strip()
    return words[:MOST_WORDS] + "…" if len(info) > MOST_WORDS else words or "it does not say why"


def nodes(value: Any, allocator: str, known: Collection[str], count: int) -> tuple[str, ...]:
    """A list of so many different nodes."""
    where = f"the answer of allocator {allocator}"
    if not isinstance(value, list) or len(value) != count:
        raise BadData(f"{where}: the result is not a list of {count} node(s): {value!r:.80}")
    for name in value:
        if not isinstance(name, str) or name not in known:
            raise BadData(f"{where}: there is no node {name!r:.80}")
    if len(set(value)) != count:
        raise BadData(f"{where}: the same node twice: {value[0]}")
    return tuple(value)


def placed(
    value: Any, allocator: str, known: Collection[str], counts: dict[str, int],
) -> tuple[dict[str, tuple[str, ...]], list[tuple[str, str]]]:
    """(nodes by instance, what failed and why) of multi-allocate; ``counts``: nodes wanted."""
    where = f"the answer of allocator {allocator}"
    if not isinstance(value, list) or len(value) != 2 or not all(
            isinstance(part, list) for part in value):
        raise BadData(f"{where}: the result is not two lists, what was placed and what failed")
    found = {}
    for entry in value[0]:
        name, where_to = _pair(entry, where)
        if name not in counts or name in found:
            raise BadData(f"{where}: nobody asked for {name!r:.80}, or it comes twice")
        found[name] = nodes(where_to, allocator, known, counts[name])
    failed = [_failure(entry, where) for entry in value[1]]
    missing = counts.keys() - found.keys() - {name for name, _ in failed}
    return found, [*failed, *((name, "the allocator says nothing of it") for name in missing)]


def _pair(entry: Any, where: str) -> tuple[str, Any]:
    if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], str):
        raise BadData(f"{where}: {entry!r:.80} is not an instance with what becomes of it")
    return entry[0], entry[1]


def _failure(entry: Any, where: str) -> tuple[str, str]:
    if isinstance(entry, str):
        return entry, "the allocator does not say why"
    name, reason = _pair(entry, where)
    return name, why(str(reason))


def evacuated(
    value: Any, allocator: str, known: Collection[str], asked: Collection[str],
) -> Evacuated:
    """The moves of node-evacuate and change-group, as jobs of opcodes say them."""
    where = f"the answer of allocator {allocator}"
    if not isinstance(value, list) or len(value) != 3 or not all(
            isinstance(part, list) for part in value):
        raise BadData(f"{where}: the result is not three lists: moved, failed, jobs")
    steps: dict[str, list[tuple[str, str]]] = {}
    for number, job in enumerate(value[2]):
        for op in job if isinstance(job, list) else [job]:
            name, step = _step(Part(op, f"{where}: job {number}"), known)
            if name not in asked:
                raise BadData(f"{where}: nobody asked for {name!r:.80}")
            steps.setdefault(name, []).append(step)
    failed = tuple(_failure(entry, where) for entry in value[1])
    moved = tuple((name, (target,) if target else (), ((kind, target), *rest))
                  for name, ((kind, target), *rest) in steps.items())
    return Evacuated(moves=moved, failed=failed)


def _step(op: Part, known: Collection[str]) -> tuple[str, tuple[str, str]]:
    kinds = {"OP_INSTANCE_MIGRATE": "migrate", "OP_INSTANCE_FAILOVER": "migrate",
             "OP_INSTANCE_REPLACE_DISKS": "replace-disks"}
    kind = kinds[op.choice("OP_ID", tuple(kinds))]
    target = op.get("remote_node" if kind == "replace-disks" else "target_node", str, "") or ""
    if target and target not in known:
        raise BadData(f"{op.where}: there is no node {target!r:.80}")
    return op.get("instance_name", str), (kind, target)
