"""Tests that make nodes of namespaces need root and QEMU: they carry the marker ``lab``."""

from __future__ import annotations

import pytest

NODES = {"one", "two", "pair"}  # the fixtures that make them
SLOW = ("does_not_answer_is_not_ended", "cannot_be_asked")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.path.is_relative_to(__file__.rpartition("/")[0]):
            continue
        if NODES & set(getattr(item, "fixturenames", ())) or item.path.stem == "test_linux":
            item.add_marker("lab")
        if any(name in item.name for name in SLOW):
            item.add_marker("slow")
