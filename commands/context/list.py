"""gnt-context list."""

from __future__ import annotations

from gnt.spec import Action, Column, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class List(Action, command="context list"):
    """List the clusters that you know, with the signers that you trust there."""

    tabular = True
    examples = (("gnt-context list", "the one with * is used when none is named"),)

    def run(self, session: Session) -> int:
        rows = tuple(
            ("*" if one["current"] else "", one["name"], one["master"], ", ".join(one["signers"]))
            for one in session.contexts.known()
        )
        columns = (Column(name="current", title=""), Column(name="name", title="Context"),
                   Column(name="master", title="Candidate"),
                   Column(name="signers", title="Signers"))
        session.show(Table(columns=columns, rows=rows))
        return 0
