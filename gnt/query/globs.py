"""Name patterns: ``*`` and ``?`` stop at dots, and a domain may follow (reference B.2)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def regex(pattern: str) -> str:
    """The regular expression of a pattern: ``web*`` matches ``web1`` and ``web1.example.com``."""
    import re

    parts = {"*": "[^.]*", "?": "[^.]"}
    body = "".join(parts.get(char) or re.escape(char) for char in pattern)
    return f"^{body}(\\..*)?$"


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a name matches a pattern."""
    import re

    compiled = re.compile(regex(pattern))
    return lambda name: compiled.match(name) is not None
