"""Answers as text: golden outputs."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnt.cli.formats import data, yaml
from gnt.cli.general import Layout
from gnt.cli.render import render
from gnt.errors import UsageError
from gnt.query.cells import NODATA, OFFLINE, UNAVAIL, UNKNOWN
from gnt.spec import Column, Document, Lines, Table

TABLE = Table(
    columns=(
        Column(name="name", title="Instance"), Column(name="ram", title="Memory", kind="unit"),
        Column(name="up", title="Up", kind="bool"), Column(name="n", title="N", kind="number"),
        Column(name="tags", title="Tags", kind="other"),
        Column(name="free", title="Free", kind="float"), Column(name="os", title="OS"),
    ),
    rows=(
        ("web1", 512, True, 2, ("a", "b"), 1.5, "image"),
        ("web10.example.com", 1536, False, 10, (), 20.25, None),
        ("db", NODATA, UNAVAIL, OFFLINE, UNKNOWN, UNAVAIL, "1e5"),
    ),
)
ALIGNED = """\
Instance          Memory Up  N Tags  Free OS
web1                512M Y   2 a,b   1.50 image
web10.example.com   1.5G N  10      20.25 -
db                     ? -   * ??       - 1e5
"""
VERBOSE_LAST = "db                (nodata) (unavail) (offline) (unknown) (unavail) 1e5"


def test_aligned_table() -> None:
    assert render(TABLE, Layout()) == ALIGNED


def test_numbers_right_text_left_last_not_padded() -> None:
    lines = render(TABLE, Layout()).splitlines()
    assert all(line == line.rstrip() for line in lines)


def test_separator_means_plain_numbers_and_no_padding() -> None:
    text = render(TABLE, Layout(separator=":", no_headers=True))
    assert text.splitlines() == [
        "web1:512:Y:2:a,b:1.50:image", "web10.example.com:1536:N:10::20.25:-",
        "db:?:-:*:??:-:1e5"]


def test_units_apply_with_and_without_separator() -> None:
    table = Table(columns=(Column(name="m", title="M", kind="unit"),),
                  rows=((2048,), (1572864,)))
    assert render(table, Layout(units="g")) == "     M\n   2.0\n1536.0\n"
    assert render(table, Layout(units="h", separator="|")) == "M\n2.0G\n1.5T\n"
    assert render(table, Layout()) == "   M\n2.0G\n1.5T\n"


def test_verbose_uses_words_for_missing_values() -> None:
    assert render(TABLE, Layout(verbose=True)).splitlines()[-1].split() == VERBOSE_LAST.split()


def test_empty_tables() -> None:
    empty = TABLE.replace(rows=())
    assert render(empty, Layout()) == "Instance Memory Up N Tags Free OS\n"
    assert render(empty, Layout(no_headers=True)) == ""


def test_timestamps_are_local_time() -> None:
    table = Table(columns=(Column(name="t", title="T", kind="timestamp"),), rows=((86400 * 3,),))
    shown = render(table, Layout(no_headers=True)).strip()
    assert shown.startswith("1970-01-0") and len(shown) == 19


def test_values_cannot_command_the_terminal() -> None:
    table = Table(columns=(Column(name="x", title="X"),), rows=(("a\x1b[2J\nb",),))
    assert render(table, Layout(no_headers=True)) == "a?[2J?b\n"
    assert render(Lines(lines=("a\x1b]0;x\x07",)), Layout()) == "a?]0;x?\n"
    assert render(Document(content={"k": "\x1b[31m"}), Layout()) == "k: ?[31m\n"


def test_json_keeps_types_and_makes_missing_null() -> None:
    rows = json.loads(render(TABLE, Layout(format="json")))
    assert rows[0] == {"name": "web1", "ram": 512, "up": True, "n": 2, "tags": ["a", "b"],
                       "free": 1.5, "os": "image"}
    assert rows[2]["ram"] is None and rows[2]["os"] == "1e5"


def test_csv_quotes_and_heads() -> None:
    table = Table(columns=(Column(name="a", title="A"), Column(name="b", title="B")),
                  rows=(('say "x", y', ("p", "q")),))
    read = list(csv.reader(io.StringIO(render(table, Layout(format="csv")))))
    assert read == [["a", "b"], ['say "x", y', '["p", "q"]']]
    assert render(table, Layout(format="csv", no_headers=True, separator=";")).count(";") == 1


def test_documents_are_trees() -> None:
    content = {"Instance name": "web1", "Nodes": {"primary": "node1", "others": []},
               "Tags": ["a", "b"], "Up": True,
               "Disks": [{"size": 1, "path": "/x"}, {"size": 2, "path": "/y"}]}
    assert render(Document(content=content), Layout()) == """\
Instance name: web1
Nodes:
  primary: node1
  others: -
Tags: a, b
Up: yes
Disks:
  - size: 1
    path: /x
  - size: 2
    path: /y
"""


def test_lines_are_lines_and_their_data_is_json() -> None:
    answer = Lines(lines=("3 nodes",), data={"nodes": 3})
    assert render(answer, Layout()) == "3 nodes\n"
    assert json.loads(render(answer, Layout(format="json"))) == {"nodes": 3}
    assert json.loads(render(Lines(lines=("a",)), Layout(format="json"))) == ["a"]


@pytest.mark.parametrize("style", ["csv", "github"])
def test_only_tables_have_table_styles(style: str) -> None:
    with pytest.raises(UsageError, match=f"--format {style} is for tables"):
        render(Document(content={}), Layout(format=style))


def test_other_people_s_styles_do_not_change_the_values() -> None:
    assert render(TABLE, Layout(format="github")).splitlines()[-1].endswith("| 1e5   |")


def test_yaml_block_style() -> None:
    assert "\n".join(yaml({"a": [1, {"b": None, "c": "x y"}], "yes": "no", "e": []})) == (
        'a:\n  - 1\n  - b: null\n    c: "x y"\n"yes": "no"\ne: []')


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False,
                                                                      allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8)


@given(PLAIN)
def test_json_gives_back_what_was_put_in(value) -> None:
    assert json.loads(render(Document(content=value), Layout(format="json"))) == value


@given(PLAIN)
def test_every_yaml_line_is_a_key_an_item_or_a_scalar(value) -> None:
    lines = list(yaml(data(Document(content=value))))
    assert lines
    assert all(line.strip() and "\n" not in line for line in lines)


@given(st.lists(st.tuples(st.text(), st.integers(), st.none() | st.text()), max_size=5))
def test_aligned_columns_line_up(rows) -> None:
    table = Table(columns=(Column(name="a", title="A"), Column(name="b", title="B", kind="number"),
                           Column(name="c", title="C")), rows=tuple(rows))
    lines = render(table, Layout(no_headers=True)).split("\n")[:-1]
    assert len(lines) == len(rows)
    width = max((len(str(row[0])) for row in rows), default=0)
    number = max((len(str(row[1])) for row in rows), default=0)
    for line, row in zip(lines, rows, strict=True):
        assert line[width + 1:width + 1 + number] == str(row[1]).rjust(number)
