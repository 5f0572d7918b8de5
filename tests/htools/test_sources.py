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
from tests.fuzz.of_files import REQUESTS
from tests.htools import clusters
from tests.htools.reference import ours, saved, theirs

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
        if fault == "headers":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            for _ in range(30):
                self.wfile.write(b"x")
                time.sleep(0.1)
        if fault == "gibberish":
            self.wfile.write(b"220 mail ready\r\n\r\n")
            return
        if fault.startswith("to "):
            self.send_response(302)
            self.send_header("Location", fault.removeprefix("to "))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.server.wants not in ("", self.headers.get("Authorization")):
            self.send_error(401)
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
    made.answers, made.fault, made.wants = answers(), "", ""
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
    ("headers", "no whole answer within 1 s"), ("gibberish", "does not speak HTTP"),
    ("to /2/nodes", r"sends from one address to the other \(302\)"),
    ("to ftp://127.0.0.1:9/x", "unknown url type: ftp"), ("to http://[", "Invalid IPv6 URL"),
    ("to file:///etc/passwd", "sends from one address to the other"),
])
def test_what_goes_wrong_is_one_line_with_the_address(server, fault, problem):
    server.fault = fault
    with pytest.raises(BadData, match=problem) as caught:
        rapi.load(server.url, deadline=1)
    assert server.url in caught.value.message and "\n" not in caught.value.message
    if fault not in ("slow", "drip", "headers"):
        done = ours("hinfo", "-m", server.url)
        assert done.code == 1 and server.url in done.err


@pytest.mark.parametrize("address", ["htps://joe:secret@x", "https:/joe:secret@x", "http:::joe:"
                                     "secret@x://", "https://joe:secret@", "https://joe:secret@[x"])
def test_no_mistyped_address_shows_its_password(address):
    with pytest.raises(BadData) as caught:
        rapi.load(address, deadline=1)
    assert "secret" not in caught.value.message + caught.value.hint


def test_nobody_there_and_other_addresses_are_one_line():
    for address, problem in (("http://127.0.0.1:9", "refused"), ("ftp://x", "only http, https"),
                             ("http://nowhere.invalid:1", "nowhere.invalid")):
        with pytest.raises(BadData, match=problem):
            rapi.load(address, deadline=1)


def with_tls(server, folder, *more):
    """The server with a certificate that it made for itself; its file."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-keyout", key, "-out", cert, "-subj", "/CN=ganeti.example.com", *more],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = server.url.replace("http:", "https:")
    return cert


def test_certificates_are_checked(server, tmp_path, monkeypatch):
    cert = with_tls(server, tmp_path, "-addext", "subjectAltName=IP:127.0.0.1")
    with pytest.raises(BadData, match="certificate") as caught:
        rapi.load(server.url, deadline=5)
    assert "SSL_CERT_FILE" in caught.value.hint
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    assert len(rapi.load(server.url, deadline=5).nodes) == len(WORLD.nodes)


def test_a_servers_own_certificate_is_trusted_by_its_fingerprint(server, tmp_path):
    """As RAPI servers have them by default, in the name of another host."""
    with_tls(server, tmp_path)
    with pytest.raises(BadData) as caught:
        rapi.load(server.url, deadline=5)
    pinned = caught.value.hint.split()[-1]
    assert pinned.startswith(f"{server.url}#sha256=")
    assert len(rapi.load(pinned, deadline=5).nodes) == len(WORLD.nodes)
    other = pinned[:-2] + ("00" if pinned[-2:] != "00" else "11")
    with pytest.raises(BadData, match="fingerprint is another one"):
        rapi.load(other, deadline=5)
    for nonsense in ("#sha256=12", "#sha1=" + "0" * 64, "#sha256=" + "g" * 64):
        with pytest.raises(BadData, match="64 hexadecimal digits"):
            rapi.load(server.url + nonsense, deadline=5)


def test_a_user_and_a_password_are_sent_and_never_shown(server, tmp_path):
    server.wants = "Basic am9lOnNlOmNyZXRA"  # joe:se:cret@
    with pytest.raises(BadData, match="401") as caught:
        rapi.load(server.url, deadline=5)
    assert "USER:PASSWORD@" in caught.value.hint
    known = server.url.replace("//", "//joe:se:cret%40@")
    assert len(rapi.load(known, deadline=5).nodes) == len(WORLD.nodes)
    for fault in ("", "404"):
        server.fault = fault
        done = ours("hscan", "-d", str(tmp_path), known)
        assert "cret" not in done.out + done.err and server.url in done.out
    (written,) = tmp_path.glob("*.data")
    assert "cret" not in written.name


@pytest.mark.parametrize("program", ["hbal", "hspace", "hinfo", "hcheck", "hroller", "hsqueeze",
                                     "hscan", "harep"])
def test_a_socket_is_told_what_to_use_instead(program):
    done = ours(program, "-L/var/run/ganeti/socket/ganeti-query")
    assert done.code == 2
    assert "there is no LUXI socket /var/run/ganeti/socket/ganeti-query" in done.err
    assert "-m ADDRESS a RAPI server" in done.err


def test_parts_of_numbers_are_rounded_as_by_the_reference(tmp_path):
    """To the nearest, of two to the even one."""
    message = json.loads(REQUESTS[0])
    path = tmp_path / "request"
    for value in (0.5, 1.5, 2.5, 1024.7):
        for key in ("memory", "vcpus", "disk_space_total", "spindle_use"):
            changed = {**message, "request": {**message["request"], key: value}}
            path.write_text(json.dumps(changed))
            a, b = theirs("hail", str(path)), ours("hail", str(path))
            assert a.out == b.out, (key, value)


def test_a_request_is_a_source_and_counts_its_instances_once(tmp_path):
    """The reference counts them twice there, and then hspace stops over its own inconsistency."""
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
    path = saved(WORLD, tmp_path / "c.data")  # its moves must not be made in another cluster
    acting = ours("hbal", "-L", "-X", "-t", path)
    assert acting.code == 1 and acting.err.count("\n") == 1 and not acting.out
    assert acting.err.endswith("given: --text-data, --luxi\n")
    with pytest.raises(GntError, match="No such file"):
        rapi.load(f"file://{tmp_path}/none")
