"""build_zipapp.py SITE OUT: one executable file from a folder made by ``pip install --target``.

The archive holds a bootstrap as source (so that a wrong Python gets a clear message) and one stored
zip of everything, sources with unchecked-hash byte code beside them.  Two builds of the same folder
are identical: times are fixed and the order is sorted.  It is tied to one Python minor version,
as the compiled dependencies are.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import marshal
import sys
import zipfile
from pathlib import Path

SHEBANG = b"#!/usr/bin/env -S python3 -IS\n"
LEFT_OUT = ("bin", "pip", "setuptools", "pkg_resources", "_distutils_hack", "__pycache__")
LEFT_OUT_SUFFIXES = (".pyx", ".c", ".pyi", ".pth", ".pyc")
EPOCH = (2020, 1, 1, 0, 0, 0)


def files(site: Path) -> list[tuple[str, Path]]:
    """What goes in, by its name in the archive."""
    found = []
    for path in sorted(site.rglob("*")):
        inside = path.relative_to(site)
        if path.is_dir() or inside.parts[0] in LEFT_OUT or "__pycache__" in inside.parts:
            continue
        if path.suffix not in LEFT_OUT_SUFFIXES:
            found.append((str(inside), path))
    return found


def byte_code(source: bytes, name: str) -> bytes:
    """An unchecked-hash pyc: never compared with its source's time."""
    code = compile(source, name, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + marshal.dumps(code)


def add(archive: zipfile.ZipFile, name: str, data: bytes, method: int) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = method
    info.external_attr = 0o644 << 16
    archive.writestr(info, data)


def payload(site: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, path in files(site):
            data = path.read_bytes()
            add(archive, name, data, zipfile.ZIP_DEFLATED)
            if path.suffix == ".py":
                folder, _, module = name.rpartition("/")
                cached = f"{folder}/__pycache__/{module[:-3]}.{sys.implementation.cache_tag}.pyc"
                add(archive, cached.lstrip("/"), byte_code(data, name), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def build(site: Path, out: Path) -> str:
    """Write the archive and return its build id."""
    inner = payload(site)
    bootstrap = (Path(__file__).parent / "bootstrap.py").read_text()
    build_id = hashlib.sha256(inner + bootstrap.encode()).hexdigest()[:16]
    bootstrap = bootstrap.replace("@BUILD@", build_id)
    bootstrap = bootstrap.replace("@TAG@", str(sys.implementation.cache_tag))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        add(archive, "__main__.py", bootstrap.encode(), zipfile.ZIP_STORED)
        add(archive, "payload.zip", inner, zipfile.ZIP_STORED)
    out.write_bytes(SHEBANG + buffer.getvalue())
    out.chmod(0o755)
    return build_id


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: build_zipapp.py SITE OUT")
    target = Path(sys.argv[2])
    made = build(Path(sys.argv[1]), target)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, build {made}")
