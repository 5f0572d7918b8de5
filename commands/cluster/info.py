"""gnt-cluster info."""

from __future__ import annotations

from gnt.commands._show import drop_empty, stamp
from gnt.commands.cluster import _uids
from gnt.model import inherit, policy
from gnt.spec import Document, Query, opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Cluster
    from gnt.record import Record
    from gnt.spec import Seen


class Info(Query, command="cluster info"):
    """Show the cluster's settings and the parameters that everything inherits."""

    rapi = "GET /2/info"
    examples = (("gnt-cluster info", "all of it"),
                ("gnt-cluster info --format json", "for programs"))

    roman: bool = opt(BOOL, "accepted and without effect", default=False, hidden=True)

    def answer(self, cfg: Config, seen: Seen) -> Document:
        cluster = cfg.cluster
        return Document(content=drop_empty({
            "Cluster name": cluster.cluster_name,
            "Cluster UUID": cluster.uuid,
            "Creation time": stamp(cluster.ctime),
            "Modification time": stamp(cluster.mtime),
            "Master node": cfg.master.name,
            "Term": cfg.term,
            "Serial": cfg.serial,
            "Head": cfg.head,
            "Nodes": len(cfg.nodes),
            "Instances": len(cfg.instances),
            "Signers": [signer.name for signer in cfg.signers],
            "Tags": list(cluster.tags),
            "Enabled hypervisors": list(cluster.enabled_hypervisors),
            "Enabled disk templates": list(cluster.enabled_disk_templates),
            "Cluster parameters": _parameters(cluster),
            "Hypervisor parameters": _hypervisors(cluster),
            "OS-specific hypervisor parameters": _plain(cluster.os_hvp),
            "OS parameters": _plain(cluster.osparams),
            "Hidden OSes": list(cluster.hidden_os),
            "Blacklisted OSes": list(cluster.blacklisted_os),
            "Instance parameters": _levels(inherit.BackendParams, cluster.beparams),
            "Instance NIC parameters": _levels(inherit.NicParams, cluster.nicparams),
            "Node parameters": _levels(inherit.NodeParams, cluster.ndparams),
            "Disk template parameters": _plain(cluster.diskparams),
            "Instance policy": _policy(cluster),
        }))


def _parameters(cluster: Cluster) -> dict[str, Any]:
    return drop_empty({
        "candidate pool size": cluster.candidate_pool_size,
        "maximal number of jobs running simultaneously": cluster.max_running_jobs,
        "maximal number of jobs simultaneously tracked": cluster.max_tracked_jobs,
        "mac prefix": cluster.mac_prefix,
        "master netdev": cluster.master_netdev,
        "master netmask": cluster.master_netmask,
        "master address": cluster.master_ip,
        "use external master IP address setup script": cluster.use_external_mip_script,
        "lvm volume group": cluster.volume_group_name,
        "lvm reserved volumes": list(cluster.reserved_lvs),
        "file storage path": cluster.file_storage_dir,
        "shared file storage path": cluster.shared_file_storage_dir,
        "gluster storage path": cluster.gluster_storage_dir,
        "maintenance of node health": cluster.maintain_node_health,
        "default instance allocator": cluster.default_iallocator,
        "default instance allocator parameters": dict(cluster.default_iallocator_params),
        "primary ip version": cluster.primary_ip_family,
        "preallocation wipe disks": cluster.prealloc_wipe_disks,
        "user shutdown": cluster.enabled_user_shutdown,
        "install image": cluster.install_image,
        "zeroing image": cluster.zeroing_image,
        "compression tools": list(cluster.compression_tools),
        "modify /etc/hosts": cluster.modify_etc_hosts,
        "uid pool": _uids.shown(cluster.uid_pool),
        "instance communication network": cluster.instance_communication_network,
    })


def _hypervisors(cluster: Cluster) -> dict[str, Any]:
    from gnt.hypervisor.base import hypervisor

    return {name: _levels(hypervisor(name).params, cluster.hvparams.get(name, {}))
            for name in cluster.enabled_hypervisors}


def _levels(cls: type[Record], own: Mapping[str, Any]) -> dict[str, Any]:
    """What everything inherits from this level."""
    return dict(inherit.fill(cls, (own,), "cluster").items())


def _policy(cluster: Cluster) -> dict[str, Any]:
    filled = policy.policy(cluster)
    return {
        "bounds specs": [_plain(pair) for pair in filled["minmax"]],
        "standard specs": dict(filled["std"]),
        "allowed disk templates": list(filled["disk-templates"]),
        "vcpu-ratio": filled["vcpu-ratio"],
        "spindle-ratio": filled["spindle-ratio"],
    }


def _plain(nested: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(value) if hasattr(value, "items") else value
            for key, value in nested.items()}
