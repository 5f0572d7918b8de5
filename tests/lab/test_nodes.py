"""What nodes are, over real SSH."""

from __future__ import annotations

from tests.labs import Lab


def test_each_node_answers_over_ssh_with_its_own_name(lab: Lab) -> None:
    names = [lab.ssh(n, "hostname").stdout.strip() for n in (1, 2, 3)]
    assert names == list(lab.names)


def test_each_node_has_a_host_key_of_its_own(lab: Lab) -> None:
    keys = {lab.path(n, "/etc/ssh/ssh_host_ed25519_key.pub").read_text() for n in (1, 2, 3)}
    assert len(keys) == 3


def test_nodes_do_not_share_state_but_one_folder(lab: Lab) -> None:
    for folder in ("/etc", "/var/lib", "/root", "/run", "/tmp", "/srv/gnt/file-storage"):
        lab.ssh(1, f"echo mine > {folder}/of-node1")
        assert lab.ssh(2, f"ls {folder}").stdout.find("of-node1") == -1, folder
    lab.ssh(1, "echo ours > /srv/gnt/shared-file-storage/note")
    assert lab.ssh(3, "cat /srv/gnt/shared-file-storage/note").stdout == "ours\n"


def test_a_node_cannot_change_the_machine(lab: Lab) -> None:
    refused = lab.ssh(1, "touch /usr/bin/of-node1", status=1)
    assert "Read-only" in refused.stderr


def test_a_node_has_the_tools_but_nothing_of_ours(lab: Lab) -> None:
    found = lab.ssh(1, "for t in qemu-system-x86_64 socat ip flock sha256sum ssh-keygen; do"
                       " command -v $t || echo no $t; done; ls -a /root; echo $PATH").stdout
    assert "no " not in found
    assert ".venv" not in found
    assert ".pyenv" not in found


def test_a_node_sees_kvm_and_tun_devices_of_the_machine(lab: Lab) -> None:
    lab.ssh(1, "ip tuntap add tap0 mode tap && ip link set tap0 master br0 up")
    assert "tap0" in lab.ssh(1, "ip -br link show master br0").stdout
    assert "tap0" not in lab.ssh(2, "ip -br link show master br0").stdout


def test_processes_of_one_node_are_invisible_to_another(lab: Lab) -> None:
    lab.ssh(1, "nohup sleep 4321 >/dev/null 2>&1 </dev/null &")
    assert "sleep 4321" in lab.ssh(1, "ps -eo args").stdout
    assert "sleep 4321" not in lab.ssh(2, "ps -eo args").stdout


def test_nodes_reach_each_other_and_the_admin_by_name(lab: Lab) -> None:
    asked = "getent hosts admin.lab node2 | awk '{print $1}'"
    assert lab.ssh(1, asked).stdout.split() == ["10.77.0.1", lab.address(2)]
    lab.ssh(1, "exec 3<>/dev/tcp/node2.lab/22; head -c 4 <&3 | grep -q SSH-")


def test_bridges_of_all_nodes_and_the_admin_are_one_network(lab: Lab) -> None:
    lab.ssh(1, "ip addr add 10.78.1.1/16 dev br0")
    lab.ssh(2, "ip addr add 10.78.1.2/16 dev br0")
    lab.ssh(1, "socat TCP-LISTEN:99,bind=10.78.1.1,fork EXEC:hostname >/dev/null 2>&1 & sleep 0.3")
    assert lab.ssh(2, "socat - TCP:10.78.1.1:99").stdout == "node1.lab\n"
    assert lab.run("socat", "-", "TCP:10.78.1.1:99").stdout == "node1.lab\n"


def test_the_admin_has_an_own_home_and_key(lab: Lab) -> None:
    assert lab.run("sh", "-c", "hostname; ls ~/.ssh").stdout.split() == [
        "admin.lab", "id_ed25519", "id_ed25519.pub", "known_hosts"]
    assert "lan" not in lab.run("ip", "-br", "link").stdout
