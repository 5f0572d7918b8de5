"""``--net``: what was asked for, and the NICs that follow."""

from __future__ import annotations

from gnt.commands.instance import _disks
from gnt.errors import Conflict, Invalid
from gnt.model import address, inherit
from gnt.model.names import mac_owner, new_mac, new_uuid
from gnt.model.objects import Group, Instance, Network, Nic
from gnt.values import IP, MAC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gnt.model.config import Config

AT_MOST = 8
OWN = ("ip", "mac", "name", "network")


def read(typed: Iterable[tuple[str, Mapping[str, str]]], no_nics: bool) -> list[Mapping[str, str]]:
    """The wishes for the NICs of a new instance, by index; one with defaults when none is said."""
    given = list(typed)
    if no_nics:
        if given:
            raise Invalid("--no-nics", "contradicts --net")
        return []
    return _disks.in_order(given, "--net", "NIC", AT_MOST) if given else [{}]


class Maker:
    """Makes NICs for one instance; knows those it made, so that they differ from one another."""

    def __init__(
        self, cfg: Config, instance: str, group: Group, *, check: bool = True,
        present: Sequence[Nic] = (),
    ) -> None:
        self.cfg, self.instance, self.group, self.check = cfg, instance, group, check
        self.nics = list(present)

    def make(self, typed: Mapping[str, str], index: int) -> Nic:
        """One NIC from what was typed; its MAC and address are free."""
        where = f"--net {index}"
        network = self._network(typed.get("network"), where)
        nic = Nic(
            uuid=new_uuid(self.cfg, "nic", self.instance, index, len(self.nics)),
            mac=self._mac(typed.get("mac", "auto"), network, index, where),
            name=_disks.read_name(typed.get("name"), where),
            ip=self._ip(typed.get("ip", "none"), network, where),
            network=network.uuid if network else None,
            nicparams=_parameters(typed, network, where),
        )
        self._complete(nic, where)
        self.nics.append(nic)
        return nic

    def altered(self, nic: Nic, typed: Mapping[str, str], index: int) -> Nic:
        """The NIC with only what was typed changed."""
        where = f"--net {index}"
        network = (
            self._network(typed["network"], where) if "network" in typed
            else self.cfg.one(Network, nic.network) if nic.network else None
        )
        self.nics = [other for other in self.nics if other.uuid != nic.uuid]
        changes: dict[str, object] = {"network": network.uuid if network else None}
        if "mac" in typed:
            changes["mac"] = self._mac(typed["mac"], network, index, where)
        if "ip" in typed:
            changes["ip"] = self._ip(typed["ip"], network, where, mine=nic)
        if "name" in typed:
            changes["name"] = _disks.read_name(typed["name"], where)
        level = inherit.overlay(nic.nicparams, _parameters(typed, network, where))
        altered = nic.replace(nicparams={} if network else level, **changes)
        self._complete(altered, where)
        self.nics.insert(index, altered)
        return altered

    def _network(self, name: str | None, where: str) -> Network | None:
        if name is None or name.lower() == "none":
            return None
        network = self.cfg.network(name)
        if network.uuid not in self.group.networks:
            raise Conflict(
                f"{where}: network {network.name} is not connected to group {self.group.name}",
                hint=f"gnt-network connect -N mode=bridged,link=BRIDGE {network.name} "
                     f"{self.group.name}")
        return network

    def _mac(self, text: str, network: Network | None, index: int, where: str) -> str:
        mine = {nic.mac for nic in self.nics}
        if text in ("auto", "generate"):
            prefix = (network and network.mac_prefix) or self.cfg.cluster.mac_prefix
            return new_mac(self.cfg, prefix, self.instance, index, len(mine),
                           taken=mine.__contains__)
        mac = MAC.read(text, f"{where}.mac")
        owner = mac_owner(self.cfg, mac)
        if mac in mine or owner:
            name = self.cfg.one(Instance, owner).name if owner else "this instance twice"
            raise Conflict(f"{where}: MAC address {mac} belongs to {name}",
                           hint="mac=auto chooses a free one")
        return mac

    def _ip(
        self, text: str, network: Network | None, where: str, *, mine: Nic | None = None,
    ) -> str | None:
        if text.lower() in ("none", ""):
            return None
        beside = {nic.ip for nic in self.nics if nic.ip}
        if text == "pool":
            if network is None:
                raise Invalid(f"{where}.ip", "pool needs network=NAME")
            return address.first_free(self.cfg, network, beside)
        ip = IP.read(text, f"{where}.ip")
        if network is not None and not address.inside_any(network, ip):
            raise Invalid(f"{where}.ip", f"{ip} is not in {network.network} of {network.name}")
        if self.check and not (mine and mine.ip == ip):
            self._require_free(ip, network, beside, where)
        return ip

    def _require_free(
        self, ip: str, network: Network | None, beside: set[str], where: str,
    ) -> None:
        owner = address.owner(self.cfg, ip, network.uuid if network else None)
        holder = "this instance twice" if ip in beside else (
            f"instance {owner.name}" if owner else address.holder_of(self.cfg, ip))
        if network and not holder and address.inside(network.network, ip) and (
            address.reserved(network, ip)
        ):
            holder = f"the reserved addresses of network {network.name}"
        elsewhere = None if network else address.network_of(self.cfg, ip)
        if elsewhere and elsewhere.uuid in self.group.networks and not holder:
            holder = f"network {elsewhere.name} ({elsewhere.network})"
        if holder:
            raise Conflict(f"{where}: address {ip} belongs to {holder}",
                           hint="another ip=, ip=pool, or --no-conflicts-check")

    def _complete(self, nic: Nic, where: str) -> None:
        params = inherit.nic(self.cfg, nic, self.group)
        from gnt.net.base import nic_mode

        if nic_mode(params.mode).needs_address and not nic.ip:
            raise Invalid(where, f"a {params.mode} NIC needs ip=ADDRESS")


def _parameters(
    typed: Mapping[str, str], network: Network | None, where: str,
) -> Mapping[str, str | int | float | bool | None]:
    words = {name: value for name, value in typed.items() if name not in OWN}
    if "bridge" in words:
        words.setdefault("link", words.pop("bridge"))
    if network and words:
        raise Invalid(where, f"{', '.join(words)} cannot be combined with network={network.name}: "
                      "the network's connection says it")
    return inherit.parse(inherit.NicParams, words, where)
