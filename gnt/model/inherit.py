"""What an object really gets: parameters filled in along the levels (reference C.1, C.3).

``fill`` lays levels over a ``Params`` record, whose fields give type, default and range;
``parse`` reads what a person typed for one level.
"""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.model.objects import Cluster, Disk, Group, Instance, Nic, Node
from gnt.record import Record, field
from gnt.values import BOOL, RESET, SIZE, TEXT, choice, real, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, TypeVar

    from gnt.model.config import Config
    from gnt.model.objects import Params, Scalar

    P = TypeVar("P", bound=Record)


class BackendParams(Record):
    minmem: int = field(SIZE, "memory the instance keeps at least", default=128)
    maxmem: int = field(SIZE, "memory the instance gets at most", default=128)
    vcpus: int = field(whole(1, 4096), "virtual CPUs", default=1)
    auto_balance: bool = field(BOOL, "counted for N+1, moved by the balancer", default=True)
    always_failover: bool = field(BOOL, "failed over, never migrated", default=False)
    spindle_use: int = field(whole(0), "spindles it counts as", default=1)


class NicParams(Record):
    mode: str = field(
        choice("bridged", "routed", "openvswitch", "ext"), "how it is connected", default="bridged"
    )
    link: str = field(TEXT, "bridge, switch or routing table", default="br0")
    vlan: str = field(TEXT, "VLAN: 10 or .10 access, :10:20 trunk, .10:20:30 both", default="")


class NodeParams(Record):
    oob_program: str = field(TEXT, "out-of-band helper", default="")
    spindle_count: int = field(whole(1), "physical spindles", default=1)
    exclusive_storage: bool = field(BOOL, "disks get physical volumes of their own", default=False)
    ovs: bool = field(BOOL, "Open vSwitch is set up", default=False)
    ovs_name: str = field(TEXT, "name of the switch", default="switch1")
    ovs_link: str = field(TEXT, "its uplink interface", default="")
    ssh_port: int = field(whole(1, 65535), "where sshd listens", default=22)
    cpu_speed: float = field(real(0.01), "speed relative to the others", default=1.0)


def parse(cls: type[Record], typed: Mapping[str, str], where: str) -> dict[str, Scalar]:
    """One level as typed: unknown names and bad values are refused; ``default`` becomes None."""
    level: dict[str, Scalar] = {}
    for name, text in typed.items():
        if name not in cls.FIELDS:
            import difflib

            close = difflib.get_close_matches(name, list(cls.FIELDS), 1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(cls.FIELDS)}"
            raise Invalid(where, f"there is no parameter {name!r}", hint=hint)
        path = f"{where}.{name}" if where else name
        level[name] = None if text == RESET else cls.FIELDS[name].kind.read(text, path)
    return level


def overlay(level: Params, changes: Params) -> dict[str, Scalar]:
    """A level with changes laid over it; None takes a name out."""
    return {k: v for k, v in {**level, **changes}.items() if v is not None}


def fill(cls: type[P], levels: Iterable[Params], where: str) -> P:
    """The record after all levels, lowest first."""
    merged: dict[str, Any] = {}
    for level in levels:
        for name, value in level.items():
            if name not in cls.TYPES:
                raise Invalid(f"{where}.{name}", "this parameter is not known here")
            merged[name] = value
    return cls(**merged)


def parse_backend(typed: Mapping[str, str], where: str = "-B") -> dict[str, Scalar]:
    """Backend parameters as typed; ``memory`` sets both minmem and maxmem."""
    words = dict(typed)
    memory = words.pop("memory", None)
    if memory is not None:
        words = {"minmem": memory, "maxmem": memory, **words}
    return parse(BackendParams, words, where)


def backend(cfg: Config, inst: Instance) -> BackendParams:
    filled = fill(BackendParams, (cfg.cluster.beparams, inst.beparams), f"{inst.name}.beparams")
    if filled.minmem > filled.maxmem:
        raise Invalid(
            f"{inst.name}.beparams",
            f"minmem ({filled.minmem}M) is more than maxmem ({filled.maxmem}M)",
        )
    return filled


def nic(cfg: Config, nic: Nic, group: Group | None = None) -> NicParams:
    """A NIC in a network gets the parameters of the network's connection to the group."""
    levels: list[Params] = [cfg.cluster.nicparams]
    if nic.network and group is not None and nic.network in group.networks:
        levels.append(group.networks[nic.network])
    return fill(NicParams, (*levels, nic.nicparams), f"nic {nic.uuid}")


def node(cfg: Config, node: Node) -> NodeParams:
    group = cfg.one(Group, node.group)
    return fill(
        NodeParams, (cfg.cluster.ndparams, group.ndparams, node.ndparams), f"{node.name}.ndparams"
    )


def hypervisor_levels(cluster: Cluster, inst: Instance) -> tuple[Params, ...]:
    """The levels of hypervisor parameters, lowest first: cluster, OS, OS+variant, instance."""
    name, _, variant = inst.os.partition("+")
    systems = [name, inst.os] if variant else [name]
    return (
        cluster.hvparams.get(inst.hypervisor, {}),
        *(cluster.os_hvp.get(system, {}).get(inst.hypervisor, {}) for system in systems),
        inst.hvparams,
    )


def os_levels(cluster: Cluster, inst: Instance) -> tuple[Params, ...]:
    """The levels of OS parameters, lowest first."""
    name, _, variant = inst.os.partition("+")
    systems = [name, inst.os] if variant else [name]
    return (*(cluster.osparams.get(system, {}) for system in systems), inst.osparams)


def os_private_levels(cluster: Cluster, inst: Instance) -> tuple[Params, ...]:
    """The levels of private OS parameters, lowest first; their values are marks."""
    name, _, variant = inst.os.partition("+")
    systems = [name, inst.os] if variant else [name]
    known = cluster.osparams_private_cluster
    return (*(known.get(system, {}) for system in systems), inst.osparams_private)


def disk_levels(cluster: Cluster, group: Group, disk: Disk) -> tuple[Params, ...]:
    """The levels of disk parameters, lowest first."""
    return (
        cluster.diskparams.get(disk.dev_type, {}),
        group.diskparams.get(disk.dev_type, {}),
        disk.params,
    )
