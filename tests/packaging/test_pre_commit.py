"""pre-commit, for real, in a small repository: what it lets through and what it stops."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ".pre-commit-config.yaml"


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> pathlib.Path:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    shutil.copy(ROOT / CONFIG, tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def hook(repository: pathlib.Path, name: str, file: str, text: str) -> tuple[int, str]:
    """The exit code of a hook and what it says about a file that is to be committed."""
    (repository / file).write_text(text)
    subprocess.run(["git", "add", file, CONFIG, "pyproject.toml"], cwd=repository, check=True)
    env = {**os.environ, "PRE_COMMIT_HOME": str(repository / "cache")}
    done = subprocess.run([f"{sys.prefix}/bin/pre-commit", "run", name, "--all-files"],
                          cwd=repository, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "file", "good", "bad", "problem"), [
    ("ruff", "a.py", '"""A."""\n', '"""A."""\nimport os\n', "F401"),
    ("shellcheck", "a.sh", "#!/bin/sh\nulimit -S -v 65536\n", "#!/bin/sh\necho $1\n", "SC2086"),
])
def test_a_hook_stops_what_is_wrong(
    repository: pathlib.Path, name: str, file: str, good: str, bad: str, problem: str,
) -> None:
    code, said = hook(repository, name, file, good)
    assert (code, "Passed" in said) == (0, True), said
    code, said = hook(repository, name, file, bad)
    assert (code, problem in said) == (1, True), said


def test_the_hooks_are_the_steps_of_make_check() -> None:
    config, make = (ROOT / CONFIG).read_text(), (ROOT / "Makefile").read_text()
    for tool in ("ruff", "lint-imports", "mypy"):
        assert f"entry: .venv/bin/{tool}" in config
        assert f"$(VENV)/bin/{tool}" in make
    assert "repo: local" in config and "http" not in config, "nothing is fetched"
