"""Where data comes from: RAPI servers, requests, this cluster; what is said when it does not."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gnt.errors import GntError
from gnt.htools import rapi
from gnt.htools.world import BadData
from tests.htools import clusters
from tests.htools.reference import ours, theirs

pytestmark = pytest.mark.later

WORLD = clusters.make(3, nodes=4, per_node=3)
SIZES = {"memory-size": 128, "cpu-count": 1, "disk-size": 1024, "disk-count": 1, "nic-count": 1,
         "spindle-use": 1}
POLICY = {"std": SIZES, "minmax": [{"min": SIZES, "max": {k: v * 8 for k, v in SIZES.items()}}],
          "disk-templates": ["drbd", "plain"], "vcpu-ratio": 4.0, "spindle-ratio": 32.0}


def answers(world=WORLD, hypervisor="xen-pvm"):
    """What a RAPI server says of a world, by resource."""
    group = world.groups[0]
    return {
        "info": {"master": world.nodes[0].name, "tags": [], "ipolicy": POLICY,
                 "default_hypervisor": hypervisor},
        "groups": [{"name": group.name, "uuid": group.uuid, "alloc_policy": group.alloc_policy,
                    "tags": [], "ipolicy": POLICY, "networks": []}],
        "nodes": [{
            "name": n.name, "group.uuid": group.uuid, "offline": n.offline, "drained": False,
            "vm_capable": True, "mtotal": n.t_mem, "mnode": n.n_mem, "mfree": n.f_mem,
            "dtotal": n.t_dsk, "dfree": n.f_dsk, "ctotal": n.t_cpu, "cnos": 1, "tags": [],
            "sptotal": 0, "spfree": 0, "ndparams": {
                "spindle_count": n.spindles, "exclusive_storage": False, "cpu_speed": 1.0},
        } for n in world.nodes],
        "instances": [{
            "name": i.name, "pnode": world.nodes[i.pri].name,
            "snodes": [world.nodes[i.sec].name], "status": "running", "oper_ram": i.mem,
            "admin_state": "up", "disk_usage": i.dsk, "disk_template": "drbd", "tags": [],
            "disk.sizes": [i.dsk], "disk.spindles": [None], "nic.networks": [], "hvparams": {},
            "forthcoming": False, "beparams": {
                "vcpus": i.vcpus, "maxmem": i.mem, "memory": i.mem, "auto_balance": True,
                "spindle_use": i.spindle_use},
        } for i in world.instances],
    }


class Server(BaseHTTPRequestHandler):
    """Says what the server's ``answers`` hold, or behaves as ``fault`` says."""

    def do_GET(self):
        resource = self.path.split("/")[2].partition("?")[0]
        body = json.dumps(self.server.answers[resource]).encode()
        fault = self.server.fault if resource == "nodes" else ""
        if fault == "slow":
            time.sleep(2)
        if fault.isdigit():
            self.send_error(int(fault))
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault == "drip":
            for byte in body[:30]:
                self.wfile.write(bytes([byte]))
                time.sleep(0.1)
        self.wfile.write({"cut": body[:50], "noise": b"\xff" * len(body),
                          "html": b"<html>".ljust(len(body))}.get(fault, body))

    def log_message(self, *words):
        """Nobody listens."""


class Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients leave as they like."""


@pytest.fixture
def server():
    made = Http(("127.0.0.1", 0), Server)
    made.answers, made.fault = answers(), ""
    made.url = f"http://127.0.0.1:{made.server_address[1]}"
    threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize("words", [
    ("hinfo", "-v", "-p"), ("hbal", "-C", "-p"), ("hcheck", "--machine-readable"),
    ("hspace", "--machine-readable", "--disk-template", "drbd"),
], ids=lambda words: words[0])
@pytest.mark.parametrize("hypervisor", ["xen-pvm", "kvm"])
def test_a_server_is_read_as_by_the_reference(server, words, hypervisor):
    server.answers = answers(hypervisor=hypervisor)
    program, *options = words
    for more in ((), ("--static-kvm-node-memory=2000",)) if program in ("hinfo", "hbal") else ((),):
        reference = theirs(program, "-m", server.url, *options, *more)
        mine = ours(program, "-m", server.url, *options, *more)
        assert (mine.code, mine.out, mine.err) == (reference.code, reference.out, reference.err)


def test_hscan_writes_what_it_reads(server, tmp_path):
    done = ours("hscan", "-d", str(tmp_path), server.url)
    assert done.code == 0
    (written,) = tmp_path.glob("*.data")
    read = [ours("hinfo", *words, "-p").err for words in (
        ("-m", server.url, "--static-kvm-node-memory=0"), ("-t", str(written)))]
    assert read[0] == read[1]


@pytest.mark.parametrize(("fault", "problem"), [
    ("404", r"/2/nodes\?bulk=1: the server says 404"), ("500", "the server says 500"),
    ("401", "the server says 401"), ("cut", r"the answer ended after 50 of \d+ bytes"),
    ("noise", "byte 0 is not UTF-8 text"), ("html", "not JSON"),
    ("slow", "no whole answer within 1 s"), ("drip", "no whole answer within 1 s"),
])
def test_what_goes_wrong_is_one_line_with_the_address(server, fault, problem):
    server.fault = fault
    with pytest.raises(BadData, match=problem) as caught:
        rapi.load(server.url, deadline=1)
    assert server.url in caught.value.message and "\n" not in caught.value.message
    if fault not in ("slow", "drip"):
        done = ours("hinfo", "-m", server.url)
        assert done.code == 1 and server.url in done.err


def test_nobody_there_and_other_addresses_are_one_line():
    for address, problem in (("http://127.0.0.1:9", "refused"), ("ftp://x", "only http, https"),
                             ("http://nowhere.invalid:1", "nowhere.invalid")):
        with pytest.raises(BadData, match=problem):
            rapi.load(address, deadline=1)


def test_certificates_are_checked(server, tmp_path, monkeypatch):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-keyout", key, "-out", cert, "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = server.url.replace("http:", "https:")
    with pytest.raises(BadData, match="certificate") as caught:
        rapi.load(url, deadline=5)
    assert "SSL_CERT_FILE" in caught.value.hint
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    assert len(rapi.load(url, deadline=5).nodes) == len(WORLD.nodes)


@pytest.mark.parametrize("program", ["hbal", "hspace", "hinfo", "hcheck", "hroller", "hsqueeze",
                                     "hscan", "harep"])
def test_a_socket_is_told_what_to_use_instead(program):
    done = ours(program, "-L/var/run/ganeti/socket/ganeti-query")
    assert done.code == 2
    assert "there is no LUXI socket /var/run/ganeti/socket/ganeti-query" in done.err
    assert "-m ADDRESS a RAPI server" in done.err


def test_a_request_is_a_source_and_counts_its_instances_once(tmp_path):
    """The reference counts them twice there, and then hspace stops over its own inconsistency."""
    from tests.htools.reference import saved
    from tests.htools.test_reference import new, request

    path = tmp_path / "request.json"
    path.write_text(json.dumps(request(WORLD, new(1))))
    text = saved(WORLD, tmp_path / "c.data")
    for words in (("hinfo", "-p"), ("hbal", "-C"), ("hcheck", "--machine-readable"),
                  ("hspace", "--machine-readable", "--disk-template", "drbd")):
        program, *options = words
        one = ours(program, "-I", str(path), *options, "--offline", WORLD.nodes[2].name)
        other = ours(program, "-t", text, *options, "--offline", WORLD.nodes[2].name)
        assert (one.code, one.out) == (other.code, other.out)


def test_no_source_and_two_sources_are_refused(tmp_path):
    assert "no source of cluster data" in ours("hbal").err
    both = ours("hinfo", "-t", "x", "-m", "y")
    assert both.code == 1 and "only one source of data" in both.err
    with pytest.raises(GntError, match="No such file"):
        rapi.load(f"file://{tmp_path}/none")
