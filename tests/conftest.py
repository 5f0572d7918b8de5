"""Fixtures for all tests.  Tests that use ``lab`` carry the marker ``lab`` by themselves."""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.labs import Lab
    from tests.machines import MachineLab


def pytest_configure() -> None:
    """Made-up cases are the same each time, and take as long as the machine needs; what looks for
    new ones is `make fuzz`, `make fuzz-htools` and `make simulate`."""
    from hypothesis import settings

    settings.register_profile("same", deadline=None, derandomize=True)
    settings.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"lab", "new_lab", "machines"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("lab")
    # What takes minutes begins first, beside tests without a lab (Makefile: no reordering by size).
    items.sort(key=lambda item: "machines" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="module")
def new_lab() -> Iterator[Callable[[int], Lab]]:
    """Makes labs of N nodes (0.1 s each) that end with the module."""
    from tests import labs

    labs.sweep()
    made: list[Lab] = []

    def make(count: int) -> Lab:
        made.append(labs.make(f"{len(made)}", count))
        return made[-1]

    yield make
    for lab in made:
        lab.down()


@pytest.fixture(scope="module")
def machines() -> Iterator[MachineLab]:
    """Three virtual nodes with LVM and DRBD, as they are after a boot."""
    from tests import labs
    from tests import machines as virtual

    labs.sweep()
    made = virtual.make("machines")
    yield made
    made.down()


@pytest.fixture(scope="module")
def lab(new_lab: Callable[[int], Lab]) -> Lab:
    """A fresh lab of three nodes for the module."""
    return new_lab(3)
