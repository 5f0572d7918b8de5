"""hbal and the like are programs of their own: installed, with a page, and completed."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tomllib

import pytest

from gnt.cli import find

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging"))

import build_man  # noqa: E402 - the path is set first
import completion  # noqa: E402 - likewise

NINE = ["hail", "harep", "hbal", "hcheck", "hinfo", "hroller", "hscan", "hspace", "hsqueeze"]


def test_every_program_is_installed_by_its_name() -> None:
    with open(ROOT / "pyproject.toml", "rb") as file:
        scripts = tomllib.load(file)["project"]["scripts"]
    assert sorted(cls.verb for cls in find.commands(find.PROGRAMS)) == NINE
    assert {name: scripts.get(name) for name in NINE} == dict.fromkeys(NINE, "gnt.cli.main:main")


@pytest.mark.parametrize("name", NINE)
def test_a_program_is_found_by_the_name_it_is_called_by(name: str) -> None:
    words = find.program_words(name, ["--version"])
    cls, rest = find.command(words)
    assert (cls.verb, rest) == (name, ["--version"])
    assert cls.examples and all(name in line for line, _ in cls.examples[-2:])


@pytest.mark.parametrize("name", NINE)
def test_every_program_has_a_page_with_examples_and_exit_codes(name: str) -> None:
    assert build_man.pages()[name] == f"{name}.1"
    text = build_man.document(name)
    for part in ("SYNOPSIS", "OPTIONS", "EXAMPLES", "EXIT STATUS", "``1``"):
        assert part in text
    assert build_man.roff(text).startswith(f'.TH "{name.upper()}" "1"')


def test_every_program_is_completed(tmp_path: pathlib.Path) -> None:
    completion.build(tmp_path)
    script = (f"source {tmp_path}/gnt.bash; COMP_WORDS=(hbal --min); COMP_CWORD=1; _gnt; "
              'echo "${COMPREPLY[@]}"; COMP_WORDS=(hspace --disk-template ""); COMP_CWORD=2; _gnt;'
              ' echo "${COMPREPLY[@]}"')
    said = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[0] == "--min-disk --min-gain --min-gain-limit --min-score"
    assert "drbd" in said.stdout.splitlines()[1].split()
    for name in NINE:
        assert name in (tmp_path / "gnt.fish").read_text()
        assert name in (tmp_path / "_gnt").read_text().splitlines()[0]
