"""Streams that are closed, full, gone or in another character set."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gnt.cli.progress import Live, Plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

MAIN = "import sys; from gnt.cli.main import main; sys.argv = ['gnt', *sys.argv[1:]]; main()"
ASK = ("from gnt.cli.main import main; import sys\n"
       "from gnt.cli.streams import mend\n"
       "from gnt.cli.terminal import Terminal\n"
       "from gnt.cli.general import Layout\n"
       "from gnt.spec import Settings\n"
       "mend(); Terminal(Settings(), Layout()).confirm('Remove web1?')")


def shell(line: str, program: str = MAIN, **env: str) -> subprocess.CompletedProcess[str]:
    """A line of shell in which ``gnt`` is the program."""
    return subprocess.run(
        ["sh", "-c", 'gnt() { "$PYTHON" -c "$PROGRAM" "$@"; }\n' + line], capture_output=True,
        text=True, check=False, errors="replace",
        env={**os.environ, "PYTHON": sys.executable, "PROGRAM": program, **env})


@pytest.mark.parametrize("words", ["--version", "instance list --help",
                                   "instance list-fields"])
@pytest.mark.parametrize(("where", "why"), [
    (">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")])
def test_an_answer_that_cannot_be_written_is_an_error_of_one_line(
    words: str, where: str, why: str,
) -> None:
    done = shell(f"gnt {words} {where}")
    assert done.returncode == 1
    assert done.stderr.startswith(f"gnt: standard output: {why}\n  hint: ")
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_closed_streams_that_are_not_needed_do_not_matter(closed: str) -> None:
    done = shell(f"gnt instance list-fields {closed}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "oper_ram" in done.stdout


@pytest.mark.parametrize("words", ["--help", "lab list"])
def test_a_reader_that_went_away_gets_no_word(words: str) -> None:
    done = shell(f"{{ gnt {words}; echo $? >&2; }} | true")
    assert done.stderr in ("141\n", "0\n")  # 0: true was slower than gnt


def test_with_stdin_closed_nobody_says_yes() -> None:
    done = shell("gnt <&-", ASK)
    assert "Nobody is there to say yes" in done.stderr and "'isatty'" not in done.stderr


@pytest.mark.parametrize("letters", ["latin-1", "ascii"])
def test_letters_that_the_terminal_lacks_are_escaped(letters: str) -> None:
    done = shell("gnt instance list --help", PYTHONIOENCODING=letters)
    assert done.returncode == 0
    assert "--format=table|json|yaml|csv|\\u2026" in done.stdout


def test_words_that_are_no_text_are_refused() -> None:
    done = shell("gnt instance info $(printf 'web\\377')")
    assert done.returncode == 2
    assert done.stderr.startswith("gnt: 'web\\udcff' is not UTF-8\n  hint: ")


@pytest.mark.parametrize("kind", [Plain, lambda out, clock: Live(out, clock, 80)])
def test_a_job_goes_on_when_its_messages_cannot_be_written(
    kind: Callable[[TextIO, Callable[[], float]], Plain],
) -> None:
    with open("/dev/full", "w") as full:
        shown = kind(full, lambda: 0.0)
        shown.job_done("7", "success")
        assert shown.out is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # so that closing it works
