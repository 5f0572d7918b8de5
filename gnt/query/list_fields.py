"""What every ``list-fields`` command does."""

from __future__ import annotations

from gnt.query.field import fields, known
from gnt.query.order import nice_order
from gnt.spec import Column, Query, Table, args
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar

    from gnt.model.config import Config
    from gnt.spec import Seen

COLUMNS = (
    Column(name="name", title="Name"), Column(name="kind", title="Type"),
    Column(name="title", title="Title"), Column(name="doc", title="Description"),
)


class FieldList(Query):
    """Base of the list-fields commands; needs no cluster."""

    kind: ClassVar[str] = ""
    tabular: ClassVar[bool] = True
    names: tuple[str, ...] = args(TEXT, "only these fields", default=())

    def columns(self) -> tuple[str, tuple[str, ...]] | None:
        return "", ()  # no columns are needed at all

    def table(self, columns: Mapping[str, list[Any]]) -> Table:
        table = fields(self.kind)
        if self.names:
            rows = [known(self.kind, table, name) for name in self.names]
        else:
            everything = list(table.values())
            rows = [everything[at] for at in nice_order(list(table))]
        return Table(columns=COLUMNS, rows=tuple(
            (row.name, row.kind, row.title, row.doc) for row in rows))

    def answer(self, cfg: Config, seen: Seen) -> Table:
        return self.table({})
