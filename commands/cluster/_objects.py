"""What objects of the configuration are called: ``instance web`` instead of ``instances/UUID``."""

from __future__ import annotations

from gnt.model.config import NOUNS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from gnt.model.config import Config


class Names:
    """Names of the objects that are there now, and of those that some transactions put."""

    def __init__(self, cfg: Config, transactions: Iterable[Mapping[str, Any]]) -> None:
        self._cfg = cfg
        self._put: dict[str, Mapping[str, Any]] = {}
        for txn in transactions:
            for put in txn["put"]:
                self._put.setdefault(put["path"], put["value"])

    def of(self, path: str) -> str:
        """For people; the key stays where nothing better is known."""
        section, _, key = path.partition("/")
        if section == "cluster":
            return "cluster"
        if section == "disks":
            return self._disk(path, key)
        noun = NOUNS.get(section, section.removesuffix("s"))
        return f"{noun} {self._data(path, section, key).get('name', key)}"

    def _disk(self, path: str, key: str) -> str:
        data = self._data(path, "disks", key)
        owner = data.get("instance", "")
        place = str(data.get("iv_name", "")).removeprefix("disk/")
        if not owner or not place:
            return f"disk {key}"
        inst = self._data(f"instances/{owner}", "instances", owner)
        return f"disk {place} of {inst.get('name', owner)}"

    def _data(self, path: str, section: str, key: str) -> Mapping[str, Any]:
        return self._put.get(path) or self._cfg.state.load(section, key) or {}
