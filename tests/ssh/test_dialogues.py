"""Dialogues: tasks that talk to a node, on a remote node and on this machine."""

from __future__ import annotations

import pytest

from gnt.errors import NodeFailed
from gnt.plan import Progress, dialogue, script, text

from .conftest import run, until


@dialogue(deadline=5)
def chat(context, words: tuple[str, ...], lines: tuple[str, ...]):
    """Says lines to a command that answers each with one line."""
    with context.stream(*words) as stream, stream.makefile("rw") as file:
        answers = []
        for number, line in enumerate(lines):
            file.write(line + "\n")
            file.flush()
            answers.append(file.readline().rstrip("\n"))
            context.tell(Progress(what="lines", done=number + 1, total=len(lines), unit="lines"))
        return answers


@dialogue(deadline=5)
def scripts(context, bodies: tuple[str, ...]):
    return [context.script(script(body, parse=text), 2) for body in bodies]


@dialogue(deadline=1)
def hangs(context):
    with context.stream("sleep", "60") as stream:
        return stream.recv(1)


@dialogue(deadline=5)
def breaks(context):
    raise EOFError("gone")


@dialogue(deadline=5)
def command(context, words: str):
    return context.run(words).stdout


UPPER = ("sed", "-u", "s/a/A/g")


@pytest.fixture(params=["local", "ssh"])
def where(request, site, here):
    """A transport and the name of a node: this machine without SSH, or a remote one."""
    if request.param == "ssh":
        return site.transport(), "node1"
    return site.transport(here="here", shell=here), "here"


def test_scripts_and_dialogues_keep_their_order(where):
    transport, node = where
    calls = [
        run.on(node, "echo 1 >>/run/order; cat /run/order"),
        scripts.on(node, ("echo 2 >>/run/order; wc -l </run/order",)),
        run.on(node, "echo 3 >>/run/order; tail -n 1 /run/order; rm /run/order"),
    ]
    answers = transport.perform(calls, fence="51")
    assert [answers[call.key] for call in calls] == ["1\n", ["2\n"], "3\n"]


def test_a_failing_dialogue_stops_its_node(where):
    transport, node = where
    bad, never = scripts.on(node, ("exit 3",)), run.on(node, "true")
    answers = transport.perform([bad, never], fence="52")
    assert answers[bad.key].status == 3 and answers[bad.key].task == bad.task
    assert never.key not in answers


def test_a_conversation(where):
    transport, node = where
    call, told = chat.on(node, UPPER, ("a b", "banana")), []
    answers = transport.perform(
        [call], fence="53", tell=lambda call, progress: told.append((call.task, progress.done)))
    assert answers[call.key] == ["A b", "bAnAnA"]
    assert told == [(call.task, 1), (call.task, 2)]


def test_conversations_of_several_nodes_run_side_by_side(site):
    calls = [chat.on(name, UPPER, ("a",)) for name in site.nodes]
    transport = site.transport()
    answers = transport.ask(calls)
    assert [answers[call.key] for call in calls] == [["A"]] * len(site.nodes)
    assert transport.round_trips == 1


def test_a_hanging_conversation(where):
    transport, node = where
    call = hangs.on(node)
    failure = transport.ask([call])[call.key]
    assert failure.kind == "timeout" and failure.node == node


def test_a_conversation_that_breaks_off(where):
    transport, node = where
    call = breaks.on(node)
    assert transport.ask([call])[call.key].kind == "lost"


def test_streams_hold_the_fence(site):
    transport, node = site.transport(), site.nodes["node1"]
    call = hangs.on("node1")
    transport.perform([call], fence="54")
    other = site.transport()
    early = other.wait_fence(["node1"], "54", 0.2)["node1"]
    node.sh("pkill -f '^sleep 60$'; true")
    until(lambda: other.wait_fence(["node1"], "54", 1)["node1"] is None)
    assert isinstance(early, NodeFailed)


def test_dialogues_obey_the_term(own_site):
    own_site.add("newer")
    call = chat.on("newer", UPPER, ("a",))
    assert own_site.transport(term=3).ask([call])[call.key] == ["A"]
    assert own_site.transport(term=2).ask([call])[call.key].kind == "fenced"


def test_invokes_run_works_in_a_dialogue(site):
    text_of = "ü" * 5000
    call = command.on("node1", f"printf %s {text_of}; echo; sleep 20 & exit 0")
    assert site.transport().ask([call])[call.key] == text_of + "\n"
