"""``session.ledger``: the commands' view of the signed history (``spec.Ledger``)."""

from __future__ import annotations

from gnt.config import export as exported
from gnt.config import history, journal, signature
from gnt.config import message as m
from gnt.config import verify as checks
from gnt.config.history import Chapter
from gnt.engine.ports import Change
from gnt.errors import Damaged, NodeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from gnt.config.journal import Entry
    from gnt.config.store import SignedStore
    from gnt.model.config import Config


class Ledger:
    """``store`` is called when a cluster is needed: a folder can be verified without one."""

    def __init__(self, store: Callable[[], SignedStore]) -> None:
        self._store = store

    def chapters(self, down_to: int = 0) -> list[Chapter]:
        """The history from the serial ``down_to`` on, oldest first, as far as it is kept."""
        store = self._store()
        store.read()
        found = [self._newest(store)]
        while found[0].number > down_to:
            older = self._before(store, found[0])
            if older is None:
                break
            found.insert(0, older)
        return found

    def keeps(self, entry: Entry) -> bool:
        """Whether a record is in the history; Damaged when that part is kept by nobody."""
        chapters = self.chapters(entry.serial - 1)
        if chapters[0].number >= entry.serial:
            raise Damaged(f"nobody keeps the journal with change {entry.serial} any more")
        return any(other.hash == entry.hash for c in chapters for other in c.entries())

    def _past(self, store: SignedStore, number: int) -> Chapter | None:
        """An earlier chapter from the first candidate that keeps it."""
        names = [node.name for node in store.replica.config().candidates]
        for name in sorted(names, key=lambda n: n != store.master()):
            answer = store.peers.ask({name: m.Past(number=number)}, deadline=60.0)[name]
            if isinstance(answer, NodeFailed) or len(answer.parts) != 2:
                continue
            entries, _ = journal.split(answer.parts[1].data, name)
            return Chapter(number=number, base=answer.parts[0].data,
                           journal=b"".join(entry.record for entry in entries))
        return None

    def recent(self, newest: int | None) -> Iterator[Mapping[str, Any]]:
        """The newest transactions; earlier chapters are fetched when they are needed."""
        store = self._store()
        chapter: Chapter | None = self._newest(store)
        while chapter is not None:
            for entry in reversed(chapter.entries()):
                if newest is not None and newest <= 0:
                    return
                yield history.plain(entry, journal.parse(entry, chapter.where))
                newest = None if newest is None else newest - 1
            chapter = self._before(store, chapter)

    def _newest(self, store: SignedStore) -> Chapter:
        base, records = store.replica.content()
        return Chapter(number=store.replica.position.base, base=base, journal=records)

    def _before(self, store: SignedStore, chapter: Chapter) -> Chapter | None:
        previous = chapter.parsed().header.previous
        if previous >= chapter.number:
            raise Damaged(
                f"base-{chapter.number}.toml names base-{previous}.toml as the one before")
        older = self._past(store, previous) if previous else None
        return None if older is None else history.linked(older, chapter)

    def log(self) -> Iterator[Mapping[str, Any]]:
        """Transactions as data, newest first."""
        chapters = self.chapters()
        names = self._names()
        for entry, txn in history.log(chapters):
            data = history.plain(entry, txn)
            yield {**data, "signer": names.get(data["signer"], data["signer"])}

    def _names(self) -> dict[str, str]:
        config = self._store().replica.config()
        return {signer.key: signer.name for signer in config.signers}

    def show(self, serial: int) -> Mapping[str, Any]:
        """One transaction as data."""
        data = history.plain(*history.find(self.chapters(serial - 1), serial))
        return {**data, "fingerprint": signature.fingerprint(data["signer"]),
                "signer": self._names().get(data["signer"], data["signer"])}

    def cat(self, path: str, serial: int | None) -> list[str]:
        """An object, or the paths of a section, as lines; ``serial`` None: now."""
        state = self._at(serial)
        if "/" not in path:
            return history.paths(state, path)
        return history.text(path, history.object_at(state, path))

    def _at(self, serial: int | None) -> Any:
        chapters = self.chapters(self._store().read().serial if serial is None else serial)
        return history.state_at(chapters, self._store().replica.position.serial
                                if serial is None else serial)

    def config(self, serial: int) -> Config:
        """The configuration after that transaction."""
        from gnt.model.config import Config

        return Config(self._at(serial))

    def diff(self, before: int, after: int | None) -> list[str]:
        """What changed between two serials, as lines of a unified diff."""
        return history.diff(self._at(before), self._at(after))

    def undoing(self, serial: int) -> list[str]:
        """What a rollback would change, as edits for people."""
        then = self._at(serial)
        now = self._store().replica.state.everything()
        return [str(edit) for edit in history.rollback(now, then.data)]

    def sign(self, path: str, confirm: Callable[[str], None]) -> str:
        """Agree to what a file of consent states."""
        from gnt.config.consent import NAMESPACE, ConsentFile
        from gnt.errors import NotFound

        try:
            text, signatures = ConsentFile(path).read()
        except FileNotFoundError:
            raise NotFound(f"there is no file {path}",
                           hint="the command that needs consent makes it: --consent FILE") from None
        confirm("".join(f"    {line}\n" for line in text.decode().splitlines()[1:])
                + "Do you agree to this change?")
        store = self._store()
        store.read()
        ConsentFile(path).sign(store.author.signing)
        keys = [signature.verify(text, one, path, NAMESPACE) for one in signatures]
        names = self._names()
        agreed = {names.get(key, signature.fingerprint(key)): None
                  for key in (*keys, store.author.public)}
        return f"agreed so far, besides who makes the change: {', '.join(agreed)}"

    def record(self, operation: str, note: str) -> int:
        """A transaction that changes nothing."""
        change = Change(edits=(), operation=operation, note=note)
        return self._store().commit(lambda _: change).serial

    def own_key(self) -> str:
        return self._store().author.public

    def rollback(self, serial: int, reason: str) -> int:
        """Set all objects back to what they were; the serial of the transaction that does it."""
        then = self._at(serial)

        def change(_: object) -> Change:
            now = self._store().replica.state.everything()
            edits = history.rollback(now, then.data)
            return Change(edits=edits, operation="cluster config rollback", reason=reason,
                          note=f"back to {serial}" if edits else "")

        return self._store().commit(change).serial

    def export(self, folder: str) -> int:
        """Write everything that is kept to a new folder; the number of files."""
        chapters = self.chapters()
        verified, state = checks.verify(chapters)
        return exported.export(chapters, state, verified, folder)

    def digests(self) -> Mapping[str, str]:
        """The committed head as candidates store it, and SHA-256 of the base and its journal."""
        from gnt.config.digest import hex256

        replica = self._store().replica
        base, records = replica.content()
        return {"head": replica.head.line, "base": hex256(base), "journal": hex256(records)}

    def verify(self, folder: str, roots: Sequence[str]) -> Mapping[str, Any]:
        """Check the cluster's history, or an exported folder; what was found, as data."""
        if not folder:
            return dict(checks.verify(self.chapters(), roots)[0].items())
        verified, state = checks.verify(exported.read(folder), roots)
        exported.check(folder, state, verified)
        return dict(verified.items())
