"""Operations one after the other, each a job of its own: what fails is named, the rest goes on."""

from __future__ import annotations

from gnt.errors import GntError, Interrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gnt.spec import Operation, Session


def perform(session: Session, operations: Iterable[Operation]) -> int:
    """The exit code: 1 when anything failed, which is told at the end."""
    bad: list[str] = []
    for operation in operations:
        tried(session, bad, operation)
    for line in bad:
        session.tell(line)
    return 1 if bad else 0


def tried(session: Session, bad: list[str], operation: Operation) -> bool:
    """Whether it was done; what went wrong is added to ``bad``.  Ctrl-C ends all of them."""
    try:
        session.execute(operation)
    except Interrupted:
        raise
    except GntError as error:
        subject = getattr(operation, "name", "") or " ".join(getattr(operation, "names", ()))
        bad.append(f"{operation.verb} {subject}: {error.message}")
        if error.hint:
            bad.append(f"  {error.hint}")
        return False
    return True
