"""A small cluster as plain data: two groups, four nodes, five instances, one network."""

from __future__ import annotations

from gnt.model.config import Config, MemoryState


def small() -> Config:
    nodes = {}
    for number, (group, flags) in enumerate(
            [("g1", {"master_candidate": True}), ("g1", {"master_candidate": True}),
             ("g2", {"offline": True}), ("g2", {"drained": True, "ndparams": {"ssh_port": 2222}})],
            start=1):
        nodes[f"n{number}"] = {
            "uuid": f"n{number}", "name": f"node{number}.lab", "primary_ip": f"10.0.0.{number}",
            "secondary_ip": f"10.1.0.{number}", "group": group, **flags}
    return Config(MemoryState({
        "cluster": {"cluster": {
            "uuid": "c", "cluster_name": "small", "master_node": "n1", "ctime": 1e9,
            "beparams": {"maxmem": 256}, "hvparams": {"kvm": {"acpi": False}},
            "nicparams": {"link": "br-lan"}, "ndparams": {"spindle_count": 3}}},
        "groups": {
            "g1": {"uuid": "g1", "name": "default", "networks": {
                "net": {"mode": "bridged", "link": "br-net"}}},
            "g2": {"uuid": "g2", "name": "rack2", "alloc_policy": "last_resort"}},
        "nodes": nodes,
        "networks": {"net": {
            "uuid": "net", "name": "lan", "network": "192.0.2.0/29", "gateway": "192.0.2.1",
            "reservations": ".XX.....", "ext_reservations": ".....X.."}},
        "instances": {
            "i1": {"uuid": "i1", "name": "web1.example.com", "primary_node": "n1",
                   "admin_state": "up", "os": "image", "tags": ["prod", "web"],
                   "disk_template": "file", "disks": ["d1", "d2"],
                   "beparams": {"vcpus": 4}, "hvparams": {"kernel_path": "/boot/x"},
                   "nics": [{"uuid": "nic1", "mac": "aa:00:00:00:00:01", "ip": "192.0.2.2",
                             "network": "net"}, {"uuid": "nic2", "mac": "aa:00:00:00:00:02"}]},
            "i10": {"uuid": "i10", "name": "web10.example.com", "primary_node": "n2",
                    "admin_state": "up"},
            "i2": {"uuid": "i2", "name": "web2.example.com", "primary_node": "n2"},
            "i3": {"uuid": "i3", "name": "db.example.com", "primary_node": "n3",
                   "admin_state": "up", "tags": ["prod"]},
            "i4": {"uuid": "i4", "name": "db.example.org", "primary_node": "n4",
                   "admin_state": "offline"}},
        "disks": {
            "d1": {"uuid": "d1", "dev_type": "file", "logical_id": ["loop", "/srv/d1"],
                   "size": 1024,
                   "instance": "i1",
                   "nodes": ["n1"], "name": "root"},
            "d2": {"uuid": "d2", "dev_type": "file", "logical_id": ["loop", "/srv/d2"], "size": 512,
                   "instance": "i1",
                   "nodes": ["n1", "n4"]}},
    }, term=1, serial=7, head="abc"))
