"""Fuzzing for longer: ``python -m tests.fuzz SECONDS [TARGET…]`` (``make fuzz SECONDS=…``).

Guided by coverage: what reaches a pair of lines that nothing before has reached is kept in the
corpus and changed further.  A bug is kept as ``tests/fuzz/found/TARGET-…`` and told; the exit
status is then 1.  ``SEED`` in the environment chooses other random inputs.
"""

from __future__ import annotations

import os
import pathlib
import random
import sys
import time
import traceback

from tests.fuzz.target import Lines, Target, changed, load, outcome

CHEAP = 5000  # lines of Python: what takes more is not made smaller
TURN = 2.0  # seconds of one target before the next
FOUND = pathlib.Path(__file__).parent / "found"


class Hunt:
    """One target: its corpus, and what it has reached."""

    def __init__(self, one: Target, seed: int) -> None:
        self.one = one
        self.corpus = one.corpus()
        self.reached: set[tuple[str, int, int]] = set()
        self.runs = self.kept = 0
        self.bugs: dict[str, bytes] = {}
        self.inputs = changed(one, random.Random(f"{one.name} {seed}"), self.corpus)
        for data in list(self.corpus):
            self.put(data, known=True)

    def put(self, data: bytes, *, known: bool = False) -> None:
        """Run one input; keep it when it is interesting."""
        self.runs += 1
        lines = Lines()
        try:
            with lines:
                outcome(self.one, data)
        except Exception as error:  # noqa: BLE001 - any of them is a find
            where = traceback.extract_tb(error.__traceback__)[-1]
            name = f"{type(error).__name__} in {where.filename.rpartition('/')[2]}:{where.lineno}"
            if name not in self.bugs or len(data) < len(self.bugs[name]):
                self.bugs[name] = data
            return
        fresh = lines.edges - self.reached
        if fresh:
            self.reached |= fresh
            if not known:
                if lines.steps < CHEAP:
                    data = self.smaller(data, fresh)
                self.corpus.append(data)
                self.one.keep(data)
                self.kept += 1

    def smaller(self, data: bytes, wanted: set[tuple[str, int, int]]) -> bytes:
        """Less of it that still reaches what is wanted."""
        size = len(data) // 2
        for _ in range(60):
            if size < 1:
                break
            for start in range(0, len(data), size):
                less = data[:start] + data[start + size:]
                lines = Lines()
                try:
                    with lines:
                        outcome(self.one, less)
                except Exception:  # noqa: BLE001 - another find; this is not the time
                    continue
                if wanted <= lines.edges:
                    data = less
                    break
            else:
                size //= 2
        return data

    def turn(self, until: float) -> None:
        while time.monotonic() < until:
            self.put(next(self.inputs))


def main(words: list[str]) -> int:
    seconds, *names = words
    known = load()
    hunts = [Hunt(known[name], int(os.environ.get("SEED", "0"))) for name in names or sorted(known)]
    end = time.monotonic() + float(seconds)
    turn = min(TURN, float(seconds) / len(hunts))
    while time.monotonic() < end:
        for hunt in hunts:
            hunt.turn(min(end, time.monotonic() + turn))
    for hunt in hunts:
        print(f"{hunt.one.name:22} {hunt.runs:8} inputs, {len(hunt.reached):5} pairs of lines, "
              f"{hunt.kept} kept, {len(hunt.bugs)} bugs")
        for name, data in hunt.bugs.items():
            FOUND.mkdir(exist_ok=True)
            file = FOUND / f"{hunt.one.name}-{len(list(FOUND.iterdir()))}"
            file.write_bytes(data)
            print(f"    {name}: {data[:60]!r} ({file})")
    return 1 if any(hunt.bugs for hunt in hunts) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["60"]))
