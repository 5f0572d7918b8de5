"""An exported history says with OpenSSH alone who signed what, and whose right had ended."""

from __future__ import annotations

import re
import subprocess

import pytest

from gnt.config import export, journal, signature, verify
from gnt.config.base import start
from gnt.config.history import Chapter
from tests.config.chains import KEY, first_data, make_base
from tests.hostile.candidates import BOB, EVE, entry, signer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from gnt.config.journal import Entry


@pytest.fixture
def folder(tmp_path):
    """Bob signs until 2000; at 1000 he adds a node."""
    base = make_base(first_data({"admin": KEY.public}))
    first = entry(2, start(base), put=(signer("bob", BOB, valid_until=2000),), time=500.0)
    second = entry(3, first.hash, BOB, time=1000.0)
    chapter = Chapter(number=1, base=base, journal=first.record + second.record)
    verified, state = verify.verify([chapter])
    export.export([chapter], state, verified, str(tmp_path / "out"))
    return tmp_path / "out"


def recipe(folder: Path) -> int:
    """What its README says to type; how many files were not found good."""
    text = (folder / "README").read_text()
    loop = re.search(r"^    for file in.*?^    done$", text, re.DOTALL | re.MULTILINE)
    assert loop is not None
    script = loop[0].replace("done", "[ $? = 0 ] || bad=$((bad + 1)); done")
    done = subprocess.run(["sh", "-c", f"bad=0; {script}; exit $bad"], cwd=folder, check=False,
                          capture_output=True)
    return done.returncode


def add(folder: Path, made: Entry) -> None:
    (folder / f"records/{made.serial}.toml").write_bytes(made.body)
    (folder / f"records/{made.serial}.toml.sig").write_text(signature.armored(made.signature))


def test_an_export_names_the_end_of_a_right_and_is_good(folder) -> None:
    lines = (folder / "allowed_signers").read_text().splitlines()
    ends = 'valid-before="19700101003320Z"'
    assert lines[1] == f'bob namespaces="gnt-config",{ends} {BOB.public}'
    assert ends not in lines[0]
    assert recipe(folder) == 0


@pytest.mark.parametrize(("key", "time", "bad"), [
    (BOB, 1999.0, 0), (BOB, 2001.0, 1), (EVE, 1999.0, 1), (KEY, 2001.0, 0),
], ids=["in time", "expired", "stranger", "other"])
def test_an_exported_record_by_who_might_not_is_found(folder, key, time, bad) -> None:
    add(folder, entry(4, "ab" * 32, key, time=time))
    assert recipe(folder) == bad


def test_an_exported_record_that_was_changed_is_found(folder) -> None:
    path = folder / "records/3.toml"
    path.write_bytes(path.read_bytes().replace(b"x3", b"x4", 1))
    assert recipe(folder) == 1
    assert journal.SIGNATURE_LINE not in path.read_bytes()
