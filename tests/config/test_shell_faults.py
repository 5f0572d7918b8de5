"""The n-th writing command of a candidate's shell fails, once or for ever, or writes a part.

As ``test_faults.py`` does for candidates in Python: nothing that was acknowledged is lost, the old
state stays readable, and when the fault is gone, work goes on.  Which commands write is taken from
``candidate.sh`` itself.
"""

import os
import pathlib
import re
import subprocess

import pytest
from clusters import Cluster, NodePeers, change
from shells import Shell, Shells
from test_faults import names, small_file_system

import gnt.config.candidate
from gnt.errors import GntError

#: Programs that can change a file, by themselves or through a redirection.
WRITERS = ("awk", "cat", "head", "mv", "rm", "sync", "tail", "truncate")
#: Commands of the shell itself, for which functions stand.  What they print to the driver can fail,
#: too, as when it goes away.
BUILTIN = ("echo", "printf")
#: Opens lock files, which are there: see ``test_a_disk_that_can_only_be_read``.
OPENS = {"exec"}
#: Those that can have written a part when they fail.
TORN = {"awk", "cat", "head", "tail", "echo", "printf"}

WRAPPER = """#!/bin/sh
name=${0##*/}
real=/usr/bin/$name
read -r kind left forever part <"$FAULTS/armed" && [ "$kind" = "$name" ] || exec "$real" "$@"
echo >>"$FAULTS/calls"
n=$(wc -l <"$FAULTS/calls")
if [ "$n" = "$left" ] || { [ "$forever" = yes ] && [ "$n" -gt "$left" ]; }; then
    echo >>"$FAULTS/hits"
    [ "$part" = no ] || "$real" "$@" | /usr/bin/head -c 20
    echo "$name: No space left on device" >&2
    exit 1
fi
exec "$real" "$@"
"""

FUNCTION = """
NAME() {
    read -r F_kind F_left F_forever F_part <"$FAULTS/armed"
    [ "$F_kind" = NAME ] || { command NAME "$@"; return; }
    command echo >>"$FAULTS/calls"
    F_n=$(wc -l <"$FAULTS/calls")
    if [ "$F_n" = "$F_left" ] || { [ "$F_forever" = yes ] && [ "$F_n" -gt "$F_left" ]; }; then
        command echo >>"$FAULTS/hits"
        [ "$F_part" = no ] || command NAME "$@" | /usr/bin/head -c 20
        return 1
    fi
    command NAME "$@"
}
"""


class Faults:
    """Programs that fail when they are told to, in front of the real ones."""

    def __init__(self, place):
        self.place = place
        place.mkdir()
        (place / "bin").mkdir()
        for name in WRITERS:
            path = place / "bin" / name
            path.write_text(WRAPPER)
            path.chmod(0o755)
        self.disarm()

    def arm(self, kind, number, *, forever, torn):
        for name in ("calls", "hits"):
            (self.place / name).write_text("")
        yes = {True: "yes", False: "no"}
        (self.place / "armed").write_text(f"{kind} {number} {yes[forever]} {yes[torn]}\n")

    def disarm(self):
        (self.place / "armed").write_text("none 0 no no\n")

    @property
    def hit(self):
        return bool((self.place / "hits").read_text())


class FaultyShells(Shells):
    """The victim's shell has the programs that fail."""

    def __init__(self, scratch, faults, victim):
        super().__init__(scratch)
        self.shells[victim] = Shell((
            "/usr/bin/env", f"FAULTS={faults.place}",
            f"PATH={faults.place}/bin:{os.environ['PATH']}", "/bin/sh"))
        for name in BUILTIN:
            self.shells[victim].process.stdin.write(FUNCTION.replace("NAME", name).encode())


def faulty_driver(cluster, faults, victim, number):
    scratch = cluster.path / f"faulty{number}"
    scratch.mkdir()
    shells = FaultyShells(str(scratch), faults, victim)
    cluster.shells.append(shells)
    return cluster.driver(peers=NodePeers(
        shells, {name: disk.directory for name, disk in cluster.disks.items()}))


#: Once: at each call, having written a part where that can be.  For ever: from so manieth call on.
#: GNT_FAULTS=all: each of both, with a part and with nothing (two minutes).
ALL = os.environ.get("GNT_FAULTS", "") == "all"
FROM = {1, 2, 3, 5, 8, 13, 21}
HOW = [(kind, forever, torn) for kind in (*WRITERS, *BUILTIN) for forever in (False, True)
       for torn in sorted({False, kind in TORN} if ALL else {kind in TORN and not forever})]


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["n1", "n2"])
@pytest.mark.parametrize(("kind", "forever", "torn"), HOW)
def test_every_writing_command(tmp_path, kind, forever, torn, victim):
    faults = Faults(tmp_path / "faults")
    cluster = Cluster(tmp_path, kind="remote")
    cluster.create()
    acknowledged, number, hit = set(), 0, True
    while hit:
        number += 1
        if forever and not ALL:
            number = min((n for n in FROM if n >= number), default=number)
        driver = faulty_driver(cluster, faults, victim, number)
        before = names(driver.read())
        faults.arm(kind, number, forever=forever, torn=torn)
        try:
            driver.commit(lambda _, n=number: change(f"instances/i{n}"), attempts=2)
            acknowledged.add(f"i{number}")
            driver.redistribute(whole=True)
        except GntError as error:
            assert error.message
        hit = faults.hit
        faults.disarm()
        driver.release()
        after = cluster.driver()
        seen = names(after.read())
        assert acknowledged | before <= seen <= before | {f"i{number}"}, (kind, number)
        after.commit(lambda _, n=number: change(f"instances/after{n}"))
        acknowledged.add(f"after{number}")
        assert set(after.redistribute().values()) == {""}
        assert len(cluster.heads()) == 1
        cluster.close()
        cluster.shells.clear()
    assert number > 1 or kind in ("rm", "truncate")


def test_the_writing_commands_are_those_of_the_script():
    """A new one in ``candidate.sh`` must be let to fail, too."""
    path = pathlib.Path(gnt.config.candidate.__file__).with_suffix(".sh")
    text = re.sub(r"awk [^']*'[^']*'", "awk", re.sub(r"(?m)(^| )# .*$", "", path.read_text()))
    text = re.sub(r"[0-9]?>+ ?/dev/null|[0-9]*[<>]&[0-9-]+", "", text)
    changing = {"mv", "rm", "sync", "truncate", "ln", "cp", "dd", "tee", "install", "shred"}
    used = set()
    for command in re.split(r"\||&&|;|\{|\}|\bthen\b|\bdo\b|\(|\n|!", text):
        words = re.sub(r'"[^"]*"', "x", command).replace("command ", "").split()
        if words and words[0][0].isalpha() and (words[0] in changing or ">" in " ".join(words)):
            used.add(words[0])
    assert used >= {"mv", "sync", "cat", "echo"}
    assert used <= {*WRITERS, *BUILTIN, *OPENS}, used


@pytest.mark.lab
@pytest.mark.parametrize("victim", ["n1", "n2"])
def test_a_disk_that_can_only_be_read(tmp_path, victim):
    """As a file system becomes that has found an error: not even a lock can be opened."""
    place = tmp_path / victim
    small_file_system(place, "1m")
    try:
        cluster = Cluster(tmp_path, kind="remote")
        store = cluster.create()
        store.commit(lambda _: change("instances/a"))
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        if victim == "n1":
            with pytest.raises(GntError):
                store.commit(lambda _: change("instances/b"))
            assert names(cluster.driver().read()) == {"a"}
        else:
            store.commit(lambda _: change("instances/b"))
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
        store.release()
        after = cluster.driver()
        after.commit(lambda _: change("instances/c"))
        assert names(after.read()) == {"a", "c"} | ({"b"} if victim == "n2" else set())
        assert set(after.redistribute().values()) == {""}
        assert len(cluster.heads()) == 1
        cluster.close()
    finally:
        subprocess.run(["umount", str(place)], check=True)
