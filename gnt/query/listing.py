"""What every ``list`` command does: fields, names or a filter, rows in order."""

from __future__ import annotations

from gnt.errors import UsageError
from gnt.query.field import fields, output
from gnt.query.source import Columns, Objects, key_of, named_rows
from gnt.spec import Column, Query, Table, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, ClassVar

    from gnt.model.config import Config
    from gnt.query.field import Field
    from gnt.query.source import Source
    from gnt.query.view import View
    from gnt.spec import Seen

FILTER_SIGNS = frozenset(" \t\n!\"'()/<=>\\~;")


class Listing(Query):
    """Base of the list commands; subclasses declare the words and say how to ask nodes."""

    kind: ClassVar[str] = ""
    tabular: ClassVar[bool] = True
    output: str | None = opt(TEXT, "the fields to show; +FIELDS adds to the usual ones",
                             default=None, short="o", metavar="FIELDS")
    filter: bool = opt(BOOL, "the word is a filter, whatever it looks like", default=False,
                       short="F")

    def words(self) -> tuple[str, ...]:
        """The names, patterns or filter given."""
        given: tuple[str, ...] = getattr(self, "names", ())
        return given

    def fields(self) -> tuple[Field, ...]:
        """The fields to show."""
        return output(self.kind, self.output)

    def columns(self) -> tuple[str, tuple[str, ...]] | None:
        """Cached columns do when no field is live."""
        table = fields(self.kind)
        needed = dict.fromkeys([key_of(self.kind), *(field.name for field in self.fields())])
        words = self.words()
        if self.filtered():
            from gnt.query.filter import names_in

            needed.update(dict.fromkeys(names_in(self._tree())))
        elif words and "uuid" in table:
            needed["uuid"] = None
        if any(table[name].live for name in needed):
            return None
        return self.kind, tuple(needed)

    def table(self, columns: Mapping[str, list[Any]]) -> Table:
        return self.tabled(Columns(columns))

    def answer(self, cfg: Config, seen: Seen) -> Table:
        view = self.view(cfg, seen)
        table = self.tabled(Objects(self.kind, view, self.things(cfg)))
        return table.replace(problems=self.problems(cfg, seen))

    def view(self, cfg: Config, seen: Seen) -> View:
        """What getters may look at; commands with live fields add what nodes said."""
        from gnt.query.view import View

        return View(cfg)

    def problems(self, cfg: Config, seen: Seen) -> tuple[str, ...]:
        """Nodes that did not answer, for stderr."""
        return ()

    def things(self, cfg: Config) -> Sequence[Any]:
        """All objects of the kind."""
        everything: Sequence[Any] = getattr(cfg, self.kind + "s")
        return everything

    def live(self) -> frozenset[str]:
        """The live fields that are shown or filtered by: they decide what nodes are asked."""
        table = fields(self.kind)
        wanted = {field.name for field in self.fields()}
        if self.filtered():
            from gnt.query.filter import names_in

            wanted.update(names_in(self._tree()))
        return frozenset(name for name in wanted if table[name].live)

    def settled(self) -> bool:
        """Whether there are words, and what is recorded says which objects they choose."""
        if not self.filtered():
            return bool(self.words())
        from gnt.query.filter import names_in

        table = fields(self.kind)
        return not any(table[name].live for name in names_in(self._tree()))

    def tabled(self, source: Source) -> Table:
        """The chosen fields of the chosen objects."""
        shown = self.fields()
        rows = self.rows(source)
        values = [source.values(field.name, rows) for field in shown]
        return Table(
            columns=tuple(Column(name=f.name, title=f.title, kind=f.kind) for f in shown),
            rows=tuple(zip(*values, strict=True)),
        )

    def rows(self, source: Source) -> Sequence[int]:
        """The chosen objects' places."""
        if self.filtered():
            from gnt.query.filter import chosen

            return chosen(self._tree(), source)
        if self.words():
            return named_rows(source, self.kind, self.words())
        return range(source.size)

    def filtered(self) -> bool:
        """Whether the single word is a filter and no name."""
        words = self.words()
        if self.filter and len(words) != 1:
            raise UsageError("-F takes one filter, in quotes",
                             hint=f"gnt-{self.kind} list -F 'tags'")
        return self.filter or (len(words) == 1 and not FILTER_SIGNS.isdisjoint(words[0]))

    def _tree(self) -> Any:
        from gnt.query.filter import checked, parse

        return checked(parse(self.words()[0]), self.kind)
