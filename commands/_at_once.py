"""``--priority`` where the reference runs a job and gnt does not: nothing is waited for."""

from __future__ import annotations

from gnt.spec import Command, opt
from gnt.values import choice


class AtOnce(Command):
    """What is done at once comes before any job, whatever its priority."""

    priority: str = opt(choice("low", "normal", "high"), "accepted: it waits for no job",
                        default="normal")
