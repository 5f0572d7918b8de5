"""Puts the fragments of changes.d together: prints them, or makes a release's part of CHANGELOG.md.

    python packaging/changelog.py            print what the next release will say
    python packaging/changelog.py 1.2.0      write it to CHANGELOG.md and remove the fragments
"""

import datetime
import pathlib
import sys

KINDS = ("added", "changed", "fixed")
TITLE = "# Changes\n"


def fragments(folder):
    """Kind → (file, sentence), by topic; a misnamed or empty fragment is an error."""
    found = {kind: [] for kind in KINDS}
    for file in sorted(folder.glob("*.md")):
        topic, _, kind = file.stem.rpartition(".")
        sentence = " ".join(file.read_text().split())
        if not topic or kind not in found:
            raise SystemExit(f"{file}: call it TOPIC.added.md, TOPIC.changed.md or TOPIC.fixed.md")
        if not sentence.endswith("."):
            raise SystemExit(f"{file}: write one sentence, with a full stop")
        found[kind].append((file, sentence))
    return found


def assembled(found, version, day):
    """The part of the change log for one version."""
    lines = [f"## {version} ({day})" if day else f"## {version}", ""]
    for kind, entries in found.items():
        if entries:
            lines += [f"### {kind.capitalize()}", ""]
            lines += [f"- {sentence}" for _, sentence in entries]
            lines.append("")
    return "\n".join(lines)


def release(root, version, day):
    """Write the part to CHANGELOG.md and remove what went into it."""
    found = fragments(root / "packaging/changes.d")
    log = root / "CHANGELOG.md"
    old = log.read_text().removeprefix(TITLE) if log.exists() else ""
    log.write_text(f"{TITLE}\n{assembled(found, version, day)}{old}")
    for entries in found.values():
        for file, _ in entries:
            file.unlink()


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    if len(sys.argv) > 1:
        release(root, sys.argv[1], datetime.date.today().isoformat())
    else:
        print(assembled(fragments(root / "packaging/changes.d"), "unreleased", ""))


if __name__ == "__main__":
    main()
