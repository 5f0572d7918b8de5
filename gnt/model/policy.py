"""Instance policies (reference C.3): what a group accepts, and which value is outside.

A policy is plain data with the keys ``minmax`` (a list of ``{min, max}``), ``std``,
``vcpu-ratio``, ``spindle-ratio`` and ``disk-templates``.  A group's policy replaces the cluster's
key by key; ``std`` belongs to the cluster.
"""

from __future__ import annotations

from gnt.errors import Invalid, PolicyViolation
from gnt.values import NAMED_PAIRS, SIZE, real, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from gnt.model.objects import Cluster, Group
    from gnt.values import Kind

    Spec = Mapping[str, int]

SIZES = ("memory-size", "disk-size")
SPECS = ("memory-size", "cpu-count", "disk-size", "disk-count", "nic-count", "spindle-use")
LOWEST: Spec = dict(zip(SPECS, (128, 1, 1024, 1, 1, 1), strict=True))
HIGHEST: Spec = dict(zip(SPECS, (32768, 8, 1048576, 16, 8, 12), strict=True))
TEMPLATES = ("diskless", "file", "sharedfile", "plain", "blockdev", "drbd", "rbd", "ext", "gluster")
DEFAULT: Mapping[str, Any] = {
    "minmax": [{"min": LOWEST, "max": HIGHEST}],
    "std": LOWEST,
    "vcpu-ratio": 4.0,
    "spindle-ratio": 32.0,
    "disk-templates": list(TEMPLATES),
}


def policy(cluster: Cluster, group: Group | None = None) -> dict[str, Any]:
    """The policy that holds in a group (or, without one, the cluster's)."""
    levels: tuple[Mapping[str, Any], ...] = (DEFAULT, cluster.ipolicy)
    if group is not None:
        levels += ({k: v for k, v in group.ipolicy.items() if k != "std"},)
    merged: dict[str, Any] = {}
    for level in levels:
        merged.update(level)
    return merged


def violations(
    policy: Mapping[str, Any], wanted: Mapping[str, int | tuple[int, ...]], template: str,
) -> Iterator[str]:
    """What is outside: each names the value and the allowed range.

    ``wanted`` has one number per name of ``SPECS``, or several (the sizes of the disks).  An
    instance is inside when all its values are inside one of the ``minmax`` pairs; the complaints
    are those of the pair with the fewest.
    """
    allowed = policy["disk-templates"]
    if template not in allowed:
        yield f"disk template {template} is not allowed (allowed: {', '.join(allowed)})"
    best = min((list(_outside(pair, wanted)) for pair in policy["minmax"]), key=len, default=[])
    yield from best


def _outside(
    pair: Mapping[str, Spec], wanted: Mapping[str, int | tuple[int, ...]],
) -> Iterator[str]:
    for name, given in wanted.items():
        low, high = pair["min"].get(name, 0), pair["max"].get(name, 2**60)
        unit = " MiB" if name in SIZES else ""
        for value in given if isinstance(given, tuple) else (given,):
            if not low <= value <= high:
                yield f"{name} {value}{unit} is outside {low} to {high}{unit}"


def enforce(
    policy: Mapping[str, Any], wanted: Mapping[str, int | tuple[int, ...]], template: str,
    group: str,
) -> None:
    """Raise PolicyViolation when anything is outside."""
    found = list(violations(policy, wanted, template))
    if found:
        raise PolicyViolation(
            f"the instance policy of group {group} does not allow this: {'; '.join(found)}",
            hint=f"change the request, gnt-group modify {group}, or --ignore-ipolicy",
        )


def _spec_kind(name: str) -> Kind[int]:
    return SIZE if name in SIZES else whole(0)


def read_spec(typed: Mapping[str, str], where: str) -> dict[str, int]:
    """``memory-size=128,cpu-count=1,…``; unknown names are refused."""
    spec = {}
    for name, text in typed.items():
        if name not in SPECS:
            raise Invalid(where, f"there is no specification {name!r}",
                          hint=f"known: {', '.join(SPECS)}")
        spec[name] = _spec_kind(name).read(text, f"{where}.{name}")
    return spec


def read_bounds(text: str, where: str) -> list[dict[str, dict[str, int]]]:
    """``min:…/max:…//min:…/max:…``: each pair complete, no minimum above its maximum."""
    pairs = []
    for part in text.split("//"):
        bounds: dict[str, dict[str, int]] = {}
        for half in part.split("/"):
            side, typed = NAMED_PAIRS.read(half, where)
            if side not in ("min", "max") or side in bounds:
                raise Invalid(where, f"{half!r} does not begin with min: or max: (each once)")
            bounds[side] = read_spec(typed, f"{where}.{side}")
        _complete(bounds, where)
        pairs.append(bounds)
    return pairs


def _complete(bounds: Mapping[str, Mapping[str, int]], where: str) -> None:
    for side in ("min", "max"):
        missing = [name for name in SPECS if name not in bounds.get(side, {})]
        if missing:
            raise Invalid(where, f"{side} lacks {', '.join(missing)}")
    for name in SPECS:
        if bounds["min"][name] > bounds["max"][name]:
            raise Invalid(where, f"the minimum of {name} ({bounds['min'][name]}) is more than its "
                          f"maximum ({bounds['max'][name]})")


def check(policy: Mapping[str, Any], where: str) -> None:
    """Refuse a policy whose standard lies outside every pair, or with templates unknown."""
    std = policy["std"]
    if not any(
        all(pair["min"][n] <= std.get(n, pair["min"][n]) <= pair["max"][n] for n in SPECS)
        for pair in policy["minmax"]
    ):
        raise Invalid(where, "the standard specification lies outside the bounds",
                      hint="--ipolicy-std-specs together with --ipolicy-bounds-specs")


def read_ratio(text: str, where: str) -> float:
    return real(0.01).read(text, where)


def read_templates(names: Iterable[str], where: str) -> list[str]:
    chosen = list(names)
    for name in chosen:
        if name not in TEMPLATES:
            raise Invalid(where, f"there is no disk template {name!r}",
                          hint=f"known: {', '.join(TEMPLATES)}")
    if not chosen:
        raise Invalid(where, "at least one disk template is needed")
    return chosen


def show_bounds(pairs: Iterable[Mapping[str, Spec]]) -> str:
    """The text that ``read_bounds`` reads."""
    def spec(values: Spec) -> str:
        return ",".join(f"{name}={values[name]}" for name in SPECS if name in values)

    return "//".join(f"min:{spec(pair['min'])}/max:{spec(pair['max'])}" for pair in pairs)
