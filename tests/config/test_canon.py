"""Canonical TOML: written one way, read alike by the fast reader and by tomli."""

import math

import pytest
import tomli
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gnt.config import canon
from gnt.errors import Damaged
from gnt.htools_ext import ctoml

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SCALARS = st.one_of(
    TEXT, st.booleans(), st.integers(-(2**63) + 1, 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(SCALARS, lambda inner: st.one_of(
    st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)), max_leaves=20)
TABLES = st.dictionaries(TEXT, VALUES, max_size=4)
DOCUMENTS = st.dictionaries(TEXT, st.dictionaries(TEXT, TABLES, max_size=3), max_size=3)


def written(document):
    return canon.document(
        ((section, key), table) for section, things in document.items()
        for key, table in things.items())


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS)
def test_what_is_written_is_read_alike_by_both(document):
    data = written(document)
    expected = {section: things for section, things in document.items() if things}
    assert ctoml.loads(data) == expected
    assert tomli.loads(data.decode()) == expected
    assert canon.read(data, "x") == expected


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS)
def test_writing_is_deterministic(document):
    data = written(document)
    assert written(canon.read(data, "x")) == data


NASTY = list(b'"\\[]{}.,= \n\t\r#0159eE+-_aut\x00\x7f\xc3')


def both(data):
    """What the fast reader says must be what tomli says, if it says anything."""
    try:
        fast = ctoml.loads(data)
    except ctoml.NotCanonical:
        return None
    slow = tomli.loads(data.decode())
    assert repr(fast) == repr(slow)
    return fast


@settings(max_examples=200, deadline=None)
@given(DOCUMENTS, st.data())
def test_a_changed_document_is_never_read_differently(document, data):
    original = bytearray(written(document) or b"a = 1\n")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(original) - 1))
        original[at] = data.draw(st.sampled_from(NASTY))
    both(bytes(original))


PIECES = st.sampled_from([
    "[a]\n", "[a.b]\n", "[a.b.c]\n", "[[a]]\n", "a = ", "b.c = ", '"a" = ', "1", "01", "-0", "+1",
    "1.5", "1.", ".5", "1e5", "1E5", "1e", "1_0", "0x1", "inf", "nan", "true", "truex", "false",
    '"x"', '""', '"""', "'x'", "\\u0041", "[1, 2]", "[1,2]", "[1, ]", "{a = 1}", "{a=1}", "{}",
    "{a = 1, a = 2}", "\n", "\r\n", "# c\n", " ", ",", "2020-01-01", "12:00:00",
    '"\\ud800"', '"\\x"', "\x00", "\x7f", "é"])


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
@example("[a]\nb = {c = 1}\n[a.b.d]\n")
@example("[a]\nb = 1\n[a.b]\n")
@example("[a.b]\nc = 1\n[a]\nd = 1\n")
@example("[a.b]\n[a.c]\n[a.b]\n")
@example('a = "\\')
@example("a = -")
@example("a = [")
@example("a = {b")
@example("[a")
@example('["a"."b"]\n')
def test_any_text_is_read_as_tomli_does_or_not_at_all(text):
    both(text.encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_end_in_a_document_or_in_damaged(data):
    try:
        assert isinstance(canon.read(data, "x"), dict)
    except Damaged as error:
        assert "x" in error.message


def test_a_hand_written_document_is_read_too():
    data = b"# remark\n[a]\nb = [\n  1,\n  'two',\n]\n[[c]]\nd.e = 0x10\n"
    assert canon.read(data, "x") == {"a": {"b": [1, "two"]}, "c": [{"d": {"e": 16}}]}


@pytest.mark.parametrize(("data", "said"), [
    (b"a = nan\n", "cannot be stored"),
    (b"a = -inf\n", "cannot be stored"),
    (b"a = 2020-01-01\n", "cannot be stored"),
    (b"a = 99999999999999999999\n", "cannot be stored"),
    (b"a = 1\nb = \xff\n", "line 2: not UTF-8"),
    (b"[a]\nb = 1\nb = 2\n", "line 3"),
    (b"a = " + b"[" * 200 + b"]" * 200 + b"\n", "nest"),
    (b"a = " + b"[" * 100000 + b"\n", "nesting"),
    (b'a = "\\ud800"\n', "line 1"),
    (b"a = 1", None),
])
def test_bad_documents_say_where(data, said):
    if said is None:
        assert canon.read(data, "file.toml") == {"a": 1}
        return
    with pytest.raises(Damaged, match=said) as caught:
        canon.read(data, "file.toml")
    assert caught.value.message.startswith("file.toml")


def test_sizes_are_bounded():
    with pytest.raises(Damaged, match="more than the 10 allowed"):
        canon.read(b"a = 12345678\n", "x", 10)
    with pytest.raises(Damaged, match="more than the 12 allowed"):
        canon.read(b"a = 12345678\n", "x", 12)
    assert canon.read(b"a = 12345678\n", "x", 13) == {"a": 12345678}


def test_what_cannot_be_stored_is_named_by_its_path():
    with pytest.raises(Damaged, match=r"^x: a\.b\.1\.c: inf cannot be stored$"):
        canon.read(b"[a]\nb = [1, {c = inf}]\n", "x")
    with pytest.raises(Damaged, match=r"^a\.b\[1\]\.c: inf cannot be stored$"):
        canon.table(("a",), {"b": [1, {"c": math.inf}]})


@pytest.mark.parametrize("wrap", [lambda inside: [inside], lambda inside: {"k": inside}])
def test_what_is_as_deep_as_may_be_is_written_and_read_again(wrap):
    deep = 1
    for _ in range(canon.MAX_DEPTH + 1):
        deep = wrap(deep)
    document = canon.document([(("a",), {"b": deep})])
    assert canon.read(document, "x") == canon.read(b"# slow\n" + document, "x") == {
        "a": {"b": deep}}
    with pytest.raises(Damaged, match="nested more than 32 deep"):
        canon.table(("a",), {"b": wrap(deep)})


@pytest.mark.parametrize("value", [None, math.nan, math.inf, 2**63, b"x", object(), {1: 2}.keys()])
def test_what_toml_cannot_hold_is_not_written(value):
    with pytest.raises(Damaged, match=r"a\.b"):
        canon.table(("a",), {"b": value})


def test_lone_surrogates_and_depth_are_not_written():
    with pytest.raises(Damaged, match="not Unicode"):
        canon.document([(("a",), {"b": "\ud800"})])
    deep: list = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(Damaged, match="nested"):
        canon.table(("a",), {"b": deep})
