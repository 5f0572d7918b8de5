"""Fields of instances."""

from __future__ import annotations

from gnt.query.cells import UNAVAIL
from gnt.query.field import Field, attribute, tabled
from gnt.query.live import guest_value, status
from gnt.query.tables._disks import disks
from gnt.query.tables._hvparams import hvparams
from gnt.query.tables._nics import nics
from gnt.query.tables._thing import thing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT = ("name", "hypervisor", "os", "pnode", "status", "oper_ram")
STATUS = (
    "Its state: running; ADMIN_down: stopped; USER_down: shut down from inside; ADMIN_offline: "
    "taken out of use; ERROR_down: should run and does not; ERROR_up: runs and should not; "
    "ERROR_wrongnode: runs elsewhere; ERROR_nodedown: its node does not answer; "
    "ERROR_nodeoffline: its node is marked offline")

_BACKEND = (
    ("be/always_failover", "be/always_failover", "bool", "always_failover",
     "Whether it is never migrated live"),
    ("be/auto_balance", "Auto_balance", "bool", "auto_balance",
     "Whether balancing and N+1 count it"),
    ("be/maxmem", "ConfigMaxMem", "unit", "maxmem", "Memory it gets at most"),
    ("be/memory", "ConfigMaxMem", "unit", "maxmem", "Memory it gets at most"),
    ("be/minmem", "ConfigMinMem", "unit", "minmem", "Memory it keeps at least"),
    ("be/spindle_use", "be/spindle_use", "number", "spindle_use", "Spindles it counts as"),
    ("be/vcpus", "ConfigVCPUs", "number", "vcpus", "Virtual processors"),
    ("vcpus", "ConfigVCPUs", "number", "vcpus", "Virtual processors"),
)
_GUEST = (
    ("oper_ram", "Memory", "unit", "memory", "Memory it has, as its hypervisor says"),
    ("oper_state", "Running", "bool", "running", "Whether it runs"),
    ("oper_vcpus", "VCPUs", "number", "vcpus", "Processors it has, as its hypervisor says"),
)


def _backend(name: str, title: str, kind: str, param: str, doc: str) -> Field:
    return Field(name, title, kind, doc, lambda v, i: getattr(v.backend(i), param))


def _guest(name: str, title: str, kind: str, what: str, doc: str) -> Field:
    return Field(name, title, kind, doc, lambda v, i: guest_value(v.cfg, v.live, i, what),
                 live=True)


def _params() -> Iterator[Field]:
    """Whole sets of parameters: as set on the instance, and filled in."""
    yield Field("beparams", "BackendParameters", "other", "Backend parameters, filled in",
                lambda v, i: dict(v.backend(i).items()))
    yield Field("custom_beparams", "CustomBackendParameters", "other",
                "Backend parameters set on the instance", attribute("beparams"))
    yield Field("custom_hvparams", "CustomHypervisorParameters", "other",
                "Hypervisor parameters set on the instance", attribute("hvparams"))
    yield Field("custom_nicparams", "CustomNicParameters", "other",
                "Parameters set on each NIC", lambda v, i: [nic.nicparams for nic in i.nics])
    yield Field("custom_osparams", "CustomOpSysParameters", "other",
                "OS parameters set on the instance", attribute("osparams"))
    yield Field("hvparams", "HypervisorParameters", "other", "Hypervisor parameters, filled in",
                lambda v, i: v.hypervisor(i))
    yield Field("osparams", "OpSysParameters", "other", "OS parameters, filled in",
                lambda v, i: v.os(i))


def _places() -> Iterator[Field]:
    """Where it is."""
    yield Field("pnode", "Primary_node", "text", "Its primary node",
                lambda v, i: v.node(i.primary_node).name)
    yield Field("pnode.group", "PrimaryNodeGroup", "text", "The group of its primary node",
                lambda v, i: v.group_of(i).name)
    yield Field("pnode.group.uuid", "PrimaryNodeGroupUUID", "text",
                "The uuid of the group of its primary node", lambda v, i: v.group_of(i).uuid)
    yield Field("snodes", "Secondary_Nodes", "other", "Its secondary nodes",
                lambda v, i: [node.name for node in v.secondaries(i)])
    yield Field("snodes.group", "SecondaryNodesGroups", "other",
                "The groups of its secondary nodes",
                lambda v, i: [v.group(node.group).name for node in v.secondaries(i)])
    yield Field("snodes.group.uuid", "SecondaryNodesGroupsUUID", "other",
                "The uuids of the groups of its secondary nodes",
                lambda v, i: [node.group for node in v.secondaries(i)])


FIELDS = tabled(
    thing("instance"), nics(), disks(), hvparams(), _params(), _places(),
    [_backend(*row) for row in _BACKEND], [_guest(*row) for row in _GUEST],
    Field("admin_state", "InstanceState", "text", "Its intended state: up, down or offline",
          attribute("admin_state")),
    Field("admin_state_source", "InstanceStateSource", "text",
          "Who set the intended state: admin or user", attribute("admin_state_source")),
    Field("admin_up", "Autostart", "bool", "Whether it is meant to run",
          lambda v, i: i.admin_state == "up"),
    Field("console", "Console", "other", "How its console is reached",
          lambda v, i: v.live.consoles.get(i.uuid, UNAVAIL), live=True),
    Field("disk_template", "Disk_template", "text", "How its disks are stored",
          attribute("disk_template")),
    Field("disks_active", "DisksActive", "bool", "Whether its disks are meant to be in use",
          attribute("disks_active")),
    Field("forthcoming", "Forthcoming", "bool", "Whether it is only a reservation yet",
          attribute("forthcoming")),
    Field("hypervisor", "Hypervisor", "text", "What runs it", attribute("hypervisor")),
    Field("name", "Instance", "text", "Its name", attribute("name")),
    Field("network_port", "Network_port", "other", "Port of its VNC or SPICE console",
          attribute("network_port")),
    Field("os", "OS", "text", "Its operating system",
          lambda v, i: i.os or UNAVAIL),
    Field("status", "Status", "text", STATUS, lambda v, i: status(v.cfg, v.live, i), live=True),
)
