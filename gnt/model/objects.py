"""The objects of the configuration, as reference part C.1 lists them.

Partial parameter sets (``hvparams`` and the like) hold only what was set at that level; what an
object really gets is filled in by ``gnt.model.inherit``.  Sizes are MiB, times are seconds since
the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping

from gnt.record import Record

Scalar = str | int | float | bool | None
Params = Mapping[str, Scalar]
EMPTY: Mapping[str, Scalar] = {}


class Thing(Record):
    """What every object has."""

    uuid: str
    ctime: float = 0.0
    mtime: float = 0.0
    serial_no: int = 1
    tags: tuple[str, ...] = ()


class Cluster(Thing):
    cluster_name: str
    master_node: str = ""  # uuid
    master_ip: str = ""
    master_netdev: str = ""
    master_netmask: int = 32
    use_external_mip_script: bool = False
    primary_ip_family: int = 4
    mac_prefix: str = "aa:00:00"
    volume_group_name: str | None = None
    reserved_lvs: tuple[str, ...] = ()
    drbd_usermode_helper: str | None = None
    file_storage_dir: str = "/srv/gnt/file-storage"
    shared_file_storage_dir: str = "/srv/gnt/shared-file-storage"
    gluster_storage_dir: str = "/run/gnt/gluster"
    enabled_hypervisors: tuple[str, ...] = ("kvm",)
    enabled_disk_templates: tuple[str, ...] = ("file", "diskless")
    hvparams: Mapping[str, Params] = EMPTY  # type: ignore[assignment]  # empty at every level
    os_hvp: Mapping[str, Mapping[str, Params]] = EMPTY  # type: ignore[assignment]  # likewise
    beparams: Params = EMPTY
    osparams: Mapping[str, Params] = EMPTY  # type: ignore[assignment]  # likewise
    osparams_private_cluster: Mapping[str, Params] = EMPTY  # type: ignore[assignment]  # likewise
    nicparams: Params = EMPTY
    ndparams: Params = EMPTY
    diskparams: Mapping[str, Params] = EMPTY  # type: ignore[assignment]  # likewise
    ipolicy: Mapping[str, object] = EMPTY
    hv_state_static: Mapping[str, object] = EMPTY
    disk_state_static: Mapping[str, object] = EMPTY
    candidate_pool_size: int = 10
    modify_etc_hosts: bool = True
    modify_ssh_setup: bool = True
    maintain_node_health: bool = False
    uid_pool: tuple[tuple[int, int], ...] = ()
    default_iallocator: str = "hail"
    default_iallocator_params: Params = EMPTY
    hidden_os: tuple[str, ...] = ()
    blacklisted_os: tuple[str, ...] = ()
    prealloc_wipe_disks: bool = False
    max_running_jobs: int = 20
    max_tracked_jobs: int = 25
    install_image: str = ""
    zeroing_image: str = ""
    instance_communication_network: str = ""
    compression_tools: tuple[str, ...] = ("gzip", "gzip-fast", "gzip-slow")
    enabled_user_shutdown: bool = False
    data_collectors: Mapping[str, Params] = EMPTY  # type: ignore[assignment]  # likewise
    ssh_key_type: str = "ed25519"
    ssh_key_bits: int = 256
    login_keys: tuple[str, ...] = ()  # OpenSSH public keys that nodes accept for root
    signer_threshold: int = 1  # how many signers must agree to a dangerous change
    guard: int = 0  # how many such changes there were while more than one was needed
    hardened: bool = False  # nodes run only what was signed for the connection it comes by
    schema: int = 1


class Group(Thing):
    name: str
    ndparams: Params = EMPTY
    alloc_policy: str = "preferred"  # preferred, last_resort, unallocable
    ipolicy: Mapping[str, object] = EMPTY
    diskparams: Mapping[str, Params] = EMPTY  # type: ignore[assignment]  # likewise
    networks: Mapping[str, Params] = EMPTY  # type: ignore[assignment]  # network uuid -> nicparams
    hv_state_static: Mapping[str, object] = EMPTY
    disk_state_static: Mapping[str, object] = EMPTY


class Node(Thing):
    name: str
    primary_ip: str
    secondary_ip: str
    group: str  # uuid
    host_keys: tuple[str, ...] = ()  # pinned at gnt-node add: "ssh-ed25519 AAAA…"
    master_candidate: bool = False
    offline: bool = False
    drained: bool = False
    master_capable: bool = True
    vm_capable: bool = True
    powered: bool = True
    ndparams: Params = EMPTY
    hv_state_static: Mapping[str, object] = EMPTY
    disk_state_static: Mapping[str, object] = EMPTY


class Nic(Record):
    uuid: str
    mac: str
    name: str | None = None
    ip: str | None = None
    network: str | None = None  # uuid
    nicparams: Params = EMPTY


class Disk(Thing):
    """``logical_id`` is the disk template's own record of where the data is (reference D.1)."""

    dev_type: str
    size: int
    instance: str = ""  # uuid; empty for children
    iv_name: str = ""
    name: str | None = None
    logical_id: tuple[str | int, ...] = ()
    children: tuple[str, ...] = ()  # uuids
    nodes: tuple[str, ...] = ()  # uuids
    mode: str = "rw"
    params: Params = EMPTY
    spindles: int | None = None
    forthcoming: bool = False


class Instance(Thing):
    name: str
    primary_node: str  # uuid
    os: str = ""
    hypervisor: str = "kvm"
    hvparams: Params = EMPTY
    beparams: Params = EMPTY
    osparams: Params = EMPTY
    osparams_private: Params = EMPTY
    admin_state: str = "down"  # up, down, offline
    admin_state_source: str = "admin"  # admin, user
    nics: tuple[Nic, ...] = ()
    disks: tuple[str, ...] = ()  # uuids, in order
    disk_template: str = "diskless"
    disks_active: bool = False
    network_port: int | None = None  # VNC or SPICE
    forthcoming: bool = False
    runtime: Params = EMPTY  # what migration must repeat: machine type, accelerator …


class Network(Thing):
    name: str
    network: str  # CIDR
    gateway: str | None = None
    network6: str | None = None
    gateway6: str | None = None
    mac_prefix: str | None = None
    reservations: str = ""  # one character per address: X taken, . free; empty: all free
    ext_reservations: str = ""


class Signer(Record):
    """Somebody who may sign changes: an OpenSSH ``allowed_signers`` entry, by name."""

    name: str
    key: str  # "ssh-ed25519 AAAA…"
    added: float = 0.0
    valid_until: int = 0  # seconds since the epoch; 0: for ever
    comment: str = ""

    @property
    def obeyed(self) -> str:
        """The line of a hardened node's ``allowed_signers``; there all are ``gnt``, too."""
        return self.allowed(f"{self.name},gnt", "gnt-order,gnt-config")

    def allowed(self, names: str, namespaces: str) -> str:
        """A line of an ``allowed_signers`` file, with the end of the right to sign."""
        import time

        options = f'namespaces="{namespaces}"'
        if self.valid_until:
            end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(self.valid_until))
            options += f',valid-before="{end}"'
        return f"{names} {options} {self.key}"


class FilterRule(Record):
    uuid: str
    watermark: int = 0
    priority: int = 0
    predicates: tuple[object, ...] = ()
    action: object = "CONTINUE"
    reason_trail: tuple[object, ...] = ()


class Job(Record):
    """A pending job: what it will do, what it holds, who drives it (design §4).

    ``state``: waiting, running (attempt), settling (past the point of no return), undoing.
    ``plan`` and ``restore`` are in the form of ``gnt.engine.record``.
    """

    id: str  # the serial of the transaction that began it
    operation: str  # "instance add"
    params: Mapping[str, object]
    author: str
    driver: str  # host and pid, for people
    state: str
    priority: int = 0
    reason: str = ""
    received: float = 0.0
    started: float = 0.0
    exclusive: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    plan: Mapping[str, object] = EMPTY
    restore: tuple[Mapping[str, object], ...] = ()


KINDS: Mapping[str, type[Record]] = {
    "cluster": Cluster,  # one object, key "cluster"
    "groups": Group,
    "nodes": Node,
    "instances": Instance,
    "disks": Disk,
    "networks": Network,
    "filters": FilterRule,
    "signers": Signer,  # by name
    "jobs": Job,  # by id
}
