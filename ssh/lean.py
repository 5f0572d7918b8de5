"""Loading fabric without what only tests, YAML files and plug-ins need of it.

invoke loads ``unittest.mock`` (and with it asyncio) for its MockContext, and a YAML reader for
configuration files; paramiko and wrapt load ``importlib.metadata``, one to know its own version and
one for plug-ins; paramiko loads ``tempfile`` to forward agents.  That is a quarter of the time that
loading fabric takes, in each command that contacts a node.  While fabric is loaded, stand-ins take
their places; they load the real modules when anybody uses them after all.  See
man/adr/0023-what-starting-costs.md.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Later(ModuleType):
    """A module that is loaded at the first use of one of its names."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


class LaterMock(Later):
    """Of ``unittest.mock``, invoke takes one name at once."""

    @staticmethod
    def Mock(*values: Any, **named: Any) -> Any:
        return importlib.import_module("unittest.mock").Mock(*values, **named)


class LaterMetadata(Later):
    """Of ``importlib.metadata``, paramiko uses one function at once."""

    def version(self, name: str) -> Any:
        """From the name of the folder in which an installer leaves what it knows."""
        for place in sys.path:
            for entry in os.listdir(place) if os.path.isdir(place) else ():
                if entry.startswith(f"{name}-") and entry.endswith(".dist-info"):
                    return entry[len(name) + 1 : -len(".dist-info")]
        return self.__getattr__("version")(name)


def load_fabric() -> None:
    """Import fabric; harmless when it, or what is left out, is there already."""
    stand_ins = {"unittest.mock": LaterMock, "invoke.vendor.yaml": Later,
                 "importlib.metadata": LaterMetadata, "tempfile": Later}
    placed = {name: kind(name) for name, kind in stand_ins.items() if name not in sys.modules}
    sys.modules.update(placed)
    collects = gc.isenabled()
    gc.disable()  # what modules are made of stays for good
    try:
        importlib.import_module("fabric")
    finally:
        for name, stand_in in placed.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
        gc.freeze()
        if collects:
            gc.enable()
    if "importlib.metadata" in placed:  # where wrapt would look for it
        importlib.__dict__.setdefault("metadata", placed["importlib.metadata"])
