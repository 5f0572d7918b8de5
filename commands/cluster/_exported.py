"""An exported folder as a configuration."""

from __future__ import annotations

import os

from gnt.errors import Damaged
from gnt.model.config import Config, MemoryState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def read(folder: str) -> Config:
    """The objects at the head; ``session.ledger.verify`` must have found them to be signed."""
    import tomllib

    data: dict[str, dict[str, Any]] = {}
    try:
        with open(os.path.join(folder, "head"), encoding="utf-8") as file:
            term, serial, head = file.read().split()
        for section in sorted(os.listdir(os.path.join(folder, "objects"))):
            place = os.path.join(folder, "objects", section)
            for name in sorted(os.listdir(place)):
                with open(os.path.join(place, name), "rb") as stream:
                    things = tomllib.load(stream)[section]
                data.setdefault(section, {}).update(
                    {"cluster": things} if section == "cluster" else things)
    except (OSError, ValueError, KeyError) as error:
        raise Damaged(f"{folder} cannot be read: {error}",
                      hint="gnt-cluster config export DIR") from None
    return Config(MemoryState(data, term=int(term), serial=int(serial), head=head))
