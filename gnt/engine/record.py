"""A plan, and an operation's parameters, as the plain data of a job's record, and back.

Short keys, defaults left out, and of an undo only what its step does not say already: a step takes
about 150 bytes.  What is run is what was recorded: the engine performs ``load_plan(dump_plan(…))``,
so the first run and a resumed one get the very same values.
"""

from __future__ import annotations

from gnt.errors import Damaged
from gnt.plan import Call, Plan, Step, task_named
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gnt.spec import Operation

DEEPEST = 32  # as the journal has it
MARK = "_"  # the key that says what a table stands for when it is not just a table
WITHHELD: Mapping[str, str] = {MARK: "withheld"}  # stands for a secret's value


def dump(value: Any) -> Any:
    """``value`` of a call or a parameter as TOML-ready data."""
    if isinstance(value, (str, int, float)):
        return value
    if value is None:
        return {MARK: "none"}
    if isinstance(value, bytes):
        return {MARK: "bytes", "hex": value.hex()}
    if isinstance(value, (tuple, list)):
        return [dump(item) for item in value]
    if isinstance(value, Record):
        name = f"{type(value).__module__.removeprefix('gnt.')}.{type(value).__name__}"
        return {MARK: name, **{key: dump(item) for key, item in _said(value)}}
    if isinstance(value, dict) and MARK not in value:
        return {str(key): dump(item) for key, item in value.items()}
    raise TypeError(f"{value!r} cannot be recorded in a job")


def _said(record: Record) -> list[tuple[str, Any]]:
    defaults = record.DEFAULTS
    return [(n, v) for n, v in record.items() if n not in defaults or defaults[n] != v]


def load(data: Any, path: str, depth: int = 0) -> Any:
    """What ``dump`` was given (lists become tuples); raises Damaged naming ``path``."""
    if depth > DEEPEST:
        raise Damaged(f"{path[:100]}…: more than {DEEPEST} values within each other")
    if isinstance(data, (str, int, float)):
        return data
    if isinstance(data, list):
        return tuple(load(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(data))
    if not isinstance(data, dict):
        raise Damaged(f"{path}: {data!r} does not belong into a job's record")
    if MARK not in data:
        return {key: load(item, f"{path}.{key}", depth + 1) for key, item in data.items()}
    kind = data[MARK]
    if kind == "none" and len(data) == 1:
        return None
    if kind == "bytes":
        return _bytes(data, path)
    values = {k: load(v, f"{path}.{k}", depth + 1) for k, v in data.items() if k != MARK}
    try:
        return _class(kind, path)(**values)
    except TypeError as error:
        raise Damaged(f"{path}: {error}") from None


def _bytes(data: Mapping[str, Any], path: str) -> bytes:
    try:
        return bytes.fromhex(data["hex"])
    except (KeyError, TypeError, ValueError):
        raise Damaged(f"{path}: not bytes: {data!r}") from None


def _class(name: Any, path: str) -> type[Record]:
    import importlib

    module, _, cls = str(name).rpartition(".")
    try:
        found = getattr(importlib.import_module(f"gnt.{module}"), cls, None)
    except (ImportError, ValueError):
        found = None
    if not (isinstance(found, type) and issubclass(found, Record)):
        raise Damaged(f"{path}: there is no kind of value {name!r}")
    return found


def dump_plan(plan: Plan) -> dict[str, Any]:
    """The steps and the notes of a plan.  Its edits are recorded by ``gnt.engine.edits``."""
    made: dict[str, Any] = {}
    for half in ("attempt", "settle"):
        steps = getattr(plan, half)
        if steps:
            made[half] = [_dump_step(step) for step in steps]
    if plan.notes:
        made["notes"] = list(plan.notes)
    return made


def _dump_step(step: Step) -> dict[str, Any]:
    made: dict[str, Any] = {"do": step.do.task, "on": step.do.node}
    if step.do.args:
        made["with"] = dump(dict(step.do.args))
    if step.undo is not None:
        made["undo"] = _dump_undo(step.do, step.undo)
    if step.beside:
        made["beside"] = True
    if step.title:
        made["title"] = step.title
    return made


def _dump_undo(do: Call[Any], undo: Call[Any]) -> dict[str, Any]:
    same = [n for n, v in undo.args.items() if n in do.args and do.args[n] == v]
    other = {n: dump(v) for n, v in undo.args.items() if n not in same}
    made: dict[str, Any] = {"do": undo.task}
    if undo.node != do.node:
        made["on"] = undo.node
    if same:
        made["same"] = same
    if other:
        made["with"] = other
    return made


def load_plan(data: Mapping[str, Any], path: str) -> Plan:
    """The steps and notes of a recorded plan; raises Damaged naming what is wrong."""
    halves: dict[str, Any] = {}
    for key in data:
        if key not in ("attempt", "settle", "notes", "pivot", "end", "hooks"):
            raise Damaged(f"{path}.{key}: unknown part of a plan")
    for half in ("attempt", "settle"):
        steps = _list(data.get(half, []), f"{path}.{half}")
        halves[half] = tuple(_load_step(s, f"{path}.{half}[{i}]") for i, s in enumerate(steps))
    notes = _list(data.get("notes", []), f"{path}.notes")
    return Plan(**halves, notes=tuple(_text(note, f"{path}.notes") for note in notes))


def _load_step(data: Any, path: str) -> Step:
    table = _table(data, path, {"do", "on", "with", "undo", "beside", "title"})
    do = _load_call(table, path, table.get("on"), {})
    undo = None
    if "undo" in table:
        back = _table(table["undo"], f"{path}.undo", {"do", "on", "with", "same"})
        same = _list(back.get("same", []), f"{path}.undo.same")
        if not all(isinstance(name, str) and name in do.args for name in same):
            raise Damaged(f"{path}.undo.same: names what the step has not: {same!r}")
        undo = _load_call(back, f"{path}.undo", back.get("on", do.node),
                          {name: do.args[name] for name in same})
    return Step(do=do, undo=undo, beside=table.get("beside") is True,
                title=_text(table.get("title", ""), f"{path}.title"))


def _load_call(
    table: Mapping[str, Any], path: str, node: Any, same: Mapping[str, Any],
) -> Call[Any]:
    task = task_named(_text(table.get("do"), f"{path}.do"))
    args = load(table.get("with", {}), f"{path}.with")
    if not isinstance(args, dict):
        raise Damaged(f"{path}.with: expected a table, found {args!r}")
    try:
        return task.on(_text(node, f"{path}.on"), **same, **args)
    except TypeError as error:
        raise Damaged(f"{path}: {error}") from None


def dump_params(operation: Operation) -> dict[str, Any]:
    """What was asked for, without defaults; of secret parameters only that they were given."""
    return {name: dict(WITHHELD) if _secret(name) else dump(value)
            for name, value in _said(operation)}


def _secret(name: str) -> bool:
    return "secret" in name or "private" in name or "password" in name


def withheld(params: Mapping[str, Any]) -> list[str]:
    """The parameters whose values were not recorded."""
    return [name for name, value in params.items() if value == WITHHELD]


def load_operation(kind: type[Operation], params: Mapping[str, Any], path: str) -> Operation:
    """An operation with the parameters of a job's record; those withheld get their defaults."""
    command = f"{kind.noun} {kind.verb}"
    unknown = [name for name in params if name not in kind.TYPES]
    if unknown:
        raise Damaged(f"{path}.params.{unknown[0]}: {command} has no such parameter",
                      hint="the job was begun by another version of gnt; finish it with that one")
    values = {name: load(value, f"{path}.params.{name}") for name, value in params.items()
              if value != WITHHELD}
    try:
        return kind(**values)
    except TypeError as error:
        raise Damaged(f"{path}.params: {error}") from None


def operation_named(command: str) -> type[Operation]:
    """The class that declares ``noun verb``."""
    import importlib

    from gnt.spec import Operation

    noun, _, verb = command.partition(" ")
    module = f"{noun}.{verb}".replace("-", "_").replace(" ", "_")
    try:
        members = vars(importlib.import_module(f"gnt.commands.{module}")).values()
    except (ImportError, ValueError):
        members = {}.values()
    for member in members:
        if (isinstance(member, type) and issubclass(member, Operation)
                and f"{member.noun} {member.verb}" == command):
            return member
    raise Damaged(f"there is no operation {command!r}",
                  hint="the job was begun by another version of gnt; finish it with that one")


def _table(data: Any, path: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise Damaged(f"{path}: expected a table, found {data!r}")
    for key in data:
        if key not in known:
            raise Damaged(f"{path}.{key}: unknown field")
    return data


def _list(data: Any, path: str) -> list[Any]:
    if not isinstance(data, list):
        raise Damaged(f"{path}: expected a list, found {data!r}")
    return data


def _text(data: Any, path: str) -> str:
    if not isinstance(data, str):
        raise Damaged(f"{path}: expected a text, found {data!r}")
    return data
