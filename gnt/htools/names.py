"""Short names for showing: what all names have in common at the end is left out."""

from __future__ import annotations

from gnt.htools.world import BadData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.htools.world import World


def common_suffix(names: Sequence[str]) -> str:
    """The longest ending that begins with a dot and that all names have."""
    if not names:
        return ""
    first = names[0]
    at = first.find(".")
    while at >= 0:
        suffix = first[at:]
        if all(n.endswith(suffix) for n in names):
            return suffix
        at = first.find(".", at + 1)
    return ""


class Names:
    """The aliases of a world's nodes and instances."""

    def __init__(self, world: World) -> None:
        nodes = [n.name for n in world.nodes]
        instances = [i.name for i in world.instances]
        self.suffix = common_suffix([*nodes, *instances])
        cut = len(self.suffix)
        self.nodes = [n[: len(n) - cut] for n in nodes]
        self.instances = [i[: len(i) - cut] for i in instances]
        self.node_numbers: Sequence[int] = range(len(nodes))  # as the whole cluster counts them
        self.instance_numbers: Sequence[int] = range(len(instances))


def find(word: str, names: Sequence[str], what: str) -> int:
    """The index of the name, or of the only name that begins with ``word.``."""
    if word in names:
        return names.index(word)
    matches = [k for k, n in enumerate(names) if n.startswith(word + ".")]
    if len(matches) != 1:
        raise BadData(f"there is no {what} {word!r}" if not matches else
                      f"{what} {word!r} may be {', '.join(names[k] for k in matches)}")
    return matches[0]


def find_all(words: Sequence[str], names: Sequence[str], what: str) -> list[int]:
    """Like ``find`` for many; one error names all that are unknown."""
    found, unknown = [], []
    for word in words:
        try:
            found.append(find(word, names, what))
        except BadData:
            unknown.append(word)
    if unknown:
        raise BadData(f"unknown {what}(s): {', '.join(unknown)}")
    return found
