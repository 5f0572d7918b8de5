"""Packets on real connections: new keys in the middle, other ciphers, other channels beside."""

from __future__ import annotations

import hashlib

import pytest

from .conftest import ok, run

FLOOD = "head -c {size} /dev/zero | tr '\\0' {letter}"


def asked(transport, name: str, body: str):
    call = run.on(name, body)
    return ok(transport.ask([call])[call.key])


def flooded(transport, name: str, size: int) -> None:
    """Ask for much, on both streams, and look at what comes."""
    script = FLOOD.format(size=size, letter="x") + "; " + FLOOD.format(size=size, letter="y")
    assert asked(transport, name, script + " >&2") == "x" * size


def test_the_node_may_ask_for_new_keys(own_site):
    own_site.add("anew", more="RekeyLimit 128K")
    transport = own_site.transport()
    assert asked(transport, "anew", "true") == ""
    made = transport.peer("anew").connection().made
    first = made.H
    for _ in range(5):
        flooded(transport, "anew", 300_000)
        assert asked(transport, "anew", "echo fine") == "fine\n"
    assert first != made.H


def test_we_may_ask_for_new_keys(own_site):
    """Because of what comes, and because of what is sent while the connection rests."""
    own_site.add("anew")
    transport = own_site.transport()
    assert asked(transport, "anew", "true") == ""
    connection = transport.peer("anew").connection()
    connection.packets.REKEY_BYTES = 100_000
    for body in ("head -c 150000 /dev/zero | tr '\\0' x", f": {'x' * 150_000}"):
        before = connection.made.H
        asked(transport, "anew", body)
        assert asked(transport, "anew", "echo fine") == "fine\n"
        assert before != connection.made.H


@pytest.mark.parametrize("ciphers", ["aes256-ctr", "aes256-gcm@openssh.com"])
def test_other_ciphers(own_site, ciphers):
    own_site.add("other", more=f"Ciphers {ciphers}")
    transport = own_site.transport()
    for _ in range(3):
        flooded(transport, "other", 3_000_000)
        assert asked(transport, "other", "echo fine") == "fine\n"


def test_more_than_the_window_of_a_channel(site):
    """sshd stops after 2 MiB unless it is told that they were read."""
    transport = site.transport()
    for _ in range(3):
        flooded(transport, "node1", 5_000_000)


def test_commands_beside_a_resting_shell(site):
    transport = site.transport()
    assert asked(transport, "node1", "true") == ""
    connection = transport.peer("node1").connection()
    for number in range(5):
        assert connection.run(f"echo {number}").stdout == f"{number}\n"
        assert asked(transport, "node1", f"echo {number}") == f"{number}\n"
    sent = bytes(range(256)) * 8000
    with connection.sftp().open("/run/sent", "wb") as file:
        file.write(sent)
    digest = asked(transport, "node1", "sha256sum </run/sent")
    assert digest.split()[0] == hashlib.sha256(sent).hexdigest()
