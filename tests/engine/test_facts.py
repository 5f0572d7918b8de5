"""What is asked of nodes before a job begins, where it is asked, and when it is asked again."""

from __future__ import annotations

from functools import partial

from gnt.engine import driver
from gnt.engine.desk import know
from gnt.engine.ports import Change
from gnt.model.codec import to_data
from gnt.model.objects import Group, Signer
from gnt.plan import Edit
from gnt.spec import Holds
from tests.engine.test_holds import background
from tests.engine.toys import WISH, Both, Build, Knowing, Lab, Tag, look


def moved(lab, address):
    def change(cfg):
        node = to_data(cfg.node("node3").replace(primary_ip=address))
        return Change(edits=(Edit(path="nodes/n3", value=node),), operation="toy move")

    lab.desk().store.commit(change)


def test_candidates_are_approached_while_facts_are_asked():
    lab = Lab()
    lab.disk.data["nodes"]["n2"]["master_candidate"] = False
    desk = lab.desk()
    knowing = Knowing(desk)
    seen = []
    desk.transport.before = lambda call: seen.append(
        (list(knowing.warmed), knowing.known[-1])) if call.task.endswith(".look") else None
    driver.run(desk, Build(name="web"), WISH)
    places = {"node1": "10.0.0.1", "node2": "10.0.0.2", "node3": "10.0.0.3"}
    assert seen == [([(["node1", "node3"], "node1")],
                     (places, 1, {"node1": 22, "node2": 22, "node3": 22}))]
    desk = lab.desk()
    knowing = Knowing(desk)
    driver.run(desk, Tag(), WISH)
    assert knowing.warmed == []  # no question: the commit comes at once


def test_steps_go_where_the_nodes_are_when_the_job_begins():
    """One has moved since the facts were asked, which does not make another plan."""
    lab = Lab()
    desk = lab.desk()
    knowing, seen = Knowing(desk), []

    def before(call):
        if call.task.endswith(".look"):
            moved(lab, "10.9.9.9")
        elif call.task.endswith(".make"):
            seen.append(knowing.known[-1][0]["node3"])

    desk.transport.before = before
    driver.run(desk, Build(name="web"), WISH)
    assert set(seen) == {"10.9.9.9"}


def test_facts_of_a_term_that_is_over_are_asked_again():
    lab = Lab()
    desk, terms = lab.desk(), [1]
    store = desk.store
    config = lab.disk.config

    def in_term():
        cfg = config()
        return type(cfg)(type(cfg.state)(lab.disk.copied(), terms[0], cfg.serial, cfg.head))

    lab.disk.config = in_term
    asked, knowing = [], Knowing(desk)

    def before(call):
        if call.task.endswith(".look"):
            asked.append((terms[0], knowing.known[-1][1]))
            terms[0] = 2

    desk.transport.before = before
    driver.run(desk, Build(name="web"), WISH)
    assert asked == [(1, 1), (2, 2)] and lab.jobs == [] and store.turn is False


class Growing(Build, command="toy growing"):
    """Asks one node more for each group there is."""

    def facts(self, cfg):
        return [look.on("node2", group.name) for group in cfg.all(Group)]


def outrun(lab):
    """A driver that is outrun by another, which tags, at its first question; what it asks."""
    asked = []

    def before(call):
        if call.task.endswith(".look"):
            asked.append(call.args["thing"])
            if len(asked) == 1:
                driver.run(lab.desk(), Tag(), WISH)

    return lab.desk(before=before), asked


def test_questions_that_a_moved_state_adds_are_asked():
    desk, asked = outrun(Lab())
    driver.run(desk, Growing(name="web"), WISH)
    assert asked == ["default", "default", "t"]


def retagged(lab, key, tag):
    """Somebody changes a group, in a job that ends at once."""
    lab.desk().store.commit(lambda cfg: Change(
        edits=(Edit(path=f"groups/{key}", value=to_data(
            cfg.one(Group, key).replace(tags=(tag,)))),), operation="toy retag"))


def free(lab):
    """Whether somebody else could have the turn."""
    def taken():
        if not lab.disk.lock.acquire(blocking=False):
            return False
        lab.disk.lock.release()
        return True

    thread, result = background(taken)
    thread.join(20)
    return result == [True]


def asked_while(lab, operation, *happens):
    """What nodes were asked, on which serial, and whether somebody else could commit then; each
    of these happens after a question."""
    desk, asked, todo = lab.desk(), [], list(happens)

    def before(call):
        if call.task.endswith(".look"):
            asked.append((call.args["thing"], lab.disk.serial, free(lab)))
            if todo:
                todo.pop(0)()

    desk.transport.before = before
    driver.run(desk, operation, WISH)
    return asked


def test_what_was_said_of_an_object_before_somebody_changed_it_is_asked_again():
    """Where a guest ran before it was moved is no reason to record that as its home."""
    lab = Lab()
    other = partial(retagged, lab, "g", "new")
    assert asked_while(lab, Both(name="web"), other) == [("web", 1, True), ("web", 2, True)]
    assert lab.jobs == []


class Named(Build, command="toy named"):
    """Its thing does not exist yet, and its uuid depends on the state that it is made on."""

    def holds(self, cfg):
        return Holds(exclusive=(f"groups/{self.name}{cfg.serial}", "tags/all"))


def test_what_is_yet_to_be_made_cannot_have_been_changed():
    """Jobs that make something do not ask anew whenever another one commits."""
    lab = Lab()
    lab.disk.data["groups"]["t"] = to_data(Group(uuid="t", name="t"))
    assert len(asked_while(lab, Named(name="web"), partial(retagged, lab, "t", "new"))) == 1


class Exact(Build, command="toy exact"):
    def exact(self, cfg):
        return True


def test_who_must_be_exact_asks_once_more_in_the_turn_of_its_commit():
    """A job that came and went between question and commit has left no trace in what is held."""
    lab = Lab()
    lab.disk.data["groups"]["t"] = to_data(Group(uuid="t", name="t"))
    other = partial(retagged, lab, "t")
    assert asked_while(lab, Exact(name="web"), partial(other, "one")) == [
        ("web", 1, True), ("web", 2, False)]
    assert [name for name, *_ in asked_while(lab, Build(name="db"), partial(other, "two"))] == [
        "db"]
    assert [name for name, *_ in asked_while(lab, Exact(name="app"))] == ["app"]


def test_what_a_job_depends_on_is_looked_for_once():
    lab = Lab()
    first = driver.run(lab.desk(), Build(name="a"), WISH)
    (desk, asked), reads = outrun(lab), []
    history = desk.store.history
    desk.store.history = lambda **more: reads.append(1) or history(**more)
    driver.run(desk, Growing(name="web"), WISH.replace(depends=(f"{first}:success",)))
    assert len(asked) > 2 and reads == [1]


def test_the_way_to_hardened_nodes_knows_who_may_sign():
    lab, told = Lab(), []
    admin = Signer(name="admin", key="ssh-ed25519 AAAA")
    lab.disk.data["signers"] = {"admin": to_data(admin)}
    transport = lab.desk().transport
    transport.obey = lambda at, signers: told.append((at, list(signers)))
    know(transport, lab.disk.config())
    assert told == []
    lab.disk.data["cluster"]["cluster"]["hardened"] = True
    know(transport, lab.disk.config())
    assert told == [((1, lab.disk.serial), [admin.obeyed])]
