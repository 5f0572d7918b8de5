"""gnt apply."""

from __future__ import annotations

from gnt.spec import Action, arg
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Apply(Action, command="apply"):
    """Run a plan that --plan-out saved: exactly that one, or nothing.

    The plan is made again on the configuration as it is now.  When it would be another one than the
    saved, the difference is shown and nothing is done.
    """

    jobs = True
    examples = (("gnt-instance add --plan-out web.plan -t file -s 10g web && gnt apply web.plan",
                 "look at a plan, let others look at it, then run it"),)

    file: str = arg(TEXT, "the saved plan", complete="file")

    def run(self, session: Session) -> int:
        return session.apply(self.file)
