"""``--plan-out FILE`` and ``gnt apply FILE``: a plan that was looked at is the one that runs.

The file holds the plan as people read it, the plan as it will be recorded, the state it was made
on, and a hash over all of it.  It is run when planning on the state of today gives the very same
plan; otherwise the difference is shown and nothing is done.  So the file is a promise about the
result, never a way around the checks, and needs no trust: what runs is what was planned now.
"""

from __future__ import annotations

from collections.abc import Mapping

from gnt.engine import job as transactions
from gnt.engine.record import dump_params, load_operation, operation_named, withheld
from gnt.errors import Conflict, Damaged, UsageError
from gnt.model.codec import from_data, to_data
from gnt.plan import render
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.plan import Plan
    from gnt.spec import Operation

FORMAT = 1


class PlanFile(Record):
    format: int
    cluster: str  # uuid
    serial: int
    head: str
    operation: str
    params: Mapping[str, object]
    plan: tuple[str, ...]  # lines, see ``shown``
    hash: str = ""


def write(path: str, cfg: Config, operation: Operation, plan: Plan) -> None:
    """Save a plan to run later."""
    if missing := withheld(dump_params(operation)):
        raise UsageError(f"{', '.join(missing)} is never written to a file",
                         hint="leave out --plan-out")
    import json
    import os

    made = PlanFile(
        format=FORMAT, cluster=cfg.cluster.uuid, serial=cfg.serial, head=cfg.head,
        operation=transactions.named(operation), params=dump_params(operation),
        plan=shown(plan),
    )
    text = json.dumps(to_data(made.replace(hash=_hash(made))), indent=1, ensure_ascii=False)
    try:
        with open(path, "x", encoding="utf-8") as file:
            os.chmod(path, 0o600)
            file.write(text + "\n")
    except OSError as error:
        if not isinstance(error, FileExistsError) and os.path.exists(path):
            os.unlink(path)
        raise UsageError(f"cannot write the plan {path}: {error.strerror}",
                         hint="name a file that is not there yet") from None


def read(path: str) -> tuple[PlanFile, Operation]:
    """A saved plan and its operation; Damaged when it is not what was saved."""
    import json

    try:
        with open(path, encoding="utf-8") as file:
            made = from_data(PlanFile, json.load(file), path)
    except OSError as error:
        raise UsageError(f"cannot read the plan {path}: {error.strerror}",
                         hint=f"--plan-out {path} saves one") from None
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{path}: not a plan: {error}") from None
    if made.format != FORMAT:
        raise Damaged(f"{path}: format {made.format} is not known here")
    if made.hash != _hash(made):
        raise Damaged(f"{path}: it was changed after it was written",
                      hint="make it again with --plan-out")
    return made, load_operation(operation_named(made.operation), made.params, path)


def require_same(path: str, saved: PlanFile, cfg: Config, plan: Plan) -> None:
    """Raise Conflict with the difference unless ``plan`` is the saved one, on the same cluster."""
    import difflib

    if saved.cluster != cfg.cluster.uuid:
        raise Conflict(f"{path} was made for another cluster ({saved.cluster})")
    now = shown(plan)
    if now == saved.plan:
        return
    lines = difflib.unified_diff(saved.plan, now, "saved", "now", n=0, lineterm="")
    raise Conflict(
        f"{path} no longer fits: the cluster went from serial {saved.serial} to {cfg.serial}, and "
        "the plan would now be another\n" + "\n".join(f"    {line}" for line in lines),
        hint=f"look at it, and save it again with --plan-out {path}")


#: What is drawn anew whenever the configuration moves: uuids, interface names, MAC addresses.
DRAWN = (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
         r"|\bgnt[0-9a-f]{12}\b|\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b")


def shown(plan: Plan) -> tuple[str, ...]:
    """The plan's lines, with what is drawn at each planning numbered instead."""
    import re

    names: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        drawn = match[0].removeprefix("gnt").replace("-", "")[:12]
        return names.setdefault(drawn, f"#{len(names) + 1}")

    return tuple(re.sub(DRAWN, number, line) for line in render(plan))


def _hash(made: PlanFile) -> str:
    import hashlib
    import json

    plain = json.dumps(to_data(made.replace(hash="")), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()
