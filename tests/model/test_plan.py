"""Calls are data; words reach a shell as words, whatever is in them."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnt.errors import Damaged
from gnt.plan import Edit, Plan, Script, Step, node_task, quote, render, script, task_named


@node_task(deadline=5)
def greet(name: str, times: int = 2) -> Script[str]:
    return script('printf "%s" "$1"', name, times, parse=str)


def test_a_call_binds_its_arguments_by_name_with_defaults():
    call = greet.on("node1", "bob")
    assert call.args == {"name": "bob", "times": 2}
    assert str(call) == f"node1: {greet.name} name=bob times=2"
    assert call.key == greet.on("node1", name="bob", times=2).key


@pytest.mark.parametrize("arguments", [(), ("a", 1, 2)])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(TypeError):
        greet.on("node1", *arguments)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(blacklist_characters="\0", codec="utf-8")), max_size=4))
def test_any_word_survives_the_shell(words):
    made = script('for w in "$@"; do printf "%s\\000" "$w"; done', *words)
    out = subprocess.run(["sh", "-c", made.shell], capture_output=True, check=True).stdout
    assert out.decode().split("\0")[:-1] == words


def test_a_nul_byte_is_refused():
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")


def test_nonsense_from_a_node_is_damage():
    with pytest.raises(Damaged, match="cannot understand"):
        script("echo x", parse=int).answer("many")


def test_a_task_is_found_by_its_recorded_name():
    assert task_named(greet.name) is greet
    with pytest.raises(Damaged, match="no node task"):
        task_named("storage.nowhere.create")


def test_rendering_shows_every_part():
    step = Step(do=greet.on("n1", "a"), undo=greet.on("n1", "b"))
    plan = Plan(
        start=(Edit(path="instances/i", value={}),), attempt=(step, step.replace(beside=True)),
        pivot=(Edit(path="instances/i"),), settle=(Step(do=greet.on("n2", "c")),), notes=("mind",),
    )  # fmt: skip
    lines = list(render(plan))
    assert [line.split()[0] for line in lines] == [
        "note", "start", "do", "with", "pivot", "settle",
    ]  # fmt: skip
    assert "(undo:" in lines[2]
    assert "drop instances/i" in lines[4]
