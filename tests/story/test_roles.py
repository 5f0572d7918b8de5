"""Roles, addresses and power on real hosts: nothing runs twice, verify sees what is not right."""

from __future__ import annotations

import re
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.story.conftest import Cluster

SHARED = ("-t", "sharedfile", "-s", "1g", "-H", "fake")
MASTER_IP = "10.77.0.5"
OOB = """#!/bin/sh
case $1 in
    power-status) echo "{\\"powered\\": $(cat /root/powered-$2)}" ;;
    power-on) echo true >/root/powered-$2 ;;
    power-off) echo false >/root/powered-$2 ;;
    health) echo '[["PSU0", "OK"]]' ;;
esac
"""


def uuid_of(cluster: Cluster, name: str) -> str:
    ((uuid,),) = cluster.listed("instance", "uuid", name)
    return str(uuid)


def by_hand(cluster: Cluster, node: int, name: str, *, runs: bool = True) -> None:
    """Somebody starts, or ends, an instance behind our back."""
    path = f"/run/gnt/fake/{uuid_of(cluster, name)}"
    cluster.lab.on(node, "sh", "-c", f"mkdir -p /run/gnt/fake; echo running 128 1 {name} >{path}"
                   if runs else f"rm -f {path}")


def findings(cluster: Cluster) -> dict[str, list[str]]:
    """Errors and warnings of verify, by code."""
    found: dict[str, list[str]] = {}
    said = cluster.gnt("cluster", "verify", "--error-codes", "--no-nplus1-mem", status=None).stdout
    for line in said.splitlines():
        _, code, _, name, message = line.removeprefix("  - ").split(":", 4)
        found.setdefault(code, []).append(f"{name}: {message}")
    return found


def addresses(cluster: Cluster, node: int) -> set[str]:
    said = cluster.lab.on(node, "ip", "-o", "-4", "address", "show", "dev", "eth0").stdout
    return {address.split("/")[0] for address in re.findall(r"inet (\S+)", said)}


def test_the_master_s_address_moves_with_its_role(new_cluster: Callable[[int], Cluster]) -> None:
    cluster = new_cluster(3)
    cluster.gnt("cluster", "modify", "--master-netdev", "eth0", "--master-ip", MASTER_IP)
    assert MASTER_IP in addresses(cluster, 1)
    cluster.gnt("cluster", "master-failover", "--to", "node2")
    assert [MASTER_IP in addresses(cluster, node) for node in (1, 2, 3)] == [False, True, False]
    assert findings(cluster) == {}
    cluster.lab.on(1, "ip", "address", "add", f"{MASTER_IP}/32", "dev", "eth0")
    assert "is not the master" in findings(cluster)["ENODENET"][0]
    cluster.gnt("cluster", "activate-master-ip")
    assert [MASTER_IP in addresses(cluster, node) for node in (1, 2)] == [False, True]
    cluster.gnt("cluster", "deactivate-master-ip", "--yes")
    assert MASTER_IP not in addresses(cluster, 2)
    cluster.gnt("cluster", "rename", "-f", "--master-ip", "10.77.0.6", "other.lab")
    assert "10.77.0.6" in addresses(cluster, 2)
    assert "other.lab" in cluster.gnt("cluster", "info").stdout
    cluster.lab.on(3, "sh", "-c", "mkdir -p /run/gnt/master-ip; >/run/gnt/master-ip/10.77.0.5; "
                   "ip address add 10.77.0.5/32 dev eth0")  # as if it had been away since then
    assert "still has 10.77.0.5, which was the master's" in findings(cluster)["ENODENET"][0]
    cluster.gnt("cluster", "activate-master-ip")
    assert findings(cluster) == {} and MASTER_IP not in addresses(cluster, 3)


def test_who_becomes_a_candidate_by_a_submitted_job_has_everything(
    new_cluster: Callable[[int], Cluster],
) -> None:
    cluster = new_cluster(3)
    cluster.gnt("node", "modify", "-f", "-C", "no", "node3")
    for number in range(3):
        cluster.gnt("cluster", "add-tags", f"tag{number}")
    job = cluster.gnt("node", "modify", "-C", "yes", "--submit", "node3").stdout.split()[-1]
    cluster.gnt("job", "wait", job)
    latest = time.monotonic() + 30  # the job's record ends first
    while cluster.gnt("cluster", "config", "verify", status=None).returncode:
        assert time.monotonic() < latest
        time.sleep(0.2)
    assert findings(cluster) == {}


def test_a_script_of_the_administrator_s_sets_the_address(
    new_cluster: Callable[[int], Cluster],
) -> None:
    cluster = new_cluster(2)
    script = 'echo "$1 $MASTER_IP/$MASTER_NETMASK $MASTER_NETDEV $CLUSTER_IP_VERSION" >>/root/said'
    for node in (1, 2):
        cluster.lab.on(node, "sh", "-c", "mkdir -p /etc/gnt/scripts; f=/etc/gnt/scripts/"
                       "master-ip-setup; cat >$f; chmod 755 $f", stdin=f"#!/bin/sh\n{script}\n")
    cluster.gnt("cluster", "modify", "--master-netdev", "eth0", "--master-ip", MASTER_IP,
                "--use-external-mip-script", "yes")
    cluster.gnt("cluster", "master-failover", "--to", "node2")
    said = [cluster.lab.on(node, "cat", "/root/said").stdout.splitlines() for node in (1, 2)]
    line = f"{MASTER_IP}/32 eth0 4"
    assert said == [[f"start {line}", f"stop {line}"], [f"start {line}"]]
    cluster.lab.on(1, "sh", "-c", "echo echo >>/etc/gnt/scripts/master-ip-setup")
    assert "differs from the other candidates'" in findings(cluster)["ECLUSTERFILECHECK"][0]


def test_states_of_instances_are_told_apart_and_nothing_runs_twice(
    new_cluster: Callable[[int], Cluster],
) -> None:
    cluster = new_cluster(3)
    for name in ("web", "db", "app"):
        cluster.gnt("instance", "add", *SHARED, "-n", "node2", name)
    cluster.gnt("instance", "shutdown", "app")
    assert findings(cluster) == {}
    by_hand(cluster, 2, "web", runs=False)
    by_hand(cluster, 3, "web")
    by_hand(cluster, 2, "db", runs=False)
    by_hand(cluster, 2, "app")
    rows = cluster.listed("instance", "name,status")
    assert rows == [["app", "ERROR_up"], ["db", "ERROR_down"], ["web", "ERROR_wrongnode"]]
    found = findings(cluster)
    assert sorted(found["EINSTANCEDOWN"]) == [
        "db: does not run on its home node2", "web: does not run on its home node2"]
    assert sorted(found["EINSTANCEWRONGNODE"]) == [
        "app: runs on node2 and should be down", "web: runs on node3, its home is node2"]
    for words in (("startup", "web"), ("failover", "-f", "-n", "node1", "web")):
        refused = cluster.gnt("instance", *words, status=1)
        assert "web runs on node3, which is not its home" in refused.stderr
    cluster.gnt("instance", "migrate", "-f", "--cleanup", "web")
    assert cluster.status("web") == ("node3", "running")
    cluster.lab.kill(3)
    assert cluster.status("web") == ("node3", "ERROR_nodedown")
    cluster.gnt("node", "modify", "--offline=yes", "node3")
    assert cluster.status("web") == ("node3", "ERROR_nodeoffline")
    cluster.gnt("instance", "failover", "-f", "-n", "node1", "web")
    assert cluster.status("web") == ("node1", "running")
    cluster.lab.start(3)
    by_hand(cluster, 3, "web")  # as if it had never been without power
    refused = cluster.gnt("node", "modify", "--offline=no", "node3", status=1)
    assert "web still runs on node3, but its home is node1" in refused.stderr
    by_hand(cluster, 3, "web", runs=False)
    cluster.gnt("node", "modify", "--offline=no", "node3")
    assert cluster.listed("node", "role", "node3") == [["C"]]


def test_power_that_is_off_is_proof(new_cluster: Callable[[int], Cluster]) -> None:
    cluster = new_cluster(3)
    cluster.lab.on(1, "sh", "-c", "cat >/root/oob; chmod 755 /root/oob; "
                   "echo true >/root/powered-node3", stdin=OOB)
    cluster.gnt("node", "modify", "--node-parameters", "oob_program=/root/oob", "node3")
    cluster.gnt("instance", "add", *SHARED, "-n", "node3", "web")
    cluster.lab.kill(3)
    refused = cluster.gnt("cluster", "modify", "-C", "2", status=1)  # node3 cannot be told
    assert "cluster modify itself is done; what follows from it is not" in refused.stderr
    cluster.gnt("cluster", "modify", "-C", "10")
    refused = cluster.gnt("instance", "failover", "-f", "-n", "node2", "web", status=1)
    assert "web may still run there" in refused.stderr
    refused = cluster.gnt("node", "power", "off", "-f", "node3", status=1)
    assert "is not marked offline" in refused.stderr
    cluster.gnt("node", "power", "off", "-f", "--ignore-status", "node3")
    assert cluster.gnt("node", "power", "status", "node3").stdout.split()[-2:] == ["off", "off"]
    cluster.gnt("instance", "failover", "-f", "-n", "node2", "web")
    assert cluster.status("web") == ("node2", "running")
    assert "PSU0" in cluster.gnt("node", "health", "node3").stdout
    refused = cluster.gnt("node", "powercycle", "-f", "node2", status=1)
    assert "this node is a container" in refused.stderr


def test_addresses_change_and_a_dead_node_is_removed_and_added_again(
    new_cluster: Callable[[int], Cluster],
) -> None:
    cluster = new_cluster(3)
    for node in (1, 3):
        cluster.lab.on(node, "ip", "address", "add", f"10.77.5.{node}/16", "dev", "eth0")
    refused = cluster.gnt("node", "modify", "--primary-ip", "10.77.5.3", "node2", status=1)
    assert "is not node2: it shows other host keys" in refused.stderr
    cluster.gnt("node", "modify", "--primary-ip", "10.77.5.3", "node3")
    cluster.gnt("node", "modify", "--primary-ip", "10.77.5.1", "node1")
    cluster.lab.on(3, "sh", "-c", "ip address delete 10.77.0.13/16 dev eth0; "
                   "ip address replace 10.77.5.3/16 dev eth0")  # it went with the first one
    assert cluster.listed("node", "pip") == [["10.77.5.1"], ["10.77.0.12"], ["10.77.5.3"]]
    assert findings(cluster) == {}
    lines = cluster.lab.on(2, "cat", "/root/.ssh/authorized_keys").stdout
    assert 'from="10.77.5.3"' in lines and "10.77.0.13" not in lines

    cluster.lab.kill(3)
    cluster.gnt("node", "modify", "--offline=yes", "node3")
    cluster.gnt("node", "remove", "--yes", "node3")
    assert "10.77.5.3" not in cluster.lab.on(2, "cat", "/root/.ssh/authorized_keys").stdout
    cluster.lab.start(3)
    refused = cluster.gnt("node", "add", "--yes", "node3", status=None)
    assert refused.returncode != 0 and "--force-join" in refused.stderr
    cluster.gnt("node", "add", "--yes", "--force-join", "node3")
    cluster.lab.on(3, "rm", "-rf", "/var/lib/gnt")
    cluster.gnt("node", "add", "--yes", "--readd", "node3")
    assert cluster.listed("node", "role", "node3") == [["C"]]
    assert findings(cluster) == {}


def test_the_pool_grows_and_shrinks(new_cluster: Callable[[int], Cluster]) -> None:
    cluster = new_cluster(3)
    cluster.gnt("cluster", "modify", "-C", "1")
    assert cluster.listed("node", "role") == [["M"], ["R"], ["R"]]
    assert cluster.lab.on(2, "grep", "-c", "gnt@node", "/root/.ssh/authorized_keys").stdout == "1\n"
    cluster.gnt("cluster", "modify", "-C", "3")
    assert cluster.listed("node", "role") == [["M"], ["C"], ["C"]]
    cluster.gnt("node", "modify", "--drained=yes", "node2")
    assert cluster.listed("node", "role", "node2") == [["D"]]
    cluster.gnt("node", "modify", "--drained=no", "node2")
    cluster.gnt("node", "modify", "--master-capable=no", "node3")
    assert cluster.listed("node", "role") == [["M"], ["C"], ["R"]]
    assert findings(cluster) == {}


def test_verify_finds_what_is_left_and_what_was_changed_by_hand(
    new_cluster: Callable[[int], Cluster],
) -> None:
    cluster = new_cluster(3)
    cluster.gnt("instance", "add", *SHARED, "-n", "node1", "web")
    cluster.lab.on(2, "sh", "-c", """
        ip tuntap add dev gnt0123456789ab mode tap
        mkdir -p /srv/gnt/file-storage/old /run/gnt/fence /run/gnt/kvm /run/gnt/fake
        truncate -s 1M /srv/gnt/file-storage/old/disk.raw
        touch -d '1 hour ago' /run/gnt/fence/2
        touch /run/gnt/kvm/11111111-1111-1111-1111-111111111111.qmp
        echo running 128 1 stranger >/run/gnt/fake/22222222-2222-2222-2222-222222222222
        sed -i '/gnt@node3/d' /root/.ssh/authorized_keys
        chmod 644 /var/lib/gnt/keys/signer
    """)
    found = findings(cluster)
    assert found["ENODENET"] == [
        "node2: interface gnt0123456789ab is left of a guest that does not run there"]
    assert any("old/disk.raw" in message for message in found["ENODEORPHANLV"])
    assert any("runs stranger" in message for message in found["ENODEORPHANINSTANCE"])
    assert any("11111111-1111" in message for message in found["ENODEORPHANINSTANCE"])
    fence, key = sorted(found["ENODESETUP"])
    assert fence.startswith("node2: /run/gnt/fence/2 is left of job 2, which has ended")
    assert key == "node2: others can read /var/lib/gnt/keys/signer"
    assert "node2: does not let in gnt@node3" in found["ENODESSH"][0]
    ignored = cluster.gnt("cluster", "verify", "-e", "-I", "ENODESSH", status=None).stdout
    assert "  - WARNING:ENODESSH:node:node2:" in ignored
    cluster.gnt("cluster", "redist-conf")
    assert "ENODESSH" not in findings(cluster)


def test_disks_and_an_exported_configuration_are_verified(
    new_cluster: Callable[[int], Cluster],
) -> None:
    cluster = new_cluster(2)
    cluster.gnt("instance", "add", "-t", "file", "-s", "1g", "-H", "fake", "-n", "node2", "web")
    cluster.gnt("cluster", "verify-disks")
    ((path,),) = [re.findall(r"/srv/gnt/file-storage\S+raw", cluster.gnt(
        "instance", "info", "web").stdout)[:1]]
    cluster.lab.on(2, "truncate", "-s", "1500M", path)
    shown = cluster.gnt("cluster", "repair-disk-sizes", "--dry-run").stdout
    assert "disk/0 has 1.5G, not 1.0G" in shown
    cluster.gnt("cluster", "repair-disk-sizes")
    assert cluster.listed("instance", "disk.size/0", "web") == [[1500]]
    cluster.lab.on(2, "mv", path, f"{path}.away")
    missing = cluster.gnt("cluster", "verify-disks", status=1)
    assert "disk/0 on node2" in missing.stdout
    cluster.lab.run("rm", "-rf", "/root/audit")
    cluster.gnt("cluster", "config", "export", "/root/audit")
    assert "Nothing is wrong" in cluster.gnt("cluster", "verify", "--folder", "/root/audit").stdout
    cluster.lab.run("sh", "-c", "f=$(ls /root/audit/objects/nodes/*.toml | head -1); "
                    "echo 'drained = true' >>$f")
    refused = cluster.gnt("cluster", "verify", "--folder", "/root/audit", status=22)
    assert "it is not what the history says" in refused.stderr


def test_without_a_majority_the_rest_goes_on_when_it_is_told_to(
    new_cluster: Callable[[int], Cluster],
) -> None:
    cluster = new_cluster(3)
    cluster.lab.kill(1)
    cluster.lab.kill(2)
    words = ("cluster", "master-failover", "--to", "node3")
    assert cluster.gnt(*words, status=24).stdout == ""
    warned = cluster.gnt(*words, "--no-voting", status=13).stderr
    assert "node1, node2 are taken out of the pool and marked offline" in warned
    cluster.gnt(*words, "--no-voting", "--yes-do-it", "--reason", "both burnt")
    cluster.gnt("cluster", "add-tags", "alone")
    assert cluster.listed("node", "role") == [["O"], ["O"], ["M"]]
    shown = cluster.gnt("cluster", "config", "log").stdout
    assert "both burnt" in shown
    serial = next(line.split()[0] for line in shown.splitlines() if "both burnt" in line)
    assert "without a majority" in cluster.gnt("cluster", "config", "show", serial).stdout
    cluster.lab.start(1)
    cluster.gnt("node", "add", "--yes", "--readd", "node1")
    assert cluster.listed("node", "role", "node1") == [["C"]]
    assert set(findings(cluster)) <= {"ECLUSTERCFG"}
