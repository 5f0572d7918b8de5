"""Edits that were planned on one state of the configuration and land on a later one.

An edit replaces a whole object, but while a job runs others may change the same object in other
places: two instances take addresses of one network, two jobs free ports of one cluster.  So what a
job will change later (``pivot``, ``end``), and what taking it back restores, is recorded as the
difference it makes, and merged into the object as it is then.
"""

from __future__ import annotations

from gnt.errors import Damaged
from gnt.model.objects import KINDS
from gnt.plan import Edit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from gnt.model.config import Config

    Data = Mapping[str, Any]

ABSENT = object()
FORMS = ({"put"}, {"drop"}, {"old", "new"})  # of a recorded change, besides its path


class View:
    """A configuration's objects as data, with edits laid over it."""

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.changed: dict[str, Data | None] = {}

    def get(self, path: str) -> Data | None:
        if path in self.changed:
            return self.changed[path]
        kind, _, key = path.partition("/")
        return self.cfg.state.load(kind, key)

    def put(self, edits: Iterable[Edit]) -> None:
        for edit in edits:
            self.changed[edit.path] = edit.value


def stamped(cfg: Config, edits: Iterable[Edit], now: float) -> tuple[Edit, ...]:
    """The edits with ``mtime``, and for new objects ``ctime``: planning knows no clock."""
    return tuple(_stamped(cfg, edit, now) for edit in edits)


def _stamped(cfg: Config, edit: Edit, now: float) -> Edit:
    kind, _, key = edit.path.partition("/")
    if edit.value is not None and kind == "signers" and not edit.value.get("added"):
        return edit.replace(value={**edit.value, "added": now})
    if edit.value is None or "mtime" not in KINDS[kind].TYPES:
        return edit
    old = cfg.state.load(kind, key)
    made = now if old is None else old.get("ctime", now)
    return edit.replace(value={**edit.value, "ctime": made, "mtime": now})


def difference(view: View, edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """What ``edits`` change on ``view`` (which gets them laid over), recordable.

    Per edit ``{path, put}`` makes an object, ``{path, drop}`` takes it away and remembers it,
    ``{path, old, new}`` changes some fields.
    """
    made: list[dict[str, Any]] = []
    for edit in edits:
        before = view.get(edit.path)
        if edit.value is None:
            if before is not None:
                made.append({"path": edit.path, "drop": dict(before)})
        elif before is None:
            made.append({"path": edit.path, "put": dict(edit.value)})
        elif before != edit.value:
            names = sorted(n for n in {*before, *edit.value}
                           if before.get(n, ABSENT) != edit.value.get(n, ABSENT))
            made.append({"path": edit.path,
                         "old": {n: before[n] for n in names if n in before},
                         "new": {n: edit.value[n] for n in names if n in edit.value}})
        view.put((edit,))
    return made


def forward(view: View, changes: Iterable[Data], where: str) -> list[Edit]:
    """The edits that make the recorded ``changes`` on the objects as they are now."""
    return _apply(view, changes, where, back=False)


def backward(view: View, changes: Sequence[Data], where: str) -> list[Edit]:
    """The edits that take the recorded ``changes`` back, leaving what others changed since."""
    return _apply(view, list(reversed(changes)), where, back=True)


def _apply(view: View, changes: Iterable[Data], where: str, *, back: bool) -> list[Edit]:
    made: list[Edit] = []
    for number, change in enumerate(changes):
        path, before, after = _sides(change, f"{where}[{number}]")
        if back:
            before, after = after, before
        now = view.get(path)
        value: Data | None
        if "old" in change:
            value = None if now is None else _merged(before or {}, after or {}, now, mine=not back)
        else:
            value = after
        if value != now:
            edit = Edit(path=path, value=value)
            made.append(edit)
            view.put((edit,))
    return made


def _sides(change: Data, where: str) -> tuple[str, Data | None, Data | None]:
    """(path, before, after) of one recorded change."""
    keys = set(change) - {"path"}
    path = change.get("path")
    if not isinstance(path, str) or "/" not in path or keys not in FORMS:
        raise Damaged(f"{where}: not a change of an object: {sorted(change)}")
    if not all(isinstance(change[key], dict) for key in keys):
        raise Damaged(f"{where} ({path}): expected tables")
    before, after = ("old", "new") if "old" in keys else ("drop", "put")
    return path, change.get(before), change.get(after)


def _merged(before: Data, after: Data, now: Data, *, mine: bool) -> dict[str, Any]:
    made = dict(now)
    for name in {**before, **after}:
        value = merge(before.get(name, ABSENT), after.get(name, ABSENT), now.get(name, ABSENT),
                      mine=mine)
        if value is ABSENT:
            made.pop(name, None)
        else:
            made[name] = value
    return made


def merge(before: Any, after: Any, now: Any, *, mine: bool) -> Any:
    """``now`` with the change from ``before`` to ``after`` made on it.

    Tables merge by key, lists as sets, texts of one length by character (a network's map of
    addresses).  Where both changed one scalar, ``mine`` says whose value stays.
    """
    if before == after:
        return now
    if now in (before, after):
        return after
    if isinstance(before, dict) and isinstance(after, dict) and isinstance(now, dict):
        return _merged(before, after, now, mine=mine)
    lists = [side if isinstance(side, list) else [] if side is ABSENT else None
             for side in (before, after, now)]
    if lists[0] is not None and lists[1] is not None and lists[2] is not None:
        return _merged_lists(*lists)  # type: ignore[arg-type]  # none of the three is None
    texts = [side for side in (before, after, now) if isinstance(side, str)]
    if len(texts) == 3 and len({len(t) for t in texts}) == 1 and len(before) > 1:
        return "".join(a if b != a else n for b, a, n in zip(before, after, now, strict=True))
    return after if mine else now


def _merged_lists(before: list[Any], after: list[Any], now: list[Any]) -> list[Any]:
    kept = [item for item in now if item in after or item not in before]
    return kept + [item for item in after if item not in before and item not in kept]
