"""What faults cost: each its deadline, once, and nobody else waits."""

from __future__ import annotations

import socket
import threading

from gnt.engine.ports import Frame
from gnt.ssh.opening import THREADS

from .conftest import a_node, free_port, run
from .odd import (
    SHORT,
    dead_host,
    odd,
    relay,
    says_nothing,
)


def test_a_hanging_command(site):
    transport = site.transport()
    calls = [run.on("node1", "sleep 60"), run.on("node2", "echo fine")]
    answers = transport.ask(calls, deadline=SHORT)
    failure = answers[calls[0].key]
    assert failure.kind == "timeout" and failure.unknown and answers[calls[1].key] == "fine\n"
    again = run.on("node1", "echo back")
    assert transport.ask([again])[again.key] == "back\n"


def test_scripts_behind_a_hanging_one_say_so(site):
    calls = [run.on("node1", body) for body in ("echo a", "sleep 60", "echo b")]
    answers = site.transport().ask(calls, deadline=SHORT)
    assert answers[calls[0].key] == "a\n"
    assert [answers[call.key].kind for call in calls[1:]] == ["timeout", "timeout"]


def test_a_silent_node_costs_its_deadline_once(site, host_key):
    tries = []

    def silent(client):
        tries.append(client)
        says_nothing(client)

    with odd(silent) as port:
        transport = site.transport((a_node("odd", host_key[0]), port), connect=SHORT)
        call = run.on("odd", "true")
        kinds = [transport.ask([call])[call.key].kind for _ in range(4)]
    assert kinds == ["unreachable"] * 4 and len(tries) == 1


def test_more_dead_hosts_than_threads_keep_nobody_waiting(site):
    """They all cost one connect deadline together, which is all the time this phase has."""
    with dead_host() as port:
        dead = [f"dead{n}" for n in range(2 * THREADS)]
        transport = site.transport(*((a_node(name, site.login), port) for name in dead),
                                   connect=SHORT)
        calls = {name: run.on(name, "echo fine") for name in (*dead, *site.nodes)}
        answers = transport.ask(calls.values())
    assert {answers[calls[name].key].kind for name in dead} == {"unreachable"}
    assert all(answers[calls[name].key] == "fine\n" for name in site.nodes)


def test_what_must_not_wait_for_dead_nodes(site, host_key):
    """Enough have answered: neither connecting nor silent nodes are waited for, not even at the
    end, and what they were sent does not come into the way of others."""
    with odd(says_nothing) as silent, dead_host() as dead:
        transport = site.transport((a_node("odd", host_key[0]), silent),
                                   (a_node("dead", host_key[0]), dead), connect=3600.0)
        names = (*site.nodes, "odd", "dead")
        frames = {name: Frame(text="echo fine") for name in names}
        rounds = [transport.frames(frames, deadline=3600.0, enough=2) for _ in range(2)]
        transport.close()
    for replies in rounds:
        assert {replies[name].out for name in site.nodes} == {b"fine\n"}
        assert {replies[name].kind for name in ("odd", "dead")} == {"timeout"}


def test_what_was_sent_first_comes_first_when_the_connection_takes_long(own_site, tmp_path):
    node = own_site.add("slow")
    gate = threading.Event()

    def serve(client):
        gate.wait(20)
        with socket.create_connection(("127.0.0.1", node.port)) as real:
            threading.Thread(target=relay, args=(real, client), daemon=True).start()
            relay(client, real)

    def append(word):
        return {"shy": Frame(text=f"echo {word} >>{tmp_path}/order")}

    with odd(serve) as port:
        transport = own_site.transport((a_node("shy", node.host_key), port), connect=20.0)
        assert transport.frames(append("one"), enough=0)["shy"].kind == "timeout"
        transport.post(append("two"))
        threading.Timer(0.2, gate.set).start()
        assert transport.frames(append("three"))["shy"].status == 0
    assert (tmp_path / "order").read_text().split() == ["one", "two", "three"]


def test_a_refused_connection_costs_nothing_and_is_not_tried_again(site):
    port = free_port()
    transport = site.transport((a_node("off", site.login), port), connect=60.0)
    call = run.on("off", "true")
    first = transport.ask([call])[call.key]
    with odd(says_nothing):
        again = transport.ask([call])[call.key]
    assert "refused" in first.problem.lower() and again is first
