"""What a new guest is told of itself: cloud-init's NoCloud data, on a read-only CD.

It is a pure function of the configuration, so every node that starts the guest, also as the target
of a migration, makes the same image again.  YAML is written with its strings in JSON's form.
"""

from __future__ import annotations

import json

from gnt.errors import Invalid
from gnt.model import inherit, private
from gnt.model.objects import Network
from gnt.plan import Script, Step, node_task, script
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gnt.model.config import Config
    from gnt.model.objects import Instance, Nic, Params

LONGEST = 32 * 1024  # bytes of user-data: it is part of the configuration
SMALLEST = 384 * 1024  # bytes: busybox and others probe 64 KiB and more for file systems they know
KEYS = ("user_data", "hostname", "ssh_keys", "dns", "seed")


class Seed(Record):
    """The three texts."""

    meta_data: str
    user_data: str
    network_config: str

    def image(self) -> bytes:
        """The CD's content."""
        from gnt.guest.iso import image

        return image(
            "cidata",
            {
                "meta-data": self.meta_data.encode(),
                "user-data": self.user_data.encode(),
                "network-config": self.network_config.encode(),
            },
        )


def of(cfg: Config, inst: Instance) -> Seed | None:
    """The seed of an instance; None when its OS parameters ask for none.

    ``image``, or any of ``user_data`` (text), ``hostname``, ``ssh_keys`` (joined by line ends or
    semicolons), ``dns`` (addresses) asks for one; ``seed=no`` declines.
    """
    params: dict[str, str] = {}
    for level in (*inherit.os_levels(cfg.cluster, inst),
                  *inherit.os_private_levels(cfg.cluster, inst)):
        params.update({key: str(value) for key, value in level.items() if value is not None})
    if params.get("seed") in ("no", "False") or not {"image", *KEYS} & params.keys():
        return None
    clear = {key: value for key, value in params.items() if not list(private.marks(value))}
    check(clear, f"{inst.name}.osparams")
    return Seed(
        meta_data=_meta(inst, params),
        user_data=params.get("user_data") or "#cloud-config\n{}\n",
        network_config=_network(cfg, inst, params),
    )


def require_networks(cfg: Config, inst: Instance) -> None:
    """Raise Invalid for an address whose prefix nobody knows: its guest would silently use DHCP."""
    if of(cfg, inst) is None:
        return
    for index, nic in enumerate(inst.nics):
        if nic.ip and not nic.network:
            raise Invalid(
                f"--net {index}.ip",
                f"{nic.ip} is in no network, so its prefix and gateway cannot be told to the guest",
                hint=f"--net {index}:network=NAME,ip={nic.ip} (gnt-network add makes one), "
                "no ip= for DHCP, or -O seed=no",
            )


def check(params: Mapping[str, str], where: str) -> None:
    """Raise Invalid for parameters of the seed that cannot be."""
    data = params.get("user_data", "")
    if len(data.encode()) > LONGEST:
        raise Invalid(
            f"{where}.user_data",
            f"has more than {LONGEST // 1024} KiB",
            hint="let it fetch the rest: #include https://…",
        )
    if data and not data.startswith(("#", "Content-Type:", "MIME-Version:", "## template:")):
        raise Invalid(
            f"{where}.user_data",
            "does not begin as cloud-init expects",
            hint="#cloud-config, #!/bin/sh, #include or a MIME message",
        )
    for key in _lines(params.get("ssh_keys", "")):
        if len(key.split()) < 2:
            raise Invalid(f"{where}.ssh_keys", f"{key!r} is no OpenSSH public key")
    for address in params.get("dns", "").replace(",", " ").split():
        _address(address, f"{where}.dns")


def _address(text: str, where: str) -> str:
    from gnt.values import IP

    return IP.read(text, where)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace(";", "\n").splitlines() if line.strip()]


def _meta(inst: Instance, params: Params) -> str:
    lines = [
        f"instance-id: {json.dumps(inst.uuid)}",
        f"local-hostname: {json.dumps(params.get('hostname') or inst.name)}",
    ]
    keys = _lines(str(params.get("ssh_keys", "")))
    if keys:
        lines += ["public-keys:", *(f"  - {json.dumps(key)}" for key in keys)]
    return "\n".join(lines) + "\n"


def _network(cfg: Config, inst: Instance, params: Params) -> str:
    """Network configuration, version 2: NICs are known by their MAC address."""
    if not inst.nics:
        return "version: 2\n"
    lines = ["version: 2", "ethernets:"]
    names = str(params.get("dns", "")).replace(",", " ").split()
    for index, nic in enumerate(inst.nics):
        lines += [f"  nic{index}:", "    match:", f"      macaddress: {json.dumps(nic.mac)}"]
        lines += [f"    {line}" for line in _addresses(cfg, nic)]
        if names:
            lines += [
                "    nameservers:",
                "      addresses:",
                *(f"        - {json.dumps(n)}" for n in names),
            ]
    return "\n".join(lines) + "\n"


def _addresses(cfg: Config, nic: Nic) -> Iterator[str]:
    """Static, as its network says; DHCP for a NIC without an address or without a network."""
    net = cfg.get(Network, nic.network) if nic.network else None
    if nic.ip is None or net is None:
        yield "dhcp4: true"
        return
    six = ":" in nic.ip
    prefix = ((net.network6 if six else net.network) or "/").partition("/")[2] or (
        "64" if six else "32"
    )
    gateway = net.gateway6 if six else net.gateway
    yield "dhcp4: false"
    yield "addresses:"
    yield f"  - {json.dumps(f'{nic.ip}/{prefix}')}"
    if gateway:
        yield "routes:"
        yield f"  - to: {json.dumps('::/0' if six else '0.0.0.0/0')}"
        yield f"    via: {json.dumps(gateway)}"


_PLACE = r"""
path=$1
umask 077
mkdir -p "${path%/*}" && cat >"$path.$$" && truncate -s ">$2" "$path.$$" && mv "$path.$$" "$path"
"""


@node_task(deadline=60)
def place(path: str, meta_data: str, user_data: str, network_config: str) -> Script[None]:
    """Write the image to a path on the node."""
    made = Seed(meta_data=meta_data, user_data=user_data, network_config=network_config)
    return script(_PLACE, path, SMALLEST, stdin=made.image())


@node_task(deadline=20)
def drop(path: str) -> Script[None]:
    """Take the image away."""
    return script('rm -f "$1"', path)


def placing(seed: Seed, node: str, path: str) -> Step:
    """Write it on a node; undone by taking it away."""
    return Step(
        do=place.on(node, path, seed.meta_data, seed.user_data, seed.network_config),
        undo=drop.on(node, path),
        title=f"write the cloud-init seed on {node}",
    )
