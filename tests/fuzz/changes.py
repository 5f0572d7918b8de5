"""Changed inputs: bytes, words of the language and halves of other inputs put in, out and about."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

NASTY = (
    b"", b"\0", b"\n", b"\r\n", b" ", b"-", b"--", b"-1", b"0", b"00", b"1" * 30, b"9" * 5000,
    b"1e400", b"nan", b"inf", b"-0", b"1_0", "٣".encode(), "é".encode(), "\u2028".encode(),
    "\x85".encode(), b"\xff", b"\xed\xa0\x80", b"'", b'"', b"\\", b"(" * 200, b"[" * 3000,
    b"[" * 600 + b"]" * 600,
    b"{" * 3000, b"'\n'", b"$(id)", b"`id`", b"../..", b"%s", b"\x1b[2J", b"null", b"true", b"{}",
    b"[]", b"=", b",", b":", b"/", b"|", b";", b"#",
)


def change(source: random.Random, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One input, a few changes away from one of the corpus, or made of words alone."""
    if words and source.random() < 0.1:
        glue = source.choice((b"", b" ", b"\n", b","))
        return glue.join(source.choices(words, k=source.randint(1, 12)))
    data = source.choice(corpus)
    for _ in range(source.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        data = _once(source, data, corpus, words)
    return data


def _once(
    source: random.Random, data: bytes, corpus: Sequence[bytes], words: Sequence[bytes],
) -> bytes:
    start = source.randint(0, len(data))
    stop = min(len(data), start + source.choice((0, 1, 1, 2, 4, 8, 32)))
    kind = source.randrange(9)
    if kind == 0:
        return data[:start] + data[stop:]
    if kind == 1:
        return data[:start] + bytes([source.randrange(256)]) + data[stop:]
    if kind == 2:
        return data[:start] + source.choice(NASTY) + data[stop:]
    if kind == 3 and words:
        return data[:start] + source.choice(words) + data[stop:]
    if kind == 4:
        return data[:start] + data[start:stop] * source.choice((2, 3, 50)) + data[stop:]
    if kind == 5:
        other = source.choice(corpus)
        return data[:start] + other[source.randint(0, len(other)):]
    if kind == 6:
        return _number(source, data)
    if kind == 7:
        return _lines(source, data)
    return data[:start]


def _number(source: random.Random, data: bytes) -> bytes:
    """Another number in the place of one of the numbers."""
    import re

    found = list(re.finditer(rb"-?[0-9]+", data))
    if not found:
        return data
    one = source.choice(found)
    other = source.choice((b"0", b"-1", b"1", b"2", b"255", b"65536", b"4294967296",
                           b"9223372036854775808", b"1e9", b"0.5", b"-", b"x", b"9" * 25,
                           str(source.randrange(1 << 40)).encode()))
    return data[:one.start()] + other + data[one.end():]


def _lines(source: random.Random, data: bytes) -> bytes:
    """A line left out, doubled, or put in another place."""
    lines = data.splitlines(keepends=True)
    if len(lines) < 2:
        return data
    one = lines.pop(source.randrange(len(lines)))
    for _ in range(source.choice((0, 1, 2))):
        lines.insert(source.randrange(len(lines) + 1), one)
    return b"".join(lines)
