"""The manual: complete, well-formed, self-contained."""

from __future__ import annotations

import itertools
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from gnt.cli import find, general, help
from gnt.cli.parser import parse
from gnt.cli.slots import table
from gnt.cli.start import leading_options
from gnt.errors import GntError, Invalid
from gnt.lab.main import declared
from gnt.spec import Command

ROOT = pathlib.Path(__file__).parent.parent.parent
COMMANDS = [command for noun in find.nouns() for command in find.commands(noun)]


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> pathlib.Path:
    out = tmp_path_factory.mktemp("man")
    build(out)
    return out


def build(out: pathlib.Path) -> None:
    subprocess.run([sys.executable, "packaging/build_man.py", str(out)], cwd=ROOT, check=True,
                   env={**os.environ, "SOURCE_DATE_EPOCH": "86400"})


@pytest.mark.parametrize("command", [*COMMANDS, *declared().values()],
                         ids=lambda c: f"{c.noun} {c.verb}")
def test_every_command_explains_itself_with_an_example(command) -> None:
    assert command.examples, "no examples"
    assert all(line.strip() and meaning.strip() for line, meaning in command.examples)
    assert help.summary(command).endswith("."), "the docstring's first line is one sentence"
    for name, field in command.FIELDS.items():
        assert field.help, f"{name} has no help"


def called(line: str) -> list[type[Command]]:
    """The gnt commands of a line of shell, each once its words were parsed."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found = []
    for is_sign, group in itertools.groupby(lexer, lambda word: word[:1] in set("|&;<>")):
        words = list(group)
        while words and "=" in words[0] and not words[0].startswith("-"):
            words.pop(0)  # the environment
        if not is_sign and words:
            found.append(parsed(words))
    return [cls for cls in found if cls is not None]


def parsed(words: list[str]) -> type[Command] | None:
    """The command of some words; None for other people's programs."""
    rest = find.program_words(words[0], words[1:])
    if words[0] != "gnt" and rest == words[1:]:
        return None
    lead, rest = leading_options(rest)
    more, rest[1:] = leading_options(rest[1:])
    cls, left = find.command(rest)
    try:
        parse(cls, [*lead, *more, *left], general.groups(cls))
    except Invalid as error:
        assert "No such file" in error.problem or "…" in error.problem  # left to the reader
    return cls


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: f"{c.noun} {c.verb}")
def test_every_example_is_a_line_that_the_parser_takes(command) -> None:
    for line, _ in command.examples:
        assert command in called(line), line


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: f"{c.noun} {c.verb}")
def test_no_two_options_share_a_name(command) -> None:
    groups = general.groups(command)
    own = table(command, ()).slots
    names = [slot.long for slot in own] + [alias for slot in own for alias in slot.opt.aliases]
    letters = [slot.opt.short.lstrip("-") for slot in own if slot.opt.short]
    assert len(set(names)) == len(names)
    assert len(set(letters)) == len(letters)
    assert all(len(letter) == 1 for letter in letters)
    assert table(command, groups).resolve("format")


def test_mandoc_accepts_every_page(pages: pathlib.Path) -> None:
    files = sorted(map(str, pages.glob("*.[178]")))
    assert len(files) >= 10
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *files], capture_output=True,
                          text=True, check=False)
    assert done.stdout + done.stderr == ""


def test_every_command_and_option_is_in_its_page(pages: pathlib.Path) -> None:
    for noun in find.nouns():
        commands = [command for command in find.commands(noun) if command.verb]
        if not commands:
            continue
        page = pages / f"gnt-{noun}.8"
        text = subprocess.run(["mandoc", "-Tutf8", "-Owidth=500", str(page)], check=True,
                              capture_output=True, text=True).stdout
        text = re.sub(".\b", "", text)
        for command in commands:
            assert f"\n   {command.verb}\n" in text
            for slot in table(command, ()).slots:
                assert slot.opt.hidden or help.spelled(slot) in text, slot.long


def test_every_page_has_examples_and_all_exit_codes(pages: pathlib.Path) -> None:
    codes = {GntError.exit_code} | {
        error.exit_code for error in GntError.__subclasses__()}
    for page in pages.glob("*.[18]"):
        text = page.read_text()
        assert ".SH EXAMPLES" in text and ".SH EXIT STATUS" in text
        exits = text.partition(".SH EXIT STATUS")[2]
        assert {int(code) for code in re.findall(r"\\fB(\d+)\\fP", exits)} >= codes


def test_the_html_loads_nothing(pages: pathlib.Path) -> None:
    for page in (pages / "html").glob("*.html"):
        text = page.read_text()
        assert "<style" in text
        assert not re.search(r"<(script|img|link|iframe)\b|url\(|@import", text)


def test_builds_are_repeatable(pages: pathlib.Path, tmp_path) -> None:
    build(tmp_path)
    files = [page for page in sorted(pages.rglob("*.*")) if page.is_file()]
    assert len(files) > 20
    for page in files:
        assert page.read_bytes() == (tmp_path / page.relative_to(pages)).read_bytes()
    assert '"1970-01-02"' in (pages / "gnt.1").read_text()
