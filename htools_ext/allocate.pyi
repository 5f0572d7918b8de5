from collections.abc import Callable

from gnt.htools_ext.state import State

class Allocator:
    """Finds the best place for new instances in a State; see the implementation."""

    found: int
    failures: list[int]
    def __init__(self, state: State) -> None: ...
    def find(
        self, row: tuple[object, ...], nodes: list[int], policy: list[int], pairs: bool,
        force: bool = False, check: Callable[[int, int], bool] | None = None,
        count: bool = True, primaries: list[int] | None = None, within: int = -1,
    ) -> tuple[int, int, float] | None: ...
    def lost(
        self, row: tuple[object, ...], p: int, s: int, tests: list[tuple[object, ...]],
        force: bool = False,
    ) -> tuple[list[int], int] | int: ...
    def refusals(self, row: tuple[object, ...]) -> list[int]: ...
    def place(self, row: tuple[object, ...], p: int, s: int, force: bool = False) -> int: ...
