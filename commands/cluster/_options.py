"""What can be set for a whole cluster: the options that ``init`` and ``modify`` share."""

from __future__ import annotations

from gnt.commands import _policy
from gnt.commands.cluster import _uids
from gnt.errors import Invalid
from gnt.hypervisor.base import hypervisor
from gnt.model import inherit
from gnt.model.names import read_prefix
from gnt.net.base import nic_mode
from gnt.spec import opt, opts
from gnt.storage.base import storage
from gnt.values import BOOL, IP, NAMED_PAIRS, PAIRS, PATH, TEXT, Kind, whole, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.objects import Cluster

PREFIX: Kind[str] = Kind(read_prefix, "XX:XX:XX", "a MAC prefix: three hexadecimal octets")


class ClusterOptions(_policy.PolicyOptions):
    """Every option is None, or empty, when it is not given."""

    backend_parameters: Mapping[str, str] = opt(
        PAIRS, "backend parameters of all instances: memory=, vcpus=, …", default={}, short="-B")
    hypervisor_parameters: tuple[tuple[str, Mapping[str, str]], ...] = opts(
        NAMED_PAIRS, "hypervisor parameters of all instances", short="-H",
        metavar="HYPERVISOR:KEY=VALUE,…")
    nic_parameters: Mapping[str, str] = opt(
        PAIRS, "NIC parameters of all instances: mode=, link=, vlan=", default={}, short="-N")
    node_parameters: Mapping[str, str] = opt(PAIRS, "node parameters of all nodes", default={})
    disk_parameters: tuple[tuple[str, Mapping[str, str]], ...] = opts(
        NAMED_PAIRS, "disk parameters of all disks", short="-D", metavar="TEMPLATE:KEY=VALUE,…")
    enabled_hypervisors: tuple[str, ...] = opt(
        words_of(), "hypervisors that may be used; the first is the default", default=())
    enabled_disk_templates: tuple[str, ...] = opt(
        words_of(), "disk templates that may be used; the first is the default", default=())
    candidate_pool_size: int | None = opt(
        whole(1, 64), "how many nodes hold the configuration", default=None, short="-C")
    mac_prefix: str | None = opt(PREFIX, "the first three octets of MAC addresses", default=None,
                                 short="-m")
    file_storage_dir: str | None = opt(PATH, "where disks of the template file are", default=None)
    shared_file_storage_dir: str | None = opt(
        PATH, "where disks of the template sharedfile are, on every node", default=None)
    vg_name: str | None = opt(TEXT, "LVM volume group of plain and mirrored disks",
                              default=None)
    master_netdev: str | None = opt(TEXT, "interface of the master's address", default=None)
    master_netmask: int | None = opt(whole(1, 128), "prefix length of the master's address",
                                     default=None)
    master_ip: str | None = opt(IP, "the master's address; needs --master-netdev", default=None)
    maintain_node_health: bool | None = opt(BOOL, "end guests that should not run", default=None)
    prealloc_wipe_disks: bool | None = opt(BOOL, "overwrite disks before first use", default=None)
    use_external_mip_script: bool | None = opt(BOOL, "a script of yours sets the master's address",
                                               default=None)
    user_shutdown: bool | None = opt(BOOL, "guests that shut themselves down stay down",
                                     default=None)
    install_image: str | None = opt(TEXT, "image that OS scripts run in", default=None)
    zeroing_image: str | None = opt(TEXT, "image that zeroes disks", default=None)
    default_iallocator: str | None = opt(TEXT, "allocator to use by default", default=None,
                                         short="-I")
    modify_etc_hosts: bool | None = opt(BOOL, "keep /etc/hosts of the nodes in step", default=None)
    default_iallocator_params: Mapping[str, str] = opt(
        PAIRS, "parameters of the default allocator", default={})
    drbd_usermode_helper: str | None = opt(TEXT, "program that DRBD calls", default=None)
    gluster_storage_dir: str | None = opt(PATH, "where GlusterFS volumes are mounted", default=None)
    uid_pool: tuple[tuple[int, int], ...] | None = opt(
        _uids.RANGES, "user ids that guests are run under (security_model=pool)", default=None)
    instance_communication_network: str | None = opt(
        TEXT, "network through which guests reach their node", default=None, hidden=True)
    compression_tools: tuple[str, ...] = opt(words_of(), "tools that exports may use", default=())

    def changed(self, cluster: Cluster) -> Cluster:
        """The cluster with everything that was given; refuses what cannot be."""
        given = {
            field: getattr(self, name) for name, field in PLAIN.items()
            if getattr(self, name) not in (None, ())
        }
        changed = cluster.replace(**given, **dict(self._levels(cluster)))
        _check(changed)
        return changed

    def _levels(self, cluster: Cluster) -> Iterator[tuple[str, Any]]:
        if self.backend_parameters:
            typed = inherit.parse_backend(self.backend_parameters)
            level = inherit.overlay(cluster.beparams, typed)
            filled = inherit.fill(inherit.BackendParams, (level,), "-B")
            if filled.minmem > filled.maxmem:
                raise Invalid("-B", f"minmem ({filled.minmem}M) is more than maxmem "
                              f"({filled.maxmem}M)")
            yield "beparams", level
        if self.nic_parameters:
            level = inherit.overlay(
                cluster.nicparams, inherit.parse(inherit.NicParams, self.nic_parameters, "-N"))
            nic_mode(inherit.fill(inherit.NicParams, (level,), "-N").mode)
            yield "nicparams", level
        if self.node_parameters:
            typed = inherit.parse(inherit.NodeParams, self.node_parameters, "--node-parameters")
            yield "ndparams", inherit.overlay(cluster.ndparams, typed)
        if self.hypervisor_parameters:
            yield "hvparams", _hypervisors(cluster, self.hypervisor_parameters)
        if self.disk_parameters:
            yield "diskparams", disk_levels(cluster.diskparams, self.disk_parameters)
        if self.default_iallocator_params:
            yield "default_iallocator_params", dict(self.default_iallocator_params)
        if self.uid_pool is not None:
            yield "uid_pool", _uids.joined(self.uid_pool)
        yield from self.states(cluster)
        policy = self.policy(cluster.ipolicy, "cluster")
        if policy is not None:
            yield "ipolicy", policy


PLAIN = {name: name for name in (
    "enabled_hypervisors", "enabled_disk_templates", "candidate_pool_size", "mac_prefix",
    "file_storage_dir", "shared_file_storage_dir", "master_netdev", "master_netmask", "master_ip",
    "maintain_node_health", "prealloc_wipe_disks", "use_external_mip_script", "install_image",
    "zeroing_image", "default_iallocator", "modify_etc_hosts", "compression_tools",
    "drbd_usermode_helper", "gluster_storage_dir", "instance_communication_network",
)} | {"vg_name": "volume_group_name", "user_shutdown": "enabled_user_shutdown"}


def _hypervisors(
    cluster: Cluster, given: tuple[tuple[str, Mapping[str, str]], ...],
) -> dict[str, Any]:
    levels = dict(cluster.hvparams)
    for name, typed in given:
        driver = hypervisor(name)
        where = f"-H {name}"
        level = inherit.overlay(levels.get(name, {}), inherit.parse(driver.params, typed, where))
        driver.check(inherit.fill(driver.params, (level,), where), where)
        levels[name] = level
    return levels


def disk_levels(
    before: Mapping[str, Any], given: tuple[tuple[str, Mapping[str, str]], ...],
) -> dict[str, Any]:
    """Disk parameters by template with what was typed laid over them."""
    levels = dict(before)
    for name, typed in given:
        words = {key.replace("-", "_"): value for key, value in typed.items()}
        parsed = inherit.parse(storage(name).params, words, f"-D {name}")
        levels[name] = inherit.overlay(levels.get(name, {}), parsed)
    return levels


def _check(cluster: Cluster) -> None:
    for name in cluster.enabled_hypervisors:
        hypervisor(name)
    for name in cluster.enabled_disk_templates:
        lacking = storage(name).lacks(cluster)
        if lacking:
            raise Invalid("--enabled-disk-templates", f"{name} needs more of the cluster",
                          hint=f"add {lacking}")
    for field in ("enabled_hypervisors", "enabled_disk_templates"):
        names = getattr(cluster, field)
        if len(set(names)) != len(names):
            raise Invalid(f"--{field.replace('_', '-')}", "a name is given twice")
