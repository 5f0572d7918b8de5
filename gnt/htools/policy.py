"""Does an instance fit its group's policy?  The answer is a failure's number, or -1."""

from __future__ import annotations

from gnt.htools.world import DISKLESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.htools.world import Instance, Policy, Spec, World

OK = -1
FAIL_MEM, FAIL_DISK, FAIL_CPU, FAIL_N1, FAIL_TAGS = range(5)
FAIL_MIG, FAIL_COUNT, FAIL_SPN, FAIL_INTERNAL = range(5, 9)


def beyond(inst: Instance, spec: Spec, sign: int, exclusive: bool) -> int:
    """Why the instance is below (sign 1) or above (-1) a specification."""
    if sign * (spec.memory - inst.mem) > 0:
        return FAIL_MEM
    if any(sign * (spec.disk_size - d.size) > 0 for d in inst.disks):
        return FAIL_DISK
    if sign * (spec.cpus - inst.vcpus) > 0:
        return FAIL_CPU
    spindles = inst.spindles if exclusive else inst.spindle_use
    if spindles is None or sign * (spec.spindle_use - spindles) > 0:
        return FAIL_SPN
    if inst.template != DISKLESS and sign * (spec.disk_count - len(inst.disks)) > 0:
        return FAIL_COUNT
    return OK


def refused(inst: Instance, policy: Policy, exclusive: bool) -> int:
    """Why the policy refuses an instance; of several ranges the first one's reason counts."""
    reasons = []
    for low, high in policy.minmax:
        why = beyond(inst, low, 1, exclusive)
        reasons.append(why if why != OK else beyond(inst, high, -1, exclusive))
    if reasons and OK not in reasons:
        return reasons[0]
    return OK if inst.template in policy.templates else FAIL_DISK


def by_node(world: World, inst: Instance) -> list[int]:
    """The same for every node."""
    known: dict[tuple[int, bool], int] = {}
    found = []
    for n in world.nodes:
        key = (n.group, n.exclusive_storage)
        if key not in known:
            known[key] = refused(inst, world.policy_of(n), n.exclusive_storage)
        found.append(known[key])
    return found


class Refusals:
    """``refusals[node][instance]``, made when asked for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._rows: dict[int, Row] = {}

    def __getitem__(self, node: int) -> Row:
        if node not in self._rows:
            self._rows[node] = Row(self.world, node)
        return self._rows[node]


class Row:
    def __init__(self, world: World, node: int) -> None:
        self.world, self.node = world, world.nodes[node]

    def __getitem__(self, inst: int) -> int:
        return refused(self.world.instances[inst], self.world.policy_of(self.node),
                       self.node.exclusive_storage)
