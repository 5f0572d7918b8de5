"""Nodes that are dead, silent, hanging or break: named, and the others answer."""

from __future__ import annotations

import signal
import socket
import threading

import pytest

from .conftest import a_node, free_port, run, until
from .odd import (
    SHORT,
    asked,
    banner_then_silence,
    closes_at_once,
    dead_host,
    endless_banner,
    judged,
    not_ssh,
    odd,
    relay,
    says_nothing,
    ssh_that_never,
)


@pytest.mark.parametrize("serve", [
    says_nothing, banner_then_silence, endless_banner, closes_at_once, not_ssh,
])
def test_what_is_not_a_working_sshd(site, serve, host_key):
    failure = judged(site, serve, host_key[0])
    assert failure.kind == "unreachable" and "gnt-node modify --offline yes odd" in failure.hint


@pytest.mark.parametrize(("never", "kind"), [
    ("auth", "unreachable"), ("admit", "denied"), ("channel", "unreachable"),
    ("exec", "unreachable"), ("answer", "timeout"),
])
def test_an_sshd_that_stops_half_way(site, never, kind, host_key):
    public, private = host_key
    assert judged(site, ssh_that_never(never, private), public).kind == kind


def test_nobody_listens(site):
    failure = asked(site, free_port(), "ssh-ed25519 " + site.login.split()[1])
    assert failure.kind == "unreachable" and "refused" in failure.problem.lower()


def test_an_address_that_does_not_answer(site):
    with dead_host() as port:
        assert asked(site, port, site.login).kind == "unreachable"


def test_one_dead_one_silent_and_one_hanging(site, host_key):
    public, private = host_key
    with odd(says_nothing) as silent, odd(ssh_that_never("answer", private)) as hanging:
        odds = {"dead": free_port(), "silent": silent, "hanging": hanging}
        strangers = [(a_node(name, public), port) for name, port in odds.items()]
        transport = site.transport(*strangers, connect=SHORT)
        calls = {name: run.on(name, "echo fine") for name in (*odds, *site.nodes)}
        answers = transport.ask(calls.values(), deadline=SHORT)
    kinds = {name: answers[calls[name].key].kind for name in odds}
    assert kinds == {"dead": "unreachable", "silent": "unreachable", "hanging": "timeout"}
    assert all(answers[calls[name].key] == "fine\n" for name in site.nodes)


def test_a_connection_that_breaks_in_the_middle(own_site):
    node = own_site.add("breaks")
    transport = own_site.transport()
    call = run.on("breaks", "echo $PPID >/run/session; sleep 4")
    thread_answers = {}
    worker = threading.Thread(target=lambda: thread_answers.update(transport.ask([call])))
    worker.start()
    session = until(lambda: node.sh("cat /run/session 2>/dev/null || true")).strip()
    node.sh(f"kill -9 {session}")
    worker.join()
    failure = thread_answers[call.key]
    assert failure.kind == "lost" and failure.unknown
    again = run.on("breaks", "echo back")
    assert transport.ask([again])[again.key] == "back\n"


def test_a_node_that_sheds_load_is_tried_again(own_site):
    """sshd closes connections without a word when too many are logging in."""
    node = own_site.add("busy")
    refused = []

    def serve(client):
        if len(refused) < 2:
            refused.append(client)
            client.close()
            return
        with socket.create_connection(("127.0.0.1", node.port)) as real:
            back = threading.Thread(target=relay, args=(real, client), daemon=True)
            back.start()
            relay(client, real)

    with odd(serve) as port:
        transport = own_site.transport((a_node("shy", node.host_key), port))
        call = run.on("shy", "echo fine")
        assert transport.ask([call])[call.key] == "fine\n"
    assert len(refused) == 2


def test_ctrl_c_leaves_a_usable_transport(site):
    transport = site.transport()
    slow, quick = run.on("node1", "sleep 2; echo >/run/slow"), run.on("node1", "echo quick")
    main = threading.main_thread().ident
    timer = threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()  # interrupts nothing but the lines below
    try:
        with pytest.raises(KeyboardInterrupt):
            transport.perform([slow], fence="81")
            timer.join()
    finally:
        timer.cancel()
    assert transport.ask([quick])[quick.key] == "quick\n"
    assert transport.wait_fence(["node1"], "81", 10) == {"node1": None}
    assert site.nodes["node1"].sh("cat /run/slow") == "\n"


def test_nothing_is_printed_by_libraries(site, host_key, capfd):
    for serve in (endless_banner, not_ssh, banner_then_silence):
        judged(site, serve, host_key[0])
    assert capfd.readouterr() == ("", "")
