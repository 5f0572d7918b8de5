"""gnt-cluster init."""

from __future__ import annotations

from gnt.commands import _access
from gnt.commands.cluster import _master_ip, _specs
from gnt.commands.cluster._options import ClusterOptions
from gnt.commands.node import _meet, _setup
from gnt.errors import Invalid, NodeSetupFailed
from gnt.model.codec import to_data
from gnt.model.objects import Cluster, Group, Node, Signer
from gnt.spec import Action, arg, opt
from gnt.values import BOOL, HOSTNAME, IP, PAIRS, TEXT, choice, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.commands.node._setup import PublicKeys
    from gnt.record import Record
    from gnt.spec import Session


SIDES = "min=N,max=N,std=N"


class Init(ClusterOptions, Action, command="cluster init"):
    """Create a cluster with one node, its master.

    Run it on the host that becomes the master, or on an admin's machine with --master HOST.  The
    host's SSH key is shown and pinned, folders and keys are made on it, your own SSH keys are let
    in, and the first configuration is signed by you.  Nothing else is installed there.  With
    --master-netdev the master gets an address of its own, the one of the cluster's name unless
    --master-ip says another; it moves when the master does.
    """

    examples = (
        ("gnt-cluster init --master node1.example.com cluster.example.com",
         "from an admin's machine"),
        ("gnt-cluster init --enabled-hypervisors kvm --enabled-disk-templates sharedfile,diskless "
         "-N link=br1 cluster.example.com", "on the host itself, with settings of one's own"),
    )

    name: str = arg(HOSTNAME, "name of the new cluster")
    master: str = opt(HOSTNAME, "host that becomes the master (default: this one)", default="",
                      metavar="HOST")
    ssh_host_key: str = opt(TEXT, "its host key: SHA256:… or the public key line", default="",
                            metavar="KEY")
    ssh_port: int = opt(whole(1, 65535), "where its sshd listens", default=22)
    secondary_ip: str = opt(IP, "its address for replication and migration", default="", short="-s")
    ssh_init: bool = opt(BOOL, "let the cluster's keys in on the node", default=True)
    etc_hosts: bool = opt(BOOL, "keep /etc/hosts of the nodes in step", default=True)
    primary_ip_version: str = opt(choice("4", "6"), "IP version of the nodes' addresses",
                                  default="4")
    specs_mem_size: Mapping[str, str] = opt(PAIRS, "memory of instances", default={}, metavar=SIDES)
    specs_cpu_count: Mapping[str, str] = opt(PAIRS, "virtual CPUs", default={}, metavar=SIDES)
    specs_disk_size: Mapping[str, str] = opt(PAIRS, "size of a disk", default={}, metavar=SIDES)
    specs_disk_count: Mapping[str, str] = opt(PAIRS, "number of disks", default={}, metavar=SIDES)
    specs_nic_count: Mapping[str, str] = opt(PAIRS, "number of NICs", default={}, metavar=SIDES)
    ssh_key_type: str = opt(choice("ed25519"), "type of the keys that nodes get: there is one",
                            default="ed25519")
    ssh_key_bits: int = opt(whole(256, 256), "their length, which that type fixes", default=256)
    force_join: bool = opt(BOOL, "also when the host holds the remains of a cluster", default=False)

    def run(self, session: Session) -> int:
        draft = self._with_specs(self.changed(Cluster(
            uuid=_uuid(), cluster_name=self.name, master_netmask=self._full_length())))
        host = self.master or _this_host()
        node = _meet.meet(session, host, self.ssh_port, self.ssh_host_key, check=bool(self.master))
        _meet.look(session, node, secondary=self.secondary_ip, again=self.force_join)
        if self.master_netdev:
            draft = draft.replace(master_ip=_master_ip.resolve(
                session, host, self.name, self.master_ip or "", int(self.primary_ip_version)))
        group = Group(uuid=_uuid(), name="default")
        node = node.replace(uuid=_uuid(), group=group.uuid, master_candidate=True,
                            secondary_ip=self.secondary_ip or node.primary_ip)
        _master_ip.require_own(draft, (node,))
        found = self._prepare(session, node, term=0)
        keys = _access.with_key(session.own_keys(), found.login)
        cluster = draft.replace(
            master_node=node.uuid, primary_ip_family=int(self.primary_ip_version),
            modify_etc_hosts=self.etc_hosts, modify_ssh_setup=self.ssh_init, login_keys=keys)
        if self.ssh_init:
            call = _setup.authorize.on(node.name, lines=_access.authorized(keys, (node,)))
            session.ask((call,))[call]
        signer = Signer(name=node.name, key=_access.plain(found.signer), comment="node")
        session.create(objects(cluster, group, node, signer), node)
        self._prepare(session, node, term=1)
        if _master_ip.configured(cluster):
            call = _master_ip.raised(cluster, node.name)
            session.ask((call,))[call]
        session.tell(f"cluster {self.name} is there; its master is {node.name}\n"
                     "next: gnt-node add HOST, gnt-instance add --help")
        return 0

    def _full_length(self) -> int:
        return 128 if self.primary_ip_version == "6" else 32

    def _with_specs(self, cluster: Cluster) -> Cluster:
        given = {name: getattr(self, name) for name in _specs.NAMES if getattr(self, name)}
        if not given:
            return cluster
        if self.ipolicy_bounds_specs or self.ipolicy_std_specs:
            raise Invalid("--specs-…", "cannot be combined with --ipolicy-bounds-specs or "
                          "--ipolicy-std-specs")
        return cluster.replace(ipolicy=_specs.laid_over(cluster.ipolicy, given))

    def _prepare(self, session: Session, node: Node, *, term: int) -> PublicKeys:
        """Folders and keys on the node; its public keys.

        The term, which marks a member, comes last: what failed half-way can be tried again.
        """
        prepare = _setup.prepare.on(node.name, name=node.name, term=term)
        session.ask((prepare,))[prepare]
        call = _setup.keys.on(node.name)
        found = session.ask((call,))[call]
        if not found.login.startswith("ssh-") or not found.signer.startswith("ssh-"):
            raise NodeSetupFailed(f"the keys made on {node.name} cannot be read",
                                  hint=f"ssh {node.name} ls -l /var/lib/gnt/keys")
        return found


def objects(*things: Record) -> dict[str, Mapping[str, Mapping[str, object]]]:
    """Sections of the first configuration."""
    from gnt.commands._edits import path

    sections: dict[str, dict[str, Mapping[str, object]]] = {}
    for thing in things:
        section, _, key = path(thing).partition("/")
        sections.setdefault(section, {})[key] = to_data(thing)
    return dict(sections)


def _this_host() -> str:
    import os

    return os.uname().nodename


def _uuid() -> str:
    import uuid

    return str(uuid.uuid4())
