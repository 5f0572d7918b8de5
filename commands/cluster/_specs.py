"""``--specs-…`` of ``gnt-cluster init``: an instance policy from single figures."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.model import policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

NAMES = {
    "specs_mem_size": "memory-size", "specs_cpu_count": "cpu-count", "specs_disk_size": "disk-size",
    "specs_disk_count": "disk-count", "specs_nic_count": "nic-count",
}
SIDES = ("min", "max", "std")


def laid_over(
    before: Mapping[str, Any], given: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """A policy with single figures changed; ``given`` is by option, each of min=, max=, std=."""
    filled = {**policy.DEFAULT, **before}
    pair = filled["minmax"][0]
    sides = {"min": dict(pair["min"]), "max": dict(pair["max"]), "std": dict(filled["std"])}
    for option, typed in given.items():
        where = f"--{option.replace('_', '-')}"
        for side, text in typed.items():
            if side not in SIDES:
                raise Invalid(where, f"{side!r} is not one of {', '.join(SIDES)}")
            name = NAMES[option]
            sides[side][name] = policy.read_spec({name: text}, where)[name]
    for name in policy.SPECS:
        if sides["min"][name] > sides["max"][name]:
            raise Invalid(f"--specs ({name})", f"the minimum {sides['min'][name]} is more than the "
                          f"maximum {sides['max'][name]}")
    made = {**before, "minmax": [{"min": sides["min"], "max": sides["max"]}], "std": sides["std"]}
    policy.check({**policy.DEFAULT, **made}, "--specs")
    return made
