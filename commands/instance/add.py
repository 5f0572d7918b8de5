"""gnt-instance add."""

from __future__ import annotations

from gnt.commands import _allocator, _hooks, _space
from gnt.commands._edits import put
from gnt.commands.instance import _disks, _guest, _install, _life, _nics, _place, _private, _wish
from gnt.errors import Invalid, NotYet
from gnt.guest import seed
from gnt.model import inherit
from gnt.model.names import new_port, new_uuid
from gnt.model.objects import Group, Instance
from gnt.model.private import secret_marks
from gnt.plan import Plan
from gnt.record import Record
from gnt.spec import Holds, Operation, arg, opt, opts
from gnt.storage.base import Mirrored, storage
from gnt.values import BOOL, HOSTNAME, NAMED_PAIRS, PAIRS, SIZE, TAG, TEXT, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from gnt.guest.image import Image
    from gnt.htools.place import Wish as Size
    from gnt.model.config import Config
    from gnt.model.objects import Disk, Node
    from gnt.plan import Call
    from gnt.spec import Seen, Session
    from gnt.storage.base import DiskSpec


class Add(Operation, command="instance add"):
    """Create an instance: reserve its place, make its disks, install them, start it.

    Without -n a node is chosen so that the cluster is balanced best, and the loss of any node can
    still be survived; -I hail refuses when no node is left for that.  With -O image=FILE_OR_URL the
    first disk is written from a disk image, checked against -O sha256=HEX before it is used.
    """

    hook = "instance-add"
    rapi = "POST /2/instances"
    examples = (
        ("gnt-instance add -t file --disk 0:size=10g -B memory=1g,vcpus=2 web.example.com",
         "one disk of 10 GiB, on the node that suits the cluster best"),
        ("gnt-instance add -t file -s 5g -n node2 -O image=/srv/debian.qcow2,sha256=9f86d081… web",
         "from an image, on a certain node"),
        ("gnt-instance add -t drbd -n node1:node2 -s 20g db", "a copy of the disk on each node"),
        ("gnt-instance add -t diskless --net 0:link=br1,ip=192.0.2.7 --no-start probe",
         "no disk, a NIC on another bridge, not started"),
    )

    name: str = arg(HOSTNAME, "name of the new instance")
    disk_template: str = opt(TEXT, "disk template (default: the first enabled one)", default="",
                             short="-t", metavar="TEMPLATE")
    disk: tuple[tuple[str, Mapping[str, str]], ...] = opts(
        NAMED_PAIRS, "a disk, by number: size=, mode=rw|ro, name=", metavar="N:size=SIZE,…")
    os_size: int | None = opt(SIZE, "a single disk of this size", default=None, short="-s")
    net: tuple[tuple[str, Mapping[str, str]], ...] = opts(
        NAMED_PAIRS, "a NIC, by number: link=, mode=, mac=, ip=ADDRESS|pool, network=, vlan=",
        metavar="N:KEY=VALUE,…")
    no_nics: bool = opt(BOOL, "make no NIC (without this and --net: one with defaults)",
                        default=False)
    node: str = opt(TEXT, "node to run on, and the secondary one of mirrored disks", default="",
                    short="-n", metavar="NODE[:NODE]")
    node_group: str = opt(TEXT, "group to choose the node from", default="", short="-g",
                          metavar="GROUP")
    iallocator: str = opt(TEXT, _allocator.HELP, default="", short="-I", metavar="NAME")
    opportunistic_locking: bool = opt(
        BOOL, "do not wait for nodes that other jobs have for themselves: choose among the others",
        default=False)
    explain: bool = opt(BOOL, "say of each node why it was not chosen", default=False)
    backend_parameters: Mapping[str, str] = opt(
        PAIRS, "memory=, minmem=, maxmem=, vcpus=, auto_balance=, always_failover=, spindle_use=",
        default={}, short="-B", name="backend-parameters")
    hypervisor_parameters: tuple[str, Mapping[str, str]] | None = opt(
        NAMED_PAIRS, "hypervisor, with parameters of its own for this instance", default=None,
        short="-H", metavar="HYPERVISOR:KEY=VALUE,…")
    os_type: str = opt(TEXT, "what is installed, for the parameters the cluster keeps for it",
                       default="", short="-o", metavar="OS")
    os_parameters: Mapping[str, str] = opt(
        PAIRS, "image=FILE_OR_URL, sha256=HEX; cloud-init: hostname=, ssh_keys=, dns=, user_data= "
        "(text, or @FILE of this machine)", default={}, short="-O")
    os_parameters_private: Mapping[str, str] = opt(
        PAIRS, "OS parameters, as user_data=, that only master candidates can read", default={})
    os_parameters_secret: Mapping[str, str] = opt(
        PAIRS, "OS parameters that are stored nowhere: they count for its first start", default={})
    os_parameters_sealed: Mapping[str, str] = opt(PAIRS, "private OS parameters as they are stored",
                                                  default={}, hidden=True)
    start: bool = opt(BOOL, "start it when it is made", default=True)
    install: bool = opt(BOOL, "write the image; without it the instance is not started either",
                        default=True)
    ignore_ipolicy: bool = opt(BOOL, "also when the instance policy does not allow it",
                               default=False)
    conflicts_check: bool = opt(BOOL, "refuse addresses that something else has", default=True)
    tags: tuple[str, ...] = opt(words_of(TAG), "tags, separated by commas", default=(),
                                metavar="TAG,…")
    forthcoming: bool = opt(BOOL, "only reserve name, room and addresses", default=False)
    ip_check: bool | None = opt(BOOL, "check that nobody answers at its addresses", default=None,
                                hidden=True)
    name_check: bool | None = opt(BOOL, "check that its name can be resolved", default=None,
                                  hidden=True)
    wait_for_sync: bool = opt(BOOL, "wait until mirrored disks are in step", default=True)

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        """With user-data that is in a file of this machine, and what is private sealed."""
        _private.require_apart(self.os_parameters, self.os_parameters_private,
                               self.os_parameters_secret)
        private = _private.sealed(session, self.name, self.os_parameters_private,
                                  "--os-parameters-private")
        _allocator.require_alone(self.iallocator, self.node)
        return (self._asked(session).replace(
            os_parameters=_install.with_file(self.os_parameters), os_parameters_private={},
            os_parameters_sealed={**self.os_parameters_sealed, **private},
            os_parameters_secret=_private.read(self.os_parameters_secret,
                                               "--os-parameters-secret")),)

    def _asked(self, session: Session) -> Add:
        """On the nodes that an allocator's script says, if one is to choose."""
        if self.node:
            return self
        node = _allocator.by_script(
            session, self.iallocator, lambda cfg: self.read(cfg).request(cfg))
        return self.on([node]) if node else self

    def on(self, nodes: Iterable[str]) -> Add:
        """On these nodes."""
        return self.replace(node=":".join(nodes), iallocator="")

    def anywhere(self) -> bool:
        return not (self.os_parameters or self.os_parameters_private or self.os_parameters_secret
                    or self.iallocator)

    def secrets(self) -> Mapping[str, str]:
        return self.os_parameters_secret

    def holds(self, cfg: Config) -> Holds:
        template = _wish.enabled_template(cfg, self.disk_template)
        nodes = _place.named(cfg, self.node, template) if self.node else ()
        return Holds(exclusive=(f"instances/{self.uuid(cfg)}",),
                     shared=tuple(f"nodes/{uuid}" for uuid in (
                         *(node.uuid for node in nodes), *self._awaited(cfg))))

    def _awaited(self, cfg: Config) -> frozenset[str]:
        """The nodes that could be chosen once the jobs end which have them for themselves."""
        return frozenset() if self.node or self.opportunistic_locking else _space.busy(cfg)

    def uuid(self, cfg: Config) -> str:
        return new_uuid(cfg, "instance", self.name)

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        wish = self.read(cfg)
        return wish.search(cfg).ask(cfg, wish.needs_by_group(cfg))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        wish = self.read(cfg)
        needs = wish.needs_by_group(cfg)
        chosen = wish.search(cfg).choose(cfg, seen, needs, start=wish.starts)
        node, able = chosen.node, needs[chosen.node.group]
        capable = seen[able.capable(node)]
        nodes = (node, *([chosen.second] if chosen.second else []))
        made = wish.plan(cfg, nodes, capable.runtime)
        for other in nodes:
            _place.require_disk(cfg, seen, other, needs[other.group], wish.size.instance().dsk,
                                self.name)
        notes = able.notes(node, seen) if wish.starts else ()
        return made.replace(notes=(*chosen.notes, *notes))

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        made = cfg.state.find("instance.name", self.name)
        if made:
            return _hooks.instance(cfg, cfg.one(Instance, made[0]))
        return {"OP_TARGET": self.name, "INSTANCE_NAME": self.name, "ADD_MODE": "create"}

    def read(self, cfg: Config) -> Wish:
        """What is asked for, checked against the configuration alone."""
        from gnt.htools.place import Wish as Size

        if self.ip_check or self.name_check:
            raise NotYet("--ip-check and --name-check are not there yet", hint="leave them out")
        _wish.require_new_name(cfg, self.name)
        hv, hv_typed = self.hypervisor_parameters or ("", {})
        hv = _wish.enabled_hypervisor(cfg, hv)
        template = _wish.enabled_template(cfg, self.disk_template)
        if len(self.tags) != len(set(self.tags)):
            raise Invalid("--tags", "a tag is given twice")
        draft = Instance(
            uuid=self.uuid(cfg), name=self.name, primary_node="", os=self.os_type, hypervisor=hv,
            hvparams=_wish.hv_level(hv, hv_typed), osparams=dict(self.os_parameters),
            osparams_private=dict(self.os_parameters_sealed),
            beparams=inherit.overlay({}, inherit.parse_backend(self.backend_parameters)),
            disk_template=template, tags=self.tags, forthcoming=True,
        )
        image = _install.chosen(cfg, draft) if self.install else None
        if self.os_parameters_secret and not (self.start and self.install):
            raise Invalid("--os-parameters-secret", "counts for the first start, which is left out",
                          hint="--os-parameters-private keeps them for later")
        specs = _disks.read_specs(self.disk, self.os_size, template)
        _install.require_disk(image, specs)
        be = inherit.backend(cfg, draft)
        nets = tuple(_nics.read(self.net, self.no_nics))
        return Wish(
            asked=self, draft=draft, specs=specs, image=image,
            nets=nets,
            params=_guest.hv_params(cfg, draft),
            size=Size(
                name=self.name, memory=be.maxmem, vcpus=be.vcpus, spindle_use=be.spindle_use,
                template=template, tags=self.tags, disks=tuple(spec.size for spec in specs),
                networks=tuple(cfg.network(typed["network"]).uuid if "network" in typed else None
                               for typed in nets),
                group=cfg.group(self.node_group).uuid if self.node_group else ""),
        )


class Wish(Record):
    """A new instance, read but not yet placed."""

    asked: Add
    draft: Instance
    specs: tuple[DiskSpec, ...]
    nets: tuple[Mapping[str, str], ...]
    image: Image | None
    params: Record
    size: Size

    @property
    def starts(self) -> bool:
        return self.asked.start and self.asked.install and not self.asked.forthcoming

    def in_group(self, cfg: Config, group: Group) -> Instance:
        """With its NICs, whose parameters may be the group's."""
        maker = _nics.Maker(cfg, self.draft.name, group, check=self.asked.conflicts_check)
        return self.draft.replace(
            nics=tuple(maker.make(typed, index) for index, typed in enumerate(self.nets)))

    @property
    def copies(self) -> int:
        """On how many nodes it is."""
        return 2 if isinstance(storage(self.draft.disk_template), Mirrored) else 1

    def search(self, cfg: Config) -> _place.Search:
        """Looking for its node."""
        asked = self.asked
        return _place.Search(
            wish=self.size, wanted=asked.node, strict=_allocator.strict(asked.iallocator),
            explain=asked.explain, ignore_policy=asked.ignore_ipolicy,
            avoid=_space.busy(cfg) if asked.opportunistic_locking else frozenset())

    def needs_by_group(self, cfg: Config) -> dict[str, _place.Needs]:
        """What it needs of the nodes of each group that it may go to."""
        groups = _place.groups_of(self.search(cfg).candidates(cfg))
        return {uuid: self._needs(cfg, cfg.one(Group, uuid)) for uuid in groups}

    def _needs(self, cfg: Config, group: Group) -> _place.Needs:
        return _place.needs(cfg, self.in_group(cfg, group), group, self.params)

    def request(self, cfg: Config) -> dict[str, Any]:
        """The question for an allocator's script."""
        from gnt.htools import request

        group = cfg.one(Group, self.size.group) if self.size.group else cfg.groups[0]
        return request.allocate(
            cfg, self.in_group(cfg, group), group,
            [(spec.size, spec.mode, spec.spindles) for spec in self.specs],
            required=self.copies, only=group.name if self.size.group else "")

    def plan(self, cfg: Config, nodes: tuple[Node, ...], runtime: Mapping[str, Any]) -> Plan:
        node = nodes[0]
        group = cfg.one(Group, node.group)
        inst = self.in_group(cfg, group).replace(
            primary_node=node.uuid, runtime=dict(runtime),
            network_port=new_port(cfg, self.draft.uuid)
            if _wish.needs_port(self.draft.hypervisor) else None)
        seed.require_networks(cfg, inst)
        if not self.asked.ignore_ipolicy:
            sizes = [spec.size for spec in self.specs]
            _wish.specification(cfg, inst, sizes=sizes).enforce(cfg, group)
        disks: list[Disk] = []
        every: list[Disk] = []
        for index, spec in enumerate(self.specs):
            shape = storage(inst.disk_template).shape(
                cfg, inst, nodes, index, spec, new_uuid(cfg, "disk", inst.name, index))
            cfg = cfg.plus(*shape)  # the next one takes nothing of what this one has
            disks.append(shape[0])
            every += shape
        inst = inst.replace(disks=tuple(disk.uuid for disk in disks))
        if self.asked.forthcoming:
            return Plan(start=(put(inst), *(put(d.replace(forthcoming=True)) for d in every)))
        return self._build(cfg, inst, node, disks, every)

    def _build(
        self, cfg: Config, inst: Instance, node: Node, disks: list[Disk], every: list[Disk],
    ) -> Plan:
        marked = {**inst.osparams_private, **secret_marks(self.asked.os_parameters_secret)}
        guest = _guest.guest(cfg, inst.replace(osparams_private=marked), node, disks=disks,
                             params=self.params)
        write, finish = _install.steps(self.image, guest)
        mirrored = isinstance(storage(inst.disk_template), Mirrored)  # in use since it was made
        boot = _life.up(cfg, inst, guest, () if mirrored else disks, node) if self.starts else ()
        done = inst.replace(forthcoming=False, admin_state="up" if self.starts else "down",
                            disks_active=self.starts or mirrored)
        wait = _disks.wait(cfg, disks, node) if self.asked.wait_for_sync else ()
        return Plan(
            start=(put(inst), *(put(disk) for disk in every)),
            attempt=(*_disks.create(cfg, disks), *write, *boot),
            settle=(*finish, *wait),
            end=(put(done),),
        )

