"""Every option that the reference gives a program is there, and does something.

``TABLE`` is the reference's table of options and programs (letters: b hbal, a hail, s hspace, n
hscan, i hinfo, c hcheck, r hroller, q hsqueeze, p harep).
"""

from __future__ import annotations

import json
import pathlib

import pytest

from gnt.cli import find, general
from gnt.cli.slots import table
from tests.htools import clusters
from tests.htools.reference import ours, saved, theirs
from tests.htools.test_reference import new, request

LETTERS = {"b": "hbal", "a": "hail", "s": "hspace", "n": "hscan", "i": "hinfo", "c": "hcheck",
           "r": "hroller", "q": "hsqueeze", "p": "harep"}
TABLE = """
accept-existing-errors s; disk-template s; dry-run p; dynu-file bc U; evac-mode bc E
exclude-instances bc; exclusion-tags bc; exec bq X; exit-on-missing-mond-data b; first-job-group b
force r f; full-evacuation r; group br G; ialloc-src bsicr I; ignore-dynu baic
ignore-non-redundant r; ignore-soft-errors bac; independent-groups s; job-delay p; luxi bsnicrqp L
machine-readable sc; master bsicr m; max-cpu bsc; max-length bsc l; min-disk bsc; min-gain bc g
min-gain-limit bc; min-score bc e; minimal-resources q; mond bai; mond-data bi; mond-xen ba
no-capacity-checks asc; no-disk-moves bc; no-headers nrq; no-instance-moves bc; no-simulation c
node-tags r; offline bsicr O; offline-maintenance r; one-step-only r; output-dir n d
print-commands bq C; print-instances bi; print-moves r; print-nodes basni p; priority b
quiet bsicr q; reason bp; restrict-allocation-to a; restricted-migration b; save basrq S
select-instances bc; simulate as; skip-non-redundant r; spindle-use s; standard-alloc s
static-kvm-node-memory basnirq; target-resources q; text-data basicrq t; tiered-alloc s
verbose basnicrqp v; version basnicrqp V
"""
OPTIONS = [entry.split() for line in TABLE.splitlines() for entry in line.split(";") if entry]


@pytest.mark.parametrize("entry", OPTIONS, ids=lambda entry: entry[0])
def test_every_option_is_there_with_its_letter(entry):
    name, programs, *short = entry
    for letter in programs:
        cls, _ = find.command(["htools", LETTERS[letter]])
        known = table(cls, general.groups(cls))
        slot, negated = known.resolve(name)
        assert slot.long == name and not negated, LETTERS[letter]
        for one in short:
            assert known.letter(one, f"-{one}") is slot, LETTERS[letter]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Clusters and the like, by name."""
    folder = tmp_path_factory.mktemp("options")
    usual = clusters.make(4, nodes=6, per_node=4, tags=True)
    made = {
        "usual": usual,
        "odd": clusters.make(7, nodes=6, per_node=4, odd=0.4, shared=0.4, offline=1),
        "groups": clusters.make(5, nodes=6, per_node=3, groups=2),
        "shared": clusters.make(8, nodes=6, per_node=2, shared=1.0),
        "even": clusters.make(2, nodes=4, per_node=3, equal=True),
    }
    found = {name: saved(world, folder / f"{name}.data") for name, world in made.items()}
    first = usual.instances[0]
    loads = "".join(f"{i.name} {k + 1} 1 1 1\n" for k, i in enumerate(usual.instances))
    mond = [{"node": n.name, "reports": [{"name": "cpu-avg-load", "data": {
        "cpu_number": 1, "cpus": [k], "cpu_total": k}}]} for k, n in enumerate(usual.nodes)]
    body = request(usual, new(1, "rbd"))
    body["enabled_hypervisors"] = ["kvm"]
    for name, content in (("loads", loads), ("mond", json.dumps(mond)),
                          ("part", json.dumps(mond[1:])), ("request", json.dumps(body))):
        (folder / name).write_text(content)
        found[name] = str(folder / name)
    return {**found, "folder": str(folder), "instance": first.name,
            "most": ",".join(i.name for i in usual.instances[1:]), "node": usual.nodes[1].name,
            "nodes": ",".join(n.name for n in usual.nodes[:2]), "out": str(folder / "saved")}


# program, what is given anyway, the option: with it the answer is another one.
EFFECTS = """
hbal -t {usual} | -U {loads}
hcheck -t {usual} | -U {loads}
hbal -t {odd} | -E
hcheck -t {odd} | -E
hbal -t {usual} | --exclude-instances={most}
hcheck -t {usual} | --select-instances={instance}
hbal -t {usual} | --select-instances={instance}
hbal -t {usual} | --exclusion-tags=rack
hbal -t {usual} --mond --mond-data={part} | --exit-on-missing-mond-data
hbal -t {usual} -C | --first-job-group
hroller -t {groups} | -G group1
hbal -t {groups} | -G group2
hroller -t {odd} -f --print-moves | --full-evacuation
hroller -t {shared} | --ignore-non-redundant
hroller -t {odd} -f | --skip-non-redundant
hroller -t {usual} | --offline-maintenance
hroller -t {usual} | --one-step-only
hroller -t {usual} | --no-headers
hroller -t {usual} | --node-tags=hv:old
hroller -t {shared} | --print-moves
hroller -t {usual} | -O {node}
hbal -t {usual} | --ignore-dynu
hinfo -t {usual} | --ignore-dynu
hbal -t {usual} -U {loads} | --ignore-dynu
hbal -t {usual} --max-cpu=0.1 | --ignore-soft-errors
hcheck -t {usual} --max-cpu=0.1 | --ignore-soft-errors
hspace -t {usual} --machine-readable | --no-capacity-checks
hcheck -t {usual} | --no-capacity-checks
hcheck -t {usual} | --machine-readable
hspace -t {usual} | --machine-readable
hspace -t {usual} --machine-readable | --max-cpu=1
hbal -t {usual} | --max-cpu=0.1
hspace -t {even} --machine-readable | --max-length=2
hbal -t {usual} | --max-length=1
hspace -t {usual} --machine-readable | --min-disk=0.9
hbal -t {usual} | --min-disk=0.99
hbal -t {even} --min-gain-limit=99 | --min-gain=5
hbal -t {even} --min-gain=3 | --min-gain-limit=99
hbal -t {even} | --min-score=3
hsqueeze -t {shared} -C | --minimal-resources=900
hsqueeze -t {shared} -C | --target-resources=99
hsqueeze -t {shared} | -C
hsqueeze -t {shared} | --no-headers
hbal -t {usual} --mond-data={mond} | --mond
hinfo -t {usual} -p --mond-data={mond} | --mond
hbal -t {usual} --mond --mond-data={mond} | --mond-xen
hbal -t {usual} | --no-disk-moves
hcheck -t {usual} | --no-disk-moves
hbal -t {usual} | --no-instance-moves
hcheck -t {usual} | --no-simulation
hbal -t {usual} | -O {node}
hinfo -t {usual} | -O {node}
hspace -t {usual} --machine-readable | -O {node}
hcheck -t {usual} | -O {node}
hbal -t {usual} | --print-instances
hinfo -t {usual} | --print-instances
hbal -t {usual} | -p
hbal -t {usual} -p | -p+peermap
hinfo -t {usual} | -p=name,fmem
hspace -t {usual} | -p
hail {request} | -p
hail {request} | -t {shared}
hail {request} | --restrict-allocation-to={nodes}
hail {request} | --simulate p,3,9t,64g,16
hail {request} -p | --static-kvm-node-memory=30000
hinfo -I {request} -p | --static-kvm-node-memory=30000
hbal -I {request} -p | --static-kvm-node-memory=30000
hroller -I {request} -f -S {out} | --static-kvm-node-memory=30000
hail {request} | --no-capacity-checks -p
hail {request} -p | --ignore-dynu
hail {request} | --mond --mond-port 9 -v
hbal -t {usual} | --restricted-migration
hbal -t {usual} | -q
hinfo -t {usual} | -v
hspace -t {usual} | -S {out}
hbal -t {usual} | -S {out}
hsqueeze -t {shared} | -S {out}
hail {request} | -S {out}
hspace -t {usual} --machine-readable --disk-template=drbd | --spindle-use=3
hspace -t {usual} --machine-readable | --standard-alloc=10g,2g,2
hspace -t {usual} --machine-readable | --tiered-alloc=10g,2g,2
hspace -t {groups} --machine-readable | -O {node} --independent-groups
"""


def same_answer(done, files):
    """What a run printed and saved."""
    kept = sorted(pathlib.Path(files["folder"]).glob("saved*"))
    answer = done.code, done.out, done.err, [path.read_text() for path in kept]
    for path in kept:
        path.unlink()
    return answer




@pytest.mark.parametrize("line", EFFECTS.strip().splitlines())
def test_an_option_makes_a_difference(line, files):
    given, _, option = line.format(**files).partition(" | ")
    without = same_answer(ours(*given.split()), files)
    assert same_answer(ours(*given.split(), *option.split()), files) != without


@pytest.mark.parametrize("words", [
    ("hbal", "-G"), ("hroller", "-G"), ("hroller", "--node-tags")], ids=" ".join)
def test_what_an_unset_variable_leaves_does_not_mean_everything(words, files):
    program, option = words
    done = ours(program, "-t", files["usual"], option, "")
    assert done.code == 2 and f"{option}: '' is not" in done.err and not done.out


@pytest.mark.parametrize("size", ["100g", "100G", "100 gib", "1tb", "900000M", "1TiB", "99999",
                                  "100Mb"])
def test_sizes_are_read_as_by_the_reference(size):
    words = (f"--simulate=p,3,{size},{size},8", "--disk-template=rbd", "--machine-readable", "-l1")
    a, b = theirs("hspace", *words), ours("hspace", *words)
    assert (a.code, a.out) == (b.code, b.out)
    words = ("--simulate=p,3,9t,9t,8", f"--standard-alloc={size},2G,1", *words[1:])
    a, b = theirs("hspace", *words), ours("hspace", *words)
    assert (a.code, a.out) == (b.code, b.out)


@pytest.mark.parametrize("size", ["", "1k", "1.5g", "-1g", "+1g", "1_0g", "\u0661g", "g", "1g "])
def test_what_is_no_size_is_named(size):
    done = ours("hspace", f"--simulate=p,3,{size},1g,8")
    assert done.code == 1 and f"--simulate=p,3,{size},1g,8: {size!r} is not a size" in done.err
    done = ours("hspace", f"--standard-alloc={size},1g,1")
    assert done.code == 2 and "--standard-alloc: " in done.err and "simulate" not in done.err


def test_a_version_needs_no_request():
    assert ours("hail", "-V").out.startswith("hail (gnt) version ")
    assert (ours("hail").code, theirs("hail").code) == (2, 1)
    assert "hail needs: request" in ours("hail").err
