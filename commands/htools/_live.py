"""The cluster this program belongs to: its configuration, and its nodes asked."""

from __future__ import annotations

from gnt.commands._space import Survey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.htools.world import World
    from gnt.spec import Session


def ask(session: Session) -> World:
    """One round of questions to all nodes; those that do not answer are named and left out."""
    survey = Survey(session.config())
    return survey.world(survey.ask(session))
