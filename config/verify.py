"""Checking a whole history: every signature, every link, from its first base to its head."""

from __future__ import annotations

from gnt.config import signature
from gnt.config.memory_state import FollowingState
from gnt.config.trust import Pin, Trusted
from gnt.errors import Damaged, NotAuthorised
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.config.history import Chapter


class Verified(Record):
    """``root``: the fingerprints of the signers believed from the start."""

    cluster: str
    term: int
    serial: int
    head: str
    records: int
    bases: int
    root: tuple[str, ...]
    signers: tuple[str, ...]  # fingerprints, now


def verify(
    chapters: Sequence[Chapter], roots: Sequence[str] = (),
) -> tuple[Verified, FollowingState]:
    """Follow a history with all rules; Damaged or NotAuthorised names the first thing wrong.

    ``roots``: keys or fingerprints to believe; without, the signer of the first base is taken.
    """
    if not chapters:
        raise Damaged("there is no history to verify")
    first = chapters[0].parsed()
    where = f"base-{chapters[0].number}.toml"
    author = signature.verify(first.body, first.signature, where)
    if roots and not {author, signature.fingerprint(author)} & set(roots):
        raise NotAuthorised(f"{where}: signed by {signature.fingerprint(author)}, "
                            "not by a signer that was named")
    state = FollowingState()
    trusted = Trusted(state, Pin(signers=(author,)))
    count = 0
    for chapter in chapters:
        name = f"base-{chapter.number}.toml"
        before = state.position
        previous = state.everything()
        trusted.begin(chapter.base, name)
        if before.serial:
            _same(previous, state, before.head, name)
        for entry in chapter.entries():
            trusted.follow(entry, chapter.where)
            count += 1
    at = state.position
    return Verified(
        cluster=str(state.data["cluster"]["cluster"]["uuid"]), term=at.term, serial=at.serial,
        head=at.head, records=count, bases=len(chapters), root=(signature.fingerprint(author),),
        signers=tuple(map(signature.fingerprint, trusted.signers()))), state


def _same(previous: object, state: FollowingState, head: str, where: str) -> None:
    """A base must say what its journal came to: head and objects."""
    if state.position.head != head:
        raise Damaged(f"{where}: it does not continue the journal before it")
    if _without_empty(previous) != _without_empty(state.everything()):
        raise Damaged(f"{where}: its objects are not what the journal before it came to")


def _without_empty(data: object) -> object:
    assert isinstance(data, dict)
    return {section: things for section, things in data.items() if things}
