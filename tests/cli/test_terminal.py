"""Questions and messages, on a real terminal and without one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gnt.cli.general import Layout
from gnt.cli.terminal import Terminal
from gnt.spec import Lines, Settings

ASK = """
import sys
from gnt.cli.failure import explain
from gnt.cli.general import Layout
from gnt.cli.terminal import Terminal
from gnt.spec import Settings
try:
    Terminal(Settings(yes="--yes" in sys.argv), Layout()).confirm(
        "Remove web1?", [word for word in sys.argv[1:] if word != "--yes"])
except Exception as error:
    sys.exit(explain(error, "gnt", sys.argv))
print("removed")
"""


def ask(*words: str, answer: str | None = None) -> tuple[int, str, str]:
    """Exit code, stdout, stderr; ``answer`` is typed on a terminal of its own."""
    if answer is None:
        done = subprocess.run([sys.executable, "-c", ASK, *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr
    ours, theirs = os.openpty()
    os.write(ours, answer.encode())
    done = subprocess.run([sys.executable, "-c", ASK, *words], stdin=theirs,
                          capture_output=True, text=True, check=False)
    os.close(ours)
    os.close(theirs)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("answer", "code", "out"), [
    ("y\n", 0, "removed\n"), ("YES\n", 0, "removed\n"), ("n\n", 13, ""), ("\n", 13, ""),
    ("yesterday\n", 13, ""), ("\x04", 13, ""),
])
def test_a_question_on_a_terminal(answer: str, code: int, out: str) -> None:
    got, said, asked = ask(answer=answer)
    assert (got, said) == (code, out)
    assert asked.startswith("Remove web1? [y/N/?] ")


@pytest.mark.parametrize(("answer", "code", "shown"), [
    ("v\ny\n", 0, "  web1 (on node1)\n  web2 (on node2)\nRemove web1? [y/N/v/?] "),
    ("V\nn\n", 13, "  web1 (on node1)\n"),
    ("?\nv\n?\ny\n", 0, "  v  view what is affected"),
    ("v\n", 13, "not confirmed"),
])
def test_a_question_about_several_things_shows_them(answer: str, code: int, shown: str) -> None:
    got, said, asked = ask("web1 (on node1)", "web2 (on node2)", answer=answer + "\x04")
    assert (got, said) == (code, "removed\n" if code == 0 else "")
    assert asked.startswith("Remove web1? [y/N/v/?] ")
    assert shown in asked


def test_a_question_explains_its_answers_and_has_no_list_to_view() -> None:
    got, said, asked = ask(answer="?\nv\n")
    assert (got, said) == (13, "")
    assert "y  yes" in asked and "view" not in asked


def test_without_a_terminal_nobody_says_yes() -> None:
    code, out, err = ask()
    assert (code, out) == (13, "")
    assert "Remove web1?" in err and "--yes" in err


def test_yes_answers_before_it_is_asked() -> None:
    assert ask("--yes") == (0, "removed\n", "")


def test_data_goes_to_stdout_and_problems_to_stderr(capsys) -> None:
    Terminal(Settings(), Layout()).show(Lines(lines=("a",), problems=("node2: silent",)))
    said = capsys.readouterr()
    assert (said.out, said.err) == ("a\n", "node2: silent\n")


def test_plain_progress_where_stderr_is_no_terminal(capsys) -> None:
    listener = Terminal(Settings(), Layout()).listener
    listener.job_done("7", "success")
    assert capsys.readouterr().err == "job 7: success\n"
