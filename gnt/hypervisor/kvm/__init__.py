"""KVM and QEMU: a guest is a QEMU process that daemonizes, watched and steered over QMP."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.guest.seed import placing
from gnt.hypervisor.base import Migratable
from gnt.hypervisor.kvm import check, command, display, migration, qmp, tasks
from gnt.hypervisor.kvm.command import params_of
from gnt.hypervisor.kvm.params import GLOBAL, Params, as_started, recorded
from gnt.hypervisor.kvm.shell import DIR
from gnt.plan import Step
from gnt.values import show_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from gnt.hypervisor.base import Capabilities, Guest, Running
    from gnt.plan import Call
    from gnt.record import Record

PORTS = 100  # from migration_port on


class Kvm(Migratable):
    name = "kvm"
    params: ClassVar[type[Record]] = Params
    global_params = GLOBAL

    def check(self, params: Record, where: str) -> None:
        check.check(params, where)

    def capabilities(self, node: str, params: Record) -> Call[Capabilities]:
        assert isinstance(params, Params)
        return tasks.capabilities.on(
            node, params.kvm_path, params.kvm_flag, params.machine_version, recorded(params)
        )

    def start(self, guest: Guest) -> Iterator[Step]:
        params = params_of(guest)
        yield from self._seed(guest)
        yield self._run(guest, command.command(guest))
        if params.cpu_mask != "all":
            yield _pin(guest, params)
        if guest.memory < guest.maxmem:
            yield from self.balloon(guest, guest.memory)
        yield from self._unlock(guest, params)

    def _run(self, guest: Guest, argv: tuple[str, ...]) -> Step:
        params = params_of(guest)
        pool = tuple(f"{low}-{high}" for low, high in guest.uid_pool)
        if params.security_model != "pool":
            pool = ()
        elif not pool:
            raise Invalid(
                f"{guest.name}: security_model",
                "pool needs the cluster's pool of users",
                hint="gnt-cluster modify --uid-pool 5000-5099",
            )
        return Step(
            do=tasks.start.on(guest.node, guest.uuid, argv, display.interface(params), pool),
            undo=tasks.forget.on(guest.node, guest.uuid),
            title=f"start {guest.name}",
        )

    def _seed(self, guest: Guest) -> Iterator[Step]:
        if guest.seed is not None:
            yield placing(guest.seed, guest.node, f"{DIR}/{guest.uuid}.seed")

    def _unlock(self, guest: Guest, params: Params) -> Iterator[Step]:
        for protocol, file in (
            ("vnc", params.vnc_password_file),
            ("spice", params.spice_password_file),
        ):
            if file:
                yield Step(
                    do=qmp.unlock.on(
                        guest.node, guest.node, guest.uuid, protocol, file, guest.paused
                    ),
                    title=f"set the {protocol.upper()} password of {guest.name}",
                )

    def stop(self, guest: Guest, timeout: int) -> Iterator[Step]:
        if timeout > 0 and params_of(guest).acpi:
            yield Step(
                do=qmp.power_down.on(guest.node, guest.node, guest.uuid, timeout),
                title=f"ask {guest.name} to shut down",
            )
        yield Step(do=tasks.kill.on(guest.node, guest.uuid), title=f"end {guest.name}")

    def forget(self, guest: Guest) -> Iterator[Step]:
        title = f"take the logs of {guest.name} away"
        yield Step(do=tasks.forget.on(guest.node, guest.uuid), title=title)

    def reboot(self, guest: Guest) -> Iterator[Step]:
        if params_of(guest).reboot_behavior == "reboot":
            yield Step(
                do=qmp.reset.on(guest.node, guest.node, guest.uuid), title=f"reset {guest.name}"
            )
            return
        # QEMU would exit at a reset
        yield Step(do=tasks.kill.on(guest.node, guest.uuid), title=f"end {guest.name}")
        yield from self.start(guest)

    def found(self, node: str) -> Call[tuple[Running, ...]]:
        return tasks.found.on(node)

    def leftovers(self, node: str) -> Call[tuple[str, ...]]:
        return tasks.leftovers.on(node)

    def console(self, guest: Guest) -> tuple[str, ...]:
        return ("socat", "STDIO,raw,echo=0,escape=0x1d", f"UNIX-CONNECT:{DIR}/{guest.uuid}.serial")

    def console_log(self, guest: Guest, lines: int) -> Call[str]:
        return tasks.console_log.on(guest.node, guest.uuid, lines)

    def migrate(
        self,
        guest: Guest,
        target: Guest,
        *,
        live: bool,
    ) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        here, there = guest.node, target.node
        params = as_started(params_of(guest), str(guest.runtime.get("params", "")))
        guest, target = guest.replace(params=params), target.replace(params=params)
        to = self._target(guest, target, live)
        argv = command.command(target, incoming="defer" if to.capabilities else to.uri)
        wait = self._run(target, argv).replace(
            undo=migration.abandon.on(there, there, guest.uuid),
            title=f"wait for {guest.name} on {there}",
        )
        attempt = [*self._seed(target), wait]
        if to.capabilities:
            listen = migration.listen.on(there, there, guest.uuid, to.uri, to.capabilities)
            attempt.append(Step(do=listen, title=f"agree on {params.migration_caps}"))
        attempt += [
            Step(
                do=migration.send.on(here, here, guest.uuid, dict(to.items())),
                undo=migration.stay.on(here, here, guest.uuid, guest.paused),
                title=f"migrate {guest.name} to {there}",
            ),
            Step(
                do=migration.arrived.on(there, there, guest.uuid, guest.paused),
                title=f"see that {guest.name} runs on {there}",
            ),
        ]
        settle = [
            Step(
                do=migration.recall.on(there, there, guest.uuid, here),
                title=f"carry the console's log of {guest.name} along",
            ),
            Step(do=tasks.forget.on(here, guest.uuid), title=f"end {guest.name} on {here}"),
        ]
        if params.cpu_mask != "all":
            settle.append(_pin(target, params))
        settle += self._unlock(target, params)
        return tuple(attempt), tuple(settle)

    def _target(self, guest: Guest, target: Guest, live: bool) -> migration.Target:
        params = params_of(guest)
        port = target.migration_port or guest.migration_port or self._port(guest)
        if not target.address:
            raise Invalid(guest.name, f"the address of {target.node} for migrations is not known")
        host = f"[{target.address}]" if ":" in target.address else target.address
        return migration.Target(
            uri=f"tcp:{host}:{port}",
            memory=target.maxmem,
            vcpus=target.vcpus,
            bandwidth=params.migration_bandwidth,
            downtime=params.migration_downtime,
            capabilities=tuple(name for name in params.migration_caps.split(":") if name),
            live=live,
        )

    def incoming_port(self, guest: Guest) -> Call[int]:
        params = params_of(guest)
        return tasks.free_port.on(
            guest.node, params.migration_port, self._port(guest) - params.migration_port
        )

    def _port(self, guest: Guest) -> int:
        """Spread by uuid, so that several guests can move to one node at a time."""
        return params_of(guest).migration_port + int(guest.uuid[:8], 16) % PORTS

    def balloon(self, guest: Guest, memory: int) -> Iterator[Step]:
        yield Step(
            do=qmp.balloon.on(guest.node, guest.node, guest.uuid, memory),
            title=f"give {guest.name} {show_size(memory)} of memory",
        )


def _pin(guest: Guest, params: Params) -> Step:
    return Step(
        do=tasks.pin.on(guest.node, guest.uuid, check.masks(guest, params)),
        title=f"bind {guest.name} to its processors",
    )


DRIVER = Kvm()
