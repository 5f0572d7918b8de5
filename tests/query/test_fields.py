"""Field tables: complete, and each getter gives what the configuration says."""

from __future__ import annotations

import pytest

from gnt.query import columns
from gnt.query.cells import UNAVAIL
from gnt.query.field import default_output, fields, output
from gnt.query.source import Objects
from gnt.query.tables.signer import fingerprint
from gnt.query.view import View
from tests.query.clusters import small

COUNTS = {"instance": 292, "node": 46, "group": 25, "network": 19, "job": 16, "cluster": 16}


@pytest.mark.parametrize(("kind", "count"), COUNTS.items())
def test_tables_are_complete(kind: str, count: int) -> None:
    table = fields(kind)
    assert len(table) == count
    assert all(field.name == name and field.doc and field.title for name, field in table.items())
    assert {field.kind for field in table.values()} <= {
        "text", "bool", "number", "float", "unit", "timestamp", "other"}
    assert set(default_output(kind)) <= set(table)


def test_indexed_families_are_whole() -> None:
    names = set(fields("instance"))
    assert {f"disk.{what}/{at}" for what in ("name", "size", "spindles", "uuid")
            for at in range(16)} <= names
    assert {f"nic.{what}/{at}" for what in ("bridge", "ip", "link", "mac", "mode", "name",
            "network", "network.name", "uuid", "vlan") for at in range(8)} <= names
    assert sum(name.startswith("hv/") for name in names) == 82


def test_live_fields_are_marked() -> None:
    assert {name for name, field in fields("instance").items() if field.live} == {
        "console", "oper_ram", "oper_state", "oper_vcpus", "status"}
    assert {name for name, field in fields("node").items() if field.live} == {
        "bootid", "cnodes", "cnos", "csockets", "ctotal", "dfree", "dtotal", "mfree", "mnode",
        "mtotal", "spfree", "sptotal"}


@pytest.mark.parametrize("kind", ["instance", "node", "group", "network"])
def test_every_static_getter_answers_for_every_object(kind: str) -> None:
    cfg = small()
    source = Objects(kind, View(cfg), getattr(cfg, kind + "s"))
    for name, field in fields(kind).items():
        if not field.live:
            assert len(source.values(name, range(source.size))) == source.size


@pytest.mark.parametrize(("field", "value"), [
    ("name", "web1.example.com"), ("pnode", "node1.lab"), ("pnode.group", "default"),
    ("snodes", ["node4.lab"]), ("snodes.group", ["rack2"]), ("admin_up", True),
    ("be/maxmem", 256), ("be/memory", 256), ("be/minmem", 128), ("be/vcpus", 4), ("vcpus", 4),
    ("custom_beparams", {"vcpus": 4}), ("disk.count", 2), ("disk.sizes", [1024, 512]),
    ("disk.size/1", 512), ("disk.size/2", UNAVAIL), ("disk.name/0", "root"),
    ("disk.name/1", UNAVAIL), ("sda_size", 1024), ("disk_usage", 1536),
    ("nic.count", 2), ("nic.macs", ["aa:00:00:00:00:01", "aa:00:00:00:00:02"]),
    ("mac", "aa:00:00:00:00:01"), ("ip", "192.0.2.2"), ("nic.ip/1", UNAVAIL),
    ("nic.link/0", "br-net"), ("nic.link/1", "br-lan"), ("bridge", "br-net"),
    ("nic.network.name/0", "lan"), ("nic.networks.names", ["lan", None]),
    ("hv/acpi", False), ("hv/kernel_path", "/boot/x"), ("hv/vga", UNAVAIL),
    ("tags", ("prod", "web")),
])
def test_instance_values(field: str, value) -> None:
    cfg = small()
    source = Objects("instance", View(cfg), [cfg.instance("web1")])
    assert source.values(field, [0]) == [value]


@pytest.mark.parametrize(("field", "values"), [
    ("role", ["M", "C", "O", "D"]), ("group", ["default", "default", "rack2", "rack2"]),
    ("pinst_cnt", [1, 2, 1, 1]), ("sinst_list", [[], [], [], ["web1.example.com"]]),
    ("ndp/ssh_port", [22, 22, 22, 2222]), ("ndp/spindle_count", [3, 3, 3, 3]),
    ("master", [True, False, False, False]), ("sip", [f"10.1.0.{n}" for n in range(1, 5)]),
])
def test_node_values(field: str, values: list) -> None:
    cfg = small()
    assert Objects("node", View(cfg), cfg.nodes).values(field, range(4)) == values


def test_group_and_network_values() -> None:
    cfg = small()
    groups = Objects("group", View(cfg), cfg.groups)
    assert groups.values("node_list", [1]) == [["node3.lab", "node4.lab"]]
    assert groups.values("pinst_cnt", [0, 1]) == [3, 2]
    networks = Objects("network", View(cfg), cfg.networks)
    assert networks.values("map", [0]) == ["XXX..X.X"]
    assert networks.values("free_count", [0]) == [3]
    assert networks.values("reserved_count", [0]) == [5]
    assert networks.values("external_reservations", [0]) == ["192.0.2.5"]
    assert networks.values("group_list", [0]) == [["default (bridged, br-net)"]]
    assert networks.values("inst_list", [0]) == [["web1.example.com"]]


def test_drivers_defaults_fill_hypervisor_parameters() -> None:
    cfg = small()
    view = View(cfg, defaults=lambda what, name: {"acpi": True, "vga": f"{what} {name}"})
    source = Objects("instance", view, [cfg.instance("web1")])
    assert source.values("hv/vga", [0]) == ["hypervisor kvm"]
    assert source.values("hv/acpi", [0]) == [False]


def test_output_replaces_or_extends() -> None:
    assert [f.name for f in output("node", "name, role")] == ["name", "role"]
    assert [f.name for f in output("node", "+role")] == [*default_output("node"), "role"]


@pytest.mark.parametrize("kind", list(columns.KEPT))
def test_kept_columns_are_static_plain_and_nicely_ordered(kind: str) -> None:
    import marshal

    table = fields(kind)
    assert all(not table[name].live for name in columns.KEPT[kind])
    kept = columns.columns_of(kind, small())
    assert marshal.loads(marshal.dumps(kept)) == kept
    assert set(kept) == set(columns.KEPT[kind])


def test_columns_are_in_nice_order() -> None:
    assert columns.columns_of("instance", small())["name"] == [
        "db.example.com", "db.example.org", "web1.example.com", "web2.example.com",
        "web10.example.com"]


def test_fingerprints_are_those_of_ssh_keygen() -> None:
    # the answer of ssh-keygen -lf
    key = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII1peWheVL7OzwOFkDRADtAH"
           "tcIt7e+CrQJDKwJBYyaw a@b")
    assert fingerprint(key) == "SHA256:O+ADAL8t+T1xOmfXyz88QZhMpy0aysVJYYimvPz801A"
    assert fingerprint("nonsense") == "(not a key)"
