"""The filter language (reference B.2): text to a tree, a tree to rows.

Trees are the reference's JSON lists as tuples: ``("&", a, b …)``, ``("|", …)``, ``("!", a)``,
``("?", field)``, ``("==", field, value)`` and likewise ``!= < <= > >= =~``, ``("=[]", field,
value)``.  Errors say at which character the text stops making sense.
"""

from __future__ import annotations

import re

from gnt.errors import UsageError
from gnt.query.cells import Absent
from gnt.query.field import fields, known
from gnt.query.globs import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gnt.query.source import Source

    Tree = tuple[Any, ...]
    Test = Callable[[Callable[[str], Any]], bool]  # gets a field's value of one object

COMPARE = ("==", "!=", "<=", ">=", "<", ">", "=")
MATCH = ("=~", "!~", "=*", "!*")
DIGITS = 1000
DEPTH = 100  # nested parentheses and nots
_TOKEN = re.compile(r"""
    (?P<space>\s+)
  | (?P<sign>==|!=|<=|>=|=~|!~|=\*|!\*|[<>=()])
  | (?P<number>-?[0-9]+(?![A-Za-z0-9_./-]))
  | (?P<word>[A-Za-z_][A-Za-z0-9_./-]*)
  | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
""", re.X | re.S)
_REGEX = re.compile(r"\s*(?:m(?=[/#^|]))?([/#^|])((?:(?!\1)[^\\]|\\.)*)\1([a-z]*)", re.S)


def parse(text: str) -> Tree:
    """The tree of a filter; UsageError with the place of the mistake."""
    parser = _Parser(text)
    tree = parser.either()
    if parser.kind != "end":
        raise parser.wrong("expected 'and', 'or' or the end")
    return tree


class _Parser:
    """Recursive descent over one text; ``kind`` and ``token`` are what comes next."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.start, self.depth = text, 0, 0, 0
        self.kind, self.token = "", ""
        self.advance()

    def advance(self) -> None:
        """Read the next token."""
        while True:
            self.start = self.at
            if self.at >= len(self.text):
                self.kind, self.token = "end", ""
                return
            match = _TOKEN.match(self.text, self.at)
            if match is None:
                raise self.wrong("cannot read this")
            self.at, self.kind, self.token = match.end(), str(match.lastgroup), match.group()
            if self.kind != "space":
                return

    def wrong(self, problem: str) -> UsageError:
        shown = self.text[self.start:self.start + 20]
        return UsageError(
            f"filter: {problem} at character {self.start + 1}" + (f": {shown!r}" if shown else
                                                                  " (the end)"),
            hint="for example: 'pnode == \"node1\" and be/vcpus > 2'")

    def take(self, *tokens: str) -> bool:
        """Whether the next token is one of these; if so, it is read."""
        if self.kind in ("word", "sign") and self.token in tokens:
            self.advance()
            return True
        return False

    def either(self) -> Tree:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else ("|", *parts)

    def both(self) -> Tree:
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else ("&", *parts)

    def one(self) -> Tree:
        self.depth += 1
        if self.depth > DEPTH:
            raise self.wrong("too many parentheses and nots")
        try:
            return self._one()
        finally:
            self.depth -= 1

    def _one(self) -> Tree:
        if self.take("not"):
            return ("!", self.one())
        if self.take("("):
            inside = self.either()
            if not self.take(")"):
                raise self.wrong("expected ')'")
            return inside
        if self.kind in ("text", "number"):
            return self.membership(self.value())
        if self.kind != "word":
            raise self.wrong("expected a field, a value, 'not' or '('")
        return self.condition()

    def membership(self, value: str | int) -> Tree:
        negated = self.take("not")
        if not self.take("in"):
            raise self.wrong("expected 'in' or 'not in' after a value")
        if self.kind != "word":
            raise self.wrong("expected a field")
        field = self.token
        self.advance()
        return ("!", ("=[]", field, value)) if negated else ("=[]", field, value)

    def condition(self) -> Tree:
        field = self.token
        self.advance()
        sign = self.token if self.kind == "sign" else ""
        if sign in ("=~", "!~"):
            match: Tree = ("=~", field, self.pattern())
            return match if sign == "=~" else ("!", match)
        if sign in ("=*", "!*"):
            self.advance()
            match = ("=~", field, regex(str(self.value())))
            return match if sign == "=*" else ("!", match)
        if sign in COMPARE:
            self.advance()
            return ("==" if sign == "=" else sign, field, self.value())
        return ("?", field)

    def value(self) -> str | int:
        if self.kind == "number":
            if len(self.token) > DIGITS:
                raise self.wrong(f"a number of more than {DIGITS} digits")
            number = int(self.token)
            self.advance()
            return number
        if self.kind == "text":
            text = re.sub(r"\\(.)", r"\1", self.token[1:-1], flags=re.S)
            self.advance()
            return text
        raise self.wrong("expected a value: a number, or a text in quotes")

    def pattern(self) -> str:
        """What follows ``=~``: a delimited expression, its flags put inside."""
        found = _REGEX.match(self.text, self.at)
        if found is None:
            self.start = self.at
            raise self.wrong("expected a regular expression such as m/^web/i")
        delimiter, body, flags = found.groups()
        self.start = self.at
        if not set(flags) <= {"i", "s"}:
            raise self.wrong(f"unknown flags {flags!r} (there are i and s)")
        body = body.replace("\\" + delimiter, delimiter)
        whole = f"(?{''.join(sorted(set(flags)))}){body}" if flags else body
        try:
            re.compile(whole)
        except re.error as error:
            raise self.wrong(f"bad regular expression ({error})") from None
        self.at = found.end()
        self.advance()
        return whole


def names_in(tree: Tree) -> frozenset[str]:
    """The fields that a tree looks at."""
    if tree[0] in ("&", "|", "!"):
        return frozenset().union(*(names_in(part) for part in tree[1:]))
    return frozenset((tree[1],))


def checked(tree: Tree, kind: str) -> Tree:
    """The tree, once every field in it is known; raises UnknownField."""
    table = fields(kind)
    for name in sorted(names_in(tree)):
        known(kind, table, name)
    return tree


def chosen(tree: Tree, source: Source) -> list[int]:
    """The rows that a tree is true of."""
    everything = range(source.size)
    columns = {name: source.values(name, everything) for name in names_in(tree)}
    test = compiled(tree)
    return [row for row in everything if test(lambda name, row=row: columns[name][row])]  # type: ignore[misc]  # default binds the row


def compiled(tree: Tree) -> Test:
    """A closure that says whether a tree is true of the object whose fields it can get."""
    sign = tree[0]
    if sign in ("&", "|"):
        parts = [compiled(part) for part in tree[1:]]
        if sign == "&":
            return lambda get: all(part(get) for part in parts)
        return lambda get: any(part(get) for part in parts)
    if sign == "!":
        inner = compiled(tree[1])
        return lambda get: not inner(get)
    name = tree[1]
    if sign == "?":
        return lambda get: bool(get(name))
    verdict = _verdict(sign, tree[2])
    return lambda get: verdict(get(name))


def _verdict(sign: str, wanted: Any) -> Callable[[Any], bool]:
    """The test of one value."""
    if sign == "=~":
        search = re.compile(wanted).search
        return lambda value: _is_value(value) and search(_text(value)) is not None
    if sign == "=[]":
        return lambda value: isinstance(value, (list, tuple, dict)) and any(
            _same(item, wanted) for item in value)
    if sign == "==":
        return lambda value: _same(value, wanted)
    if sign == "!=":
        return lambda value: not _same(value, wanted)
    return lambda value: _ordered(sign, value, wanted)


def _is_value(value: Any) -> bool:
    return value is not None and not isinstance(value, Absent)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool):
        return value == _truth(wanted)
    if isinstance(value, (int, float)) and isinstance(wanted, str):
        return _text(value) == wanted
    return bool(value == wanted) if type(value) is type(wanted) or isinstance(
        value, (int, float)) else _is_value(value) and _text(value) == str(wanted)


def _truth(wanted: Any) -> bool | None:
    """What a value means to a yes/no field: ``1``, ``0``, "yes", "N" …; None when nothing."""
    words = {"1": True, "y": True, "yes": True, "true": True,
             "0": False, "n": False, "no": False, "false": False}
    return words.get(str(wanted).lower())


def _ordered(sign: str, value: Any, wanted: Any) -> bool:
    """Numbers compare as numbers, texts as texts; what cannot be compared is not in order."""
    if not _is_value(value):
        return False
    if isinstance(value, (int, float)):
        try:
            other: Any = float(wanted)
        except (ValueError, OverflowError):
            return False
    elif isinstance(value, str):
        other = str(wanted)
    else:
        return False
    return bool({"<": value < other, "<=": value <= other,
                 ">": value > other, ">=": value >= other}[sign])
