"""What a start loads: lists from columns stay off everything slow."""

from __future__ import annotations

import os
import pathlib
import socket
import subprocess
import sys
import threading

import pytest

from gnt.engine.door import HELLO, YOURSELF, unpacked
from tests.bench import startup

SLOW = ("fabric", "paramiko", "invoke", "cryptography", "tabulate", "asyncio", "subprocess",
        "typing", "dataclasses", "socket", "argparse", "re", "json", "inspect", "collections",
        "gnt.session", "gnt.plan", "gnt.model.config", "gnt.model.objects")
WATCH = """
import sys
before = set(sys.modules)
from gnt.cli.main import run
code = run(["gnt-instance", *sys.argv[1:]])
print(code, *sorted(set(sys.modules) - before), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home directory whose cache holds 40 instances of the context ``bench``."""
    place = tmp_path_factory.mktemp("home")
    kept = os.environ.get("XDG_CACHE_HOME")
    startup.fill_cache(place, count=40)
    if kept is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = kept
    return place


def start(home: pathlib.Path, *words: str) -> tuple[str, int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {os.getcwd()!r})\n"
         + WATCH, *words], capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home),
             "XDG_CONFIG_HOME": str(home)})
    code, *modules = done.stderr.splitlines()[-1].split()
    return done.stdout, int(code), set(modules)


@pytest.mark.parametrize("words", [
    ("list", "-o", "name,pnode,admin_state"), ("list", "-o", "name,tags", "--separator=:"),
    ("list", "--no-headers", "-o", "name"), ("list", "-o", "name,be/maxmem,mac,ctime"),
    ("list", "-o", "name", "instance7", "instance12.example.com"),
])
def test_a_list_from_columns_loads_nothing_slow(home: pathlib.Path, words) -> None:
    out, code, modules = start(home, *words, "--cluster", "bench")
    assert code == 0
    assert "instance7.example.com" in out
    assert not modules & set(SLOW)
    assert not [name for name in modules if name.startswith(("gnt.engine", "gnt.ssh",
                                                             "gnt.hypervisor", "gnt.storage"))]


def test_the_version_loads_nothing_at_all(home: pathlib.Path) -> None:
    out, code, modules = start(home, "--version")
    assert (out.split()[0], code) == ("gnt-instance", 0)
    assert modules <= {"gnt", "gnt.cli", "gnt.cli.main", "__future__"}


def test_filters_work_on_columns(home: pathlib.Path) -> None:
    out, code, modules = start(home, "list", "--no-headers", "-o", "name", "--cluster", "bench",
                               'admin_state == "down" and "a" in tags')
    assert code == 0
    assert out.split() == [f"instance{n}.example.com" for n in (0, 10, 20, 30)]
    assert "gnt.session" not in modules


def test_columns_of_another_head_are_not_believed(home: pathlib.Path) -> None:
    head = home / "gnt" / "bench" / "config" / "head"
    right = head.read_text()
    head.write_text(f"1 2 {'cd' * 32}\n")
    try:
        _, code, modules = start(home, "list", "-o", "name", "--cluster", "bench")
    finally:
        head.write_text(right)
    assert code == 5  # it asks the cluster, and there is none
    assert "gnt.session" in modules


def test_without_a_cluster_it_says_so(home: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gnt.cli.main", "instance", "list", "--cluster", "nowhere"],
        capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CONFIG_HOME": str(home)})
    assert done.returncode == 5
    assert "there is no context nowhere" in done.stderr


@pytest.fixture
def runner(home: pathlib.Path):
    """Somebody who listens where the runner does; gives what was heard, answers what is put in."""
    folder = home / "gnt" / "bench" / "run"
    folder.mkdir(parents=True, exist_ok=True)
    heard: list[list[str]] = []
    answers: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(folder / "runner.socket"))
        door.listen()

        def answer() -> None:
            visitor, _ = door.accept()
            with visitor, visitor.makefile("rwb") as stream:
                stream.write(HELLO)
                stream.flush()
                heard.append(unpacked(stream.readline()))
                stream.write(answers.pop())

        threading.Thread(target=answer, daemon=True).start()
        yield heard, answers
    (folder / "runner.socket").unlink()


def test_who_submits_loads_next_to_nothing(home: pathlib.Path, runner) -> None:
    """Fifty of them wait at once."""
    heard, answers = runner
    answers.append(b"say JobID: 7\n")
    words = ("add", "-t", "diskless", "--submit", "--cluster=bench", "web")
    out, code, modules = start(home, *words)
    assert (out, code) == ("JobID: 7\n", 0)
    assert heard == [["gnt-instance", *words]]
    assert not modules & {*SLOW, "gnt.spec", "gnt.record", "gnt.cli.start", "gnt.engine.submit"}


def test_what_the_runner_hands_back_goes_the_long_way(home: pathlib.Path, runner) -> None:
    _, answers = runner
    answers.append(YOURSELF)
    _, code, modules = start(home, "add", "--submit", "--cluster", "bench", "--no-such-option")
    assert code == 2
    assert "gnt.cli.parser" in modules


def test_what_the_runner_refuses_is_an_error(home: pathlib.Path, runner) -> None:
    _, answers = runner
    answers.append(b'{"message": "no room", "hint": "add a node", "exit_code": 21}\n')
    done = subprocess.run(
        [sys.executable, "-m", "gnt.cli.main", "instance", "add", "--submit", "--cluster", "bench",
         "web"], capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(home), "HOME": str(home)})
    assert done.returncode == 21
    assert "no room" in done.stderr and "add a node" in done.stderr
