"""gnt-instance modify."""

from __future__ import annotations

from gnt.commands._edits import change, drop, put, unchanged
from gnt.commands.instance import _alter, _disks, _guest, _install, _life, _private, _wish
from gnt.commands.instance._select import One
from gnt.errors import Conflict, Invalid
from gnt.guest import seed
from gnt.hypervisor.base import Migratable, hypervisor
from gnt.model import inherit
from gnt.model.objects import Group
from gnt.plan import Plan
from gnt.spec import opt, opts
from gnt.values import BOOL, NAMED_PAIRS, PAIRS, RESET, SIZE, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Instance, Params
    from gnt.plan import Call, Step
    from gnt.spec import Operation, Seen, Session

    Typed = tuple[str, Mapping[str, str]]


class Modify(One, command="instance modify"):
    """Change an instance's parameters, NICs, disks or memory.

    Backend and hypervisor parameters count from the next start on; a parameter with the value
    default is inherited again.  NICs and disks are added, removed and changed while the instance
    is down: N:add,…, N:remove, N:modify,… or -1:add for the end.  -m gives a running guest more
    or less memory, between its minmem and maxmem.
    """

    hook = "instance-modify"
    rapi = "PUT /2/instances/{name}/modify"
    examples = (
        ("gnt-instance modify -B maxmem=4g,vcpus=4 web", "from its next start on"),
        ("gnt-instance modify -m 2g web", "give the running guest 2 GiB"),
        ("gnt-instance modify --disk -1:add,size=20g --net 0:modify,link=br1 web", "while down"),
        ("gnt-instance modify --offline web", "not to be started by anybody"),
    )

    backend_parameters: Mapping[str, str] = opt(PAIRS, "backend parameters", default={}, short="-B")
    hypervisor_parameters: Mapping[str, str] = opt(PAIRS, "hypervisor parameters", default={},
                                                   short="-H")
    os_parameters: Mapping[str, str] = opt(PAIRS, "OS parameters; KEY=default takes one back",
                                           default={}, short="-O")
    os_parameters_private: Mapping[str, str] = opt(
        PAIRS, "OS parameters that only master candidates can read", default={})
    os_parameters_sealed: Mapping[str, str] = opt(PAIRS, "private OS parameters as they are stored",
                                                  default={}, hidden=True)
    os_type: str | None = opt(TEXT, "what is installed", default=None, short="-o", metavar="OS")
    disk: tuple[Typed, ...] = opts(NAMED_PAIRS, "a disk: N:add,size=…, N:remove, N:modify,mode=…",
                                   metavar="N:ACTION,…")
    net: tuple[Typed, ...] = opts(NAMED_PAIRS, "a NIC: N:add,…, N:remove, N:modify,…",
                                  metavar="N:ACTION,…")
    runtime_memory: int | None = opt(SIZE, "memory of the running guest", default=None, short="-m")
    offline: bool = opt(BOOL, "mark it as not to be started", default=False)
    online: bool = opt(BOOL, "take that mark away", default=False)
    conflicts_check: bool = opt(BOOL, "refuse addresses that something else has", default=True)
    ignore_ipolicy: bool = opt(BOOL, "also when the instance policy does not allow it",
                               default=False)
    force: bool = opt(BOOL, "also OS names that are not known", default=False, short="-f")

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        """With user-data that is in a file of this machine, and what is private sealed."""
        _private.require_apart(self.os_parameters, self.os_parameters_private)
        private = _private.sealed(session, self.name, self.os_parameters_private,
                                  "--os-parameters-private")
        return (self.replace(os_parameters=_install.with_file(self.os_parameters),
                             os_parameters_private={},
                             os_parameters_sealed={**self.os_parameters_sealed, **private}),)

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        inst = cfg.instance(self.name)
        node = _life.home(cfg, inst)
        if self._touches_devices() or self.runtime_memory is not None:
            _life.require_online(node, inst)
            yield _life.running(inst, node)

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        inst = cfg.instance(self.name)
        _life.require_made(inst)
        if self._touches_devices():
            self._require_down(cfg, inst, seen)
        altered = self._parameters(cfg, self._marked(inst))
        devices = _alter.devices(cfg, altered, self.net, self.disk, check=self.conflicts_check)
        balloon = self._balloon(cfg, inst, seen)
        if devices.instance == inst and not devices.changed and not balloon:
            return unchanged(self, asked=self.offline or self.online)
        if self.net:
            seed.require_networks(cfg, devices.instance)
        self._judge(cfg, devices)
        edits = (change(devices.instance),) if devices.instance != inst else ()
        return Plan(
            start=tuple(put(disk) for disk in devices.added),
            attempt=tuple(_disks.create(cfg.plus(*devices.added), devices.tops)),
            pivot=edits if devices.removed else (),
            settle=(*_disks.remove(cfg, devices.removed), *balloon),
            end=((() if devices.removed else edits)
                 + tuple(put(disk) for disk in devices.modified)
                 + tuple(drop(disk) for disk in devices.removed)),
        )

    def _touches_devices(self) -> bool:
        return bool(self.disk or self.net)

    def _require_down(self, cfg: Config, inst: Instance, seen: Seen) -> None:
        _life.require_down(inst, "changing its NICs or disks")
        _life.require_ended(inst, _life.home(cfg, inst), seen)

    def _marked(self, inst: Instance) -> Instance:
        if self.offline and self.online:
            raise Invalid("--online", "contradicts --offline")
        if self.offline:
            _life.require_down(inst, "marking it offline")
            return inst.replace(admin_state="offline")
        if self.online:
            _life.require_down(inst, "marking it online")
        return inst.replace(admin_state="down") if self.online else inst

    def _parameters(self, cfg: Config, inst: Instance) -> Instance:
        """With the new parameters of every family, checked as a whole."""
        typed = inherit.parse_backend(self.backend_parameters)
        hv = _wish.hv_level(inst.hypervisor, self.hypervisor_parameters)
        system, private = _os_level(self.os_parameters), _os_level(self.os_parameters_sealed)
        altered = inst.replace(
            beparams=inherit.overlay(inst.beparams, typed),
            hvparams=inherit.overlay(inst.hvparams, hv),
            osparams=inherit.overlay(inst.osparams, system),
            osparams_private=inherit.overlay(inst.osparams_private, private),
            os=inst.os if self.os_type is None else self.os_type,
        )
        inherit.backend(cfg, altered)
        _guest.hv_params(cfg, altered)
        return altered

    def _balloon(self, cfg: Config, inst: Instance, seen: Seen) -> tuple[Step, ...]:
        if self.runtime_memory is None:
            return ()
        node, be = _life.home(cfg, inst), inherit.backend(cfg, inst)
        driver = hypervisor(inst.hypervisor)
        if not isinstance(driver, Migratable):
            raise Conflict(f"the memory of {inst.hypervisor} guests cannot change while they run")
        if not _life.runs_on(inst, node, seen):
            raise Conflict(f"{inst.name} does not run", hint="-B memory=SIZE for its next start")
        if not be.minmem <= self.runtime_memory <= be.maxmem:
            raise Invalid("-m", f"{self.runtime_memory} MiB is outside {inst.name}'s minmem and "
                          f"maxmem ({be.minmem} to {be.maxmem} MiB)")
        return tuple(driver.balloon(_guest.guest(cfg, inst, node), self.runtime_memory))

    def _judge(self, cfg: Config, devices: _alter.Devices) -> None:
        """Raise PolicyViolation for an instance that the group does not allow."""
        if self.ignore_ipolicy or not (devices.changed or self.backend_parameters):
            return
        inst = devices.instance
        group = cfg.one(Group, _life.home(cfg, inst).group)
        _wish.specification(cfg, inst, sizes=devices.sizes).enforce(cfg, group)


def _os_level(typed: Mapping[str, str]) -> Params:
    return {key: None if value == RESET else value for key, value in typed.items()}
