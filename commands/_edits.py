"""Objects to edits of the configuration."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.model.codec import to_data
from gnt.model.config import SECTIONS
from gnt.model.objects import Cluster, Job, Signer
from gnt.plan import Edit, Plan
from gnt.spec import Opt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gnt.model.objects import Thing
    from gnt.record import Record
    from gnt.spec import Operation


def path(thing: Record) -> str:
    """Where an object is in the configuration; also how it is named in holds."""
    section = SECTIONS[type(thing)]
    if isinstance(thing, Cluster):
        return f"{section}/cluster"
    if isinstance(thing, Signer):
        return f"{section}/{thing.name}"
    return f"{section}/{thing.id if isinstance(thing, Job) else getattr(thing, 'uuid')}"  # noqa: B009 - Record has no uuid


def put(thing: Record) -> Edit:
    """The object as it is."""
    return Edit(path=path(thing), value=to_data(thing))


def change(thing: Thing, **changes: Any) -> Edit:
    """The object with some fields changed and its serial number raised."""
    return put(thing.replace(serial_no=thing.serial_no + 1, **changes))


def unchanged(command: Operation, *, asked: bool = False) -> Plan:
    """What a command plans that finds everything as it is asked for: nothing.

    Scripts say the same again and again.  ``asked``: by flags; those do not count by themselves,
    since ``--force`` alone asks for nothing, and that is refused.
    """
    if asked or any(getattr(command, name) != field.default
                    for name, field in command.FIELDS.items()
                    if isinstance(field, Opt) and not isinstance(field.default, bool)):
        return Plan(notes=("everything is as asked for already",))
    raise Invalid("", "nothing to change is given",
                  hint=f"gnt-{command.noun} {command.verb} --help")


def drop(thing: Record) -> Edit:
    """The object gone."""
    return Edit(path=path(thing))
