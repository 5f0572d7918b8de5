"""Differential fuzzing: made-up clusters and options, Debian's program and ours, equal answers.

``python -m tests.htools.differ COUNT [FIRST [PROGRAM…]]`` compares that many cases; each is made
from its number alone, so a difference is seen again by that number.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.htools.cases import Case, make
from tests.htools.reference import ours, theirs

PATIENCE = 20  # seconds for the reference; it needs minutes for some small clusters


class Answer(NamedTuple):
    code: int
    out: str
    tables: str  # of stderr
    saved: dict[str, str]
    err: str


def run(case: Case, runner: object, folder: Path) -> Answer:
    """Run it on files of its own."""
    folder.mkdir()
    for name, content in case.files.items():
        (folder / name).write_text(content)
    paths = {name: str(folder / name) for name in ("data", "loads", "mond", "request", "saved")}
    words = [w.format(**paths, folder=folder) for w in case.words
             if w != "--no-search" or runner is ours]
    before = set(folder.iterdir())
    done = runner(case.program, *words)
    saved = {f.name: f.read_text() for f in sorted(set(folder.iterdir()) - before)}
    if case.program == "hail":  # where the new instance comes in the list is of no use
        saved = {name: "\n".join(sorted(text.split("\n"))) for name, text in saved.items()}
    return Answer(done.code, settled(done.out, folder), tables(settled(done.err, folder)),
                  {name.replace(plain(str(folder)), "F"): content
                   for name, content in saved.items()}, done.err)


def unordered(match: re.Match[str]) -> str:
    """A list of instances or of (node, reserved memory); zeros stay there by chance."""
    kept = [e for e in re.findall(r"\(.*?\)|[-\d]+", match[0]) if not e.endswith(",0)")]
    return f"[{','.join(sorted(kept))}]"


DUMPS = ("Loaded cluster ipolicy:", "Loaded cluster group ipolicies:")  # the reference's insides


def plain(path: str) -> str:
    return path.replace("/", "_")


def settled(said: str, folder: Path) -> str:
    """Without what differs between two runs anyhow."""
    said = re.sub(r" +", " ", said.replace(str(folder), "FOLDER"))
    said = re.sub(r"(failed to load data. Details:\n).*\n", r"\1", said)
    said = re.sub(r"\[([-\d,]+|(\(\d+,\d+\),?)+)\]", unordered, said)
    said = re.sub(r"(no groups for evacuation).*?\]\]?(?=\"\]|\"})", r"\1", said)
    return "".join(line for line in said.splitlines(True) if not line.startswith(DUMPS))


def tables(err: str) -> str:
    """The tables that go to stderr: what follows a title that ends in ``status:`` or ``map:``."""
    kept, inside = [], False
    for line in err.split("\n"):
        title = line.endswith(("status:", " map:", " map"))
        inside = title or (inside and line.startswith(" "))
        if inside:
            kept.append(line)
    return "\n".join(kept)


def difference(case: Case) -> str | None:
    """What differs; None: nothing.  Empty: the reference was not done in time."""
    with tempfile.TemporaryDirectory(prefix="differ") as name:
        try:
            reference = run(case, patient, Path(name) / "theirs")
        except subprocess.TimeoutExpired:
            return ""
        mine = run(case, ours, Path(name) / "ours")
    if failed(mine) and not failed(reference) and bad_data(mine):
        return None  # refused more often than there, see the loaders' tests
    if crashed(reference):
        return mine.err if "mistake in gnt" in mine.err else None
    if failed(reference) and failed(mine):
        both = sorted((reference.out.rstrip(), mine.out.rstrip()), key=len)
        return None if both[1].startswith(both[0]) else shown("stdout", *both)
    for what, a, b in zip(Answer._fields[:-1], reference, mine, strict=False):
        if a != b:
            return shown(what, a, b)
    return None


CRASHES = ("CallStack", "IntMap", "Prelude.", "internal inconsistency")


def crashed(answer: Answer) -> bool:
    """Ended by a mistake of its own."""
    return answer.code != 0 and any(word in answer.err for word in CRASHES)


def bad_data(answer: Answer) -> bool:
    """Ended by a line that names a place in a file."""
    return bool(re.search(r"/(data|loads):\d+", answer.err)) and "mistake" not in answer.err


def failed(answer: Answer) -> bool:
    """Ended by an error, which each tells in its own words."""
    return answer.code != 0 and "HCHECK" not in answer.out


def patient(program: str, *words: str) -> object:
    return theirs(program, *words, seconds=PATIENCE)


def shown(what: str, a: object, b: object) -> str:
    """The first lines that differ."""
    if not isinstance(a, str) or not isinstance(b, str):
        if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
            name = next(k for k in a if a[k] != b[k])
            return shown(f"{what} {name}", a[name], b[name])
        return f"{what}: {a} is {b} here"
    pairs = [(x, y) for x, y in zip(a.split("\n"), b.split("\n"), strict=False) if x != y]
    lines = [f"  {x!r}\n  {y!r}" for x, y in pairs[:3]]
    return f"{what}: {len(a)} and {len(b)} characters\n" + "\n".join(lines)


def main(words: list[str]) -> int:
    count, first = int(words[0]), int(words[1]) if len(words) > 1 else 0
    programs = words[2:]
    wrong = late = 0
    for number in range(first, first + count):
        case = make(number, programs[number % len(programs)] if programs else "")
        found = difference(case)
        late += found == ""
        if found:
            wrong += 1
            print(f"{case}\n{found}", flush=True)
    print(f"{count} cases, {late} without an answer of the reference in time, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
