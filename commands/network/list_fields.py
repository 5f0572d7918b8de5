"""``gnt-network list-fields``."""

from __future__ import annotations

from gnt.query.list_fields import FieldList


class NetworkListFields(FieldList, command="network list-fields"):
    """List the fields that ``gnt-network list -o`` can show and filters can use."""

    kind = "network"
    examples = (("gnt-network list-fields", "all fields with their kinds and meanings"),)
