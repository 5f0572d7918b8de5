"""What the kvm driver's node tasks print, understood."""

from __future__ import annotations

import itertools
import re

from gnt.errors import Damaged
from gnt.hypervisor.base import Capabilities, Running
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def guests(output: str) -> tuple[Running, ...]:
    """The guests in what ``found`` printed."""
    return tuple(_guests(output))


def _guests(output: str) -> Iterator[Running]:
    uuid, stat, argv = "", [""], [""]
    answers: dict[str, dict[str, object]] = {}
    for line in output.splitlines():
        word, _, rest = line.partition(" ")
        if word == "guest":
            uuid, stat, answers, argv = rest, [], {}, []
        elif word == "stat":
            stat = rest.split()
        elif word == "arg":
            argv.append(rest)
        elif word in ("status", "balloon"):
            answers[word] = _returned(rest)
        elif word == "end":
            yield _running(uuid, stat, argv, answers)


def _returned(text: str) -> dict[str, object]:
    import json

    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    returned = answer.get("return") if isinstance(answer, dict) else None
    return returned if isinstance(returned, dict) else {}


_STATES = {
    "running": "running",
    "inmigrate": "incoming",
    "postmigrate": "migrated",
    "shutdown": "shutdown",
}
TICKS = 100  # per second, on every Linux


def _running(
    uuid: str,
    stat: list[str],
    argv: list[str],
    answers: dict[str, dict[str, object]],
) -> Running:
    options = dict(itertools.pairwise(argv))
    status = str(answers.get("status", {}).get("status", "unknown"))
    actual = answers.get("balloon", {}).get("actual")
    memory = _number(options.get("-m", ""), 0)
    return Running(
        name=options.get("-name", "").removeprefix("guest=").partition(",")[0],
        uuid=uuid,
        memory=actual // 1024**2 if type(actual) is int and actual >= 0 else memory,
        vcpus=_number(options.get("-smp", ""), 1),
        state=_STATES.get(status, "paused") if status != "unknown" else "unknown",
        cpu_seconds=(natural(stat[11]) + natural(stat[12])) / TICKS if len(stat) > 12 else 0.0,
    )


def _number(text: str, otherwise: int) -> int:
    """The number that an option's value begins with; kvm_extra may have said it in another way."""
    number = re.match(r"(?:cpus=|size=)?([0-9]{1,18})", text)
    return int(number[1]) if number else otherwise


def capabilities(output: str, params: str) -> Capabilities:
    """What the node's QEMU can do, and what a person should know of it."""
    said: dict[str, str] = {}
    problems = []
    for line in output.splitlines()[1:]:
        word, _, rest = line.partition(" ")
        if word == "lacks":
            problems.append(f"{rest} is not installed")
        said[word] = rest
    number = re.match(r"[0-9]+[0-9.]*", said.get("version", "").partition("version ")[2])
    if not number:
        raise Damaged(
            f"cannot find QEMU's version in {said.get('version', '')!r}",
            hint="set the hypervisor parameter kvm_path",
        )
    use = {"enabled": True, "disabled": False}.get(said.get("flag", ""), "nokvm" not in said)
    if not use and "nokvm" in said:
        problems.append(f"KVM cannot be used ({said['nokvm']}): software emulation, much slower")
    runtime: dict[str, str | bool] = {
        "machine": said.get("machine", ""),
        "accel": "kvm" if use else "tcg",
        "version": number[0],
        "vhost": "vhost" in said,
    }
    if params:
        runtime["params"] = params
    return Capabilities(version=number[0], runtime=runtime, problems=tuple(problems))
