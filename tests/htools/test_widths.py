"""The same bits whatever the vector width, and nothing built for one machine only."""

from __future__ import annotations

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = ("-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
WIDTHS = {"-msse2": "sse2", "-mavx2": "avx2", "-mavx512f": "avx512f"}


def results(made: pathlib.Path, flag: str) -> str:
    source = ROOT / "tests/htools/widths.c"
    subprocess.run(["cc", *FLAGS, flag, f"-I{ROOT / 'htools_ext'}", "-o", str(made), str(source),
                    "-lm"], check=True, timeout=60)
    return subprocess.run([str(made)], check=True, capture_output=True, text=True,
                          timeout=60).stdout


def test_every_width_this_machine_has_gives_the_same_bits(tmp_path):
    able = set(pathlib.Path("/proc/cpuinfo").read_text().split())
    found = {flag: results(tmp_path / f"at{flag}", flag)
             for flag, word in WIDTHS.items() if word in able}
    assert found["-msse2"].count("\n") == 900
    assert len(set(found["-msse2"].split("\n"))) > 800
    assert set(found.values()) == {found["-msse2"]}


def test_what_is_shipped_is_built_for_any_processor():
    texts = [ROOT / "setup.py", *(ROOT / "htools_ext").glob("*.pyx"),
             *(ROOT / "htools_ext").glob("*.h"), *(ROOT / "packaging").glob("*.mk")]
    assert len(texts) > 10
    for path in texts:
        words = re.findall(r"-m(?:arch|tune|cpu|avx\w*|fma)\b|-ffast-math", path.read_text())
        assert words == [], path
    assert 'target_clones("avx512f", "avx2", "default")' in (
        ROOT / "htools_ext/scan.h").read_text()


def wide_functions(library):
    """The functions of a library that use registers wider than every x86-64 has."""
    listed = subprocess.run(["objdump", "--disassemble", "--no-show-raw-insn", str(library)],
                            check=True, capture_output=True, text=True, timeout=60).stdout
    found, name = set(), ""
    for line in listed.splitlines():
        if line.endswith(">:"):
            name = line.split("<")[1][:-2]
        elif re.search(r"%[yz]mm\d|\tv\w+ .*%xmm\d", line):
            found.add(name)
    return found


def test_what_is_built_runs_on_any_processor_and_chooses_wider_loops_when_loaded():
    built = sorted((ROOT / "htools_ext").glob("*.so"))
    assert len(built) >= 8
    wide = {name for library in built for name in wide_functions(library)}
    assert {name for name in wide if not name.endswith((".avx2", ".avx512f"))} == set()
    assert {name.partition(".")[0] for name in wide} == {
        "scan_mirrored", "scan_shared", "scan_pairs"}
    symbols = subprocess.run(["nm", *map(str, built)], check=True, capture_output=True, text=True,
                             timeout=60).stdout
    for name in ("scan_mirrored", "scan_shared", "scan_pairs"):
        assert f" i {name}\n" in symbols  # resolved when loaded
        assert f" t {name}.default\n" in symbols
