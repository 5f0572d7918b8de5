"""What ``/proc/drbd`` of DRBD 8.4 says."""

from __future__ import annotations

import re

from gnt.storage.base import Copy

_DEVICE = re.compile(
    r" *(?P<minor>[0-9]{1,7}): cs:(?P<link>\w+)"
    r"(?: ro:(?P<role>\w+)/\w+ ds:(?P<here>\w+)/(?P<there>\w+))?")
_BEHIND = re.compile(r"\boos:(?P<behind>[0-9]{1,15})\b")
_DONE = re.compile(r"sync'ed: *(?P<done>[0-9]{1,3}(?:[.][0-9]+)?)%")
_FINISH = re.compile(
    r"finish: (?P<h>[0-9]{1,6}):(?P<m>[0-9]{2}):(?P<s>[0-9]{2})"
    r" speed: (?P<speed>[0-9][0-9,]{0,14})")


def parse_copies(said: str) -> dict[int, Copy]:
    """The devices by minor; one that is not configured is left out."""
    found: dict[int, Copy] = {}
    minor = -1
    for line in said.splitlines():
        device = _DEVICE.match(line)
        if device:
            minor = int(device["minor"])
            if device["here"]:
                found[minor] = Copy(link=device["link"], role=device["role"],
                                    here=device["here"], there=device["there"])
        elif minor in found:
            found[minor] = found[minor].replace(**_figures(line))
    return found


def _figures(line: str) -> dict[str, float | int]:
    """What one of the lines below a device adds."""
    behind, done, finish = _BEHIND.search(line), _DONE.search(line), _FINISH.search(line)
    made: dict[str, float | int] = {}
    if behind:
        made["behind"] = int(behind["behind"])
    if done:
        made["done"] = float(done["done"])
    if finish:
        made["left"] = int(finish["h"]) * 3600 + int(finish["m"]) * 60 + int(finish["s"])
        made["speed"] = int(finish["speed"].replace(",", ""))
    return made
