"""``gnt-node list-fields``."""

from __future__ import annotations

from gnt.query.list_fields import FieldList


class NodeListFields(FieldList, command="node list-fields"):
    """List the fields that ``gnt-node list -o`` can show and filters can use."""

    kind = "node"
    examples = (("gnt-node list-fields", "all fields with their kinds and meanings"),)
