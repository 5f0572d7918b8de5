"""Words to values: one table of what people type and what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnt.cli import find, general
from gnt.cli.parser import parse, wants_help
from gnt.commands.cluster.version import ClusterVersion
from gnt.errors import GntError, UsageError
from tests.cli.toys import Add, Show

NEEDED = ["-c", "red", "ball"]


def read(*words: str):
    return parse(Add, words, general.groups(Add))


@pytest.mark.parametrize(("words", "expected"), [
    (["--colour=red", "ball"], {"colour": "red", "name": "ball"}),
    (["--colour", "green", "ball"], {"colour": "green"}),
    (["ball", "--colour", "green"], {"colour": "green", "name": "ball"}),
    (["ball", "-cgreen", "x"], {"colour": "green", "others": ("x",)}),
    (["-c=green", "ball"], {"colour": "green"}),
    (["--col", "red", "ball"], {"colour": "red"}),
    (["-fvc", "red", "ball"], {"force": True, "verbose": True, "colour": "red"}),
    ([*NEEDED, "--force"], {"force": True}),
    ([*NEEDED, "--force=no"], {"force": False}),
    (NEEDED, {"force": False, "wait_for_sync": True, "capable": None}),
    ([*NEEDED, "--no-wait-for-sync"], {"wait_for_sync": False}),
    ([*NEEDED, "--wait-for-sync=no"], {"wait_for_sync": False}),
    ([*NEEDED, "--wait-for-sync", "no"], {"wait_for_sync": False}),
    ([*NEEDED, "--no-wait-f"], {"wait_for_sync": False}),
    ([*NEEDED, "--capable=yes"], {"capable": True}),
    ([*NEEDED, "--no-capable"], {"capable": False}),
    ([*NEEDED, "--part", "-1:add,size=1g"], {"part": (("-1", {"add": "yes", "size": "1g"}),)}),
    ([*NEEDED, "--part=0:a=1", "--part", "1:b=2"],
     {"part": (("0", {"a": "1"}), ("1", {"b": "2"}))}),
    ([*NEEDED, "-O", "a=1,no_b,-c"], {"options": {"a": "1", "b": "no", "c": "default"}}),
    ([*NEEDED, "--os-options", "a=x\\,y"], {"options": {"a": "x,y"}}),
    ([*NEEDED, "-s1.5g"], {"size": 1536}),
    ([*NEEDED, "-P", "x"], {"picture": "-", "others": ("x",)}),
    ([*NEEDED, "--picture", "-f"], {"picture": "-", "force": True}),
    ([*NEEDED, "-Px.png"], {"picture": "x.png"}),
    ([*NEEDED, "--picture=x.png"], {"picture": "x.png"}),
    ([*NEEDED, "-q", "--quiet", "-qq"], {"quiet": (True,) * 4}),
    ([*NEEDED, "--count", "-3"], {"count": -3}),
    ([*NEEDED, "--ancient", "x"], {"old": "x"}),
    ([*NEEDED, "--", "-weird", "--colour"], {"others": ("-weird", "--colour")}),
    ([*NEEDED, "-"], {"others": ("-",)}),
    (["--size=5", *NEEDED, "--size=9"], {"size": 12}),
])
def test_words_become_values(words: list[str], expected: dict) -> None:
    command = read(*words).command
    assert {name: getattr(command, name) for name in expected} == expected


@pytest.mark.parametrize(("words", "problem", "hint"), [
    (["ball"], "needs --colour red|green: its colour", "gnt-toy add --help"),
    (["-c", "red"], "gnt-toy add needs: name", "gnt-toy add --help"),
    (["-c", "blue", "ball"], "-c: 'blue' is not one of red, green", ""),
    (["--colour=blue", "ball"], "--colour: 'blue' is not one of red, green", ""),
    ([*NEEDED, "--size=much"], "--size: 'much' is not a size", ""),
    ([*NEEDED, "--count=6"], "--count: '6' is not a whole number from -5 to 5", ""),
    ([*NEEDED, "--colr=red"], "there is no option --colr", "did you mean --colour?"),
    ([*NEEDED, "--zzz"], "there is no option --zzz", "--help shows all"),
    ([*NEEDED, "-Z"], "there is no option -Z", "goes after --"),
    ([*NEEDED, "-fZ"], "there is no option -Z (in -fZ)", "goes after --"),
    ([*NEEDED, "--p"], "--p may be --part, --picture, --plan-out, --print-jobid, --priority",
     "give the full name"),
    ([*NEEDED, "--size"], "--size needs a value: a size", "--size=SIZE"),
    ([*NEEDED, "-s"], "-s needs a value: a size", "-s SIZE"),
    ([*NEEDED, "--no-wait-for-sync=yes"], "--no-wait-for-sync takes no value",
     "--wait-for-sync=yes"),
    ([*NEEDED, "--force=perhaps"], "--force: 'perhaps' is not yes or no", ""),
    (["-c", "red", "two words"], "name: 'two words' is not a host name", ""),
])
def test_mistakes_are_named_with_a_way_out(words: list[str], problem: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(*words)
    assert problem in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_word_too_many_is_refused() -> None:
    with pytest.raises(UsageError, match=r"gnt-cluster version cannot use 'a' 'b'"):
        parse(ClusterVersion, ["a", "b"], ())


def test_required_rest_needs_at_least_one_word() -> None:
    with pytest.raises(UsageError, match="gnt-toy show needs: toys"):
        parse(Show, [], ())
    assert parse(Show, ["a", "b"], ()).command == Show(toys=("a", "b"))


def test_general_options_go_to_the_session_and_the_printing() -> None:
    parsed = read(*NEEDED, "--dry-run", "--reason=test", "--priority=high", "--no-wait",
                  "--format=json", "--cluster=lab")
    settings = general.settings(parsed.general, ("toy", "add"))
    assert (settings.dry_run, settings.reason, settings.priority, settings.wait) == (
        True, "test", "high", False)
    assert (settings.cluster, settings.argv) == ("lab", ("toy", "add"))
    assert general.layout(parsed.general).format == "json"


def test_a_command_s_own_option_hides_the_general_one() -> None:
    parsed = read(*NEEDED, "-v")
    assert parsed.command.verbose is True
    assert "verbose" not in parsed.general


@pytest.mark.parametrize(("cls", "option", "taken"), [
    (Add, "--submit", True), (Add, "--yes", True), (Add, "--separator=x", False),
    (Show, "--submit", False), (Show, "--yes", False), (Show, "--separator=x", True),
    (Show, "-v", True), (Show, "--format=csv", True),
])
def test_general_options_depend_on_the_class_of_command(cls, option: str, taken: bool) -> None:
    words = [*NEEDED, option] if cls is Add else ["a", option]
    if taken:
        assert parse(cls, words, general.groups(cls)).general
    else:
        with pytest.raises(UsageError, match="there is no option"):
            parse(cls, words, general.groups(cls))


@pytest.mark.parametrize(("words", "wanted"), [
    (["--help"], True), (["x", "-h"], True), (["--", "--help"], False), (["x"], False),
    (["--colour", "red", "--help"], True),
])
def test_help_is_seen_anywhere_before_the_dashes(words: list[str], wanted: bool) -> None:
    assert wants_help(Add, words, general.groups(Add)) is wanted


@given(st.lists(st.text(max_size=8) | st.sampled_from(
    ["--colour", "--part", "-c", "-f", "-s", "--", "red", "ball", "--size=1", "--no-", "--=", "-=",
     "--no-capable", "--force"]), max_size=6))
def test_any_words_give_values_or_a_typed_error(words: list[str]) -> None:
    try:
        parsed = read(*words)
    except GntError as error:
        assert error.message and error.exit_code == 2
    else:
        assert parsed.command.colour in ("red", "green")


@given(st.lists(st.text(min_size=1), max_size=5))
def test_after_the_dashes_every_word_is_taken_as_it_is(words: list[str]) -> None:
    assert read(*NEEDED, "--", *words).command.others == tuple(words)


@pytest.mark.parametrize("line", [
    "instance info --priority high web", "instance console --priority=low web",
    "node add -v node2", "node add --verbose node2"])
def test_options_of_the_reference_that_change_nothing_are_taken(line: str) -> None:
    cls, rest = find.command(line.split())
    assert parse(cls, rest, general.groups(cls)).command
