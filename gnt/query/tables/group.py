"""Fields of node groups."""

from __future__ import annotations

from gnt.query.field import Field, attribute, tabled
from gnt.query.tables._ndparams import ndparams
from gnt.query.tables._thing import thing

DEFAULT = ("name", "node_cnt", "pinst_cnt", "alloc_policy", "ndparams")

FIELDS = tabled(
    thing("group"), ndparams(lambda v, group: v.group_node_params(group)),
    Field("alloc_policy", "AllocPolicy", "text",
          "Whether allocation uses it: preferred, last_resort or unallocable",
          attribute("alloc_policy")),
    Field("custom_diskparams", "CustomDiskParameters", "other", "Disk parameters set on the group",
          attribute("diskparams")),
    Field("custom_ipolicy", "CustomInstancePolicy", "other", "Limits set on the group",
          attribute("ipolicy")),
    Field("custom_ndparams", "CustomNDParams", "other", "Node parameters set on the group",
          attribute("ndparams")),
    Field("diskparams", "DiskParameters", "other", "Disk parameters, filled in",
          lambda v, g: v.disk_params(g)),
    Field("ipolicy", "InstancePolicy", "other", "Limits for its instances, filled in",
          lambda v, g: {**v.cluster.ipolicy, **g.ipolicy}),
    Field("name", "Group", "text", "Its name", attribute("name")),
    Field("ndparams", "NDParams", "other", "Node parameters, filled in",
          lambda v, g: dict(v.group_node_params(g).items())),
    Field("node_cnt", "Nodes", "number", "Number of nodes", lambda v, g: len(v.members(g))),
    Field("node_list", "NodeList", "other", "Its nodes",
          lambda v, g: [node.name for node in v.members(g)]),
    Field("pinst_cnt", "Instances", "number", "Number of instances whose primary node is in it",
          lambda v, g: len(v.group_instances(g))),
    Field("pinst_list", "InstanceList", "other", "Instances whose primary node is in it",
          lambda v, g: v.group_instances(g)),
)
