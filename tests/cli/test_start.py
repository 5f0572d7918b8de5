"""From ``argv`` to output and exit code, in this process."""

from __future__ import annotations

import os

import pytest

from gnt import __version__
from gnt.cli import find
from gnt.cli.main import run
from gnt.cli.start import leading_options
from gnt.errors import UsageError


@pytest.mark.parametrize(("argv", "name"), [
    (["/usr/bin/gnt", "--version"], "gnt"),
    (["gnt-instance", "--version"], "gnt-instance"),
    (["/opt/gnt-full.pyz", "--version"], "gnt"),
])
def test_version_names_the_program(argv: list[str], name: str, capsys) -> None:
    assert run(argv) == 0
    assert capsys.readouterr().out == f"{name} (gnt) {__version__}\n"


@pytest.mark.parametrize(("program", "words", "expected"), [
    ("gnt", ["instance", "list"], ["instance", "list"]),
    ("gnt-instance", ["list"], ["instance", "list"]),
    ("gnt-full.pyz", ["instance", "list"], ["instance", "list"]),
    ("gnt-nonsense", ["instance", "list"], ["instance", "list"]),
    ("gnt-_listing", ["x"], ["x"]),
    ("python3", ["instance"], ["instance"]),
])
def test_only_the_suite_s_own_names_count(program, words, expected) -> None:
    assert find.program_words(program, words) == expected


@pytest.mark.parametrize("argv", [
    ["gnt", "instance", "list-fields", "name"],
    ["gnt-instance", "list-fields", "name"],
    ["gnt-instance", "list_fields", "name"],
    ["gnt", "--format", "table", "instance", "list-fields", "name"],
    ["gnt-instance", "--format=table", "list-fields", "name"],
])
def test_one_program_under_many_names(argv: list[str], capsys) -> None:
    assert run(argv) == 0
    assert capsys.readouterr().out == (
        "Name Type Title    Description\nname text Instance Its name\n")


@pytest.mark.parametrize("argv", [
    ["gnt-cluster", "version", "--format", "csv"], ["gnt", "apply", "--format", "html", "x.plan"]])
def test_a_format_that_no_answer_has_is_refused_first(argv: list[str], capsys) -> None:
    assert run(argv) == 2
    assert "is for tables, and this is none" in capsys.readouterr().err


@pytest.mark.parametrize(("argv", "problem", "hint"), [
    (["gnt", "instnce"], "there is no command 'instnce'", "did you mean gnt instance?"),
    (["gnt", "qqqqq"], "there is no command 'qqqqq'", "gnt --help shows all"),
    (["gnt", "../x"], "there is no command '../x'", "gnt --help"),
    (["gnt", "-"], "there is no command '-'", "gnt --help"),
    (["gnt-instance", "-"], "gnt-instance has no command '-'", "gnt-instance --help"),
    (["gnt", ""], "there is no command ''", "gnt --help"),
    (["gnt-instance", "lst"], "gnt-instance has no command 'lst'",
     "did you mean gnt-instance list?"),
    (["gnt-instance", "_guest"], "gnt-instance has no command '_guest'", "gnt-instance"),
    (["gnt-instance", "list-fields", "nme"], "instances have no field 'nme'",
     "did you mean name?"),
    (["gnt-instance", "list-fields", "--seperator=:"], "there is no option --seperator",
     "did you mean --separator?"),
    (["gnt", "--clu"], "--clu needs a value", "gnt --help"),
])
def test_typos_get_a_suggestion(argv, problem: str, hint: str, capsys) -> None:
    code = run(argv)
    said = capsys.readouterr()
    assert said.out == ""
    message, _, hinted = said.err.partition("\n")
    assert (code in (2, 14), problem in message, hint in hinted) == (True, True, True), said.err


@pytest.mark.parametrize(("argv", "what"), [
    (["gnt", "debug", "delay"], "gnt: gnt-debug ("),
    (["gnt-cluster", "renew-crypto"], "gnt-cluster: gnt-cluster renew-crypto ("),
])
def test_what_is_not_there_yet_says_so(argv: list[str], what: str, capsys) -> None:
    assert run(argv) == 1
    said = capsys.readouterr().err
    assert said.startswith(what)
    assert "not part of this version yet" in said


def test_an_unknown_field_has_its_own_code(capsys) -> None:
    assert run(["gnt-node", "list", "-o", "nam"]) == 14
    assert "did you mean name?" in capsys.readouterr().err


def test_verbs_of_two_words_and_aliases(tmp_path) -> None:
    assert find.command(["instance", "list"])[0].verb == "list"
    with pytest.raises(UsageError, match="gnt-instance has no command 'config'"):
        find.command(["instance", "config", "log"])
    assert find.command(["instance", "start", "web1"]) == (
        find.command(["instance", "startup"])[0], ["web1"])


def test_every_alias_stands_for_a_verb_that_exists() -> None:
    for noun in find.nouns():
        for short, verb in find.aliases(noun).items():
            assert find.command([noun, short])[0].verb == verb


def test_leading_options_keep_their_values() -> None:
    assert leading_options(["--cluster", "lab", "-d", "instance", "list"]) == (
        ["--cluster", "lab", "-d"], ["instance", "list"])


@pytest.mark.parametrize("argv", [
    ["gnt", "--help"], ["gnt-instance", "--help"], ["gnt-instance", "help"],
    ["gnt-instance", "list", "--help"], ["gnt", "help", "instance"],
    ["gnt", "instance", "list", "-o", "x", "-h"], ["gnt", "help", "instance", "list"],
])
def test_help_is_on_stdout_and_no_failure(argv: list[str], capsys) -> None:
    assert run(argv) == 0
    said = capsys.readouterr()
    assert "usage: gnt" in said.out
    assert said.err == ""


@pytest.mark.parametrize("argv", [["gnt"], ["gnt-instance"]])
def test_no_command_is_a_mistake_that_gets_help(argv: list[str], capsys) -> None:
    assert run(argv) == 2
    assert "usage: gnt" in capsys.readouterr().out


def test_the_environment_s_words_come_before_those_of_list(capsys) -> None:
    os.environ["GNT_NODE_LIST"] = "-o 'nonsense'"
    try:
        assert run(["gnt-node", "list"]) == 14
        assert "nonsense" in capsys.readouterr().err
        assert run(["gnt-node", "list", "-o", "othernonsense"]) == 14
        assert "othernonsense" in capsys.readouterr().err
        os.environ["GNT_NODE_LIST"] = "-o 'unfinished"
        assert run(["gnt-node", "list"]) == 2
        assert "unset GNT_NODE_LIST" in capsys.readouterr().err
    finally:
        del os.environ["GNT_NODE_LIST"]
