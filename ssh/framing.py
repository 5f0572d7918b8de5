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

gnt_look() {
    gnt_term=0
    [ ! -e /var/lib/gnt/term ] || read -r gnt_term </var/lib/gnt/term
}

gnt_known() {
    gnt_look
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
    gnt_look
    [ "$gnt_term" != "$1" ] || return 0
    gnt_known
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

# Scripts see neither the marker nor our words; set -e must work in them: none of this is tested.
gnt_begin() { # MARKER LIMIT TERM: whether a script may run now
    [ -z "$gnt_last" ] || { gnt_say "${gnt_last%?}"; gnt_last=''; }
    [ "$3" = 0 ] || gnt_admit "$3" || return 1
    gnt_mark "${1#*.}" "$2"
}

gnt_run() { # MARKER LIMIT TERM SCRIPT
    gnt_begin "$1" "$2" "$3" || return 0
    (gnt_text=$4; set --; eval "$gnt_text")
    gnt_last="$1 off $?$gnt_nl"
}

gnt_step() { # the same in a subshell that holds a fence, which a failure ends
    gnt_begin "$1" "$2" "$3" || exit 4
    (gnt_text=$4; set --; eval "$gnt_text") 9>&-
    set -- "$1" $?
    gnt_say "$1 off $2"
    [ "$2" -eq 0 ] || exit 0
}

gnt_left() { # STATUS TERM: how that subshell ended
    case $1 in
        0) ;;
        4) ! gnt_admit "$2" || gnt_why=unwritable ;;
        *) gnt_why=nofence ;;
    esac
}

gnt_end() { # TAG HOLD
    gnt_mark "${1#*.}.end" "$2"
    gnt_done "$1"
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
    lines = [f"(gnt_fence {quote(batch.fence)} || exit 3"] if batch.fence else []
    for number, item in enumerate(batch.scripts):
        lines += _called(f"{tag}.{number} {int(item.limit + 0.999)} {batch.term}", item,
                         fenced=bool(batch.fence))
    if batch.fence:
        lines += ["exit 0)", f"gnt_left $? {batch.term}"]
    lines.append(f"gnt_end {tag} {batch.hold}\n")
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def _called(words: str, item: Item, *, fenced: bool) -> Iterator[str]:
    """One script; the term is looked at before each."""
    if not item.keep:
        yield from _fed(f"{'gnt_step' if fenced else 'gnt_run'} {words} {quote(_text(item))}", item)
        return
    if fenced or not _plain(item.stdin):
        raise Invalid("script", "a kept script has no fence and takes only lines of ASCII text")
    yield f"if gnt_begin {words}; then"
    yield from _fed(f"command eval {quote(item.text)}", item)
    yield f'gnt_last="{words.split(" ", 1)[0]} off $?$gnt_nl"; fi'


def _text(item: Item) -> str:
    """What is run with the standard input that :func:`_fed` gives."""
    return item.text if _plain(item.stdin) else f"base64 -d | (eval {quote(item.text)})"


def _fed(call: str, item: Item) -> Iterator[str]:
    """A command with a standard input."""
    if not item.stdin:
        yield f"{call} </dev/null"
    else:
        data = item.stdin.decode("ascii") if _plain(item.stdin) else _base64(item.stdin)
        yield from (f"{call} <<'gnt_stdin'", f"{data}gnt_stdin")


class Plain:
    """How batches are put to a shell that runs whatever it is told."""

    def compose(self, nonce: str, seq: int, batch: Batch) -> bytes:
        text = compose(nonce, seq, batch)
        return text if seq else prelude(nonce) + text


def standalone(text: str, stdin: bytes) -> str:
    """A script with its standard input as one text for any ``sh``."""
    item = Item(text=text, stdin=stdin)
    return "\n".join(_fed(f"(eval {quote(_text(item))})", item)) + "\n"


def _plain(data: bytes) -> bool:
    """Whether a here-document can carry it as it is."""
    return not data or (
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

    def alone(self, data: bytes, end: bytes) -> bytes | None:
        """What comes before ``end``, when that is all that came and nothing else is a marker."""
        before = len(data) - len(end)
        if not end or self._buffer or not data.endswith(end) or data.find(self._nonce) < before:
            return None
        return data[:before]

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
