"""Tags on the cluster, groups, nodes, instances and networks: add, remove, list."""

from __future__ import annotations

from gnt.commands._edits import change, path
from gnt.errors import Conflict, Invalid, NotFound
from gnt.model.names import TAGS_AT_MOST
from gnt.plan import Plan
from gnt.spec import Holds, Lines, Operation, Query, args, opt
from gnt.values import TAG, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, Self

    from gnt.model.config import Config
    from gnt.model.objects import Thing
    from gnt.spec import Seen, Session


def subject(cfg: Config, noun: str, name: str) -> Thing:
    """What is tagged."""
    if noun == "cluster":
        return cfg.cluster
    found: Thing = getattr(cfg, noun)(name)
    return found


class TagChange(Operation):
    """A command that changes tags.  All nouns but ``cluster`` name the tagged thing first."""

    named: ClassVar[bool] = True

    words: tuple[str, ...] = args(TEXT, "what is tagged (not for the cluster), then tags",
                                  default=())
    source: str = opt(TEXT, "read tags from a file, one on each line (- is the standard input)",
                      default="", name="from", metavar="FILE")

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        """With the tags of the file."""
        if not self.source:
            return (self,)
        lines = session.lines() if self.source == "-" else _read(self.source)
        return (self.replace(words=(*self.words, *(line.strip() for line in lines if line.strip())),
                             source=""),)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(path(self._thing(cfg)),))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        thing = self._thing(cfg)
        tags = self.after(thing.tags, self._tags())
        return Plan(end=(change(thing, tags=tags),) if tags != thing.tags else ())

    def after(self, before: tuple[str, ...], tags: tuple[str, ...]) -> tuple[str, ...]:
        """The tags after the change."""
        raise NotImplementedError

    def of(self, *words: str) -> Self:
        return self.replace(words=words)

    def _thing(self, cfg: Config) -> Thing:
        if self.noun != "cluster" and not self.words:
            raise Invalid("", f"{self.verb} needs the name of the {self.noun}")
        return subject(cfg, self.noun, self.words[0] if self.noun != "cluster" else "")

    def _tags(self) -> tuple[str, ...]:
        words = self.words if self.noun == "cluster" else self.words[1:]
        if not words:
            raise Invalid("", "no tag is given", hint=f"gnt-{self.noun} {self.verb} --help")
        return tuple(dict.fromkeys(TAG.read(word, "tag") for word in words))


class AddTags(TagChange):
    def after(self, before: tuple[str, ...], tags: tuple[str, ...]) -> tuple[str, ...]:
        new = tuple(tag for tag in tags if tag not in before)
        if len(before) + len(new) > TAGS_AT_MOST:
            raise Conflict(f"more than {TAGS_AT_MOST} tags on one object are not possible",
                           hint=f"gnt-{self.noun} remove-tags")
        return (*before, *new)


class RemoveTags(TagChange):
    def after(self, before: tuple[str, ...], tags: tuple[str, ...]) -> tuple[str, ...]:
        missing = [tag for tag in tags if tag not in before]
        if missing:
            raise NotFound(f"it has no tag {', '.join(missing)}", hint=f"gnt-{self.noun} list-tags")
        return tuple(tag for tag in before if tag not in tags)


class ListTags(Query):
    words: tuple[str, ...] = args(TEXT, "whose tags (not for the cluster)", default=())

    def answer(self, cfg: Config, seen: Seen) -> Lines:
        wanted = 0 if self.noun == "cluster" else 1
        if len(self.words) != wanted:
            raise Invalid("", f"list-tags needs {'no word' if not wanted else 'one name'}")
        thing = subject(cfg, self.noun, self.words[0] if wanted else "")
        tags = tuple(sorted(thing.tags))
        return Lines(lines=tags, data=list(tags))


def _read(source: str) -> list[str]:
    try:
        with open(source, encoding="utf-8") as stream:
            return stream.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("--from", f"{source} cannot be read: {error}") from None
