"""Completion, in the real shells: what is offered for a line typed so far."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from gnt.cli import find, general
from gnt.cli.slots import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Command

ROOT = pathlib.Path(__file__).parent.parent.parent
BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_gnt
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = r"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1='<at'zle'>'; stty -echo; fpath=($1 \$fpath); autoload -U compinit; compinit -u -D"
zpty -w z "zstyle ':completion:*' list-colors; zstyle ':completion:*' menu no; LISTMAX=0"
zpty -w z "setopt nolistbeep autolist; bindkey '^I' complete-word; echo ready-\$((40 + 2))"
zpty -r z line "*ready-42*<atzle>*"  # the shell reads keys from here on
zpty -w -n z "$2"$'\t'
zpty -w -n z $'\x15'"echo done-\$((40 + 2))"$'\n'
zpty -r z line "*done-42*"; print -rn -- "$line"
zpty -d z
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> pathlib.Path:
    out = tmp_path_factory.mktemp("completion")
    subprocess.run([sys.executable, "packaging/completion.py", str(out)], cwd=ROOT, check=True)
    programs = out / "bin"
    programs.mkdir()
    for noun, names in (("instance", "web1 web2"), ("node", "node1 node2")):
        program = programs / f"gnt-{noun}"
        program.write_text(f'#!/bin/sh\n[ "$*" = "list --no-headers -o name" ] && '
                           f'printf "%s\\n" {names}\n')
        program.chmod(0o755)
    return out


def run(shell: str, files: pathlib.Path, *words: str) -> str:
    path = f"{files / 'bin'}:{os.environ['PATH']}"
    return subprocess.run([shutil.which(shell) or shell, *words], capture_output=True, text=True,
                          check=False, timeout=120,
                          env={"PATH": path, "HOME": str(files), "TERM": "dumb"}).stdout


def bash(files: pathlib.Path, *words: str) -> set[str]:
    return set(run("bash", files, "--norc", "-c", BASH, "bash", str(files / "gnt.bash"),
                   *words).split())


@pytest.mark.parametrize(("words", "some"), [
    (["gnt", ""], {"instance", "node", "cluster", "lab"}),
    (["gnt", "inst"], {"instance"}),
    (["gnt-instance", "li"], {"list", "list-fields", "list-tags"}),
    (["gnt", "instance", "li"], {"list", "list-fields", "list-tags"}),
    (["gnt-instance", "sto"], {"stop"}),
    (["gnt-instance", "list", "--sep"], {"--separator"}),
    (["gnt-instance", "list", "--sepx"], set()),
    (["gnt-instance", "list", "--units", ""], {"h", "m", "g", "t"}),
    (["gnt-instance", "list", "--units", "=", ""], {"h", "m", "g", "t"}),
    (["gnt-instance", "list", "--units", "="], {"h", "m", "g", "t"}),
    (["gnt-instance", "list", "-v", "we"], {"web1", "web2"}),
    (["gnt-instance", "stop", ""], {"web1", "web2"}),
    (["gnt", "--cluster", "lab", "instance", "info", ""], {"web1", "web2"}),
    (["gnt-node", "info", "node1", "no"], {"node1", "node2"}),
    (["gnt-instance", "migrate", "--target-node", "no"], {"node1", "node2"}),
    (["/usr/bin/gnt-instance", "mig"], {"migrate"}),
    (["gnt-lab", "u"], {"up"}),
])
def test_bash_offers(files: pathlib.Path, words: list[str], some: set[str]) -> None:
    offered = bash(files, *words)
    assert offered >= some
    assert bool(offered) == bool(some)


def test_bash_completes_files(files: pathlib.Path) -> None:
    found = bash(files, "gnt-cluster", "copyfile", str(files / "gnt.f"))
    assert found == {str(files / "gnt.fish")}


@pytest.mark.parametrize(("line", "some"), [
    ("gnt ", {"instance", "node"}), ("gnt-instance li", {"list", "list-fields"}),
    ("gnt instance li", {"list", "list-fields"}), ("gnt-instance list --sep", {"--separator"}),
    ("gnt-instance list --units ", {"h", "m"}), ("gnt-instance stop ", {"web1", "web2"}),
    ("gnt-instance migrate --target-node ", {"node1", "node2"}),
])
def test_fish_offers(files: pathlib.Path, line: str, some: set[str]) -> None:
    said = run("fish", files, "--no-config", "-c",
               f"source {files / 'gnt.fish'}; complete -C '{line}'")
    assert {row.split("\t")[0] for row in said.splitlines()} >= some


@pytest.mark.parametrize(("line", "some"), [
    ("gnt-instance list", ["list-fields", "list-tags"]),
    ("gnt-instance stop web", ["web1", "web2"]),
    ("gnt-instance list --", ["--no-headers", "--separator"]),
])
def test_zsh_offers(files: pathlib.Path, line: str, some: list[str]) -> None:
    said = run("zsh", files, "-f", "-c", ZSH, "zsh", str(files), line)
    assert all(word in said for word in some), said


COMMANDS = [cls for noun in find.nouns() for cls in find.commands(noun) if cls.verb]
EACH_BASH = """
source "$1"
while read -r line; do
    read -r -a COMP_WORDS <<<"$line"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
    _gnt
    echo "${COMPREPLY[@]}"
done
"""


def offered(shell: str, files: pathlib.Path, *words: str, lines: list[str]) -> list[set[str]]:
    """What a shell offers for each of many lines, one process for all."""
    done = subprocess.run([shutil.which(shell) or shell, *words], input="\n".join(lines) + "\n",
                          env={"PATH": os.environ["PATH"], "HOME": str(files), "TERM": "dumb"},
                          capture_output=True, text=True, check=True)
    rows = [set(row.split()) for row in done.stdout.splitlines()]
    assert len(rows) == len(lines), done.stderr
    return rows


def declared(cls: type[Command]) -> set[str]:
    """The long options of a command, its own and those of its kind."""
    slots = table(cls, general.groups(cls)).slots
    return {f"--{slot.long}" for slot in slots if not slot.opt.hidden}


def test_bash_offers_every_declared_option_of_every_command(files: pathlib.Path) -> None:
    lines = [f"gnt {cls.noun} {cls.verb} --" for cls in COMMANDS]
    found = offered("bash", files, "--norc", "-c", EACH_BASH, "bash", str(files / "gnt.bash"),
                    lines=lines)
    lacking = {line: declared(cls) - row
               for line, cls, row in zip(lines, COMMANDS, found, strict=True)}
    assert {line: words for line, words in lacking.items() if words} == {}


def test_fish_offers_every_declared_option(files: pathlib.Path) -> None:
    some = COMMANDS[::12]  # it looks at thousands of rules for each line
    lines = [f"gnt {cls.noun} {cls.verb} --" for cls in some]
    each = (f"source {files / 'gnt.fish'}; while read -l line; "
            "echo (complete -C $line | string split -f 1 \\t); end")
    found = offered("fish", files, "--no-config", "-c", each, lines=lines)
    lacking = {line: declared(cls) - row
               for line, cls, row in zip(lines, some, found, strict=True)}
    assert {line: words for line, words in lacking.items() if words} == {}
