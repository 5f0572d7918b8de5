from gnt.htools_ext.state import State

class Search:
    """Annealing over moves and exchanges; see the implementation."""

    def __init__(self, state: State, homes: list[tuple[int, int]], seed: int = 1) -> None: ...
    def run(
        self, tries: int, hot: float = 0.05, cold: float = 2e-4, *, price_move: float = 1e-3,
        price_gib: float = 0.0, most_moves: float = 1e18, most_gib: float = 1e18,
    ) -> tuple[float, float, float]: ...
