"""The consent of several signers, which dangerous changes need in a cluster that has a threshold.

Dangerous is what decides who rules: the signers, the threshold itself, whether nodes are hardened,
another master, the end of the cluster.  What several signers agree to is a *statement*, a text that
people can read; it names the cluster and how many such changes there have been (``guard``), so that
it is good for one change only:

    gnt-consent-1
    cluster UUID
    change 4
    no signer bob@laptop

Whoever makes the change signs its record; the others' signatures of the statement (namespace
``gnt-consent``) stand in the record, where every reader checks them.
"""

from __future__ import annotations

from gnt.config import signature
from gnt.config.journal import Put, Txn
from gnt.errors import Damaged, NotAuthorised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from gnt.model.config import State

    Asked = Callable[[bytes], Iterable[str]]  # signatures of a statement, as far as there are any

NAMESPACE = "gnt-consent"
CLUSTER = "cluster/cluster"
DESTROY = "cluster destroy"
GUARDED: Mapping[str, Any] = {"signer_threshold": 1, "hardened": False}  # fields of the cluster


def threshold(state: State) -> int:
    return count(_cluster(state), "signer_threshold", 1)


def guard(state: State) -> int:
    return count(_cluster(state), "guard", 0)


def dangers(state: State, term: int, txn: Txn) -> list[str]:
    """What of a transaction on this state needs the consent of several, a line each."""
    found: list[str] = []
    for put in txn.put:
        if put.path.startswith("signers/"):
            found += _signer(state, put)
        elif put.path == CLUSTER:
            before = _cluster(state)
            found += [f"{name} {put.value.get(name, usual)}" for name, usual in GUARDED.items()
                      if put.value.get(name, usual) != before.get(name, usual)]
    found += [f"no signer {path.partition('/')[2]}" for path in txn.drop
              if path.startswith("signers/")]
    if txn.term > term:
        masters = [str(put.value.get("master_node")) for put in txn.put if put.path == CLUSTER]
        found.append(f"master {(*masters, _cluster(state).get('master_node'))[0]}")
    if txn.operation == DESTROY:
        found.append("destroy the cluster")
    return found


def statement(state: State, lines: Iterable[str]) -> bytes:
    """The text to agree to."""
    return "".join(f"{line}\n" for line in (
        "gnt-consent-1", f"cluster {_cluster(state).get('uuid')}", f"change {guard(state)}",
        *lines)).encode()


def require(state: State, term: int, txn: Txn, author: str, signers: Iterable[str],
            where: str) -> None:
    """Raise NotAuthorised unless enough of the ``signers`` (public keys) are for a transaction.

    Damaged when it moves the guard otherwise than by one for each dangerous change.
    """
    needed, lines = threshold(state), dangers(state, term, txn)
    bound = needed > 1 and bool(lines)
    after = [count(put.value, "guard", 0) for put in txn.put if put.path == CLUSTER]
    if (bound and not after) or any(value != guard(state) + bound for value in after):
        raise Damaged(f"{where}: it does not count the dangerous changes as it must")
    if not bound:
        return
    text, known = statement(state, lines), set(signers)
    agree = {author} | {signature.verify(text, one, where, NAMESPACE) for one in txn.consent}
    if len(agree & known) < needed:
        raise NotAuthorised(
            f"{where}: {len(agree & known)} of the {needed} signers that it needs agree to: "
            f"{'; '.join(lines)}")


def attached(state: State, term: int, txn: Txn, author: str, asked: Asked) -> Txn:
    """The transaction with the consent that it needs; raises NotAuthorised while there is too
    little, also for what the job that it begins will do at its end."""
    lines = dangers(state, term, txn)
    bound = threshold(state) > 1 and bool(lines)
    if threshold(state) > 1 and not bound:
        later = Txn(**{**dict(txn.items()), **_later(state, txn)})
        if foreseen := dangers(state, term, later):
            _gathered(state, foreseen, author, asked)
    if not bound:
        return txn.replace(put=tuple(_guarded(put, guard(state)) for put in txn.put))
    puts = txn.put if any(put.path == CLUSTER for put in txn.put) else (
        *txn.put, Put(path=CLUSTER, value=_cluster(state)))
    return txn.replace(put=tuple(_guarded(put, guard(state) + 1) for put in puts),
                       consent=_gathered(state, lines, author, asked))


def _gathered(state: State, lines: list[str], author: str, asked: Asked) -> tuple[str, ...]:
    """Others' signatures of a statement, enough of them."""
    text, needed = statement(state, lines), threshold(state)
    by = {signature.verify(text, one, "the consent", NAMESPACE): one for one in asked(text)}
    by.pop(author, None)
    listed = {str((state.load("signers", name) or {}).get("key")) for name in state.keys("signers")}
    found = [one for key, one in by.items() if key in listed]
    if len(found) < needed - 1:
        raise NotAuthorised(
            f"this needs the consent of {needed} signers, and {len(found) + 1} agree: "
            + "; ".join(lines),
            hint="add --consent FILE; another signer then types gnt-cluster sign FILE, and you "
                 "the same command once more")
    return tuple(found[: needed - 1])


def _later(state: State, txn: Txn) -> dict[str, Any]:
    """What the jobs of a transaction will change at their ends, as its puts and drops."""
    puts: list[Put] = []
    drops: list[str] = []
    for change in _changes(txn):
        path = str(change.get("path"))
        if "drop" in change:
            drops.append(path)
        elif "put" in change:
            puts.append(Put(path=path, value=change["put"]))
        else:
            kind, _, key = path.partition("/")
            kept = {name: value for name, value in (state.load(kind, key) or {}).items()
                    if name not in change["old"]}
            puts.append(Put(path=path, value={**kept, **change["new"]}))
    return {"put": tuple(puts), "drop": tuple(drops)}


def _changes(txn: Txn) -> Iterator[Mapping[str, Any]]:
    for put in txn.put:
        if put.path.startswith("jobs/"):
            plan: Any = put.value.get("plan", {})
            yield from (*plan.get("pivot", ()), *plan.get("end", ()))


def _signer(state: State, put: Put) -> Iterator[str]:
    name = put.path.partition("/")[2]
    before = state.load("signers", name) or {}
    if any(put.value.get(field) != before.get(field) for field in ("key", "valid_until")):
        until = put.value.get("valid_until")
        yield f"signer {name} {put.value.get('key')}" + (f" until {until}" if until else "")


def _guarded(put: Put, value: int) -> Put:
    if put.path != CLUSTER or put.value.get("guard", 0) == value:
        return put
    return put.replace(value={**put.value, "guard": value})


def count(data: Mapping[str, Any], name: str, usual: int) -> int:
    """A number of an object's, which somebody may have signed as something else."""
    value = data.get(name, usual)
    if type(value) is not int:
        raise Damaged(f"{name}: expected int, found {value!r:.60}")
    return value


def _cluster(state: State) -> Mapping[str, Any]:
    return state.load("cluster", "cluster") or {}


class ConsentFile:
    """A statement and the signatures of those who agree, on its way between people."""

    MARK = b"signature "

    def __init__(self, path: str) -> None:
        self.path = path

    def asked(self, text: bytes) -> tuple[str, ...]:
        """The signatures of this statement; the file is made with it when there is none."""
        try:
            found, signatures = self.read()
        except FileNotFoundError:
            self._write(text, ())
            raise NotAuthorised(
                f"nobody else has agreed yet: {self.path} now holds what they have to sign",
                hint=f"another signer types: gnt-cluster sign {self.path}; then give this command "
                     "once more") from None
        if found != text:
            raise NotAuthorised(
                f"{self.path} is consent to something else, or the signers have changed since",
                hint=f"remove it, and begin again: rm {self.path}")
        return signatures

    def read(self) -> tuple[bytes, tuple[str, ...]]:
        """The statement, and the signatures of it."""
        with open(self.path, "rb") as file:
            lines = file.read(1 << 20).splitlines(keepends=True)
        text = b"".join(line for line in lines if not line.startswith(self.MARK))
        try:
            signatures = tuple(line[len(self.MARK):].strip().decode("ascii")
                               for line in lines if line.startswith(self.MARK))
        except UnicodeDecodeError:
            raise Damaged(f"{self.path} holds a signature that is none") from None
        if not text.startswith(b"gnt-consent-1\n") or not text.endswith(b"\n"):
            raise Damaged(f"{self.path} holds no statement to agree to")
        return text, signatures

    def sign(self, signing: signature.Signing) -> None:
        """Agree."""
        text, signatures = self.read()
        self._write(text, (*signatures, signature.sign(text, signing, NAMESPACE)))

    def _write(self, text: bytes, signatures: Iterable[str]) -> None:
        import os

        lines = b"".join(self.MARK + one.encode() + b"\n" for one in dict.fromkeys(signatures))
        with open(f"{self.path}.new", "wb") as file:
            file.write(text + lines)
        os.replace(f"{self.path}.new", self.path)
