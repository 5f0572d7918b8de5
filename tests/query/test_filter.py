"""The filter language: trees, truth, mistakes with their place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnt.errors import UnknownField, UsageError
from gnt.query.cells import NODATA
from gnt.query.filter import checked, chosen, compiled, names_in, parse
from gnt.query.listing import Listing
from gnt.query.source import Columns


@pytest.mark.parametrize(("text", "tree"), [
    ('name == "web1"', ("==", "name", "web1")),
    ("name = 'web1'", ("==", "name", "web1")),
    ("be/vcpus != 4", ("!=", "be/vcpus", 4)),
    ("be/vcpus<=4", ("<=", "be/vcpus", 4)),
    ('"prod" in tags', ("=[]", "tags", "prod")),
    ('"prod" not in tags', ("!", ("=[]", "tags", "prod"))),
    ("name =~ m/^web/i", ("=~", "name", "(?i)^web")),
    ("name =~ /a b/", ("=~", "name", "a b")),
    ("name =~ m#a/b#si", ("=~", "name", "(?is)a/b")),
    ("name !~ m|x\\|y|", ("!", ("=~", "name", "x|y"))),
    ('name =* "web*"', ("=~", "name", "^web[^.]*(\\..*)?$")),
    ('name !* "w?"', ("!", ("=~", "name", "^w[^.](\\..*)?$"))),
    ("offline", ("?", "offline")),
    ("not offline", ("!", ("?", "offline"))),
    ("a and b and c", ("&", ("?", "a"), ("?", "b"), ("?", "c"))),
    ("a or b and c", ("|", ("?", "a"), ("&", ("?", "b"), ("?", "c")))),
    ("(a or b) and c", ("&", ("|", ("?", "a"), ("?", "b")), ("?", "c"))),
    ("a and (b or c)", ("&", ("?", "a"), ("|", ("?", "b"), ("?", "c")))),
    ("nic.mac/0 == 'x\\'y'", ("==", "nic.mac/0", "x'y")),
    ("priority == -5", ("==", "priority", -5)),
])
def test_text_becomes_a_tree(text: str, tree: tuple) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(("text", "problem", "place"), [
    ("", "expected a field", 1), ("name ==", "expected a value", 8),
    ("name == web1", "expected a value", 9), ("(a or b", "expected ')'", 8),
    ("a b", "expected 'and', 'or' or the end", 3), ('"x" tags', "expected 'in'", 5),
    ("a and", "expected a field", 6), ("a ; b", "cannot read this", 3),
    ("name =~ web", "expected a regular expression", 8), ("name =~ m/(/", "bad regular", 8),
    ("name =~ m/a/x", "unknown flags 'x'", 8), ('"x" in "y"', "expected a field", 8),
    ('name == "x', "cannot read this", 9), ("5", "expected 'in'", 2),
])
def test_mistakes_have_a_place(text: str, problem: str, place: int) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert problem in caught.value.message
    assert f"at character {place}" in caught.value.message


def test_nesting_is_bounded() -> None:
    assert parse("(" * 50 + "a" + ")" * 50) == ("?", "a")
    with pytest.raises(UsageError, match="too many parentheses"):
        parse("(" * 5000 + "a" + ")" * 5000)
    with pytest.raises(UsageError, match="too many parentheses"):
        parse("not " * 5000 + "a")


def test_unknown_fields_are_refused_with_the_closest() -> None:
    with pytest.raises(UnknownField, match="instances have no field 'pnde'") as caught:
        checked(parse('name == "x" and pnde == "y"'), "instance")
    assert caught.value.hint == "did you mean pnode?"


ROWS = {
    "name": ["web1.lab", "web2.lab", "db.lab"], "n": [1, 20, 3], "up": [True, False, True],
    "tags": [["prod"], [], ["prod", "db"]], "ip": [None, "192.0.2.1", ""],
    "ram": [128, NODATA, 1.5], "hv": [{"a": 1}, {}, {}],
}


@pytest.mark.parametrize(("text", "rows"), [
    ('name == "web2.lab"', [1]), ('name != "web2.lab"', [0, 2]), ("n > 2", [1, 2]),
    ("n >= 3 and n < 20", [2]), ('n == "3"', [2]), ("n == 3", [2]), ('n > "2"', [1, 2]),
    ("up", [0, 2]), ("not up", [1]), ("up == 1", [0, 2]), ('up == "yes"', [0, 2]),
    ('up == "N"', [1]), ('"prod" in tags', [0, 2]), ('"prod" not in tags', [1]),
    ("tags", [0, 2]), ("ip", [1]), ('ip == ""', [2]), ("ram > 1", [0, 2]), ("ram < 2", [2]),
    ("name =~ /^WEB/", []), ("name =~ /^WEB/i", [0, 1]), ('name =* "web*"', [0, 1]),
    ('name =* "*"', [0, 1, 2]), ('name =* "web?.lab"', [0, 1]), ('name > "e"', [0, 1]),
    ('"a" in hv', [0]), ('up or name == "web2.lab"', [0, 1, 2]), ('n > "many"', []),
    ("name == 5", []), ("tags == 1", []), ("tags > 1", []),
])
def test_trees_choose_rows(text: str, rows: list[int]) -> None:
    assert chosen(parse(text), Columns(ROWS)) == rows


@pytest.mark.parametrize(("word", "is_filter"), [
    ("web1", False), ("web*.example.com", False), ("node1:x", False), ("web?", False),
    ("offline or drained", True), ("!x", True), ('"x"', True), ("(a)", True), ("a/b", True),
    ("a<b", True), ("a=b", True), ("a\\b", True), ("a~b", True), ("a;b", True), ("it's", True),
])
def test_a_single_word_with_signs_is_a_filter(word: str, is_filter: bool) -> None:
    class Some(Listing):
        kind = "node"
        names: tuple[str, ...] = ()

    assert Some(names=(word,)).filtered() is is_filter
    assert Some(names=(word, "other")).filtered() is False
    assert Some(names=(word,), filter=True).filtered() is True
    with pytest.raises(UsageError, match="-F takes one filter"):
        Some(names=(word, "other"), filter=True).filtered()


FIELD = st.sampled_from(["name", "n", "up", "tags", "ip"])
VALUE = st.integers(-99, 99) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
LEAF = (st.tuples(st.just("?"), FIELD)
        | st.tuples(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), FIELD, VALUE)
        | st.tuples(st.just("=[]"), FIELD, VALUE))
TREE = st.recursive(LEAF, lambda inner: st.tuples(st.just("!"), inner) | st.tuples(
    st.sampled_from(["&", "|"]), inner, inner), max_leaves=6)


def quoted(value) -> str:
    return str(value) if isinstance(value, int) else '"' + "".join(
        "\\" + char if char in '"\\' else char for char in value) + '"'


def written(tree) -> str:
    """The text of a tree, every part in parentheses."""
    if tree[0] == "?":
        return tree[1]
    if tree[0] == "!":
        return f"not ({written(tree[1])})"
    if tree[0] in ("&", "|"):
        word = " and " if tree[0] == "&" else " or "
        return word.join(f"({written(part)})" for part in tree[1:])
    if tree[0] == "=[]":
        return f"{quoted(tree[2])} in {tree[1]}"
    return f"{tree[1]} {tree[0]} {quoted(tree[2])}"


@given(TREE)
def test_writing_and_parsing_a_tree_gives_it_back(tree) -> None:
    assert parse(written(tree)) == tree
    assert json.loads(json.dumps(tree)) == json.loads(json.dumps(parse(written(tree))))


@given(TREE)
def test_not_chooses_exactly_the_others(tree) -> None:
    source = Columns(ROWS)
    inside, outside = chosen(tree, source), chosen(("!", tree), source)
    assert sorted(inside + outside) == [0, 1, 2]


@given(TREE, TREE)
def test_and_is_both_or_is_either(left, right) -> None:
    source = Columns(ROWS)
    first, second = set(chosen(left, source)), set(chosen(right, source))
    assert set(chosen(("&", left, right), source)) == first & second
    assert set(chosen(("|", left, right), source)) == first | second


@given(st.text() | st.lists(st.sampled_from(
    ["name", "==", '"x"', "and", "or", "not", "(", ")", "in", "=~", "m/a/", "5", " "]),
    max_size=10).map(" ".join))
def test_any_text_gives_a_tree_or_a_typed_error(text: str) -> None:
    try:
        tree = parse(text)
    except UsageError as error:
        assert "at character" in error.message
    else:
        assert names_in(tree)
        assert compiled(tree)(lambda name: None) in (True, False)
