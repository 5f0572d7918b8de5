"""Fields of nodes."""

from __future__ import annotations

from gnt.query.field import Field, attribute, tabled
from gnt.query.live import node_value, role
from gnt.query.tables._ndparams import ndparams
from gnt.query.tables._thing import thing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT = ("name", "dtotal", "dfree", "mtotal", "mnode", "mfree", "pinst_cnt", "sinst_cnt")

_LIVE = (
    ("bootid", "BootID", "text", "A random id that each boot renews"),
    ("cnodes", "CNodes", "number", "NUMA domains"),
    ("cnos", "CNOs", "number", "Logical processors of the node's own system"),
    ("csockets", "CSockets", "number", "Processor sockets"),
    ("ctotal", "CTotal", "number", "Logical processors"),
    ("dfree", "DFree", "unit", "Free disk space where the first disk template puts its disks"),
    ("dtotal", "DTotal", "unit", "Disk space where the first disk template puts its disks"),
    ("mfree", "MFree", "unit", "Memory that new instances can have"),
    ("mnode", "MNode", "unit", "Memory that the node itself uses"),
    ("mtotal", "MTotal", "unit", "Memory of the machine"),
)


def _live(name: str, title: str, kind: str, doc: str) -> Field:
    return Field(name, title, kind, doc, lambda v, n: node_value(v.live, n, name), live=True)


def _flags() -> Iterator[Field]:
    for name, title, doc in (
        ("drained", "Drained", "Whether it gets no new instances"),
        ("master_candidate", "MasterC", "Whether it holds the configuration"),
        ("master_capable", "MasterCapable", "Whether it can become a master candidate"),
        ("offline", "Offline", "Whether it is marked offline"),
        ("powered", "Powered", "Whether it is believed to be powered on"),
        ("vm_capable", "VMCapable", "Whether it can run instances"),
    ):
        yield Field(name, title, "bool", doc, attribute(name))


FIELDS = tabled(
    thing("node"), _flags(), [_live(*row) for row in _LIVE],
    ndparams(lambda v, node: v.node_params(node)),
    Field("custom_ndparams", "CustomNodeParameters", "other", "Node parameters set on the node",
          attribute("ndparams")),
    Field("disk_state", "DiskState", "other", "Recorded disk state",
          attribute("disk_state_static")),
    Field("group", "Group", "text", "Its group", lambda v, n: v.group(n.group).name),
    Field("group.uuid", "GroupUUID", "text", "Its group's uuid", attribute("group")),
    Field("hv_state", "HypervisorState", "other", "Recorded hypervisor state",
          attribute("hv_state_static")),
    Field("master", "IsMaster", "bool", "Whether it is the master",
          lambda v, n: v.cluster.master_node == n.uuid),
    Field("name", "Node", "text", "Its name", attribute("name")),
    Field("ndparams", "NodeParameters", "other", "Node parameters, filled in",
          lambda v, n: dict(v.node_params(n).items())),
    Field("pinst_cnt", "Pinst", "number", "Number of instances it is the primary node of",
          lambda v, n: len(v.primaries(n))),
    Field("pinst_list", "PriInstances", "other", "Instances it is the primary node of",
          lambda v, n: v.primaries(n)),
    Field("pip", "PrimaryIP", "text", "Its primary address", attribute("primary_ip")),
    Field("role", "Role", "text",
          "M master, C master candidate, R regular, D drained, O offline",
          lambda v, n: role(v.cfg, n)),
    Field("sinst_cnt", "Sinst", "number", "Number of instances it is a secondary node of",
          lambda v, n: len(v.seconds(n))),
    Field("sinst_list", "SecInstances", "other", "Instances it is a secondary node of",
          lambda v, n: v.seconds(n)),
    Field("sip", "SecondaryIP", "text", "Its address for replication", attribute("secondary_ip")),
    Field("spfree", "SpFree", "number", "Free spindles (exclusive storage only)",
          lambda v, n: node_value(v.live, n, "spfree"), live=True),
    Field("sptotal", "SpTotal", "number", "Spindles (exclusive storage only)",
          lambda v, n: node_value(v.live, n, "sptotal"), live=True),
)
