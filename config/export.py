"""The history as a folder that anyone can read, and check without gnt.

    records/12.toml, records/12.toml.sig    one transaction, and its signature
    bases/1.toml, bases/1.toml.sig          a whole state
    objects/SECTION/KEY.toml                the state at the head, one file per object
    allowed_signers                         whoever was a signer at some time, and until when
    head                                    term, serial and hash

To check every signature with OpenSSH alone, in this folder:

    for file in bases/*.toml records/*.toml; do
        at=$(date -u -d "@$(sed -n '/^time = /{s///p;q}' "$file")" +%Y%m%d%H%M%SZ)
        name=$(ssh-keygen -Y find-principals -f allowed_signers -s "$file.sig" -Overify-time=$at)
        ssh-keygen -Y verify -f allowed_signers -I "$name" -n gnt-config -s "$file.sig" \\
            -Overify-time=$at <"$file"
    done

and that nothing was left out between two records: ``prev`` of one is the SHA-256 sum of the other:

    sha256sum records/11.toml; grep ^prev records/12.toml

What only gnt checks is that each was signed by somebody who was a signer then, and that ``objects``
is what the records come to: gnt-cluster config verify FOLDER, which needs no cluster.
"""

from __future__ import annotations

import os
from urllib.parse import quote

from gnt.config import base as bases
from gnt.config import consent, history, journal, signature
from gnt.config.history import Chapter
from gnt.config.journal import Entry
from gnt.errors import Conflict, Damaged, Invalid
from gnt.model.objects import Signer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gnt.config.memory_state import FollowingState
    from gnt.config.verify import Verified

MAX_FILE = 512 * 1024 * 1024


def export(
    chapters: Sequence[Chapter], state: FollowingState, verified: Verified, folder: str,
) -> int:
    """Write a new folder; the number of files.  Raises Conflict when there is something,
    Invalid when it has no name."""
    if not folder:
        raise Invalid("folder", "its name is empty")
    if os.path.exists(folder) and os.listdir(folder):
        raise Conflict(f"{folder} is there already and not empty", hint="name a new folder")
    count = 0
    for name, content in _files(chapters, state, verified):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with open(path, "xb") as file:
            file.write(content)
        count += 1
    return count


def _files(
    chapters: Sequence[Chapter], state: FollowingState, verified: Verified,
) -> Iterator[tuple[str, bytes]]:
    signers: dict[str, Signer] = {}
    for chapter in chapters:
        base = chapter.parsed()
        yield from _signed(f"bases/{chapter.number}.toml", base.body, base.signature)
        _collect(signers, [(name, thing) for name, thing in base.data.get("signers", {}).items()])
        for entry in chapter.entries():
            yield from _signed(f"records/{entry.serial}.toml", entry.body, entry.signature)
            txn = journal.parse(entry, chapter.where)
            _collect(signers, [(put.path.partition("/")[2], put.value) for put in txn.put
                               if put.path.startswith("signers/")])
    for section, things in state.data.items():
        for key, thing in things.items():
            lines = history.text(f"{section}/{key}", thing)
            yield f"objects/{section}/{_file_name(key)}.toml", ("\n".join(lines) + "\n").encode()
    yield "allowed_signers", "".join(
        f"{signer.allowed(signer.name, signature.NAMESPACE)}\n" for signer in signers.values()
    ).encode()
    yield "head", _head(verified)
    yield "README", (__doc__ or "").encode()


def _head(verified: Verified) -> bytes:
    return f"{verified.term} {verified.serial} {verified.head}\n".encode()


def _signed(name: str, body: bytes, line: str) -> Iterator[tuple[str, bytes]]:
    yield name, body
    yield name + ".sig", signature.armored(line).encode()


def _collect(signers: dict[str, Signer], found: Sequence[tuple[str, object]]) -> None:
    """By key, under the first name, and with the latest end that the right ever had."""
    for name, thing in found:
        assert isinstance(thing, dict)
        one = Signer(name=quote(name, safe="@._-"), key=str(thing.get("key", "")),
                     valid_until=consent.count(thing, "valid_until", 0))
        known = signers.setdefault(one.key, one)
        ends = max(known.valid_until, one.valid_until) if one.valid_until else 0
        signers[one.key] = known.replace(valid_until=ends if known.valid_until else 0)


def _file_name(key: str) -> str:
    """A key as a file's name: no slash, not hidden, not a folder."""
    made = quote(key, safe="@:+_- ")
    return "%2E" + made[1:] if made.startswith(".") else made


def read(folder: str) -> list[Chapter]:
    """The chapters of an exported folder."""
    numbers = _numbers(folder, "bases")
    if not numbers:
        raise Damaged(f"{folder} does not hold an exported history",
                      hint="gnt-cluster config export DIR")
    serials = _numbers(folder, "records")
    chapters = []
    for number, following in zip(numbers, [*numbers[1:], None], strict=True):
        body, line = _read_signed(folder, f"bases/{number}.toml")
        records = b"".join(_entry(folder, serial).record for serial in serials
                           if serial > number and (following is None or serial <= following))
        chapters.append(Chapter(number=number, base=bases.signed(body, line), journal=records))
    return chapters


def _entry(folder: str, serial: int) -> Entry:
    body, line = _read_signed(folder, f"records/{serial}.toml")
    return Entry(serial=serial, body=body, signature=line)


def _numbers(folder: str, kind: str) -> list[int]:
    try:
        names = os.listdir(os.path.join(folder, kind))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(name[:-5]) for name in names
                  if name.endswith(".toml") and name.isascii() and name[:-5].isdigit())


def _read_signed(folder: str, name: str) -> tuple[bytes, str]:
    text = _read(folder, name + ".sig").decode("ascii", "replace")
    return _read(folder, name), signature.unarmored(text, f"{name}.sig")


def _read(folder: str, name: str) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read(MAX_FILE)
    except OSError as error:
        raise Damaged(f"{folder}/{name}: {error.strerror}") from None


def check(folder: str, state: FollowingState, verified: Verified) -> None:
    """The folder's head and objects are those of its verified history."""
    if _read(folder, "head") != _head(verified):
        raise Damaged(f"{folder}/head: it is not the head of the records beside it "
                      f"(they end with {verified.serial})")
    wanted = {f"{section}/{_file_name(key)}.toml": (f"{section}/{key}", thing)
              for section, things in state.data.items() for key, thing in things.items()}
    for name, (path, thing) in wanted.items():
        content = _read(folder, f"objects/{name}")
        if content != ("\n".join(history.text(path, thing)) + "\n").encode():
            raise Damaged(f"{folder}/objects/{name}: it is not what the history says")
    for section in os.listdir(os.path.join(folder, "objects")):
        for name in os.listdir(os.path.join(folder, "objects", section)):
            if f"{section}/{name}" not in wanted:
                raise Damaged(f"{folder}/objects/{section}/{name}: the history has no such object")
