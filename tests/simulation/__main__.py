"""``python -m tests.simulation [SEEDS] [FIRST] [together]``: run seeds; the first that fails is
explained.  ``together``: clients commit several changes at once in all seeds, not in half of them.
"""

from __future__ import annotations

import re
import sys
import time

from tests.simulation import scenario

SHOWN = 80  # lines of a trace
DULL = re.compile(r"@medic>|@init>|(fetch|release|learn .*) = 0 ")


def told(result):
    """A failing seed for people."""
    lines = [f"seed {result.seed} breaks a promise:"]
    lines += [f"  {problem}" for problem in result.problems]
    lines.append("accidents:")
    lines += [f"  at message {at}: {kind} {words}" for at, kind, words in result.faults]
    notes = [f"  {at:8.3f} {text}" for at, text in result.notes if not DULL.search(text)]
    lines += [f"trace (last {SHOWN} of {len(notes)}):", *notes[-SHOWN:]]
    return "\n".join([*lines, f"again: make simulate SEEDS=1 FIRST={result.seed}"])


def main(argv):
    count = int(argv[0]) if argv else 1000
    first = int(argv[1]) if len(argv) > 1 else 0
    together = True if "together" in argv[2:] else None
    started = time.monotonic()
    for seed in range(first, first + count):
        result = scenario.run(seed, together=together)
        if result.problems:
            print(told(scenario.minimal(result, together=together)))
            return 1
    seconds = time.monotonic() - started
    print(f"{count} seeds, no promise broken; {count / seconds:.1f} seeds/s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
