"""Builds the Cython extensions; ``GNT_CYTHON_COVERAGE=1`` adds line tracing for coverage."""

import os
import pathlib

from Cython.Build import cythonize
from setuptools import Extension, setup

# A checkout has these links; an sdist cannot, and Cython finds cimported modules only by them.
for name in ("commands", "ssh", "config", "htools_ext"):
    link = pathlib.Path("gnt") / name
    if not link.exists():
        link.symlink_to(f"../{name}")

# The sanitizers' build (tests/htools/sanitize.sh) has its own; the rest builds for any x86-64.
flags = os.environ.get("GNT_CFLAGS", "-O3 -g0").split()
tracing = bool(os.environ.get("GNT_CYTHON_COVERAGE"))
extensions = [
    Extension(
        f"gnt.htools_ext.{source.stem}",
        [str(source)],
        extra_compile_args=flags,
        define_macros=[("CYTHON_TRACE", "1")] if tracing else [],
    )
    for source in sorted(pathlib.Path("htools_ext").glob("*.pyx"))
]
setup(
    ext_modules=cythonize(
        extensions, compiler_directives={"language_level": 3, "linetrace": tracing}
    )
)
