"""Asking and performing on real nodes."""

from __future__ import annotations

from gnt.engine.ports import Frame
from gnt.errors import NodeFailed

from .conftest import run, until


def test_every_node_answers(site):
    calls = [run.on(name, 'echo "I am $1"', word=name) for name in site.nodes]
    answers = site.transport().ask(calls)
    assert [answers[call.key] for call in calls] == [f"I am {name}\n" for name in site.nodes]


def test_all_calls_are_one_round_trip(site):
    transport = site.transport()
    calls = [run.on(name, f"echo {n}") for name in site.nodes for n in range(5)]
    answers = transport.ask(calls)
    assert [answers[call.key] for call in calls] == [f"{n}\n" for n in range(5)] * 3
    assert transport.round_trips == 1


def test_failures_name_node_task_status_and_last_words(site):
    call = run.on("node2", "echo because >&2; exit 3")
    failure = site.transport().ask([call])[call.key]
    assert isinstance(failure, NodeFailed)
    assert (failure.node, failure.kind, failure.status) == ("node2", "failed", 3)
    assert failure.stderr == "because\n" and failure.task == call.task


def test_asking_goes_on_after_a_failure(site):
    bad, good = run.on("node1", "exit 1"), run.on("node1", "echo fine")
    answers = site.transport().ask([bad, good])
    assert isinstance(answers[bad.key], NodeFailed) and answers[good.key] == "fine\n"


def test_performing_stops_at_a_failure(site):
    first, bad = run.on("node1", "echo a"), run.on("node1", "exit 1")
    never, beside = run.on("node1", "echo b"), run.on("node2", "echo c")
    answers = site.transport().perform([first, bad, never, beside], fence="7")
    assert answers[first.key] == "a\n" and answers[beside.key] == "c\n"
    assert answers[bad.key].kind == "failed" and never.key not in answers


def test_connections_begun_early_are_used(site):
    transport = site.transport()
    logs = {name: sshd.home / "log" for name, sshd in site.nodes.items()}
    before = {name: log.read_text().count("Accepted") for name, log in logs.items()}
    transport.warm([*site.nodes, "stranger"])
    for name, log in logs.items():
        until(lambda name=name, log=log: log.read_text().count("Accepted") > before[name])
    calls = [run.on(name, "echo fine") for name in site.nodes]
    assert transport.ask(calls) == {call.key: "fine\n" for call in calls}
    after = {name: log.read_text().count("Accepted") for name, log in logs.items()}
    assert after == {name: count + 1 for name, count in before.items()}


def test_asking_while_connections_are_begun(site):
    transport = site.transport()
    transport.warm(site.nodes)
    calls = [run.on(name, f"echo {name}") for name in site.nodes]
    assert transport.ask(calls) == {call.key: f"{call.node}\n" for call in calls}


def test_unknown_node(site):
    call = run.on("nobody", "true")
    assert site.transport().ask([call])[call.key].kind == "unreachable"


def test_frames_keep_descriptors_until_the_end(site):
    transport = site.transport()
    take = Frame(text="mkdir -p /run/gnt && exec 7>/run/gnt/kept && flock -n 7", keep=True)
    assert transport.frames({"node1": take})["node1"].status == 0
    other = site.transport()
    probe = Frame(text="flock -n /run/gnt/kept true")
    assert other.frames({"node1": probe})["node1"].status == 1
    assert transport.frames({"node1": Frame(text="exec 7>&-", keep=True)})["node1"].status == 0
    assert other.frames({"node1": probe})["node1"].status == 0


def test_posted_frames_arrive_before_the_next_one(site):
    transport = site.transport()
    transport.post({"node1": Frame(text="echo posted >/run/posted")})
    assert transport.frames({"node1": Frame(text="cat /run/posted")})["node1"].out == b"posted\n"


def test_posted_frames_arrive_although_the_command_ends(site):
    transport = site.transport()
    transport.post({"node2": Frame(text="sleep 0.2; echo posted >/run/last")})
    transport.close()
    assert site.nodes["node2"].sh("cat /run/last") == "posted\n"


def test_connections_do_not_write_into_the_configuration_they_share(site):
    from gnt.ssh.connection import CONFIG

    connection = site.transport().peer("node1").connection()
    connection.remark = "mine"
    assert connection.remark == "mine" and "remark" not in CONFIG
