"""Orders: what a signer lets one connection to one node run, as a text that a node can check.

    gnt-order-1
    for CHALLENGE       what the gate greeted this connection with
    job JOB TERM        the job (- : none) and its term (0: of no importance)
    run DIGEST STDIN    SHA-256 of a script with its words, and of its standard input (- : none)

It is signed in the namespace ``gnt-order``.  The challenge makes it good for one connection only:
when that ends, nothing can be run by it any more.
"""

from __future__ import annotations

from gnt.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Grant = tuple[str, str]  # digest of a text, digest of its standard input or "-"

NAMESPACE = "gnt-order"
MOST = 8000  # scripts in one order: the gate takes a megabyte


class Orders:
    """Signs for one person.  ``sign``: the armored SSHSIG of some bytes in our namespace.

    ``plans``: what jobs are known to be going to run, by job and node: one order covers it all.
    """

    def __init__(self, sign: Callable[[bytes], bytes]) -> None:
        self._sign = sign
        self.plans: dict[tuple[str, str], tuple[Grant, ...]] = {}

    def order(
        self, challenge: str, job: str, term: int, grants: Iterable[Grant],
    ) -> tuple[bytes, bytes]:
        """An order and its signature."""
        lines = ["gnt-order-1", f"for {challenge}", f"job {job} {term}"]
        lines += [f"run {text} {stdin}" for text, stdin in dict.fromkeys(grants)]
        if len(lines) > MOST:
            raise Invalid("plan", f"{len(lines)} scripts for one node are too many for one order")
        data = ("\n".join(lines) + "\n").encode()
        return data, self._sign(data)
