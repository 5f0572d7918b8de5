"""What the simulation finds: the product broken on purpose, a line at a time, and seeds that tell.

``python -m tests.simulation.broken NAME [FIRST] [COUNT]`` runs seeds with these lines broken, until
one finds it; without words, each break with all seeds, to list seeds anew when the product or the
plans have changed so much that those below are far off.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys

ALL = 1000  # the seeds of `make simulate`, one of which must find each break
NEAR = 40  # seeds after the listed one that may find it as well: plans shift with the product


class Break:
    """``told``: what the checker says; ``seed``: the first in which it does."""

    def __init__(self, seed, told, module, *changes):
        self.seed, self.told, self.module, self.changes = seed, told, module, changes

    def install(self):
        """Load the broken module, before anybody imports the whole one."""
        spec = importlib.util.find_spec(self.module)
        source = spec.loader.get_source(self.module)
        for right, wrong in self.changes:
            if source.count(right) != 1:
                raise SystemExit(f"{self.module} has {source.count(right)} times: {right}")
            source = source.replace(right, wrong)
        module = importlib.util.module_from_spec(spec)
        sys.modules[self.module] = module
        exec(compile(source, spec.origin, "exec"), module.__dict__)
        parent, _, name = self.module.rpartition(".")
        setattr(importlib.import_module(parent), name, module)


BREAKS = {
    # commits
    "a majority is half of them": Break(
        165, "disks have it", "gnt.config.replicate",
        ("return count // 2 + 1", "return (count + 1) // 2")),
    "a turn that was overtaken is as good": Break(
        679, "is lost", "gnt.config.candidate",
        ("        if (term, turn) < highest:\n", "        if False:\n")),
    "a change whose answer was lost is made again without a look": Break(
        10, "twice", "gnt.config.commit",
        ("        kept = _find(store, entries, turn.node, answer)\n",
         "        raise Stale('try again')\n"),
        ("if any(store.holds(entry) for entry in tried.get(number, ()))}", "if False}")),
    "the turn's number is not kept": Break(
        0, "", "gnt.config.candidate",
        ('            self.disk.replace("turn", given)\n', "")),
    "a master that was started gives turns without asking": Break(
        351, "have different heads", "gnt.config.candidate",
        ("if asked is None and self.disk.given()", "if False and self.disk.given()")),
    "files are moved to their places before they are synced": Break(
        0, "torn head", "gnt.config.disk",
        ("            self._write_all(descriptor, data)\n            self.fsync(descriptor)\n",
         "            self._write_all(descriptor, data)\n")),
    "records are acknowledged before they are synced": Break(
        0, "disks have it", "gnt.config.disk",
        ("self._append_or_cut(descriptor, at, data)\n            self.fsync(descriptor)\n",
         "self._append_or_cut(descriptor, at, data)\n")),
    "a directory is not synced after a rename": Break(
        0, "disks have it", "gnt.config.disk",
        ("        self.rename(fresh, self.path(name))\n"
         "        self.sync_directory(os.path.dirname(self.path(name)))\n",
         "        self.rename(fresh, self.path(name))\n")),
    # failovers
    "of two tails the longer one wins, not that of the later turn": Break(
        32, "is lost", "gnt.config.failover",
        ("return last.term, last.turn, entries[-1].serial",
         "return last.term, entries[-1].serial, last.turn")),
    "a failover drops what was only appended": Break(
        3, "is lost", "gnt.config.failover", ("        if last > order:\n", "        if False:\n")),
    "a term is told, not remembered": Break(
        0, "after term", "gnt.config.candidate",
        ('                self.disk.replace("../term", f"{term}\\n".encode())\n',
         "                pass\n")),
    "a lower term is as good": Break(
        6, "after term", "gnt.config.candidate",
        ("            if self.fence > highest:\n", "            if False:\n")),
    # holds
    "a job that has begun is not waited for": Break(
        5, "two jobs work on one thing", "gnt.engine.holds",
        ('if over and (job.state != "waiting" or ahead or job.id in depends):',
         'if over and ahead and job.state == "waiting":')),
    "holds are looked at before the commit only": Break(
        5, "two jobs work on one thing", "gnt.engine.begin",
        ("        before, full = self._in_the_way(cfg)\n        if before:\n",
         "        before, full = [], []\n        if before:\n")),
    "an exclusive hold is in the way of exclusive ones only": Break(
        2, "two jobs hold", "gnt.spec",
        ("(mine & theirs) | (mine & set(other.shared)) | (set(self.shared) & theirs)",
         "mine & theirs")),
    # recovery
    "who recovers does not wait for the dead driver's commands": Break(
        18, "things nobody owns", "gnt.engine.recover",
        ("    if not nodes:\n        return\n", "    if nodes:\n        return\n")),
    "the last step is not taken back": Break(
        9, "things nobody owns", "gnt.engine.recover",
        ("drive.backward(len(drive.plan.attempt),", "drive.backward(len(drive.plan.attempt) - 1,")),
    "a job is done before its end is committed": Break(
        10, "was reported as done", "gnt.engine.driver",
        ("""        cfg = self._recorded(
            lambda cfg: transactions.end(cfg, self.id, self.job.driver), "its end", "resume")
""", """        try:
            cfg = self._recorded(
                lambda cfg: transactions.end(cfg, self.id, self.job.driver), "its end", "resume")
        except GntError:
            return
""")),
    # reservations
    "what a job reserved stays when it is taken back": Break(
        10, "reserved are", "gnt.engine.job",
        ('edits = backward(View(cfg), job.restore, f"jobs.{job_id}.restore")',
         'edits = [e for e in backward(View(cfg), job.restore, "") if "net" not in e.path]')),
    "taking back restores the whole object": Break(
        24, "reserved are", "gnt.engine.edits",
        ('return "".join(a if b != a else n for b, a, n in zip(before, after, now, strict=True))',
         "return after")),
    "the end of a job forgets the address it freed": Break(
        2, "reserved are", "gnt.engine.job",
        ('edits = forward(View(cfg), _changes(job, "end"), f"jobs.{job_id}.plan.end")',
         'edits = [e for e in forward(View(cfg), _changes(job, "end"), "")'
         ' if "net" not in e.path]')),
}


def found(name, first, count):
    """(seed, problems) of the first seed in which the checker says what it should."""
    from tests.simulation import scenario

    for seed in range(first, first + count):
        problems = [p for p in scenario.run(seed).problems if BREAKS[name].told in p]
        if problems:
            return seed, problems
    return -1, []


def hunted(name, first, count):
    """The same in a process of its own: what it printed."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation.broken", name, str(first), str(count)],
        text=True, capture_output=True, check=False)


def main(argv):
    if not argv:
        for name in BREAKS:
            said = hunted(name, 0, ALL)
            print((said.stdout or said.stderr).partition("\n")[0], name, flush=True)
        return 0
    first, count = map(int, argv[1:3] or (0, ALL))
    BREAKS[argv[0]].install()
    seed, problems = found(argv[0], first, count)
    print(seed, *(problem[-300:] for problem in problems), sep="\n")
    return int(seed < 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
