"""Who is in the candidate pool, and what marking a node offline may not be taken for."""

from __future__ import annotations

import pytest

from gnt.checks.neighbours import View
from gnt.commands.cluster.master_failover import MasterFailover
from gnt.commands.instance.failover import Failover
from gnt.commands.job import _gone
from gnt.commands.node.modify import Modify
from gnt.commands.node.remove import Remove
from gnt.errors import Conflict, NodeFailed, NoMajority, NotFound
from gnt.model.objects import Job
from tests.commands import build
from tests.commands.sessions import Desk


def pool(desk):
    return [node.name for node in desk.cfg.candidates]


def test_another_node_takes_the_place_of_one_that_leaves_the_pool():
    regular = build.node(2, master_candidate=False)
    desk = Desk(build.cluster(regular, nodes=4, candidate_pool_size=2))
    desk.execute(Modify(name="node3", master_candidate=False, auto_promote=True))
    assert pool(desk) == ["node1", "node2"]


def test_a_node_that_was_taken_out_is_not_put_back_when_there_is_no_other():
    desk = Desk(build.cluster(candidate_pool_size=3))
    desk.execute(Modify(name="node2", master_candidate=False, auto_promote=True))
    assert pool(desk) == ["node1", "node3"]


def test_a_pool_that_grew_is_filled_by_several():
    regular = [build.node(n, master_candidate=False) for n in (2, 3)]
    drained = build.node(4, drained=True)
    desk = Desk(build.cluster(*regular, drained, nodes=4, candidate_pool_size=4))
    desk.execute(Modify(name="node4", drained=False))
    assert pool(desk) == ["node1", "node2", "node3", "node4"]


def test_a_node_on_which_a_job_starts_something_is_not_marked_offline():
    """The guest that it starts would run on a node that counts as empty."""
    job = Job(id="7", operation="instance migrate", params={}, author="a", driver="d",
              state="running", exclusive=("instances/i-web",),
              plan={"attempt": [{"do": "x", "on": "node2"}, {"do": "y", "on": "node3"}]})
    cfg = build.cluster(build.instance("web"), job)
    with pytest.raises(Conflict, match=r"job 7 .instance migrate. may still start") as caught:
        build.plan(Modify(name="node2", offline=True), cfg)
    assert "gnt-job undo --gone node2 7" in caught.value.hint
    other = build.cluster(job.replace(exclusive=("cluster/cluster",)))
    assert build.applied(other, build.plan(Modify(name="node2", offline=True), other)).node(
        "node2").offline


def test_a_node_that_runs_what_is_not_its_own_stays_able_to():
    """Nobody would look there again, and start the instance elsewhere."""
    cfg = build.cluster(build.instance("web"))
    runs = build.Nodes(cfg, running={"node1": [], "node3": ["web"]})
    with pytest.raises(Conflict, match="runs web: once it is not vm-capable nobody looks there"):
        build.plan(Modify(name="node3", vm_capable=False), cfg, runs)


@pytest.mark.parametrize(("operation", "exact"), [
    (Modify(name="node3", offline=True), True), (Modify(name="node3", drained=True), False),
    (Remove(name="node3"), True), (Remove(name="node4"), False),
])
def test_who_takes_an_answer_for_proof_wants_it_to_be_of_the_last_moment(operation, exact):
    """An instance that was started since the question would run where nobody looks."""
    offline = build.node(4, offline=True, master_candidate=False)
    assert operation.exact(build.cluster(offline)) is exact


def test_a_node_that_says_anything_is_not_without_power():
    cfg = build.cluster(*build.with_disk(build.instance("web")))
    failed = NodeFailed("node1", "failed", "exit status 2")
    nodes = build.Nodes(cfg, answers={"node1:hypervisor.fake.found": failed})
    with pytest.raises(Conflict, match="node1 answers: exit status 2: it is not without power"):
        build.plan(Failover(name="web", i_have_powered_off=("node1",)), cfg, nodes)


@pytest.mark.parametrize("operation", [
    Modify(name="node3", offline=True), Failover(name="app", i_have_powered_off=("node3",)),
])
def test_a_node_that_others_see_is_not_without_power(operation):
    """Only the admin's machine has lost its way to it."""
    cfg = build.cluster(*build.with_disk(build.instance("app", 3)))
    view = View(keys=cfg.node("node3").host_keys, silent=())
    cut_off = build.Nodes(cfg, silent=["node3"], answers={"node2:checks.neighbours.look": view})
    with pytest.raises(Conflict, match="does not answer here, but shows node2 its host key"):
        build.plan(operation, cfg, cut_off)
    other = view.replace(keys=("ssh-ed25519 AAAAother",))  # a host that was put in its place
    dead = build.Nodes(cfg, silent=["node3"], answers={"checks.neighbours.look": other})
    assert build.plan(operation, cfg, dead)
    gone = Desk(cfg, nodes=cut_off)
    with pytest.raises(Conflict, match="shows node2 its host key"):
        _gone.require_silent(gone, ("node3",))


def test_a_node_that_answers_is_not_gone():
    """What a job began on a node that is left out stays there: it could be a guest."""
    cfg = build.cluster(build.node(3, offline=True, master_candidate=False))
    with pytest.raises(Conflict, match="node2 answers: it is not gone"):
        _gone.require_silent(Desk(cfg), ("node2",))
    silent = Desk(cfg, nodes=build.Nodes(cfg, silent=["node2"]))
    _gone.require_silent(silent, ("node2", "node3"))
    assert [call.node for call in silent.asked] == ["node2", "node1"]


@pytest.mark.parametrize(("state", "said", "option"), [
    ({"offline": True, "master_candidate": False}, "marked offline", "--offline=no"),
    ({"drained": True, "master_candidate": False}, "drained", "--drained=no"),
    ({"master_capable": False, "master_candidate": False}, "not master-capable",
     "--master-capable=yes"),
])
def test_why_a_node_cannot_be_a_candidate(state, said, option):
    cfg = build.cluster(build.node(3, **state))
    with pytest.raises(Conflict, match=f"cannot be a master candidate: it is {said}$") as caught:
        build.plan(Modify(name="node3", master_candidate=True), cfg)
    assert caught.value.hint == f"gnt-node modify {option} node3 first"


def test_a_failover_typed_on_a_host_that_is_no_node_says_where_to():
    with pytest.raises(NotFound, match=r"this host, .*, is no node of the cluster") as caught:
        MasterFailover().run(Desk(build.cluster()))
    assert caught.value.hint == "--to NODE, one of: node2, node3"
    with pytest.raises(NotFound, match="there is no node nodeX"):
        MasterFailover(to="nodeX").run(Desk(build.cluster()))


def test_a_failover_typed_on_a_candidate_makes_it_the_master():
    """By the name that the cluster knows it by: a host may call itself node2.example.com."""
    desk = Desk(build.cluster())
    desk.here = "node2"
    assert MasterFailover().run(desk) == 0
    assert desk.taken[0] == "node2"


class Minority(Desk):
    """A cluster whose other candidates do not answer."""

    why = "it did not answer"

    def take_over(self, node, **_):
        raise NoMajority(f"1 of 2 candidates answered; node3: {self.why}")


def test_a_failover_without_a_majority_says_how_to_go_on_without_the_others():
    with pytest.raises(NoMajority, match="1 of 2") as caught:
        MasterFailover(to="node2").run(Minority(build.cluster()))
    assert "gnt-cluster master-failover --no-voting --to node2" in caught.value.hint


def test_who_was_overtaken_by_another_failover_is_not_told_to_go_on_without_a_majority():
    desk = Minority(build.cluster())
    desk.why = "term 4 has begun"
    with pytest.raises(NoMajority) as caught:
        MasterFailover(to="node2").run(desk)
    assert "--no-voting" not in caught.value.hint and "getmaster" in caught.value.hint
