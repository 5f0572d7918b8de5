"""The kvm driver with real QEMU: a guest's life on one node."""

from __future__ import annotations

from pathlib import Path

import pytest

from gnt.errors import Invalid, NodeFailed
from gnt.hypervisor.base import hypervisor
from gnt.hypervisor.kvm import qmp, shell, tasks
from gnt.hypervisor.kvm.params import Params
from gnt.plan import script, task_named
from tests.drivers import guests
from tests.drivers.nodes import Nodes, nodes, wait_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.hypervisor.base import Guest, Running

KVM = hypervisor("kvm")
U1 = "aaaaaaaa-1111-4222-8333-444444444444"
U2 = "bbbbbbbb-1111-4222-8333-444444444444"


@pytest.fixture
def one() -> Iterator[Nodes]:
    with nodes("node1") as made:
        yield made


@pytest.fixture
def deaf(tmp_path: Path) -> Guest:
    return guests.guest(U1, "node1", guests.disk(tmp_path / "disk.raw"))


def running(one: Nodes) -> tuple[Running, ...]:
    return one.ask(KVM.found("node1"))


def qemus(one: Nodes) -> list[str]:
    """The process numbers of all QEMUs on the node, found without gnt."""
    text = """for p in /proc/[0-9]*; do
        case $(readlink $p/exe) in *qemu-system*) echo ${p#/proc/} ;; esac
    done"""
    return str(one["node1"].run(text).stdout).split()


def test_start_once_however_often_it_is_asked(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf))
    first = qemus(one)
    one.do(*KVM.start(deaf))
    assert qemus(one) == first and len(first) == 1
    (seen,) = running(one)
    assert (seen.uuid, seen.name, seen.memory, seen.vcpus, seen.state) == (
        U1,
        "iaaaa.example",
        64,
        1,
        "running",
    )


def test_what_the_console_says_is_kept(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf))
    wait_for(lambda: "ABCDEF" in guests.console(one, "node1", U1))


def test_qemu_keeps_no_lock_of_the_shell_that_started_it(one: Nodes, deaf: Guest) -> None:
    (step,) = KVM.start(deaf)
    made = task_named(step.do.task).script(step.do)
    held = "exec 3>/run/l3 4>/run/l4 5>/run/l5 6>/run/l6 7>/run/l7 8>/run/l8\nflock 8\n"
    made.body = held + made.body
    one["node1"].script(made, 60)
    opened = one["node1"].run(f"readlink /proc/{qemus(one)[0]}/fd/* || :").stdout.split()
    assert not [path for path in opened if path.startswith("/run/l")]
    one["node1"].run("flock -n /run/l8 true")


def test_console_command_reaches_the_guest(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf))
    words = ("timeout", "2", "socat", "-u", KVM.console(deaf)[2], "STDOUT")
    stream = one["node1"].stream(*words)
    wait_for(lambda: stream.recv(1))
    stream.close()


def test_kill_leaves_nothing_and_can_be_repeated(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.stop(deaf, 0))
    one.do(*KVM.start(deaf))
    assert one.ask(tasks.leftovers.on("node1")) == ()
    one.do(*KVM.stop(deaf, 0))
    one.do(*KVM.stop(deaf, 0))
    assert (qemus(one), running(one), one.ask(tasks.leftovers.on("node1"))) == ([], (), ())
    one.do(*KVM.forget(deaf))
    assert one["node1"].run("ls /run/gnt/kvm").stdout.split() == []


def test_a_polite_guest_shuts_itself_down(one: Nodes, tmp_path: Path) -> None:
    polite = guests.guest(U1, "node1", guests.disk(tmp_path / "disk.raw", guests.POLITE))
    one.do(*KVM.start(polite))
    wait_for(lambda: "R" in guests.console(one, "node1", U1))
    assert one.do(*KVM.stop(polite, 60))[0] is True
    assert qemus(one) == []


def test_a_guest_that_ignores_the_button_is_ended(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf))
    assert one.do(*KVM.stop(deaf, 1))[0] is False
    assert qemus(one) == []


def test_shut_down_by_its_user_is_seen_and_can_be_started_again(one: Nodes, tmp_path: Path) -> None:
    disk = guests.disk(tmp_path / "disk.raw", guests.POLITE)
    polite = guests.guest(U1, "node1", disk, params=Params(user_shutdown=True))
    one.do(*KVM.start(polite))
    wait_for(lambda: "R" in guests.console(one, "node1", U1))
    assert one.ask(qmp.power_down.on("node1", "node1", U1, 30)) is True
    assert running(one)[0].state == "shutdown"
    first = qemus(one)
    one.do(*KVM.start(polite))
    assert running(one)[0].state == "running" and qemus(one) != first
    assert one.do(*KVM.stop(polite, 60))[0] is True
    assert qemus(one) == []


def test_a_guest_that_cannot_be_asked_is_ended_when_its_time_is_over(
    one: Nodes, deaf: Guest,
) -> None:
    """Else the job that shuts it down could neither go on nor be undone."""
    one.do(*KVM.start(deaf))
    one["node1"].run(f"kill -STOP {qemus(one)[0]}")
    with pytest.raises(NodeFailed, match="no QEMU answers"):
        one.ask(qmp.reset.on("node1", "node1", U1))
    with pytest.raises(NodeFailed, match="no QEMU answers"):
        one.ask(qmp.reset.on("node1", "node1", U1))
    assert one.do(*KVM.stop(deaf, 1))[0] is False
    assert (qemus(one), running(one)) == ([], ())
    wait_for(lambda: not one["node1"].run("pgrep socat || :").stdout)  # it would hold the fence


def test_a_guest_that_answers_late_is_still_asked(one: Nodes, tmp_path: Path) -> None:
    polite = guests.guest(U1, "node1", guests.disk(tmp_path / "disk.raw", guests.POLITE))
    one.do(*KVM.start(polite))
    wait_for(lambda: "R" in guests.console(one, "node1", U1))
    (pid,) = qemus(one)
    one["node1"].run(f"kill -STOP {pid}; (sleep 12; kill -CONT {pid}) >/dev/null 2>&1 &")
    assert one.do(*KVM.stop(polite, 60))[0] is True
    assert qemus(one) == []


def test_stopping_what_ended_by_itself(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf))
    one["node1"].run(f"kill -9 {qemus(one)[0]}")
    wait_for(lambda: not qemus(one))
    assert running(one) == ()
    assert f"/run/gnt/kvm/{U1}.qmp" in one.ask(tasks.leftovers.on("node1"))
    one.do(*KVM.stop(deaf, 30))
    assert one.ask(tasks.leftovers.on("node1")) == ()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"runtime": {"machine": "pc-none", "accel": "tcg"}}, "unsupported machine type"),
        ({"params": Params(cpu_type="nonesuch")}, "unable to find CPU model"),
        ({"params": Params(kvm_extra="-nonesuch")}, "-nonesuch: invalid option"),
        ({"params": Params(kvm_path="/usr/bin/none")}, "there is no /usr/bin/none on this node"),
        (
            {"params": Params(spice_bind="nodev0"), "console_port": 5900},
            "interface nodev0 has no IPv4",
        ),
        ({"disks": ()}, None),
    ],
)
def test_qemu_that_dies_at_its_start_says_why(
    one: Nodes,
    deaf: Guest,
    changes: dict[str, object],
    problem: str | None,
) -> None:
    if problem is None:
        Path(deaf.disks[0].source.path).unlink()
        changes, problem = {}, "No such file or directory"
    broken = deaf.replace(**changes)
    with pytest.raises(NodeFailed, match=problem):
        one.do(*KVM.start(broken))
    one.undo(*KVM.start(broken))
    assert (qemus(one), one["node1"].run("ls /run/gnt/kvm").stdout) == ([], "")


def test_two_guests_cannot_write_to_one_disk(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf))
    with pytest.raises(NodeFailed, match='Failed to get "write" lock'):
        one.do(*KVM.start(deaf.replace(uuid=U2)))


def test_a_lost_pid_file_neither_hides_nor_doubles_the_guest(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf))
    first = qemus(one)
    one["node1"].run(f"rm /run/gnt/kvm/{U1}.pid")
    assert [(seen.uuid, seen.state) for seen in running(one)] == [(U1, "running")]
    assert one.ask(tasks.leftovers.on("node1")) == ()
    one.do(*KVM.start(deaf))
    assert qemus(one) == first
    one.do(*KVM.stop(deaf, 0))
    assert qemus(one) == []


def test_a_stale_pid_file_with_another_process_in_it(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf))
    one["node1"].run(f"kill -9 {qemus(one)[0]}")
    wait_for(lambda: not qemus(one))
    one["node1"].run(f"echo 1 >/run/gnt/kvm/{U1}.pid")
    assert running(one) == ()
    one.do(*KVM.start(deaf))
    assert len(qemus(one)) == 1 and running(one)[0].state == "running"


@pytest.mark.parametrize("orphan", [True, False])
@pytest.mark.parametrize("milliseconds", [0, 5, 10, 15, 20, 30, 40, 60, 80])
def test_start_and_kill_cut_off_at_any_instant_and_repeated(
    one: Nodes, deaf: Guest, milliseconds: int, orphan: bool
) -> None:
    step = next(iter(KVM.start(deaf)))
    assert step.undo is not None
    one["node1"].cut(task_named(step.do.task).script(step.do), milliseconds / 1000, orphan=orphan)
    one.do(step)
    assert running(one)[0].state == "running"
    wait_for(lambda: len(qemus(one)) == 1)  # the one that forked may not have ended yet
    script = task_named(step.undo.task).script(step.undo)
    one["node1"].cut(script, milliseconds / 1000, orphan=orphan)
    one.ask(step.undo)
    assert qemus(one) == []
    wait_for(lambda: one.ask(tasks.leftovers.on("node1")) == ())  # an orphan may still be at it


@pytest.mark.parametrize("milliseconds", [0, 5, 10, 15, 20, 30, 40])
def test_start_cut_off_and_taken_back(one: Nodes, deaf: Guest, milliseconds: int) -> None:
    step = next(iter(KVM.start(deaf)))
    assert step.undo is not None
    one["node1"].cut(task_named(step.do.task).script(step.do), milliseconds / 1000, orphan=False)
    one.ask(step.undo)
    assert (qemus(one), one.ask(tasks.leftovers.on("node1"))) == ([], ())


def test_ten_starts_at_once_make_one_guest(one: Nodes, deaf: Guest) -> None:
    step = next(iter(KVM.start(deaf)))
    crowd = [one["node1"].popen(task_named(step.do.task).script(step.do)) for _ in range(10)]
    assert [member.wait() for member in crowd] == [0] * 10
    assert len(qemus(one)) == 1


def test_soft_reboot_keeps_the_process(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf))
    first = qemus(one)
    one.do(*KVM.reboot(deaf))
    assert qemus(one) == first


def test_soft_reboot_of_a_guest_that_exits_at_a_reset(one: Nodes, deaf: Guest) -> None:
    exits = deaf.replace(params=Params(reboot_behavior="exit"))
    one.do(*KVM.start(exits))
    first = qemus(one)
    one.do(*KVM.reboot(exits))
    assert len(qemus(one)) == 1 and qemus(one) != first


def test_paused_guests_are_told_apart(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf.replace(paused=True)))
    assert running(one)[0].state == "paused"


def test_a_guest_that_does_not_answer_is_not_taken_for_running(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf))
    one["node1"].run(f"kill -STOP {qemus(one)[0]}")
    assert running(one)[0].state == "unknown"
    one["node1"].run(f"kill -CONT {qemus(one)[0]}")


def test_a_stopped_process_is_ended_all_the_same(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf))
    one["node1"].run(f"kill -STOP {qemus(one)[0]}")
    one.do(*KVM.stop(deaf, 0))
    assert qemus(one) == []


def test_pinning(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf.replace(vcpus=2, params=Params(cpu_mask="1"))))
    assert "list: 1\n" in one["node1"].run(f"taskset -pc {qemus(one)[0]}").stdout
    one.do(*KVM.stop(deaf, 0))
    each = deaf.replace(vcpus=2, params=Params(cpu_mask="0:1"))
    one.do(*KVM.start(each))
    said = (
        one["node1"]
        .run(
            f"for t in /proc/{qemus(one)[0]}/task/*; do n=$(cat $t/comm); case $n in CPU*) "
            "echo $n $(taskset -pc ${t##*/}); esac; done"
        )
        .stdout
    )
    assert "CPU 0/TCG" in said.splitlines()[0] and said.splitlines()[0].endswith(" 0")
    assert "CPU 1/TCG" in said.splitlines()[1] and said.splitlines()[1].endswith(" 1")
    with pytest.raises(Invalid, match="3 masks for 2 virtual CPUs"):
        list(KVM.start(each.replace(params=Params(cpu_mask="0:1:0"))))


def test_vnc_with_a_password_runs_only_once_it_is_set(
    one: Nodes,
    deaf: Guest,
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret"
    params = Params(vnc_bind_address="lo", vnc_password_file=str(secret))
    locked = deaf.replace(params=params, console_port=5901)
    with pytest.raises(NodeFailed, match="there is no password file"):
        one.do(*KVM.start(locked))
    assert running(one)[0].state == "paused"
    secret.write_text("topsecret\n")
    one.do(*KVM.start(locked))
    assert running(one)[0].state == "running"
    listening = one["node1"].run("cat /proc/net/tcp").stdout
    assert "0100007F:170D 00000000:0000 0A" in listening  # 127.0.0.1:5901


def test_users_from_the_pool(one: Nodes, deaf: Guest, tmp_path: Path) -> None:
    params = Params(security_model="pool", use_chroot=True)
    first = deaf.replace(params=params, uid_pool=((5000, 5001),))
    others = [first.replace(uuid=uuid, disks=()) for uuid in (U2, U2.replace("b", "c"))]
    one.do(*KVM.start(first))
    one.do(*KVM.start(others[0]))
    with pytest.raises(NodeFailed, match="all users of the cluster's pool are taken"):
        one.do(*KVM.start(others[1]))
    owners = one["node1"].run("stat -c %u " + " ".join(f"/proc/{p}" for p in qemus(one))).stdout
    assert sorted(owners.split()) == ["5000", "5001"]
    one.do(*KVM.stop(first, 0))
    one.do(*KVM.start(others[1]))
    with pytest.raises(Invalid, match="pool needs the cluster's pool"):
        list(KVM.start(first.replace(uid_pool=())))


def test_a_chatty_console_does_not_fill_the_memory(one: Nodes, deaf: Guest) -> None:
    one.do(*KVM.start(deaf))
    wait_for(lambda: guests.console(one, "node1", U1))
    one["node1"].run(f"head -c 5000000 /dev/zero | tr '\\0' x >>/run/gnt/kvm/{U1}.console")
    running(one)
    size = len(guests.console(one, "node1", U1))
    assert 60_000 < size < 100_000
    wait_for(lambda: len(guests.console(one, "node1", U1)) > size)  # QEMU goes on at the end


def test_capabilities_of_this_machine_are_kept_for_the_next_time(one: Nodes) -> None:
    said = one.ask(KVM.capabilities("node1", Params()))
    assert said.runtime["machine"] and said.version[0].isdecimal()
    assert (
        one.ask(KVM.capabilities("node1", Params(machine_version="q35"))).runtime["machine"]
        == "q35"
    )
    forced = one.ask(KVM.capabilities("node1", Params(kvm_flag="disabled")))
    assert forced.runtime["accel"] == "tcg"
    with pytest.raises(NodeFailed, match="there is no /none on this node"):
        one.ask(KVM.capabilities("node1", Params(kvm_path="/none")))


def test_whether_an_accelerator_is_of_use_is_found_out_by_using_it(one: Nodes) -> None:
    body = shell.PROVE + 'if proves "$2" "$1" /run; then echo yes; else echo no; fi'

    def proves(accelerator: str) -> str:
        made = script(body, Params().kvm_path, accelerator, parse=str.strip)
        return str(one["node1"].script(made, 20))

    assert (proves("tcg"), proves("nonesuch")) == ("yes", "no")
    assert one["node1"].run("ls /run").stdout == "gnt\n"


def test_a_free_port_is_found_beside_those_taken(one: Nodes) -> None:
    assert one.ask(tasks.free_port.on("node1", 8102, 99)) == 8201
    stream = one["node1"].stream("socat", "-u", "TCP-LISTEN:8201", "STDOUT")
    wait_for(lambda: one.ask(tasks.free_port.on("node1", 8102, 99)) == 8102)
    stream.close()


def test_many_guests_are_all_told(one: Nodes) -> None:
    uuids = [U1.replace("a", digit) for digit in "01234567"]
    for uuid in uuids:
        one.do(*KVM.start(guests.guest(uuid, "node1", maxmem=16, memory=16)))
    assert [(seen.uuid, seen.state) for seen in running(one)] == [(u, "running") for u in uuids]
