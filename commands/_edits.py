"""Objects to edits of the configuration."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.model.codec import to_data
from gnt.model.config import SECTIONS
from gnt.model.objects import Cluster, Job, Signer
from gnt.plan import Edit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gnt.model.objects import Thing
    from gnt.record import Record


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


def unchanged(command: str) -> Invalid:
    """What a command answers that would change nothing."""
    return Invalid("", "nothing to change is given, or it is as it was", hint=f"{command} --help")


def drop(thing: Record) -> Edit:
    """The object gone."""
    return Edit(path=path(thing))
