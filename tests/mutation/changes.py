"""One small change of a function at a time: what a test suite that can fail has to notice.

Not changed: annotations, docstrings, ``TYPE_CHECKING`` blocks, assertions (``strict=True`` is one),
and the words of messages (texts inside of ``raise``, f-strings and hints): what they say is not
tested word by word.  ``False`` becomes ``True``; what is returned is not also made ``None``.
"""

from __future__ import annotations

import ast
import hashlib
import pathlib

from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

    Undo = Callable[[], None]
    Make = Callable[[], Undo]

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPARE = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}
ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult, ast.Mod: ast.FloorDiv, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}


class Mutant(Record):
    """``key`` names it across edits elsewhere in the file; ``lines`` are those of its statement.

    ``code`` makes the code of the whole module with this one change.
    """

    file: str
    function: str
    line: int
    key: str
    lines: range
    code: Callable[[], CodeType]


def share(key: str) -> int:
    """Which hundredth of all mutants one belongs to: always the same."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) % 100


class Module:
    """The changes of one file, each made in its tree and taken back."""

    def __init__(self, file: pathlib.Path) -> None:
        self.file = file
        self.path = str(file.relative_to(ROOT))
        self.tree = ast.parse(file.read_text())
        self._seen: dict[str, int] = {}

    def mutants(self) -> Iterator[Mutant]:
        self._seen = {}
        for name, function in _functions(self.tree, ""):
            for node, where in _nodes(function):
                for change, make in _changes(node, where):
                    yield Mutant(file=self.path, function=name, line=getattr(node, "lineno", 0),
                                 key=self._key(f"{self.path} {name}: {change}"),
                                 lines=where.lines, code=lambda make=make: self._compiled(make))

    def _key(self, key: str) -> str:
        number = self._seen[key] = self._seen.get(key, 0) + 1
        return key if number == 1 else f"{key} #{number}"

    def _compiled(self, make: Make) -> CodeType:
        undo = make()
        try:
            code: CodeType = compile(ast.fix_missing_locations(self.tree), str(self.file), "exec")
        finally:
            undo()
        return code


def _functions(tree: ast.AST, above: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The outermost functions and methods with their qualified names."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield above + node.name, node  # type: ignore[misc]  # both have a name and a body
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{above}{node.name}.")
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            yield from _functions(node, above)


class Where(Record):
    """``message``: inside of what is only said; ``parent``: the list a statement stands in;
    ``lines``: what runs when the innermost statement does, without the statements inside."""

    message: bool = False
    parent: object = None
    index: int = 0
    lines: range = range(0)


def _lines(node: ast.stmt) -> range:
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if isinstance(node, ast.FunctionDef | ast.ClassDef) or not body:
        return range(node.lineno, (node.end_lineno or node.lineno) + 1)
    first = getattr(body[0], "lineno", None) or body[0].pattern.lineno
    return range(node.lineno, max(first, node.lineno + 1))


def _nodes(function: ast.FunctionDef) -> Iterator[tuple[ast.AST, Where]]:
    queue: list[tuple[ast.AST, Where]] = [
        (node, Where(parent=function.body, index=k)) for k, node in enumerate(function.body)
        if not _docstring(node)]
    while queue:
        node, where = queue.pop(0)
        if isinstance(node, ast.Assert | ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.stmt):
            where = where.replace(lines=_lines(node))
        yield node, where
        if isinstance(node, ast.keyword) and node.arg == "strict":
            continue
        said = where.message or isinstance(node, ast.Raise | ast.JoinedStr) or (
            isinstance(node, ast.keyword) and node.arg in ("hint", "title"))
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "args") and not isinstance(
                    node, ast.Call):
                continue
            if isinstance(value, list):
                queue += [(one, Where(message=said, parent=value, index=k, lines=where.lines))
                          for k, one in enumerate(value)
                          if isinstance(one, ast.AST) and not _docstring(one)]
            elif isinstance(value, ast.AST):
                queue.append((value, Where(message=said, lines=where.lines)))


def _docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _set(node: ast.AST, name: str, value: object) -> Make:
    """Give a node another part."""
    def make() -> Undo:
        before = getattr(node, name)
        setattr(node, name, value)
        return lambda: setattr(node, name, before)

    return make


def _swap(where: Where, new: ast.stmt, old: ast.stmt) -> Make:
    """Put another statement in the place of one."""
    def make() -> Undo:
        parent = where.parent
        assert isinstance(parent, list)
        parent[where.index] = ast.copy_location(new, old)

        def undo() -> None:
            parent[where.index] = old

        return undo

    return make


def _changes(node: ast.AST, where: Where) -> Iterator[tuple[str, Make]]:
    if isinstance(node, ast.stmt):
        yield from _statement(node, where)
    elif isinstance(node, ast.Constant) and not where.message:
        yield from _constant(node)
    elif isinstance(node, ast.IfExp):
        yield f"{_text(node)}: negated", _set(node, "test", _not(node.test))
    elif isinstance(node, ast.comprehension):
        for k, test in enumerate(node.ifs):
            ifs = [*node.ifs[:k], _not(test), *node.ifs[k + 1:]]
            yield f"if {_text(test)}: negated", _set(node, "ifs", ifs)
    else:
        yield from _operator(node, where)


def _operator(node: ast.AST, where: Where) -> Iterator[tuple[str, Make]]:
    if isinstance(node, ast.Compare):
        for k, sign in enumerate(node.ops):
            other = COMPARE[type(sign)]
            ops = [*node.ops[:k], other(), *node.ops[k + 1:]]
            yield f"{_text(node)}: {other.__name__}", _set(node, "ops", ops)
    elif isinstance(node, ast.BoolOp):
        join = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{_text(node)}: {type(join).__name__}", _set(node, "op", join)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"{_text(node)}: without not", _set(node, "operand", _not(node.operand))
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not where.message:
        count = ARITHMETIC[type(node.op)]
        yield f"{_text(node)}: {count.__name__}", _set(node, "op", count())


def _constant(node: ast.Constant) -> Iterator[tuple[str, Make]]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value}: {not value}", _set(node, "value", not value)
    elif isinstance(value, int):
        yield f"{value}: {value + 1}", _set(node, "value", value + 1)
    elif isinstance(value, str) and value:
        yield f"{value!r:.40}: other text", _set(node, "value", value + "~x")
    elif isinstance(value, bytes) and value:
        yield f"{value!r:.40}: other bytes", _set(node, "value", value + b"~x")


def _statement(node: ast.stmt, where: Where) -> Iterator[tuple[str, Make]]:
    if isinstance(node, ast.If | ast.While):
        yield f"{_text(node.test)}: negated", _set(node, "test", _not(node.test))
    elif isinstance(node, ast.Expr | ast.Raise | ast.AugAssign | ast.Delete):
        yield f"{_text(node)}: left out", _swap(where, ast.Pass(), node)
    elif isinstance(node, ast.Return) and node.value is not None and not (
            isinstance(node.value, ast.Constant) and node.value.value in (None, False)):
        yield f"{_text(node)}: None", _set(node, "value", ast.Constant(None))
    elif isinstance(node, ast.Break):
        yield "break: continue", _swap(where, ast.Continue(), node)
    elif isinstance(node, ast.Continue):
        yield "continue: break", _swap(where, ast.Break(), node)


def _not(test: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:90]
