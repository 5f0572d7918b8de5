"""A master candidate behind a shell: messages become frames, replies become answers.

Nothing is installed on the candidate: each frame carries the functions of ``candidate.sh`` that it
calls, without comments.  The turn is taken and used in the kept shell, the rest in subshells.
"""

from __future__ import annotations

from gnt.config import message as m
from gnt.config.disk import HERE, term_lock
from gnt.engine.ports import Frame
from gnt.errors import NodeFailed
from gnt.found import text_beside
from gnt.plan import quote
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from gnt.config.message import Answer, Candidate, Message
    from gnt.engine.ports import Frames, Reply

MAX_ANSWER = 1024 * 1024 * 1024  # bytes

_functions: dict[str, str] = {}


def functions() -> Mapping[str, str]:
    """The functions of ``candidate.sh`` by name, without comments and indentation."""
    if not _functions:
        name = ""
        for line in text_beside(__name__, "candidate.sh").split("\n"):
            bare = _bare(line)
            if line.startswith("gnc_"):
                name = line.partition("(")[0]
                _functions[name] = ""
            if name and bare:
                _functions[name] += bare + "\n"
            if line in ("}", ")"):
                name = ""
    return _functions


def _with_turn() -> set[str]:
    """Functions that a shell has which has the turn: it took the turn with them.

    One that has not says so with the rest.
    """
    taking = needed(["gnc_take"])
    return {name for name, text in functions().items() if text in taking} - {"gnc_release"}


def _bare(line: str) -> str:
    """A line without indentation and without the comment after it."""
    code, mark, _ = line.partition(" # ")
    return "" if line.lstrip().startswith("#") else code.strip() if mark else line.strip()


def needed(names: Iterable[str], there: Iterable[str] = ()) -> str:
    """The text of some functions and of all that they call, but for those that are there."""
    known = functions()
    wanted: dict[str, None] = {}
    queue = list(names)
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted[name] = None
            queue += [other for other in known if other in known[name]]
    return "".join(text for name, text in known.items() if name in wanted and name not in there)


class Dialect:
    """How messages are put to the candidates of one cluster.

    ``directory`` and ``lease`` differ from the usual only in tests.
    """

    def __init__(self, directory: str = HERE, lease: int = m.LEASE) -> None:
        self._setup = f"GNC={quote(directory)} GNC_LEASE={lease}\n"
        self._term_lock = term_lock(directory)

    def frame(self, message: Message) -> Frame:
        """The frame that puts a message."""
        made: Frame = getattr(self, "_" + type(message).__name__.lower())(message)
        return made

    def _script(
        self, call: str, *words: object, also: str = "", keep: bool = False, stdin: bytes = b"",
        there: Iterable[str] = (),
    ) -> Frame:
        line = " ".join([call, *(quote(str(word)) for word in words)])
        names = [call] + [part for part in also.split() if part.startswith("gnc_")]
        text = f"{self._setup}{needed(names, there)}{line}{also}\n"
        if "GNC_RAISE" in text:
            text = f"GNC_RAISE={quote(self._term_lock)}\n{text}"
        return Frame(text=text, stdin=stdin, keep=keep)

    def _known(self, call: str, *words: object) -> Frame:
        """What changes nothing: a body that takes words, which hardened nodes know as a fact."""
        body = f'{self._setup}{needed([call])}{call} "$@"\n'
        given = tuple(map(str, words))
        return Frame(text=f"set -- {' '.join(map(quote, given))}\n{body}", body=body, words=given)

    def _place(self, message: m.Fetch | m.Take | m.Fence) -> str:
        offset = "-" if message.offset == m.STANDING_ONLY else str(message.offset)
        return f" && gnc_fetch {message.base} {offset}"

    def _fetch(self, message: m.Fetch) -> Frame:
        offset = "-" if message.offset == m.STANDING_ONLY else message.offset
        return self._known("gnc_fetch", message.base, offset)

    def _past(self, message: m.Past) -> Frame:
        return self._known("gnc_past", message.number)

    def _take(self, message: m.Take) -> Frame:
        asked = "-" if message.asked is None else "{}.{}".format(*message.asked)
        return self._script("gnc_take", message.wait, message.term, asked,
                            also=self._place(message), keep=True)

    def _fence(self, message: m.Fence) -> Frame:
        return self._script("gnc_fence", message.wait, message.term, also=self._place(message))

    def _append(self, message: m.Append) -> Frame:
        after = message.after
        return self._script("gnc_append", message.term, message.turn, after.term, after.serial,
                            after.hash, after.base, message.hash, stdin=message.records)

    def quick(self, message: Message) -> Frame | None:
        """A short frame that does it if the candidate is where it should be; None: no such."""
        if type(message) is m.Append and message.size >= 0:
            call = "gnc_quick" if message.count == 1 else "gnc_group"
            return self._script(call, message.term, message.turn, message.after.line,
                                message.size, message.after.hash, message.hash,
                                stdin=message.records)
        if isinstance(message, m.Learn) and message.after is not None:
            return self._script("gnc_heard", message.by, message.after.line, message.size,
                                message.head.line)
        return None

    def _commit(self, message: m.Commit) -> Frame:
        after = message.after
        words = (message.term, message.turn, after.term, after.serial, after.hash, after.base,
                 message.hash, message.serial, message.records.decode())
        return self._script("gnc_commit", *words, keep=True, there=_with_turn())

    def _learn(self, message: m.Learn) -> Frame:
        head = message.head
        return self._script("gnc_learn", message.by, head.term, head.serial, head.hash, head.base)

    def _install(self, message: m.Install) -> Frame:
        head = message.head
        return self._script(
            "gnc_install", message.term, message.turn, head.term, head.serial, head.hash,
            head.base, message.start, len(message.base), stdin=message.base + message.journal)

    def _prune(self, message: m.Prune) -> Frame:
        return self._script("gnc_prune", message.kib, message.days)

    def _release(self, _: m.Release) -> Frame:
        return self._script("gnc_release", keep=True)


def answer(reply: Reply, node: str) -> Answer:
    """What a candidate answered; NodeFailed when it cannot be understood."""
    problem = reply.err.decode("utf-8", "replace").strip()[-500:]
    known = (m.OK, m.FAILED, m.MOVED, m.REFUSED, m.BEHIND, m.BUSY, m.DAMAGED, m.NO_TURN,
             m.UNASKED, m.GONE_BACK)
    fields: dict[str, Any] = {}
    try:
        if len(reply.out) > MAX_ANSWER:
            raise ValueError("it is too long")
        parts = _lines(reply.out, fields)
    except (ValueError, IndexError) as error:
        raise NodeFailed(node, "failed", f"cannot understand its answer: {error}",
                         stderr=problem) from None
    if reply.status not in known:
        raise NodeFailed(node, "failed", "the configuration's shell functions failed",
                         status=reply.status, stderr=problem)
    return m.Answer(status=reply.status, problem=problem, parts=parts, **fields)


def _lines(out: bytes, fields: dict[str, Any]) -> tuple[m.Part, ...]:
    parts = []
    at = 0
    while at < len(out):
        end = out.find(b"\n", at)
        if end < 0:
            raise ValueError(f"it breaks off: {out[at:at + 60]!r}")
        words = out[at:end].decode("ascii").split(" ")
        at = end + 1
        if words[0] == "part":
            number, offset, length = map(natural, words[2:5])
            data = out[at : at + length]
            if len(data) != length:  # a disk that cannot be read, for example
                raise ValueError(f"{words[1]}-{words[2]} breaks off")
            if words[1] not in ("base", "journal"):
                raise ValueError(f"{words[1][:60]!r} is no kind of file")
            parts.append(m.Part(kind=words[1], number=number, offset=offset, data=data))
            at += length
        elif words[0] == "turn":
            fields["turn"] = natural(words[1]), natural(words[2])
        elif words[0] == "standing":
            fields.update(_standing(words[1:]))
        else:
            raise ValueError(f"{words[0][:60]!r} is not expected")
    return tuple(parts)


def _standing(words: list[str]) -> dict[str, Any]:
    term, serial, digest, base, seen_term, seen_turn, fence, last, tail = words
    return {
        "head": m.read_head(f"{term} {serial} {'' if digest == '-' else digest} {base}"),
        "seen": (natural(seen_term), natural(seen_turn)), "fence": natural(fence),
        "tail": (0, "") if last == "-" else (
            natural(last), "" if tail == "-" else m.read_hash(tail)),
    }


class RemotePeers:
    """:class:`~gnt.config.message.Peers` over kept shells; local candidates beside them."""

    def __init__(
        self, frames: Frames, local: Mapping[str, Candidate] | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        self._frames = frames
        self._local = local or {}
        self.dialect = dialect or Dialect()
        self._astray: set[str] = set()  # candidates that were not where they should be

    def ask(
        self, messages: Mapping[str, Message], deadline: float = 15.0,
        enough: int | None = None,
    ) -> dict[str, Answer | NodeFailed]:
        answers: dict[str, Answer | NodeFailed] = {
            name: _asked(self._local[name], message)
            for name, message in messages.items() if name in self._local
        }
        far = {name: message for name, message in messages.items() if name not in self._local}
        if enough is not None:
            enough -= sum(_status(answer) == m.OK for answer in answers.values())
        replies = self._put(far, deadline, enough)
        answers.update((name, self.understood(name, replies[name])) for name in far)
        return {name: answers[name] for name in messages}

    def _put(
        self, messages: Mapping[str, Message], deadline: float, enough: int | None,
    ) -> dict[str, Reply | NodeFailed]:
        """One round trip; a second one for candidates that are not where they should be."""
        quick = {name: self._dialect(name).quick(x) for name, x in messages.items()}
        frames = {name: quick[name] or self._dialect(name).frame(x) for name, x in messages.items()}
        replies: dict[str, Reply | NodeFailed] = {}
        if frames:
            replies = dict(self._frames.frames(frames, deadline=deadline, enough=enough))
        again = {
            name: self._dialect(name).frame(messages[name]) for name, reply in replies.items()
            if quick[name] and not isinstance(reply, NodeFailed) and reply.status == m.NOT_SIMPLE}
        self._astray |= again.keys()
        if again:
            if enough is not None:
                enough -= sum(not isinstance(reply, NodeFailed) and reply.status == m.OK
                              for reply in replies.values())
            replies.update(self._frames.frames(again, deadline=deadline, enough=enough))
        return replies

    def _dialect(self, node: str) -> Dialect:
        return self.dialect

    def post(self, messages: Mapping[str, Message]) -> None:
        far = {}
        for name, message in messages.items():
            dialect = self._dialect(name)
            quick = None if name in self._astray else dialect.quick(message)
            if name not in self._local:
                far[name] = quick or dialect.frame(message)
        self._astray -= messages.keys()
        if far:
            self._frames.post(far)
        for name, message in messages.items():
            if name in self._local:
                _asked(self._local[name], message)

    def frame(self, node: str, message: Message) -> Frame | None:
        return None if node in self._local else self._dialect(node).frame(message)

    def understood(self, node: str, reply: Reply | NodeFailed) -> Answer | NodeFailed:
        return _understood(reply, node)


def _understood(reply: Reply | NodeFailed, node: str) -> Answer | NodeFailed:
    """An answer, or why there is none."""
    if isinstance(reply, NodeFailed):
        return reply
    try:
        return answer(reply, node)
    except NodeFailed as failure:
        return failure


def _status(answer: Answer | NodeFailed) -> int:
    return -1 if isinstance(answer, NodeFailed) else answer.status


def _asked(candidate: Candidate, message: Message) -> Answer | NodeFailed:
    try:
        return candidate.answer(message)
    except NodeFailed as failure:
        return failure


class RemoteCandidate:
    """One candidate of some peers, as a :class:`~gnt.config.message.Candidate`."""

    def __init__(self, peers: RemotePeers, node: str) -> None:
        self._peers = peers
        self._node = node

    def answer(self, message: Message) -> Answer:
        got = self._peers.ask({self._node: message}, deadline=m.LEASE + m.WAIT)[self._node]
        if isinstance(got, NodeFailed):
            raise got
        return got
