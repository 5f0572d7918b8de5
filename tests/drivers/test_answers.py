"""What nodes print is understood, and nonsense is refused or passed over, never a crash."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnt.errors import Damaged
from gnt.hypervisor import fake
from gnt.hypervisor.base import Running
from gnt.hypervisor.kvm import answers
from gnt.plan import Script
from gnt.storage import file

TOOLS = Path(__file__).parent.parent / "tools"


def captured(name: str) -> str:
    return (TOOLS / name).read_text()


def test_two_guests_one_of_them_incoming() -> None:
    running, incoming = answers.guests(captured("kvm-found-7.2.txt"))
    assert running == Running(
        name="iaaaa.example",
        uuid="aaaaaaaa-1111-4222-8333-444444444444",
        memory=64,
        vcpus=1,
        state="running",
        cpu_seconds=running.cpu_seconds,
    )
    assert 0 < running.cpu_seconds < 10
    assert (incoming.state, incoming.vcpus, incoming.memory) == ("incoming", 2, 96)


def test_a_guest_whose_qemu_said_nothing() -> None:
    lines = captured("kvm-found-7.2.txt").splitlines()
    silent = [line for line in lines if not line.startswith(("status", "balloon"))]
    assert {seen.state for seen in answers.guests("\n".join(silent))} == {"unknown"}


@pytest.mark.parametrize(("status", "state"), [
    ("running", "running"), ("paused", "paused"), ("prelaunch", "paused"), ("io-error", "paused"),
    ("inmigrate", "incoming"), ("postmigrate", "migrated"), ("shutdown", "shutdown"),
])  # fmt: skip
def test_states(status: str, state: str) -> None:
    text = f'guest u\narg -name\narg guest=x\nstatus {{"return": {{"status": "{status}"}}}}\nend\n'
    assert answers.guests(text)[0].state == state


def test_memory_is_what_the_balloon_left() -> None:
    text = 'guest u\narg -m\narg 128M\nballoon {"return": {"actual": 67108864}}\nend\n'
    assert answers.guests(text)[0].memory == 64


def test_arguments_that_were_overruled_do_not_hide_the_guest() -> None:
    for memory, cpus in (("size=2048,slots=4", "4,sockets=2"), ("lots", "many"), ("", "")):
        (seen,) = answers.guests(f"guest u\narg -m\narg {memory}\narg -smp\narg {cpus}\nend\n")
        assert (seen.memory, seen.vcpus) == ((2048, 4) if cpus[:1] == "4" else (0, 1))


def test_capabilities_of_debian_12() -> None:
    said = answers.capabilities(captured("kvm-capabilities-7.2.txt"), "")
    assert said.version == "7.2.22" and said.runtime["machine"] == "pc-i440fx-7.2"
    assert said.runtime["accel"] == "tcg" and not said.runtime["vhost"]
    assert "software emulation" in said.problems[0] and "PVM" in said.problems[0]


FIRST = "boot-id /usr/bin/qemu 1 2\n"


@pytest.mark.parametrize(("version", "expected"), [
    ("QEMU emulator version 5.2.0 (Debian 1:5.2+dfsg-11+deb11u3)", "5.2.0"),
    ("QEMU emulator version 8.2.0 (qemu-kvm-8.2.0-11.el9)", "8.2.0"),
    ("QEMU emulator version 9.1.2", "9.1.2"),
    ("QEMU emulator version 6.2.0(qemu-6.2.0-1)", "6.2.0"),
])  # fmt: skip
def test_versions(version: str, expected: str) -> None:
    said = answers.capabilities(f"{FIRST}version {version}\nmachine pc\nvhost\nflag \n", "")
    assert said.version == expected
    assert said.runtime["accel"] == "kvm" and said.runtime["vhost"] and not said.problems


def test_what_the_node_lacks_is_told() -> None:
    text = FIRST + "version QEMU emulator version 9.1.2\nflag disabled\nlacks socat\n"
    said = answers.capabilities(text, '{"a":1}')
    assert said.problems == ("socat is not installed",)
    assert said.runtime["accel"] == "tcg" and said.runtime["params"] == '{"a":1}'


def test_a_program_that_is_no_qemu() -> None:
    with pytest.raises(Damaged, match="cannot find QEMU's version"):
        answers.capabilities(FIRST + "version hello\n", "")


@pytest.mark.parametrize(("text", "free"), [
    ("/dev/sda1       20511312  9430204  10016148      49% /", 9781),
    ("//server/share with spaces  1000000  400000  600000      40% /srv/gnt/a b", 585),
    ("tmpfs 1024 0 1024 0% /run", 1),
])  # fmt: skip
def test_df(text: str, free: int) -> None:
    assert file.parse_space(text, "file", "/x").free == free


@given(st.text(max_size=300))
def test_any_text_is_an_answer_or_damage(text: str) -> None:
    known = ("guest u\narg -m\narg ", "status {", "balloon ", "guest\nstat 1 2\nend\n", "version ")
    for parse in (
        answers.guests,
        lambda output: answers.capabilities(output, ""),
        fake.parse_found,
        file.parse_found,
        lambda output: file.parse_space(output, "file", "/x"),
    ):
        for start in ("", *known):
            made: Script[object] = Script("", parse=parse)
            try:
                made.answer(start + text + "\nend\n")
            except Damaged as error:
                assert error.message
