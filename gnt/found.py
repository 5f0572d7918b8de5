"""Variants are files, found, never listed: a driver is the module of its name in its package."""

from __future__ import annotations

from gnt.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def names(package: str) -> tuple[str, ...]:
    """The public modules of a package, sorted; works frozen, too."""
    import importlib
    import pkgutil

    path = importlib.import_module(package).__path__
    found = {module.name for module in pkgutil.iter_modules(path)} | _frozen(package)
    return tuple(sorted(name for name in found if not name.startswith("_") and name != "base"))


def text_beside(module: str, name: str) -> str:
    """A file beside the source of a module: in a folder, a zip archive or a frozen binary."""
    import sys

    here = sys.modules[module]
    loader: Any = here.__loader__
    text: bytes = loader.get_data(f"{(here.__file__ or '').rpartition('/')[0]}/{name}")
    return text.decode()


def program() -> list[str]:
    """The words that start this program anew, whatever it is delivered as; its own words follow."""
    import os
    import sys

    if getattr(sys, "frozen", False):
        return [sys.executable]
    flags = ["-I"] * sys.flags.isolated + ["-S"] * sys.flags.no_site
    path = [os.path.abspath(folder) for folder in sys.path]
    return [sys.executable, *flags, "-c",
            f"import sys; sys.path[:] = {path!r}; from gnt.cli.main import main; main()"]


def _frozen(package: str) -> set[str]:
    """The modules of a package within PyInstaller's archive, which ``pkgutil`` does not see.

    Its own remedy is a hook that imports ``pkgutil`` at every start.
    """
    import sys

    importers = sys.modules.get("pyimod02_importers")
    if importers is None:
        return set()
    tree = importers.get_pyz_toc_tree()
    for part in package.split("."):
        tree = tree.get(part, {})
    return set(tree)


def module(package: str, name: str, what: str) -> ModuleType:
    """The module ``package.name``; raises Invalid naming what is there when it is missing."""
    import importlib

    full = f"{package}.{name.replace('-', '_')}"
    try:
        if not name or not name.replace("-", "_").replace("_", "a").isalnum() or name == "base":
            raise ModuleNotFoundError(name=full)
        return importlib.import_module(full)
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
        known = ", ".join(n.replace("_", "-") for n in names(package))
        raise Invalid("", f"there is no {what} {name!r} (known: {known})") from None
