from gnt.htools_ext.balance import Balance

class Descent(Balance):
    """The fast descent; ``run`` returns (instance, move, target, score) for every step."""

    def run(
        self, limit: int = -1, min_gain_limit: float = 0.1, min_gain: float = 0.01,
        min_score: float = -1e300,
    ) -> list[tuple[int, int, int, float]]: ...
