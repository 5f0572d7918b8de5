"""The candidates' copies of the configuration are the same bytes: base and committed journal."""

from __future__ import annotations

from gnt.checks.base import Check, Finding
from gnt.plan import Script, node_task, script
from gnt.record import Record
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen

_COPY = """# shellcheck disable=SC2094 # head is a program, too
cd /var/lib/gnt/config || exit 1
read -r term serial head base <./head || exit 1
# the journal up to the committed record; what follows it may be a change that nobody may see yet
size=$(LC_ALL=C awk -v last="[txn.$serial]" '
    { n += length($0) + 1 }
    $0 == last { found = 1 }
    found && /^sig = "/ { signed = 1 }
    signed && $0 == "" { end = n; exit }
    END { print end + 0 }' "journal-$base.toml") || exit 1
if [ "$size" = 0 ] && [ "$serial" != "$base" ]; then size=$(wc -c <"journal-$base.toml"); fi
echo "$term $serial $head $base"
sha256sum <"base-$base.toml"
head -c "$size" "journal-$base.toml" | sha256sum
all=$(wc -c <"journal-$base.toml")
echo "$((all - size)) $(($(date +%s) - $(stat -c %Y "journal-$base.toml")))"
"""

YOUNG = 60  # seconds: a change that is being committed is on candidates before it counts


class Copy(Record):
    """What one candidate holds: its committed head, and SHA-256 of the base and the journal."""

    head: str  # as the file head has it: TERM SERIAL HASH BASE
    base: str
    journal: str
    staged: int = 0  # bytes after the committed record
    age: int = 0  # seconds since the journal was written

    @property
    def serial(self) -> int:
        return int(self.head.split()[1])

    def differs(self, right: Copy) -> str:
        """What is wrong with this copy if the other one is right; empty: nothing.

        One that is further went on after the other was read.
        """
        if self.serial > right.serial:
            return ""
        if self.serial < right.serial:
            return f"stands at serial {self.serial}, not {right.serial}"
        if self.head != right.head:
            return f"says the head is {self.head}, not {right.head}"
        number = self.head.split()[3]
        wrong = [f"{name}-{number}.toml" for name in ("base", "journal")
                 if getattr(self, name) != getattr(right, name)]
        return f"has other bytes in {' and '.join(wrong)} than what was signed" if wrong else ""


@node_task(deadline=60)
def copy() -> Script[Copy]:
    """The head and the digests of what a candidate holds of the configuration."""
    return script(_COPY, parse=_copy)


def _copy(output: str) -> Copy:
    head, base, journal, staged = output.splitlines()
    term, serial, digest, number = head.split(" ")
    for word in (term, serial, number):
        natural(word)
    if len(digest) != 64:
        raise ValueError(f"{digest[:80]!r} is no hash")
    after, age = staged.split(" ")
    return Copy(head=head, base=base.split()[0], journal=journal.split()[0],
                staged=natural(after), age=int(age))


def judged(copies: Mapping[str, Copy], head: str) -> dict[str, str]:
    """What is wrong with which copy, by what most of those at ``head`` (a hash) agree on."""
    votes: dict[tuple[str, str], int] = {}
    there = {name: one for name, one in copies.items() if one.head.split()[2] == head}
    for one in there.values():
        votes[one.base, one.journal] = votes.get((one.base, one.journal), 0) + 1
    most = max(votes.values(), default=0)
    if list(votes.values()).count(most) > 1:
        return dict.fromkeys(there, "differs from the others, and no two agree: "
                                    "gnt-cluster config verify says which is right")
    right = next((one for one in there.values() if votes[one.base, one.journal] == most), None)
    wrong = {name: one.differs(right) for name, one in copies.items()} if right else {}
    return {name: why for name, why in wrong.items() if why}


class Copies(Check):
    codes = ("ENODEFILECHECK",)

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        return (copy.on(node.name) for node in nodes if node.master_candidate)

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        copies = {}
        for node in nodes:
            if not node.master_candidate:
                continue
            failed = seen.failed(copy.on(node.name))
            if failed is None:
                copies[node.name] = seen[copy.on(node.name)]
            elif failed.kind == "failed":
                yield _bad(node.name, "its copy of the configuration cannot be read")
        for name, why in judged(copies, cfg.head).items():
            yield _bad(name, f"its copy of the configuration {why}",
                       warning=copies[name].serial < cfg.serial)
        for name, one in copies.items():
            if one.staged and one.age > YOUNG and one.serial >= cfg.serial:
                yield _bad(name, f"its journal ends with {one.staged} bytes of a change that was "
                           "never committed; the next change cuts them, but a failover before that "
                           "takes it along", warning=True)


def _bad(node: str, message: str, *, warning: bool = False) -> Finding:
    return Finding(code="ENODEFILECHECK", kind="node", name=node, message=message, warning=warning)


CHECK = Copies()
