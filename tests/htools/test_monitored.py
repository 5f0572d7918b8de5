"""Loads that monitoring daemons measured: from files as Debian's hbal takes them, and live."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gnt.htools import monitored
from gnt.htools.monitored import Monitoring
from gnt.htools.world import BadData
from tests.htools import clusters
from tests.htools.reference import ours, saved, theirs

WORLD = clusters.make(3, nodes=3, per_node=3)


def report(load, name="cpu-avg-load", data=None):
    usual = {"cpu_number": 4, "cpus": [load / 4] * 4, "cpu_total": load}
    return {"name": name, "version": "B", "format_version": 1, "timestamp": 1, "category": None,
            "kind": 0, "data": usual if data is None else data}


def entries(*reports, nodes=WORLD.nodes):
    return [{"node": node.name, "reports": list(reports)} for node in nodes]


def tables(text):
    """Without what is said of missing data, each in its own words."""
    return [line for line in text.splitlines() if line.strip() and not line.endswith(
        ("ignored", "ignored.")) and not line.startswith("No CPU")]


def xen(load=0.25, left_out=()):
    return [{"node": node.name, "reports": [report(0, "xen-cpu-avg-load", {
        i.name: load for i in WORLD.instances if i.pri == k and i.name not in left_out})]}
        for k, node in enumerate(WORLD.nodes)]


FILES = {
    "usual": [{"node": n.name, "reports": [report(0.5 + k)]} for k, n in enumerate(WORLD.nodes)],
    "one node missing": entries(report(1.5), nodes=WORLD.nodes[:2]),
    "two reports": entries(report(1.5), report(2.5)), "other collector": entries(report(1, "drbd")),
    "no data": entries(report(1, data={})), "text": entries(report(1, data={"cpu_total": "2"})),
    "no processors": entries(report(1, data={"cpu_total": 2})),
    "a node twice": [*entries(report(1.5)), {"node": WORLD.nodes[0].name, "reports": [report(9)]}],
    "a stranger": [*entries(report(1.5)), {"node": "x", "reports": [report(9.5)]}],
    "xen": xen(), "xen, not all": xen(left_out=[WORLD.instances[0].name]),
}


@pytest.mark.parametrize("options", [
    ("--mond",), ("--mond=yes", "--exit-on-missing-mond-data"), ("--mond", "--mond-xen"), (),
    ("--mond", "--ignore-dynu"),
], ids=lambda options: " ".join(options) or "without --mond")
def test_files_count_as_they_do_for_the_reference(options, tmp_path):
    path = saved(WORLD, tmp_path / "c.data")
    chosen = FILES if options[-1:] == ("--mond-xen",) or len(options) == 2 else ["usual", "xen"]
    for name, content in ((name, FILES[name]) for name in chosen):
        (tmp_path / "mond").write_text(json.dumps(content))
        words = ("-t", path, *options, f"--mond-data={tmp_path / 'mond'}", "-p", "-l", "0")
        reference, mine = theirs("hbal", *words), ours("hbal", *words)
        assert (mine.code, mine.out) == (reference.code, reference.out), name
        if not reference.code:
            assert tables(mine.err) == tables(reference.err), name


def test_loads_are_shared_as_the_reference_shares_them(tmp_path):
    world = clusters.make(5, nodes=4, per_node=4, odd=0.5, shared=0.3)
    path = saved(world, tmp_path / "c.data")
    (tmp_path / "mond").write_text(json.dumps(
        [{"node": n.name, "reports": [report(0.5 + k)]} for k, n in enumerate(world.nodes)]))
    for program, words in (("hinfo", ("-p",)), ("hbal", ("-p", "-l", "0"))):
        both = [run(program, "-t", path, "--mond", f"--mond-data={tmp_path / 'mond'}", *words)
                for run in (theirs, ours)]
        assert both[0].out == both[1].out and both[0].code == both[1].code


@pytest.mark.parametrize("content", ["{", "{}", "[1]", '[{"node": "a"}]', '[{"reports": []}]',
                                     '[{"node": 1, "reports": []}]', b"\xff"])
def test_files_that_are_refused(content, tmp_path):
    path = tmp_path / "mond"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadData, match=str(path)):
        monitored.apply(WORLD, Monitoring(wanted=True, files=(str(path),)))


def test_several_files_are_smoothed(tmp_path):
    paths = []
    for k, load in enumerate((4.0, 0.0, 0.0)):
        paths.append(str(tmp_path / str(k)))
        (tmp_path / str(k)).write_text(json.dumps(entries(report(load))))
    total = {w: sum(n.cpu_load for n in monitored.apply(
        WORLD, Monitoring(wanted=True, files=tuple(paths), weight=w)).nodes)
        for w in (0.0, 0.5, 1.0)}
    assert total == {0.0: pytest.approx(12.0), 0.5: pytest.approx(3.0), 1.0: pytest.approx(0.0)}


class Daemon(BaseHTTPRequestHandler):
    """A monitoring daemon; what it says depends on the address it is asked at."""

    def do_GET(self):
        host = self.server.server_address[0]
        asked = self.server.asked
        asked.append((host, self.path))
        body = self.server.answers.get(host, b"")
        if body.startswith(b"220"):  # this is no web server
            self.wfile.write(body)
            return
        self.send_response(200 if body else 500)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Nobody listens."""


@pytest.fixture
def daemons():
    """Three daemons at one port of three loopback addresses; (port, answers, what was asked)."""
    answers, asked, servers, port = {}, [], [], 0
    for k in (1, 2, 3):
        server = ThreadingHTTPServer((f"127.0.0.{k}", port), Daemon)
        server.answers, server.asked = answers, asked
        port = server.server_address[1]
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield port, answers, asked
    for server in servers:
        server.shutdown()
        server.server_close()


def local_world():
    names = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    return WORLD.replace(nodes=tuple(
        n.replace(name=name) for n, name in zip(WORLD.nodes, names, strict=True)))


def test_nodes_are_asked_live(daemons, tmp_path):
    port, answers, asked = daemons
    world = local_world()
    for k in (1, 2, 3):
        answers[f"127.0.0.{k}"] = json.dumps(report(float(k))).encode()
    loaded = monitored.apply(world, Monitoring(wanted=True, port=port))
    assert [n.cpu_load for n in loaded.nodes] == [1.0, 2.0, 3.0]
    shares = [sum(i.load[0] for i in loaded.instances if i.pri == k) for k in range(3)]
    assert all(0 < share < k for k, share in enumerate(shares, 1))  # the node uses CPUs, too
    assert sorted(asked) == [(f"127.0.0.{k}", "/1/report/default/cpu-avg-load") for k in (1, 2, 3)]
    path = saved(world, tmp_path / "c.data")
    shown = ours("hinfo", "-t", path, "--mond", f"--mond-port={port}", "-p=name,cload")
    assert [line.split()[-1] for line in shown.err.splitlines()[-4:-1]] == [
        "1.000", "2.000", "3.000"]


@pytest.mark.parametrize("answer", [b"", b"{", b"[]", b'{"name": "cpu-avg-load"}', b"\xff",
                                    b"x" * (2 << 20), b"220 mail ready\r\n\r\n"])
def test_a_daemon_that_says_nothing_useful_makes_the_data_incomplete(daemons, answer):
    port, answers, _ = daemons
    world = local_world()
    for k in (1, 2, 3):
        answers[f"127.0.0.{k}"] = json.dumps(report(float(k))).encode()
    answers["127.0.0.2"] = answer
    assert monitored.apply(world, Monitoring(wanted=True, port=port)) == world
    with pytest.raises(BadData, match="not all required"):
        monitored.apply(world, Monitoring(wanted=True, port=port, complete=True))


def test_offline_nodes_are_not_asked(daemons):
    port, _, asked = daemons
    world = local_world()
    off = world.replace(nodes=(*world.nodes[:2], world.nodes[2].replace(offline=True)))
    monitored.apply(off, Monitoring(wanted=True, port=port))
    assert {host for host, _ in asked} == {"127.0.0.1", "127.0.0.2"}
