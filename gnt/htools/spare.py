"""Is there memory to spare for the loss of any one node?

A plan for each node is looked for: its instances, the largest first, each on the node of its group
that has most memory left.  Finding one proves that the node can be lost, in a small part of the
time that comparing scores takes (the reference's check, in ``htools_ext.evacuate``).
"""

from __future__ import annotations

from heapq import heapify, heapreplace

from gnt.htools.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.htools.world import Instance
    from gnt.htools_ext.state import State


def survivable(world: World, state: State, instances: Sequence[Instance]) -> bool:
    """Whether every node can be lost; ``instances``: those of the state."""
    figures = [state.node(k) for k in range(len(world.nodes))]
    free = [0.0 if f["offline"] else f["u_mem"] for f in figures]
    groups: dict[int, list[int]] = {}
    for k, node in enumerate(world.nodes):
        if not figures[k]["offline"]:
            groups.setdefault(node.group, []).append(k)
    loads: dict[int, list[int]] = {}
    needs = [0.0] * len(world.nodes)
    for i, inst in enumerate(instances):
        if not inst.uses_memory:
            continue
        pri, sec = state.place_of(i)
        if sec >= 0:
            needs[sec] = max(needs[sec], state.peers(sec).get(pri, 0))
        else:
            loads.setdefault(pri, []).append(inst.mem)
    if any(need and free[k] <= need for k, need in enumerate(needs)):
        return False
    return all(_fit(load, [free[k] for k in groups.get(world.nodes[pri].group, ()) if k != pri])
               for pri, load in loads.items())


def _fit(load: list[int], free: list[float]) -> bool:
    """Whether these sizes find room, each on the emptiest."""
    heap = [-room for room in free]
    heapify(heap)
    for size in sorted(load, reverse=True):
        if not heap or -heap[0] <= size:
            return False
        heapreplace(heap, heap[0] + size)
    return True
