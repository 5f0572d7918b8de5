"""A job in short, as the reference says it: ``INSTANCE_CREATE(web1)``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

ABOUT = ("name", "names", "instance", "node", "group", "network")  # parameters that name it
TAGGED = ("cluster", "group", "node", "instance", "network")

# what the reference calls operations, where it is not NOUN_VERB
OPCODES = {
    "instance add": "INSTANCE_CREATE",
    "node power": "OOB_COMMAND",
    **{f"{noun} modify": f"{noun.upper()}_SET_PARAMS" for noun in TAGGED},
    **{f"{noun} add-tags": "TAGS_SET" for noun in TAGGED},
    **{f"{noun} remove-tags": "TAGS_DEL" for noun in TAGGED},
}


def opcode(operation: str) -> str:
    """The reference's name of an operation, without its ``OP_``: ``INSTANCE_CREATE``."""
    return OPCODES.get(operation) or operation.upper().replace(" ", "_").replace("-", "_")


def about(operation: str, params: Mapping[str, object]) -> str:
    """The name of what an operation with these parameters is about; empty: the cluster."""
    if operation.endswith("-tags"):
        words = params.get("words")
        named = words if isinstance(words, list) and not operation.startswith("cluster ") else []
        return str(named[0]) if named else ""
    value = next((params[name] for name in ABOUT if params.get(name)), "")
    return ",".join(str(one) for one in value) if isinstance(value, (list, tuple)) else str(value)
