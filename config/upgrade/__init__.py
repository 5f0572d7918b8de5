"""Steps that bring an older configuration to this version, one file each: ``to_N.py``.

``to_N.upgrade(data)`` takes ``{section: {key: object}}`` of schema N - 1 and returns that of schema
N; it is pure.  New fields with a default need no step (``gnt.model.codec``).  The result is
committed as one transaction, so the state before it stays in the history.
"""

from __future__ import annotations

from gnt import found
from gnt.errors import Busy, Damaged, GntError
from gnt.model.codec import from_data
from gnt.model.objects import KINDS, Cluster

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from gnt.config.store import SignedStore
    from gnt.model.config import Config
    from gnt.plan import Edit

    Data = Mapping[str, Mapping[str, Mapping[str, Any]]]
    Step = Callable[[Data], Data]

PREFIX = "to_"
STEPS = "gnt.config.upgrade"


def schema_of(data: Data) -> int:
    """The schema version of a state."""
    cluster = data.get("cluster", {}).get("cluster", {})
    schema = cluster.get("schema", Cluster.DEFAULTS["schema"])
    if type(schema) is not int:
        raise Damaged(f"cluster.schema: expected int, found {schema!r}")
    return schema


def newest(package: str = STEPS) -> int:
    """The schema that this version writes."""
    steps = [int(name[len(PREFIX):]) for name in found.names(package) if name.startswith(PREFIX)]
    default: int = Cluster.DEFAULTS["schema"]
    return max([default, *steps])


def upgraded(data: Data, package: str = STEPS) -> Data:
    """The state in the newest schema; checked, object by object."""
    at, to = schema_of(data), newest(package)
    if at > to:
        raise GntError(f"this cluster's configuration has schema {at}; this gnt knows up to {to}",
                       hint="install the newer gnt here, too")
    while at < to:
        at += 1
        step: Step = found.module(package, f"{PREFIX}{at}", "upgrade step").upgrade
        data = _with_schema(step(data), at)
    for section, things in data.items():
        for key, thing in things.items():
            from_data(KINDS[section], thing, f"{section}.{key}")
    return data


def _with_schema(data: Data, schema: int) -> Data:
    cluster = {**data["cluster"]["cluster"], "schema": schema}
    return {**data, "cluster": {"cluster": cluster}}


def commit(store: SignedStore, package: str = STEPS) -> str:
    """Commit what brings the configuration to the newest schema; what became of it, for people."""
    from gnt.engine.ports import Change

    def change(cfg: Config) -> Change:
        if cfg.jobs:
            raise Busy("jobs are pending: " + ", ".join(job.id for job in cfg.jobs),
                       hint="gnt-job list; wait for them, or cancel, resume or undo them")
        return Change(edits=edits(store.replica.state.everything(), package),
                      operation="cluster upgrade", result="success")

    before = store.read().serial
    cfg = store.commit(change)
    what = "has now" if cfg.serial > before else "has already"
    return f"the configuration {what} schema {cfg.cluster.schema}, the newest that this gnt writes"


def edits(before: Data, package: str = STEPS) -> tuple[Edit, ...]:
    """What brings a state to the newest schema; nothing when it is there."""
    from gnt.config.history import differing
    from gnt.plan import Edit

    after = upgraded(before, package)
    changes = []
    for path in differing(before, after):
        section, _, key = path.partition("/")
        changes.append(Edit(path=path, value=after.get(section, {}).get(key)))
    return tuple(changes)
