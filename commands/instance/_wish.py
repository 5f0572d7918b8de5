"""What ``instance add`` asks for, read and checked against the cluster, before a node is chosen."""

from __future__ import annotations

from gnt.errors import Conflict, Invalid
from gnt.hypervisor.base import hypervisor
from gnt.model import inherit, policy
from gnt.model.objects import Group, Instance
from gnt.record import Record
from gnt.storage.base import storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gnt.model.config import Config
    from gnt.model.inherit import BackendParams
    from gnt.model.objects import Params
    from gnt.storage.base import DiskSpec


def enabled_hypervisor(cfg: Config, name: str) -> str:
    """The hypervisor to use: the one named, or the cluster's first."""
    return _enabled("hypervisor", hypervisor, cfg.cluster.enabled_hypervisors, name)


def enabled_template(cfg: Config, name: str) -> str:
    """The disk template to use: the one named, or the cluster's first."""
    return _enabled("disk template", storage, cfg.cluster.enabled_disk_templates, name)


def _enabled(
    kind: str, driver: Callable[[str], object], enabled: tuple[str, ...], name: str,
) -> str:
    chosen = name or enabled[0]
    if chosen not in enabled:
        driver(chosen)  # raises where there is none of that name
        raise Conflict(f"{kind} {chosen} is not enabled (enabled: {', '.join(enabled)})",
                       hint=f"gnt-cluster modify --enabled-{kind.replace(' ', '-')}s "
                            f"{','.join((*enabled, chosen))}")
    return chosen


def hv_level(name: str, typed: Mapping[str, str], where: str = "-H") -> Params:
    """Hypervisor parameters for one instance; those of the whole cluster are refused."""
    driver = hypervisor(name)
    for key in typed:
        if key in driver.global_params:
            raise Invalid(f"{where}.{key}", "can only be set for the whole cluster",
                          hint=f"gnt-cluster modify -H {name}:{key}={typed[key]}")
    return inherit.parse(driver.params, typed, where)


def needs_port(name: str) -> bool:
    """Whether guests of a hypervisor may have a graphical console, which needs a TCP port."""
    return any(field.endswith("_bind_address") or field == "spice_bind"
               for field in hypervisor(name).params.FIELDS)


class Specification(Record):
    """The figures that policies judge."""

    be: BackendParams
    sizes: tuple[int, ...]
    nics: int
    template: str

    def enforce(self, cfg: Config, group: Group) -> None:
        """Raise PolicyViolation when the group does not allow this."""
        wanted: dict[str, int | tuple[int, ...]] = {
            "memory-size": tuple(sorted({self.be.minmem, self.be.maxmem})),
            "cpu-count": self.be.vcpus,
            "nic-count": self.nics,
            "spindle-use": self.be.spindle_use,
        }
        if storage(self.template).takes_disks:
            wanted |= {"disk-count": len(self.sizes), "disk-size": self.sizes}
        policy.enforce(policy.policy(cfg.cluster, group), wanted, self.template, group.name)


def specification(
    cfg: Config, inst: Instance, *, sizes: Iterable[int] | None = None,
) -> Specification:
    """An instance's figures; ``sizes`` of its disks when they are not in ``cfg`` yet."""
    own = [disk.size for disk in cfg.disks(inst)] if sizes is None else sizes
    return Specification(be=inherit.backend(cfg, inst), sizes=tuple(own), nics=len(inst.nics),
                         template=inst.disk_template)


def require_new_name(cfg: Config, name: str) -> None:
    """Raise Conflict when an instance or a node has this name."""
    cfg.require_new(Instance, name)
    if cfg.state.find("node.name", name):
        raise Conflict(f"{name} is the name of a node", hint="choose another name")


def total(specs: Sequence[DiskSpec], template: str) -> int:
    """MiB that disks of these sizes take on a node, as the cluster counts them."""
    return sum(spec.size for spec in specs) if storage(template).takes_disks else 0
