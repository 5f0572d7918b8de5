"""What a person sees when something goes wrong, and the exit code."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gnt import errors
from gnt.cli.failure import explain, hidden, report_folder


@pytest.mark.parametrize(("error", "code"), [
    (errors.GntError("x"), 1), (errors.UsageError("x"), 2), (errors.NoCluster("x"), 5),
    (errors.NotMaster("x"), 11), (errors.NodeSetupFailed("x"), 12),
    (errors.ConfirmationNeeded("x"), 13), (errors.UnknownField("x"), 14), (errors.Busy("x"), 20),
    (errors.NodeFailed("n", "timeout", "x"), 21), (errors.Damaged("x"), 22),
    (errors.NotAuthorised("x"), 23), (errors.NoMajority("x"), 24), (errors.NoCapacity("x"), 25),
    (errors.Stale("x"), 26), (errors.Fenced("x"), 27), (errors.JobFailed("x"), 1),
    (errors.Interrupted("x"), 130), (errors.NotYet("x"), 1), (KeyboardInterrupt(), 130),
])
def test_exit_codes(error: BaseException, code: int, capsys) -> None:
    assert explain(error, "gnt-x", ["gnt-x"]) == code
    assert capsys.readouterr().err.startswith("gnt-x: ")


def test_message_and_hint_go_to_stderr(capsys) -> None:
    explain(errors.NotFound("there is no node n9", hint="gnt-node list"), "gnt-node", [])
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "gnt-node: there is no node n9\n  hint: gnt-node list\n")


@pytest.mark.parametrize(("error", "program", "argv", "hint"), [
    (errors.Invalid("-B", "x"), "gnt-instance", ["gnt-instance", "add", "-B", "q"],
     "gnt-instance add --help"),
    (errors.Conflict("x"), "gnt", ["gnt", "instance", "grow-disk", "web"],
     "gnt instance grow-disk --help"),
    (errors.UsageError("x"), "gnt-cluster", ["/usr/bin/gnt-cluster", "config", "show", "x"],
     "gnt-cluster config show --help"),
    (errors.Damaged("x"), "gnt-x", [],
     "gnt-cluster config verify and gnt-cluster verify say more"),
    (errors.NodeFailed("n", "lost", "x"), "gnt-x", [],
     "gnt-cluster verify shows how the nodes are"),
    (errors.Conflict("x", hint="own"), "gnt-x", [], "own"),
])
def test_every_error_says_where_to_go_on(error, program, argv, hint, capsys) -> None:
    explain(error, program, argv)
    assert capsys.readouterr().err.splitlines()[-1] == f"  hint: {hint}"


@pytest.fixture
def home(tmp_path):
    """A home directory of an ordinary user, so that reports go there."""
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.getcwd()}
    environment.pop("XDG_CACHE_HOME", None)
    return environment


CRASH = """
import os, sys
os.geteuid = lambda: 1000
from gnt.cli.failure import explain
try:
    raise ValueError("detail\\nsecond line")
except ValueError as error:
    sys.exit(explain(error, "gnt", ["gnt", "--os-parameters-secret", "hunter2", *sys.argv[1:]]))
"""


def crash(home, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", CRASH, *words], env=home, capture_output=True,
                          text=True, check=False)


def test_an_unexpected_error_is_one_line_and_a_private_report(home, tmp_path) -> None:
    done = crash(home)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "gnt: unexpected ValueError: detail second line"
    assert "Traceback" not in done.stderr
    path = lines[1].rpartition(" ")[2]
    assert path.startswith(str(tmp_path))
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path) as text:
        written = text.read()
    assert "Traceback" in written and "ValueError: detail" in written
    assert "hunter2" not in written.partition("Traceback")[0]


def test_debug_shows_the_traceback_at_once(home) -> None:
    done = crash(home, "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_where_no_report_can_be_written_debug_is_named(home, tmp_path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    done = crash({**home, "XDG_CACHE_HOME": str(blocker)})
    assert done.returncode == 1
    assert "--debug" in done.stderr


def test_report_folder_is_root_s_or_the_user_s() -> None:
    assert report_folder() == "/var/cache/gnt/reports" or report_folder().endswith("gnt/reports")


def test_values_of_secret_options_are_blanked() -> None:
    assert hidden(["gnt", "--os-parameters-secret=a", "--os-parameters-private", "b", "c"]) == [
        "gnt", "--os-parameters-secret=…", "--os-parameters-private", "…", "c"]


def test_a_reader_that_leaves_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "gnt.cli.main", "instance", "list-fields"], stdout=write,
        stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_disk_under_the_output_is_no_mistake_of_ours() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gnt.cli.main", "instance", "list-fields"], stdout=full,
            stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("gnt: standard output: No space left on device\n")


def test_what_nodes_and_scripts_say_cannot_drive_the_terminal(capsys) -> None:
    said = "node1: it said\n\told \x1b]0;title\x07 \x9b2J ümlaut\r"
    error = errors.GntError(said, hint="a\x1b[0m")
    assert explain(error, "gnt", []) == 1
    assert capsys.readouterr().err == (
        "gnt: node1: it said\n\told \\x1b]0;title\\x07 \\x9b2J ümlaut\\r\n  hint: a\\x1b[0m\n")


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_a_machine_without_room_is_no_mistake_of_ours(error: Exception, capsys) -> None:
    assert explain(error, "gnt-node", ["gnt-node", "list"]) == 1
    first, hint = capsys.readouterr().err.splitlines()
    assert "not enough memory" in first and "ulimit" in hint
