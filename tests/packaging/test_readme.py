"""The README's picture of the demo: drawn from its text, whose commands the demo types."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import subprocess
import xml.etree.ElementTree as Xml

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def _picture():
    spec = importlib.util.spec_from_file_location("picture", ROOT / "packaging/picture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_shows_the_text() -> None:
    lines = _picture().shown(README)
    drawn = (ROOT / "man/demo.svg").read_text()
    assert drawn == _picture().picture(lines), "python packaging/picture.py >man/demo.svg"
    texts = [one.text for one in Xml.fromstring(drawn) if one.tag.endswith("text")]
    assert texts == [line for line in lines if line] and len(texts) > 30
    assert "](man/demo.svg)" in README


def test_the_demo_types_what_the_readme_shows() -> None:
    demo = (ROOT / "packaging/demo.sh").read_text()
    headings = re.findall(r"^== (.*)", "\n".join(_picture().shown(README)), re.M)
    assert len(headings) > 4
    assert [one for one in headings if f'heading "{one}"' not in demo] == []
    typed = [line.partition("$ ")[2].split("…")[0].split() for line in _picture().shown(README)
             if re.match(r"(admin)?\$ ", line)]
    assert len(typed) > 7
    joined = " ".join(demo.replace("\\\n", " ").split()).replace('"$LAB"', "demo")
    missing = [words for words in typed if " ".join(words) not in joined]
    assert missing == []


def test_make_knows_the_two_commands() -> None:
    block = README.partition("## Two commands")[2].split("\n\n")[2]
    named = re.findall(r"^    (make \w+)", block, re.M)
    assert named == ["make demo", "make test"]
    for line in named:
        done = subprocess.run([*line.split(), "-n"], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
