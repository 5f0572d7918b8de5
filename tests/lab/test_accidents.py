"""Power cuts, hangs and partitions."""

from __future__ import annotations

import subprocess

from tests.labs import Lab


def test_a_killed_node_boots_again_with_its_disk_and_a_new_boot_id(lab: Lab) -> None:
    look = "cat /proc/sys/kernel/random/boot_id /etc/kept /var/lib/kept; ls /run/lost /tmp/lost"
    lab.ssh(1, "for f in /etc/kept /var/lib/kept /run/lost /tmp/lost; do echo here > $f; done")
    before = lab.ssh(1, look).stdout.splitlines()
    lab.kill(1)
    lab.start(1)
    after = lab.ssh(1, look, status=2).stdout.splitlines()
    assert after[0] != before[0]
    assert after[1:] == ["here", "here"]


def test_a_power_cut_ends_every_process_at_once_and_says_nothing(lab: Lab) -> None:
    lab.ssh(2, "setsid nohup sleep 5432 >/dev/null 2>&1 </dev/null &")
    waiting = lab.start_command("ssh", f"root@{lab.address(2)}", "echo on; sleep 600")
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "on\n"
    lab.kill(2)
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 5432" not in left
    assert waiting.poll() is None  # nobody closed the connection
    waiting.kill()
    waiting.communicate()
    lab.start(2)
    assert lab.ssh(2, "echo back").stdout == "back\n"


def test_killing_and_starting_twice_changes_nothing(lab: Lab) -> None:
    lab.kill(3)
    lab.kill(3)
    lab.start(3)
    boot = lab.ssh(3, "cat /proc/sys/kernel/random/boot_id").stdout
    lab.start(3)
    assert lab.ssh(3, "cat /proc/sys/kernel/random/boot_id").stdout == boot


def test_a_hung_node_accepts_connections_and_answers_nothing(lab: Lab) -> None:
    lab.hang(1)
    silent = lab.run("timeout", "1", "ssh", f"root@{lab.address(1)}", "true", status=124)
    lab.thaw(1)
    assert silent.stdout == ""
    assert lab.ssh(1, "echo on").stdout == "on\n"


def _reaches(lab: Lab, node: int, other: int) -> bool:
    """Whether a packet of ``node`` arrives at ``other`` (UDP, so no answer is needed)."""
    heard = f"timeout 0.7 socat -u UDP-RECV:77 - > /run/heard-{node}; true"
    target = f"--target={lab.pid(f'node{other}')}"
    listener = subprocess.Popen(["nsenter", target, "--all", "--root", "--", "sh", "-c", heard])
    lab.on(node, "sh", "-c", "for i in 1 2 3 4; do sleep 0.1; echo ping |"
           f" socat -u - UDP-SENDTO:{lab.address(other)}:77; done")
    listener.wait()
    return "ping" in lab.on(other, "cat", f"/run/heard-{node}").stdout


def test_a_cut_separates_two_nodes_and_leaves_the_third(lab: Lab) -> None:
    assert _reaches(lab, 1, 2)
    lab.cut(1, 2)
    assert not _reaches(lab, 1, 2)
    assert not _reaches(lab, 2, 1)
    assert _reaches(lab, 1, 3)
    lab.heal()
    assert _reaches(lab, 1, 2)


def test_a_one_way_cut_loses_one_direction_only(lab: Lab) -> None:
    # Both know each other's link address, as they would after talking.
    for node, other in ((1, 2), (2, 1)):
        lab.on(node, "ip", "neigh", "replace", lab.address(other),
               "lladdr", f"02:67:6e:74:00:0{other}", "dev", "eth0")
    lab.cut(1, 2, one_way=True)
    assert not _reaches(lab, 1, 2)
    assert _reaches(lab, 2, 1)
    lab.heal()


def test_a_cut_outlives_a_reboot(lab: Lab) -> None:
    lab.cut(3)
    lab.kill(3)
    lab.start(3)
    assert not _reaches(lab, 3, 1)
    lab.heal()
    assert _reaches(lab, 3, 1)


def test_a_small_disk_fills_up_and_keeps_what_was_there(lab: Lab) -> None:
    lab.on(3, "sh", "-c", "mkdir -p /var/lib/gnt && echo here > /var/lib/gnt/kept")
    lab.small_disk(3, "/var/lib/gnt", "64k")
    full = lab.ssh(3, "dd if=/dev/zero of=/var/lib/gnt/big bs=1k count=200", status=1)
    assert "No space left" in full.stderr
    assert lab.ssh(3, "cat /var/lib/gnt/kept").stdout == "here\n"
    lab.kill(3)
    lab.start(3)
    lab.ssh(3, "dd if=/dev/zero of=/var/lib/gnt/big bs=1k count=200")
