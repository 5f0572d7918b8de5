"""From a guest to QEMU's command line: a pure function, checked by golden files.

QEMU 5 to 10.  Everything is named (``disk-…``, ``nic-…``) and, on the machine types that have a
plain PCI bus, put in a slot that does not depend on what else the guest has, so that hotplug and
migration find it again.
"""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.hypervisor.kvm import devices, display
from gnt.hypervisor.kvm.params import Params
from gnt.hypervisor.kvm.shell import DIR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.hypervisor.base import Guest


def params_of(guest: Guest) -> Params:
    """The guest's parameters as this driver's own."""
    if not isinstance(guest.params, Params):
        raise Invalid(guest.name, "these are not parameters of the kvm hypervisor")
    return guest.params


def command(guest: Guest, *, incoming: str = "") -> tuple[str, ...]:
    """QEMU's argument list.  ``incoming``: where a migration comes in (``tcp:…`` or ``defer``)."""
    params = params_of(guest)
    argv = [params.kvm_path, *_identity(guest), *_machine(guest, params), *_control(guest, params)]
    argv += _boot(params)
    argv += devices.disks(guest, params)
    argv += devices.removable(guest, params)
    argv += devices.nics(guest, params)
    argv += display.screen(guest, params)
    argv += display.inputs(params)
    argv += _privilege(guest, params)
    if incoming:
        argv += ["-incoming", incoming]
    elif guest.paused or held_at_start(params):
        argv += ["-S"]
    import shlex

    return (*argv, *shlex.split(params.kvm_extra))


def held_at_start(params: Params) -> bool:
    """Whether the guest may only run once a password was set over QMP."""
    return bool(params.vnc_password_file or params.spice_password_file)


def accelerator(guest: Guest, params: Params) -> str:
    """``kvm`` or ``tcg``: as set, else as the node said when the guest was started."""
    if params.kvm_flag:
        return "kvm" if params.kvm_flag == "enabled" else "tcg"
    return str(guest.runtime.get("accel") or "tcg")


def version(guest: Guest) -> tuple[int, int]:
    """Major and minor version of QEMU where the guest was started; (5, 0) when nobody knows."""
    parts = str(guest.runtime.get("version") or "5.0").split(".")
    return (
        (int(parts[0]), int(parts[1]))
        if len(parts) > 1 and parts[0].isdecimal() and (parts[1].isdecimal())
        else (5, 0)
    )


def _identity(guest: Guest) -> list[str]:
    base = f"{DIR}/{guest.uuid}"
    return [
        "-name",
        f"guest={guest.name},debug-threads=on",
        "-uuid",
        guest.uuid,
        "-daemonize",
        "-pidfile",
        f"{base}.pid",
        "-D",
        f"{base}.log",
        "-no-user-config",
        "-nodefaults",
    ]


def _machine(guest: Guest, params: Params) -> list[str]:
    accel = accelerator(guest, params)
    machine = devices.machine_type(guest, params)
    argv = []
    if machine or not params.acpi:
        argv += ["-machine", (machine or "pc") + ("" if params.acpi else ",acpi=off")]
    if accel == "tcg":
        # QEMU otherwise takes up to 1 GiB for translated code, however small the guest
        accel = f"tcg,tb-size={64 if guest.maxmem <= 512 else 256}"
    argv += ["-accel", accel, *_cpu(guest, params), "-m", f"{guest.maxmem}M"]
    if params.mem_path:
        argv += ["-mem-path", params.mem_path, "-mem-prealloc"]
    return [
        *argv,
        "-rtc",
        "base=localtime" if params.use_localtime else "base=utc",
        "-device",
        devices.at(guest, params, 3, "virtio-balloon-pci,id=balloon"),
    ]


def _cpu(guest: Guest, params: Params) -> list[str]:
    smp = f"cpus={guest.vcpus}" if version(guest) >= (6, 0) else f"{guest.vcpus}"
    for name, count in (
        ("sockets", params.cpu_sockets),
        ("cores", params.cpu_cores),
        ("threads", params.cpu_threads),
    ):
        smp += f",{name}={count}" if count else ""
    model = params.cpu_type
    if model.partition(",")[0] == "host" and accelerator(guest, params) != "kvm":
        model = "max" + model.removeprefix("host")
    return ["-smp", smp, *(["-cpu", model] if model else [])]


def _control(guest: Guest, params: Params) -> Iterator[str]:
    """Two QMP sockets, one for conversations and one for looking; console; guest agent."""
    base = f"{DIR}/{guest.uuid}"
    for name in ("qmp", "mon"):
        yield from ("-chardev", f"socket,id={name},path={base}.{name},server=on,wait=off")
        yield from ("-mon", f"chardev={name},mode=control")
    if params.serial_console:
        yield from (
            "-chardev",
            f"socket,id=serial,path={base}.serial,server=on,wait=off,"
            f"logfile={base}.console,logappend=on",
        )
        yield from ("-serial", "chardev:serial")
    if params.use_guest_agent or (params.spice_bind and params.spice_use_vdagent):
        yield from ("-device", devices.at(guest, params, 4, "virtio-serial-pci,id=ports"))
    if params.use_guest_agent:
        yield from ("-chardev", f"socket,id=agent,path={base}.qga,server=on,wait=off")
        yield from ("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0")


def _boot(params: Params) -> Iterator[str]:
    if params.reboot_behavior == "exit":
        yield "-no-reboot"
    if params.user_shutdown:
        yield "-no-shutdown"  # QEMU stays, so that it can be seen that the guest was shut down
    if not params.kernel_path:
        return
    yield from ("-kernel", params.kernel_path)
    if params.initrd_path:
        yield from ("-initrd", params.initrd_path)
    words = [] if params.root_path in ("", "none") else [f"root={params.root_path}"]
    words += [params.kernel_args] if params.kernel_args else []
    if params.serial_console:
        words.append(f"console=ttyS0,{params.serial_speed}")
    yield from ("-append", " ".join(words))


def _privilege(guest: Guest, params: Params) -> Iterator[str]:
    """Give up root after everything is open (``-run-with`` since QEMU 9.1)."""
    user = {"user": params.security_domain, "pool": "@uid@"}.get(params.security_model, "")
    jail = f"{DIR}/{guest.uuid}.jail" if params.use_chroot else ""
    if version(guest) >= (9, 1):
        with_ = [*([f"user={user}"] if user else []), *([f"chroot={jail}"] if jail else [])]
        if with_:
            yield from ("-run-with", ",".join(with_))
        return
    if user:
        yield from ("-runas", user)
    if jail:
        yield from ("-chroot", jail)
