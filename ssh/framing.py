"""The language of a kept shell: batches of scripts in, their statuses and outputs out.

Every node runs one plain ``/bin/sh`` for as long as we talk to it.  A *batch* is written to it as
text; after each script the shell prints a marker with a number nobody can guess on both streams,
so that replies are found whatever the scripts print.  Each script runs in a subshell of
its own (``cd``, ``exit`` and syntax errors stay there) with an empty or a given standard input.
See man/adr/0020-framed-shell.md.
"""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.plan import quote
from gnt.record import Record
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

GATE = b"gnt-gate 1 "  # what a hardened node says first (ssh/gate/gate.sh)
LIMIT = 64 << 20  # bytes that one script may print on one stream

PRELUDE = r"""
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
unset ENV CDPATH
gnt_alarm=/dev/null gnt_why=ok

gnt_nl='
' gnt_last=''
gnt_say() { echo "$1" >&2; echo "$1"; }
gnt_done() { gnt_say "$gnt_last$1 done $gnt_why"; gnt_why=ok gnt_last=''; }
gnt_mark() { echo "$1 $2" >"$gnt_alarm"; }

gnt_dir() { [ -d "$1" ] || { mkdir -p "$1" && chmod 700 "$1"; }; }

gnt_born() {
    read -r gnt_at <"/proc/$1/stat" || return 1
    # shellcheck disable=SC2086 # fields after the name, which may hold spaces and brackets
    set -- ${gnt_at##*) }
    gnt_at=${20}
}

gnt_dog() {
    gnt_dir /run/gnt/shell || return 0
    gnt_alarm=/run/gnt/shell/$$
    gnt_mark start 0
    (
        trap '' TERM HUP INT
        past='' ticks=0
        gnt_born "$$" && born=$gnt_at
        while sleep 5 && gnt_born "$$" && [ "$gnt_at" = "$born" ]; do
            read -r now limit <"$gnt_alarm" || continue
            if [ "$now" = "$past" ] && [ "$limit" -gt 0 ]; then
                ticks=$((ticks + 5))
            else
                past=$now ticks=0
            fi
            [ "$limit" -eq 0 ] || [ "$ticks" -lt "$limit" ] || {
                rm -f "$gnt_alarm"
                kill -s TERM -- "-$$"
                sleep 5
                kill -s KILL -- "-$$"
            }
        done
        rm -f "$gnt_alarm"
    ) </dev/null >/dev/null 2>&1 &
}

gnt_known() {
    gnt_term=0
    [ ! -e /var/lib/gnt/term ] || read -r gnt_term </var/lib/gnt/term
    [ "$gnt_term" -ge 0 ] 2>/dev/null || gnt_term=unreadable
}

gnt_raise() (
    mkdir -p /var/lib/gnt /run/gnt && exec 9>>/run/gnt/term.lock && flock 9 || exit 1
    gnt_known
    [ "$gnt_term" != unreadable ] && [ "$gnt_term" -lt "$1" ] || exit 0
    echo "$1" >/var/lib/gnt/term.new && sync /var/lib/gnt/term.new &&
        mv /var/lib/gnt/term.new /var/lib/gnt/term && sync /var/lib/gnt
)

gnt_admit() {
    gnt_known
    [ "$gnt_term" != "$1" ] || return 0
    if [ "$gnt_term" != unreadable ] && [ "$gnt_term" -lt "$1" ]; then
        gnt_raise "$1" || { gnt_why='unwritable'; return 1; }
        gnt_known
    fi
    [ "$gnt_term" = "$1" ] || { gnt_why="fenced $gnt_term"; return 1; }
}

gnt_fence() {
    gnt_dir /run/gnt/fence || return 1
    exec 9>>"/run/gnt/fence/$1" && flock -s 9
}
gnt_dog
"""
FUNCTIONS = PRELUDE.removesuffix("gnt_dog\n")  # what a gate begins with, too


class Item(Record):
    """One script of a batch.  ``limit``: seconds after which the node itself ends it.

    ``body`` and ``words``, where given, come to the same as ``text``: hardened nodes know bodies.
    """

    text: str
    stdin: bytes = b""
    keep: bool = False
    limit: float = 60.0
    body: str = ""
    words: tuple[str, ...] = ()


class Batch(Record):
    """Scripts that run one after the other; under a fence they stop at the first failure.

    ``term`` 0 stands for a cluster that is not known yet: nothing is checked.
    """

    scripts: tuple[Item, ...]
    term: int = 0
    fence: str = ""
    hold: int = 0  # keep the alarm armed with this many seconds after the batch (a lease)


def prelude(nonce: str) -> bytes:
    """What a new shell is told first.  Its marker ends what login scripts have printed."""
    return f"{PRELUDE}gnt_say '{nonce} on'\n".encode()


def tagged(nonce: str, seq: int) -> str:
    """What the markers of a batch begin with."""
    return f"{nonce}.{seq}"


def compose(nonce: str, seq: int, batch: Batch) -> bytes:
    """The text of a batch for the kept shell.

    The last script's marker is printed together with the batch's: each print is two packets back.
    """
    if batch.fence and not batch.fence.replace("-", "").replace("_", "").isalnum():
        raise Invalid("fence", f"{batch.fence!r} is not a name of letters, digits, - and _")
    tag = tagged(nonce, seq)
    lines = [f"if {f'gnt_admit {batch.term}' if batch.term else 'true'}; then"]
    if batch.fence:
        lines.append(f"(gnt_fence {quote(batch.fence)} || exit 1")
    for number, item in enumerate(batch.scripts):
        last = number == len(batch.scripts) - 1
        lines.append(f"gnt_mark {seq}.{number} {int(item.limit + 0.999)}")
        lines += (_kept if item.keep else _isolated)(item, "9>&- " if batch.fence else "")
        lines.append("gnt_rc=$?")
        lines += _ended(f"{tag}.{number} off $gnt_rc", last, bool(batch.fence))
    if batch.fence:
        lines.append("exit 0) || gnt_why=nofence")
    lines += ["fi", f"gnt_mark {seq}.end {batch.hold}", f"gnt_done {tag}", ""]
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def _ended(marker: str, last: bool, fenced: bool) -> Iterator[str]:
    """What is printed after a script; under a fence in a subshell, which may stop here."""
    if fenced:
        yield f'gnt_say "{marker}"'
        yield "[ $gnt_rc -eq 0 ] || exit 0"
    elif not last:
        yield f'gnt_say "{marker}"'
    else:
        yield f'gnt_last="{marker}$gnt_nl"'


def _isolated(item: Item, close: str) -> Iterator[str]:
    run = f"(eval {quote(item.text)}) {close}"
    if not item.stdin:
        yield run + "</dev/null"
    elif _plain(item.stdin):
        yield from (run + "<<'gnt_stdin'", item.stdin.decode("ascii") + "gnt_stdin")
    else:
        yield from (f"base64 -d <<'gnt_stdin' | {run}", _base64(item.stdin) + "gnt_stdin")


class Plain:
    """How batches are put to a shell that runs whatever it is told."""

    def compose(self, nonce: str, seq: int, batch: Batch) -> bytes:
        text = compose(nonce, seq, batch)
        return text if seq else prelude(nonce) + text


def standalone(text: str, stdin: bytes) -> str:
    """A script with its standard input as one text for any ``sh``."""
    return "\n".join(_isolated(Item(text=text, stdin=stdin), "")) + "\n"


def _kept(item: Item, _: str) -> Iterator[str]:
    run = f"command eval {quote(item.text)}"
    if not item.stdin:
        yield run + " </dev/null"
    elif _plain(item.stdin):
        yield from (run + " <<'gnt_stdin'", item.stdin.decode("ascii") + "gnt_stdin")
    else:
        raise Invalid("stdin", "a kept script takes only lines of ASCII text")


def _plain(data: bytes) -> bool:
    """Whether a here-document can carry it as it is."""
    return (
        data.endswith(b"\n") and data.isascii() and b"\0" not in data and b"\r" not in data
        and b"gnt_stdin\n" not in data
    )


def _base64(data: bytes) -> str:
    import base64

    return base64.encodebytes(data).decode("ascii")


class Overflow(Exception):
    """A script printed more than :data:`LIMIT`."""


class Garbled(Exception):
    """The other end knows our marker and says nonsense with it: no shell of ours does."""


class Stream:
    """Finds the outputs of scripts in one of the two streams of a kept shell."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce.encode()
        self._buffer = bytearray()
        self._scanned = 0

    def forget(self) -> None:
        """Drop what came while nothing was asked: somebody's background children."""
        self._buffer.clear()
        self._scanned = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, int | None, str, bytes]]:
        """(batch, script or None, words after the marker, output) for every script that ended.

        ``script`` None: the batch ended.
        """
        self._buffer += data
        while True:
            start = self._buffer.find(self._nonce, self._scanned)
            if start < 0:
                self._scanned = max(0, len(self._buffer) - len(self._nonce))
                if len(self._buffer) > LIMIT:
                    raise Overflow
                return
            end = self._buffer.find(b"\n", start)
            if end < 0:
                self._scanned = start
                return
            marker, output = bytes(self._buffer[start:end]), bytes(self._buffer[:start])
            del self._buffer[: end + 1]
            self._scanned = 0
            found = _understood(marker)
            if found is not None:
                yield *found, output


def _understood(marker: bytes) -> tuple[int, int | None, str] | None:
    """What ``feed`` yields of a marker: NONCE on, NONCE.N.M off STATUS, NONCE.N done WORDS."""
    try:
        where, verb, rest = (*marker.decode("ascii").split(" ", 2), "")[:3]
        if verb == "on":
            return None
        numbers = [natural(number) for number in where.split(".")[1:]]
        if verb == "off" and natural(rest.strip()) < 256:
            batch, script = numbers
            return batch, script, rest.strip()
        (batch,) = numbers
        if verb != "done":
            raise ValueError(verb)
    except ValueError:
        raise Garbled from None
    return batch, None, rest.strip()
