"""``gnt-group list-fields``."""

from __future__ import annotations

from gnt.query.list_fields import FieldList


class GroupListFields(FieldList, command="group list-fields"):
    """List the fields that ``gnt-group list -o`` can show and filters can use."""

    kind = "group"
    examples = (("gnt-group list-fields", "all fields with their kinds and meanings"),)
