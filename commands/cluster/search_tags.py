"""gnt-cluster search-tags."""

from __future__ import annotations

import re

from gnt.commands import _at_once
from gnt.errors import Invalid
from gnt.spec import Lines, Query, arg
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.model.config import Config
    from gnt.spec import Seen


class SearchTags(_at_once.AtOnce, Query, command="cluster search-tags"):
    """Search the tags of everything for a regular expression.

    Each line is the path of a tagged thing and the tag.  The exit code is 1 when nothing matches.
    """

    examples = (("gnt-cluster search-tags '^env:'", "every tag that begins with env:"),)

    pattern: str = arg(TEXT, "regular expression, found anywhere in a tag")

    def answer(self, cfg: Config, seen: Seen) -> Lines:
        try:
            wanted = re.compile(self.pattern)
        except re.error as error:
            raise Invalid("pattern", f"{self.pattern!r} is no regular expression: "
                          f"{error}") from None
        found = sorted((path, tag) for path, tag in _tags(cfg) if wanted.search(tag))
        return Lines(lines=tuple(f"{path} {tag}" for path, tag in found),
                     data=[{"path": path, "tag": tag} for path, tag in found],
                     exit_code=0 if found else 1)


def _tags(cfg: Config) -> Iterator[tuple[str, str]]:
    yield from (("/cluster", tag) for tag in cfg.cluster.tags)
    for section in ("instances", "nodes", "groups", "networks"):
        for thing in getattr(cfg, section):
            kind = "nodegroup" if section == "groups" else section
            yield from ((f"/{kind}/{thing.name}", tag) for tag in thing.tags)
