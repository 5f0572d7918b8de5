"""``gnt-instance list-fields``."""

from __future__ import annotations

from gnt.query.list_fields import FieldList


class InstanceListFields(FieldList, command="instance list-fields"):
    """List the fields that ``gnt-instance list -o`` can show and filters can use."""

    kind = "instance"
    examples = (("gnt-instance list-fields", "all fields with their kinds and meanings"),)
