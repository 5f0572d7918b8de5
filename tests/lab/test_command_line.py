"""``gnt-lab`` as people type it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gnt.cli import main as cli
from gnt.errors import GntError, Invalid, NotFound
from gnt.lab import main, needs
from gnt.lab.commands import Cut, Ssh, Up
from gnt.lab.layout import Host, Layout, host_named, hosts_file
from tests.labs import Lab


def _lab(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "gnt.lab.main", *words],
                          capture_output=True, text=True, check=False)


def test_words_become_declared_values() -> None:
    assert main.parse(["up", "3"]) == Up(name="lab", count=3)
    assert main.parse(["ssh", "--name", "x", "node2", "ls", "-l"]) == Ssh(
        name="x", node="node2", words=("ls", "-l"))
    assert main.parse(["cut", "--one-way", "node1", "node2", "admin"]) == Cut(
        name="lab", one_way=True, host="node1", others=("node2", "admin"))


@pytest.mark.parametrize(("words", "problem"), [
    (["up", "0"], "a whole number from 1 to 250"),
    (["up", "many"], "a whole number from 1 to 250"),
    (["up", "3", "--name", "../x"], "a lab's name"),
    (["fly"], "invalid choice"),
])
def test_bad_words_name_what_is_allowed(words: list[str], problem: str) -> None:
    refused = _lab(*words)
    assert refused.returncode == 2
    assert problem in refused.stderr


def test_every_command_has_help_with_an_example() -> None:
    for verb, command in main.declared().items():
        assert command.examples, verb
        assert command.__doc__, verb
        assert all(line.startswith(f"gnt-lab {verb}") for line, _ in command.examples)


@pytest.mark.parametrize("argv", [["gnt", "lab", "--help"], ["/x/gnt-lab", "--help"],
                                  ["gnt.pyz", "lab", "--help"]])
def test_the_multi_call_program_knows_the_lab(argv: list[str], capsys) -> None:
    assert cli.run(argv) == 0
    assert "usage: gnt-lab" in capsys.readouterr().out


def test_a_missing_lab_or_node_says_what_to_type() -> None:
    refused = _lab("ssh", "--name", "nowhere", "node1", "true")
    assert refused.returncode == 1
    assert "gnt-lab up 1 --name nowhere" in refused.stderr
    with pytest.raises(NotFound, match="has no node node7"):
        Layout(name="nowhere").node("node7")


def test_a_missing_tool_names_its_package() -> None:
    with pytest.raises(GntError, match="a lab needs frobnicator-tools") as caught:
        needs.check({"frobnicate": "frobnicator-tools", "sh": "dash"})
    assert "apt-get install" in caught.value.hint


def test_without_root_it_says_so() -> None:
    program = ("import os, shutil; from gnt.lab import needs; from gnt.errors import *\n"
               "os.seteuid(65534)\ntry: needs.check()\nexcept GntError as e: print(e, e.hint)")
    done = subprocess.run([sys.executable, "-c", program],
                          capture_output=True, text=True, check=True)
    assert "needs root" in done.stdout
    assert "sudo gnt-lab up" in done.stdout


def test_hosts_have_distinct_names_and_addresses() -> None:
    hosts = [Host(number=n) for n in range(251)]
    assert len({h.address for h in hosts}) == 251
    assert len(hosts_file().splitlines()) == 253
    assert host_named("2") == host_named("node2") == host_named("node2.lab") == Host(number=2)
    with pytest.raises(Invalid, match="node1, node2"):
        host_named("web1")


def test_list_shows_the_state_of_each_node(lab: Lab) -> None:
    lab.kill(2)
    lab.hang(3)
    rows = [line.split() for line in _lab("list").stdout.splitlines()]
    lab.thaw(3)
    lab.start(2)
    mine = [row[1:] for row in rows if row[0] == lab.layout.name]
    assert mine == [["node1.lab", lab.address(1), "up"], ["node2.lab", lab.address(2), "down"],
                    ["node3.lab", lab.address(3), "hung"]]


def test_down_of_a_lab_that_is_not_there_says_so_and_succeeds() -> None:
    done = _lab("down", "--name", "nowhere")
    assert (done.returncode, done.stderr) == (0, "there is no lab nowhere\n")


def test_ssh_and_exec_return_the_command_s_status(lab: Lab) -> None:
    name = lab.layout.name
    assert _lab("ssh", "--name", name, "node1", "exit 7").returncode == 7
    assert _lab("exec", "--name", name, "sh", "-c", "exit 8").returncode == 8
