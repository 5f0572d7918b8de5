"""Private and secret OS parameters: what stands for their values where everybody can read.

A *private* value is stored sealed, under a key that only the master candidates hold; a *secret* one
is only named, and its value given again for each job.  Both are put in place of these marks when a
call is about to be sent to a node, and nowhere before (ADR 0080).
"""

from __future__ import annotations

from gnt.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Params

SEALED = "sealed:1:"  # and what was sealed, in base64
SECRET = "secret:1:"  # and the parameter's name


def marks(data: Any) -> Iterator[str]:
    """The marks in nested data, each a whole text."""
    if isinstance(data, str):
        if data.startswith((SEALED, SECRET)):
            yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from marks(value)
    elif isinstance(data, (list, tuple)):
        for value in data:
            yield from marks(value)


def opened(data: Any, values: Mapping[str, str]) -> Any:
    """The data with the values in place of the marks."""
    if isinstance(data, str):
        return values.get(data, data)
    if isinstance(data, dict):
        return {key: opened(value, values) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return type(data)(opened(value, values) for value in data)
    return data


def secrets(data: Any) -> set[str]:
    """The names of the secret parameters that the data needs."""
    return {mark[len(SECRET):] for mark in marks(data) if mark.startswith(SECRET)}


def secret_marks(names: Mapping[str, str]) -> dict[str, str]:
    return {name: SECRET + name for name in names}


def anything_sealed(cfg: Config) -> bool:
    """Whether some object holds sealed values, for which the key is needed."""
    return bool(cfg.cluster.osparams_private_cluster) or any(
        inst.osparams_private for inst in cfg.instances)


def require_unmarked(params: Params, where: str) -> None:
    """Raise Invalid for a value that looks like a mark: it would be taken for one."""
    for name, value in params.items():
        if list(marks(value)):
            raise Invalid(f"{where}.{name}", f"a value may not begin with {SEALED} or {SECRET}")
