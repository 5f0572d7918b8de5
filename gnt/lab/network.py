"""Partitions: packets between chosen hosts vanish in the switch, silently, as in a broken network.

The hub keeps the pairs in an nftables set, so a cut stays while its hosts are killed and started.
Only the hosts' network is cut; instances reach each other over their own switch.
"""

from __future__ import annotations

from gnt.errors import GntError
from gnt.lab import needs, power
from gnt.lab.layout import ADMIN, Host, Layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

TABLE = """
add table bridge lab
add set bridge lab cuts { type ifname . ifname; }
add chain bridge lab forward { type filter hook forward priority 0; }
flush chain bridge lab forward
add rule bridge lab forward iifname . oifname @cuts drop
"""


def cut(layout: Layout, host: Host, others: Sequence[Host], *, one_way: bool) -> None:
    """Drop what ``host`` sends to the others and, unless one-way, what they send to it."""
    pairs = [(host, other) for other in _others(layout, host, others)]
    if not one_way:
        pairs += [(other, host) for _, other in pairs]
    _nft(layout, TABLE + f"add element bridge lab cuts {{ {_elements(pairs)} }}\n")


def heal(layout: Layout) -> None:
    """Every host reaches every other again."""
    _nft(layout, TABLE + "flush set bridge lab cuts\n")


def _others(layout: Layout, host: Host, others: Sequence[Host]) -> list[Host]:
    chosen = list(others) or [ADMIN, *layout.nodes()]
    found = [other for other in chosen if other != host]
    if not found:
        raise GntError(f"{host.short} cannot be cut off from itself")
    return found


def _elements(pairs: Sequence[tuple[Host, Host]]) -> str:
    return ", ".join(f'"lan{a.number}" . "lan{b.number}"' for a, b in pairs)


def _nft(layout: Layout, rules: str) -> None:
    import subprocess

    needs.check({"nft": "nftables"})
    hub = power.running(layout).get("hub")
    if hub is None:
        raise GntError(f"lab {layout.name} is not up", hint=f"gnt-lab up 3 --name {layout.name}")
    done = subprocess.run(["nsenter", f"--net=/proc/{hub}/ns/net", "nft", "-f", "-"],
                          input=rules, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GntError(f"the switch refused the cut: {done.stderr.strip()}")
