"""``--help``, as it is printed."""

from __future__ import annotations

from gnt.cli.help import command_help, noun_help, suite_help
from tests.cli.toys import Add, Show

ADD = """\
usage: gnt-toy add [options] NAME [OTHERS …]

Make a toy.

A toy has parts,
  indented text,
and a colour.

options:
  -c, --colour=red|green      its colour (required)
  -s, --size=SIZE             its size
  --part=NAME:KEY=VALUE,…     a part of it (may be repeated)
  -O, --os-options=KEY=VALUE,…
                              more of it
  -f, --force                 do it in any case
  -v, --verbose               say more
  --[no-]wait-for-sync        wait (default yes)
  --capable=yes|no            whether it can
  --count=N                   how many (default 1)
  -P, --picture[=FILE]        draw it
  -q, --quiet                 say less (may be repeated)

options of many commands:
  --submit                    print the job's id and do not wait for its end
"""


def test_a_command_s_help() -> None:
    text = command_help(Add)
    assert text.startswith(ADD)
    assert text.endswith("examples:\n  gnt-toy add --colour=red ball\n      make a red ball\n")
    assert "--old" not in text and "--ancient" not in text


def test_required_words_are_not_in_brackets() -> None:
    assert command_help(Show).startswith("usage: gnt-toy show [options] TOYS …\n")


def test_nothing_is_wider_than_a_hundred_columns() -> None:
    for text in (suite_help(), noun_help("instance"), noun_help("cluster"), command_help(Add)):
        assert max(map(len, text.splitlines())) <= 100


def test_every_noun_says_what_it_is_for() -> None:
    rows = suite_help().partition("…")[2].split("\n\n")[1].splitlines()
    assert len(rows) >= 8
    assert all(len(row.split(maxsplit=1)) == 2 for row in rows), rows


def test_other_names_of_verbs_are_shown() -> None:
    assert "start = startup" in noun_help("instance")
