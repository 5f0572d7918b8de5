"""The change log is put together from fragments."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _changelog():
    spec = importlib.util.spec_from_file_location("changelog", ROOT / "packaging/changelog.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _checkout(folder: pathlib.Path, **files: str) -> pathlib.Path:
    (folder / "packaging/changes.d").mkdir(parents=True)
    (folder / "packaging/changes.d/README").write_text("not a fragment")
    for name, text in files.items():
        (folder / "packaging/changes.d" / name.replace("_", ".")).write_text(text)
    return folder


def test_a_release_moves_the_fragments_to_the_top_of_the_log(tmp_path: pathlib.Path) -> None:
    root = _checkout(tmp_path, b_added_md="B is\nthere.\n", a_fixed_md="A works.\n")
    (root / "CHANGELOG.md").write_text("# Changes\n\n## 1 (2026-01-01)\n\n- Old.\n")
    _changelog().release(root, "2", "2026-02-01")
    assert (root / "CHANGELOG.md").read_text() == (
        "# Changes\n\n## 2 (2026-02-01)\n\n### Added\n\n- B is there.\n\n### Fixed\n\n- A works.\n"
        "\n## 1 (2026-01-01)\n\n- Old.\n")
    assert [f.name for f in (root / "packaging/changes.d").iterdir()] == ["README"]


def test_a_misnamed_fragment_or_half_a_sentence_is_refused(tmp_path: pathlib.Path) -> None:
    changelog = _changelog()
    folder = _checkout(tmp_path, a_new_md="A works.\n") / "packaging/changes.d"
    with pytest.raises(SystemExit, match=r"TOPIC\.added\.md"):
        changelog.fragments(folder)
    (folder / "a.new.md").rename(folder / "a.added.md")
    (folder / "a.added.md").write_text("A works\n")
    with pytest.raises(SystemExit, match="full stop"):
        changelog.fragments(folder)


def test_our_own_fragments_are_in_form() -> None:
    found = _changelog().fragments(ROOT / "packaging/changes.d")
    assert sum(map(len, found.values())) + len(list(ROOT.glob("CHANGELOG.md"))) > 0
