"""What a seed stands for, drawn before anything happens."""

from __future__ import annotations

import errno
import random

SPAN = 260  # messages among which accidents happen
TROUBLE = (  # what a disk does not do for a while, and why
    {"write": errno.ENOSPC}, {"write": errno.EDQUOT}, {"write": errno.EIO},
    {"fsync": errno.EIO}, {"rename": errno.EIO}, {"rename": errno.ENOSPC}, {"read": errno.EIO},
    {"write": errno.EIO, "truncate": errno.EIO},  # not even what was half written can be cut
)
KINDS = ("kill", "kill", "crash", "crash", "cut", "cut", "cut", "rough", "rough", "trouble",
         "trouble", "clock", "restore", "blackout", "behead", "behead", "orphan", "orphan", "stray",
         "stray", "outage")
YEARS = 10 * 365 * 86400.0


class Plan:
    """What a seed stands for: sizes, actions and accidents.

    ``together``: whether clients commit several changes at once; None: with even seeds.
    """

    def __init__(self, seed, together=None):
        self.seed, self.together = seed, seed % 2 == 0 if together is None else together
        draw = random.Random(f"plan {seed}")
        self.count = draw.choice([3, 3, 3, 4, 5, 5, 6, 7, 8, 9])
        self.names = [f"n{number + 1}" for number in range(self.count)]
        number = draw.choice([2, 2, 3, 3, 4, 5, 6, 7, 8] if self.count < 6 else [2, 2, 3, 3, 8])
        some = draw.sample(self.names, min(number, self.count))  # a driver may be on a candidate
        self.machines = [some[i] if i < len(some) and draw.random() < 0.2 else f"m{i}"
                         for i in range(number)]
        self.failing = draw.choice([0.0, 0.0, 0.05])
        each = 12 // len(self.machines) + 2
        self.actions = [[self._action(draw, c, i) for i in range(each)]
                        for c in range(len(self.machines))]
        self.faults = sorted(self._fault(draw) for _ in range(draw.choice([0, 1, 2, 3, 4, 6, 8])))

    def _action(self, draw, client, number):
        kind = draw.choices(["commit", "read", "job", "failover", "redistribute", "recover"],
                            [10, 3, 4, 2, 1, 2])[0]
        return (kind, *{
            "commit": lambda: [f"t{client}.{number}"],
            "job": lambda: [draw.choice(["build", "build", "remove", "tidy"]),
                            draw.choice(["a", "b"]), ",".join(draw.sample(self.names, 2))],
            "failover": lambda: [draw.choice(self.names)],
            "recover": lambda: [draw.choice(["resume", "undo"])],
        }.get(kind, list)())

    def _fault(self, draw):
        at, length = draw.randrange(SPAN), draw.choice([0.3, 3.0, 30.0]) * draw.expovariate(1)
        kind = draw.choice(KINDS)
        some = draw.sample(self.names, draw.randint(1, self.count))
        machine = draw.choice([*self.machines, "*"])
        ways = draw.choice([("to", "from"), ("to", "from"), ("to",), ("from",)])
        return at, kind, {
            "kill": (draw.randrange(len(self.machines)), length),
            "crash": (some[0], length),
            "cut": (machine, tuple(some), ways, length),
            "rough": (tuple(some), draw.uniform(0.05, 0.4), length),
            "trouble": (draw.choice([*some, machine]), draw.randrange(len(TROUBLE)), 3.0 + length),
            "outage": (draw.randrange(len(self.machines)), length),
            "clock": (draw.choice([*self.machines, *self.names]),
                      draw.choice([YEARS, -YEARS, 3600.0, -3600.0])),
            "restore": (some[0], length),
            "blackout": (length,),
            "behead": (draw.random() < 0.5, 20.0 + length),
            "orphan": (draw.choice(["resume", "undo"]), length),
            "stray": (some[0], length < 1.0, 20.0 + length),
        }[kind]
