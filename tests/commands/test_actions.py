"""What needs a whole session: consoles, copies, taking over, the end of a cluster."""

from __future__ import annotations

import pytest

from gnt.checks.neighbours import View
from gnt.commands.cluster.activate_master_ip import ActivateMasterIp
from gnt.commands.cluster.command import Command
from gnt.commands.cluster.copyfile import CopyFile
from gnt.commands.cluster.destroy import Destroy
from gnt.commands.cluster.master_failover import MasterFailover
from gnt.commands.cluster.master_ping import MasterPing
from gnt.commands.cluster.modify import Modify as ModifyCluster
from gnt.commands.cluster.redist_conf import RedistConf
from gnt.commands.cluster.rename import Rename
from gnt.commands.cluster.upgrade import Upgrade
from gnt.commands.instance.console import Console
from gnt.commands.node.modify import Modify as ModifyNode
from gnt.errors import ConfirmationNeeded, Conflict, Invalid, NodeFailed
from tests.commands import build
from tests.commands.sessions import Desk


def desk(cfg=None, **nodes):
    cfg = cfg or build.small()
    return Desk(cfg, nodes=build.Nodes(cfg, **nodes))


def test_a_console_is_attached_to_the_guest_s_node():
    at = desk()
    assert Console(name="web").run(at) == 3
    assert at.attached == ("node1", ("cat", "/run/gnt/fake/i-web"))


def test_a_console_of_what_does_not_run_is_refused():
    with pytest.raises(Conflict, match="db does not run on node2"):
        Console(name="db").run(desk())


def test_the_console_s_command_can_be_shown():
    at = desk()
    assert Console(name="web", show_cmd=True).run(at) == 0
    assert at.answers[0].lines == ("ssh -t root@node1 'cat /run/gnt/fake/i-web'",)
    assert at.attached is None


def test_the_cluster_ends_only_when_it_is_empty_and_on_demand():
    with pytest.raises(ConfirmationNeeded):
        Destroy().run(desk(build.cluster(nodes=1)))
    with pytest.raises(Conflict, match="there are 2 instances left"):
        Destroy(yes_do_it=True).run(desk())
    with pytest.raises(Conflict, match="other nodes than the master: node2, node3"):
        Destroy(yes_do_it=True).run(desk(build.cluster()))
    at = desk(build.cluster(nodes=1), answers={"commands.node._setup.forget": None})
    assert Destroy(yes_do_it=True).run(at) == 0
    assert at.forgotten and [call.node for call in at.asked] == ["node1"]


def test_a_node_that_cannot_be_cleared_keeps_the_cluster():
    from gnt.errors import NodeFailed

    at = desk(build.cluster(nodes=1), silent=["node1"])
    with pytest.raises(NodeFailed):
        Destroy(yes_do_it=True).run(at)
    assert not at.forgotten


def test_a_candidate_takes_over():
    at = desk()
    assert MasterFailover(to="node2").run(at) == 0
    assert at.taken == ("node2", True, False)


@pytest.mark.parametrize(("fields", "error", "problem"), [
    ({"to": "node1"}, Conflict, "node1 is the master already"),
    ({"to": "node4"}, Conflict, r"node4 is no master candidate \(they are: node2, node3\)"),
    ({"to": "node2", "voting": False}, ConfirmationNeeded, "they may go on by themselves"),
])
def test_takeovers_that_are_refused(fields, error, problem):
    at = desk(build.cluster(build.node(4)))
    with pytest.raises(error, match=problem):
        MasterFailover(**fields).run(at)
    assert at.taken is None


def test_the_master_s_address_moves_along():
    at = desk(with_address())
    assert MasterFailover(to="node2").run(at) == 0
    assert [one.verb for one in at.executed] == ["activate-master-ip"]


def test_a_takeover_is_done_though_the_address_stays_where_it_is():
    at = desk(build.cluster(master_ip="192.0.2.3", master_netdev="eth0"))
    with pytest.raises(Conflict, match="own address"):
        MasterFailover(to="node2").run(at)
    assert at.taken == ("node2", True, False)
    assert at.told[0] == "node2 is the master now" and "activate-master-ip" in at.told[1]


def with_address():
    return build.cluster(master_ip="192.0.2.99", master_netdev="eth0")


@pytest.mark.parametrize("operation", [
    ModifyCluster(master_netdev="eth0", master_ip="192.0.2.2"),
    ModifyCluster(master_netdev="eth0", master_ip="198.51.100.3"),
    Rename(name="new.lab", master_ip="192.0.2.2"),
])
def test_a_node_s_own_address_does_not_become_the_master_s(operation):
    """It would be on two hosts, and activating it would take it away from its owner."""
    with pytest.raises(Conflict, match="own address: the master's moves from node to node"):
        build.plan(operation, with_address())
    cfg = build.cluster(master_ip="192.0.2.2", master_netdev="eth0")
    with pytest.raises(Conflict, match=r"192.0.2.2 is node2's own address"):
        build.plan(ActivateMasterIp(), cfg)


def test_addresses_that_were_the_master_s_before_are_dropped_everywhere():
    cfg = with_address()
    found = {f"node{n}:commands.cluster._master_ip.where": has for n, has in (
        (1, {"192.0.2.98": "eth0"}), (2, {}), (3, {"192.0.2.98": "eth0", "192.0.2.99": "eth0"}))}
    made = build.plan(ActivateMasterIp(), cfg, build.Nodes(cfg, answers=found))
    assert [(step.do.node, step.do.task.rpartition(".")[2], step.do.args["ip"])
            for step in made.attempt] == [
        ("node1", "down", "192.0.2.98"), ("node3", "down", "192.0.2.98"),
        ("node3", "down", "192.0.2.99"), ("node1", "up", "192.0.2.99")]


def test_a_node_that_comes_back_is_not_the_master_any_more():
    cfg = build.cluster(build.node(3, offline=True, master_candidate=False),
                        master_ip="192.0.2.99", master_netdev="eth0")
    made = build.plan(ModifyNode(name="node3", offline=False), cfg)
    assert made.attempt[-1].title == "drop 192.0.2.99 on node3"


def test_an_address_that_would_cut_the_master_off_is_refused():
    with pytest.raises(Conflict, match="from where nobody is let in") as caught:
        build.plan(ModifyCluster(master_ip="192.0.2.5", master_netmask=28), with_address())
    assert caught.value.hint == "--master-netmask 32"
    odd = build.plan(ModifyCluster(master_netmask=16), with_address())
    assert len(odd.attempt) == 2 and "wider than 192.0.2.0/24" in odd.notes[0]
    with pytest.raises(Invalid, match=r"33 is too long: 192.0.2.99 has 32 bits"):
        build.plan(ModifyCluster(master_netmask=33), with_address())


def test_without_voting_after_a_yes():
    at = desk()
    assert MasterFailover(to="node2", voting=False, yes_do_it=True).run(at) == 0
    assert at.taken == ("node2", False, False) and at.also == ()


def test_without_voting_whoever_is_lost_leaves_the_pool():
    at = desk(silent=["node1", "node3"])
    MasterFailover(to="node2", voting=False, yes_do_it=True).run(at)
    edits = {edit.path: edit.value for edit in at.also}
    assert edits.keys() == {"nodes/n1", "nodes/n3", "signers/node1", "signers/node3"}
    assert edits["nodes/n1"]["offline"] and "master_candidate" not in edits["nodes/n1"]
    assert edits["signers/node3"] is None
    with pytest.raises(ConfirmationNeeded, match="node1, node3 are taken out of the pool"):
        MasterFailover(to="node2", voting=False).run(at)


def test_who_only_does_not_answer_here_is_not_taken_for_dead():
    """The new master sees it: what runs there must not be started elsewhere."""
    cfg = build.small()
    view = View(keys=cfg.node("node3").host_keys, silent=())
    at = desk(cfg, silent=["node1", "node3"], answers={"checks.neighbours.look": view})
    with pytest.raises(ConfirmationNeeded, match="That node3 are dead cannot be said"):
        MasterFailover(to="node2", voting=False).run(at)
    MasterFailover(to="node2", voting=False, yes_do_it=True).run(at)
    edits = {edit.path: edit.value for edit in at.also}
    assert edits["nodes/n1"]["offline"] and "offline" not in edits["nodes/n3"]
    assert not edits["nodes/n3"].get("master_candidate")
    assert {node.name for node in at.met} == {"node1", "node2", "node3"}  # without a term
    blind = NodeFailed("node2", "failed", "exit status 1")
    at = desk(cfg, silent=["node1"], answers={"checks.neighbours.look": blind})
    MasterFailover(to="node2", voting=False, yes_do_it=True).run(at)
    assert not any("offline" in (edit.value or {}) for edit in at.also)


def test_candidates_that_are_not_reached_are_named():
    let_in = {"commands.node._setup.authorize": None}
    at = desk(answers=let_in)
    assert RedistConf().run(at) == 0
    assert at.told == ["2 of 2 candidates are up to date", "3 of 3 nodes let in the right keys"]
    at = desk(silent=["node2"], answers=let_in)
    assert RedistConf().run(at) == 1 and "node node2: nothing came" in at.told[0]
    assert at.told[-1] == "2 of 3 nodes let in the right keys"


def test_a_ping_is_an_exit_code():
    assert MasterPing().run(desk()) == 0
    assert MasterPing().run(desk(silent=["node1"])) == 1


def test_a_file_goes_to_the_nodes_that_are_named(tmp_path):
    file = tmp_path / "motd"
    file.write_bytes(b"hello")
    file.chmod(0o640)
    at = desk(answers={"commands.cluster._run.put": None})
    assert CopyFile(file=str(file), node=("node2",)).run(at) == 0
    call, = at.asked
    assert (call.node, call.args["mode"], call.args["content"]) == ("node2", "640", b"hello")
    at = desk(answers={"commands.cluster._run.put": None}, silent=["node3"])
    assert CopyFile(file=str(file)).run(at) == 1 and "node3" in at.told[0]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(Invalid, match="cannot be read"):
        CopyFile(file=str(tmp_path / "none")).run(desk())


def ran(words, **fields):
    from gnt.commands.cluster._run import Ran

    cfg = build.small()
    answers = {"commands.cluster._run.command": Ran(status=0, output="fine\n"),
               "node2:commands.cluster._run.command": Ran(status=4, output="oops\n")}
    query = Command(words=words, **fields)
    nodes = build.Nodes(cfg, answers=answers, silent=fields.pop("silent", ()))
    return query.answer(cfg, nodes.seen(query.facts(cfg)))


def test_commands_show_each_node():
    said = ran(("true", "it"), show_machine_names=True)
    assert said.lines == ("node1: fine", "node2: oops", "node3: fine") and said.exit_code == 1
    assert said.data["node2"] == {"status": 4, "output": "oops\n"}
    assert ran(("x",), failure_only=True, show_machine_names=True).lines == ("node2: oops",)
    assert ran(("x",), node=("node1",)).exit_code == 0


def test_nodes_of_a_command_that_are_refused():
    with pytest.raises(Invalid, match="cannot be combined"):
        ran(("x",), node=("node1",), node_group="default")


def test_an_upgrade_says_what_became_of_it():
    at = desk()
    assert Upgrade().run(at) == 0
    assert at.told == ["the configuration has already schema 1"]
