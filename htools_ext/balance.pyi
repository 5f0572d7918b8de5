from gnt.htools_ext.state import State

class Balance:
    """Chooses moves for a State as htools does, and applies them."""

    scans: int
    def __init__(
        self, state: State, *, disk_moves: bool = True, inst_moves: bool = True,
        restricted: bool = False, evacuate: bool = False, force: bool = False, loops: bool = True,
    ) -> None: ...
    def step(
        self, min_gain_limit: float = 0.1, min_gain: float = 0.01,
    ) -> tuple[int, int, int, float] | None: ...
