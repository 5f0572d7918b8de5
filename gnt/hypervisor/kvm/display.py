"""QEMU's arguments for the graphical console, sound, USB and pointers."""

from __future__ import annotations

from gnt.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.hypervisor.base import Guest
    from gnt.hypervisor.kvm.params import Params

VNC_BASE = 5900
SOUND = {
    "hda": ("intel-hda", "hda-duplex,audiodev=sound"),
    "ac97": ("AC97,audiodev=sound",),
    "es1370": ("ES1370,audiodev=sound",),
    "sb16": ("sb16,audiodev=sound",),
    "adlib": ("adlib,audiodev=sound",),
    "cs4231a": ("cs4231a,audiodev=sound",),
    "gus": ("gus,audiodev=sound",),
}
USB = {"tablet": "usb-tablet", "mouse": "usb-mouse", "keyboard": "usb-kbd"}


def screen(guest: Guest, params: Params) -> Iterator[str]:
    """VNC, SPICE, or no screen at all."""
    if params.spice_bind:
        yield from _spice(guest, params)
    elif params.vnc_bind_address:
        yield from _vnc(guest, params)
    else:
        yield from ("-display", "none")
    if params.keymap:
        yield from ("-k", params.keymap)
    card = params.vga or (
        "qxl" if params.spice_bind else "std" if params.vnc_bind_address else "none"
    )
    yield from ("-vga", card)


def interface(params: Params) -> str:
    """The interface whose address the console binds to; empty when an address is given."""
    bind = params.spice_bind or params.vnc_bind_address
    return "" if _is_address(bind) or bind.startswith("/") else bind


def _is_address(text: str) -> bool:
    return ":" in text or text.replace(".", "").isdecimal()


def _address(params: Params, bind: str) -> str:
    if interface(params):
        return "@bind@"  # the start script puts the interface's address here
    return f"[{bind}]" if ":" in bind else bind


def _port(guest: Guest) -> int:
    if guest.console_port is None:
        raise Invalid(
            guest.name,
            "a graphical console needs a port, and none was reserved",
            hint=f"gnt-instance shutdown {guest.name}, then start it again",
        )
    return guest.console_port


def _vnc(guest: Guest, params: Params) -> Iterator[str]:
    if params.vnc_tls:
        verify = "yes" if params.vnc_x509_verify else "no"
        yield from (
            "-object",
            f"tls-creds-x509,id=vnctls,dir={params.vnc_x509_path or '/etc/gnt/vnc'},"
            f"endpoint=server,verify-peer={verify}",
        )
    bind = params.vnc_bind_address
    if bind.startswith("/"):
        text = f"unix:{bind.rstrip('/')}/{guest.name}.vnc"
    else:
        text = f"{_address(params, bind)}:{_port(guest) - VNC_BASE}"
    text += ",tls-creds=vnctls" if params.vnc_tls else ""
    yield from ("-vnc", text + (",password=on" if params.vnc_password_file else ""))


def _spice(guest: Guest, params: Params) -> Iterator[str]:
    port = "tls-port" if params.spice_use_tls else "port"
    words = [f"{port}={_port(guest)}", f"addr={_address(params, params.spice_bind).strip('[]')}"]
    if params.spice_ip_version:
        words.append(f"ipv{params.spice_ip_version}=on")
    if params.spice_use_tls:
        words += ["x509-dir=/etc/gnt/spice", f"tls-ciphers={params.spice_tls_ciphers}"]
    if not params.spice_password_file:
        words.append("disable-ticketing=on")
    for option, value in (
        ("image-compression", params.spice_image_compression),
        ("jpeg-wan-compression", params.spice_jpeg_wan_compression),
        ("zlib-glz-wan-compression", params.spice_zlib_glz_wan_compression),
        ("streaming-video", params.spice_streaming_video),
    ):
        words += [f"{option}={value}"] if value else []
    words.append(f"playback-compression={'on' if params.spice_playback_compression else 'off'}")
    words.append(f"agent-mouse={'on' if params.spice_use_vdagent else 'off'}")
    yield from ("-spice", ",".join(words))
    if params.spice_use_vdagent:
        yield from ("-chardev", "spicevmc,id=vdagent,name=vdagent")
        yield from ("-device", "virtserialport,chardev=vdagent,name=com.redhat.spice.0")


def inputs(params: Params) -> Iterator[str]:
    """Sound, USB devices and the pointer."""
    if params.soundhw:
        models = SOUND.get(params.soundhw)
        if models is None:
            raise Invalid("soundhw", f"{params.soundhw!r} is not one of {', '.join(SOUND)}")
        yield from ("-audiodev", "spice,id=sound" if params.spice_bind else "none,id=sound")
        for model in models:
            yield from ("-device", model)
    wanted = [word for word in params.usb_devices.replace(",", " ").split() if word]
    if params.usb_mouse:
        wanted.insert(0, params.usb_mouse)
    if wanted:
        yield "-usb"
    for word in wanted:
        yield from ("-device", _usb(word))


def _usb(word: str) -> str:
    kind, _, rest = word.partition(":")
    vendor, colon, product = rest.partition(":")
    if kind == "host" and colon:
        return f"usb-host,vendorid=0x{int(vendor, 16):04x},productid=0x{int(product, 16):04x}"
    if word not in USB:
        raise Invalid(
            "usb_devices", f"{word!r} is not one of {', '.join(USB)}, host:VENDOR:PRODUCT"
        )
    return USB[word]
