"""``gnt-job list-fields``."""

from __future__ import annotations

from gnt.query.list_fields import FieldList


class JobListFields(FieldList, command="job list-fields"):
    """List the fields that ``gnt-job list -o`` can show and filters can use."""

    kind = "job"
    examples = (("gnt-job list-fields", "all fields with their kinds and meanings"),)
