"""Building images once: a build is repeated when its recipe, which is its source, changed."""

from __future__ import annotations

from pathlib import Path

from gnt.errors import GntError
from gnt.lab import needs
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CACHE = Path("/var/cache/gnt-lab")


class Image(Record):
    """Files that are built together."""

    name: str
    files: tuple[str, ...]  # in CACHE; the first is what is booted
    sources: tuple[str, ...]  # of this package: they decide whether a built image is still good
    tools: Mapping[str, str]  # tool → Debian package
    build: Callable[[Path], None]  # into an empty folder

    @property
    def path(self) -> Path:
        return CACHE / self.files[0]

    def made(self) -> tuple[Path, ...]:
        """The files, built when they are missing or old."""
        import fcntl

        CACHE.mkdir(parents=True, exist_ok=True)
        with open(CACHE / f".{self.name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stamp = CACHE / f".{self.name}.recipe"
            recipe = self._recipe()
            paths = tuple(CACHE / file for file in self.files)
            known = stamp.read_text() if stamp.exists() else ""
            if known != recipe or not all(path.exists() for path in paths):
                self._make()
                stamp.write_text(recipe)
        return paths

    def _recipe(self) -> str:
        import hashlib

        digest = hashlib.sha256()
        for source in self.sources:
            digest.update(content(source))
        return digest.hexdigest()

    def _make(self) -> None:
        import os
        import tempfile

        needs.check(self.tools)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=f".{self.name}-") as folder:
            self.build(Path(folder))
            for file in self.files:
                os.replace(Path(folder, file), CACHE / file)


def content(source: str) -> bytes:
    """A file of this package, also from a zip archive."""
    import pkgutil

    return pkgutil.get_data("gnt.lab.guest", source) or b""


def run(*words: str, folder: Path, stdin: bytes | None = None) -> bytes:
    """Run a build tool in ``folder`` and return its output; its complaint is the error."""
    import subprocess

    done = subprocess.run(words, cwd=folder, input=stdin, capture_output=True, check=False)
    if done.returncode:
        complaint = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()[-5:]
        raise GntError(f"{words[0]} failed while an image was built:\n    "
                       + "\n    ".join(complaint))
    return done.stdout
