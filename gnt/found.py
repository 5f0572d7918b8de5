"""Variants are files, found, never listed: a driver is the module of its name in its package."""

from __future__ import annotations

from gnt.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def names(package: str) -> tuple[str, ...]:
    """The public modules of a package, sorted; works frozen, too."""
    import importlib
    import pkgutil

    path = importlib.import_module(package).__path__
    return tuple(
        sorted(
            m.name
            for m in pkgutil.iter_modules(path)
            if not m.name.startswith("_") and m.name != "base"
        )
    )


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
