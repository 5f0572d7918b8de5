"""Private and secret OS parameters: sealed, opened at the last moment, refused where they leak."""

from __future__ import annotations

import pytest

from gnt.commands.instance.add import Add
from gnt.commands.instance.modify import Modify
from gnt.errors import Conflict, Damaged, Invalid, NodeFailed, NoMajority
from gnt.guest.seed import place
from gnt.model import private
from gnt.session.vault import Vault
from gnt.spec import Seen
from tests.commands import build
from tests.commands.sessions import Desk

DATA = "#cloud-config\npassword: hunter2\n"


class Keepers:
    """Candidates that hold keys; ``down``: who does not answer."""

    def __init__(self, down=()):
        self.keys, self.down, self.asked = {}, set(down), 0

    def ask(self, calls):
        self.asked += 1
        return Seen({call.key: self.answer(call) for call in calls})

    def answer(self, call):
        if call.node in self.down:
            return NodeFailed(call.node, "unreachable", "down")
        if call.task.endswith("held"):
            return self.keys.get(call.node, "")
        if call.args["how"] == "copy" or call.node not in self.keys:
            self.keys[call.node] = call.args["key"]
        return None


def vault(keepers, cfg=None):
    return Vault(lambda: cfg or build.small(), keepers.ask)


def test_what_was_sealed_is_opened_by_another_session():
    keepers = Keepers()
    marks = vault(keepers).seal("web", {"user_data": DATA})
    assert "hunter2" not in str(marks)
    assert len(set(keepers.keys.values())) == 1
    assert set(keepers.keys) == {node.name for node in build.small().candidates}
    call = place.on("node1", "/seed", "m", marks["user_data"], "n")
    assert vault(keepers).reveal(call).args["user_data"] == DATA
    assert vault(keepers).seal("web", {"user_data": DATA}) == marks  # plans can be made again
    assert vault(keepers).seal("db", {"user_data": DATA}) != marks  # nobody sees that they are one


def test_calls_without_marks_cost_nothing():
    keepers = Keepers()
    call = place.on("node1", "/seed", "m", "#!/bin/sh", "n")
    assert vault(keepers).reveal(call) is call
    assert keepers.asked == 0


def test_a_key_that_too_few_hold_seals_nothing():
    names = [node.name for node in build.small().candidates]
    with pytest.raises(NoMajority, match="1 of 3"):
        vault(Keepers(down=names[1:])).seal("web", {"a": "b"})


def test_a_lost_key_is_not_replaced_while_something_needs_it():
    cfg = build.small()
    web = cfg.instance("web").replace(osparams_private={"user_data": "sealed:1:AAAA"})
    data = {**cfg.state.data, "instances": {**cfg.state.data["instances"],
                                            web.uuid: build.to_data(web)}}
    needing = build.Config(build.MemoryState(data, 1, 7, "a" * 64))
    with pytest.raises(Damaged, match="has the key"):
        vault(Keepers(), needing).seal("web", {"a": "b"})


def test_a_secret_that_was_not_given_again_is_named():
    call = place.on("node1", "/seed", "m", private.SECRET + "user_data", "n")
    own = vault(Keepers())
    with pytest.raises(Conflict, match="user_data is needed"):
        own.reveal(call)
    own.confide({"user_data": DATA})
    assert own.reveal(call).args["user_data"] == DATA


def prepared(**options):
    (made,) = Add(name="new", disk_template="file", os_size=1024, node="node1",
                  **options).prepare(Desk(build.small()))
    return made


def test_nothing_recorded_of_an_instance_holds_a_private_value():
    made = prepared(os_parameters_private={"user_data": DATA})
    plan = build.plan(made, build.small())
    assert "hunter2" not in repr(made) + repr(plan)
    stored = next(edit.value for edit in plan.end if edit.path.startswith("instances/"))
    assert stored["osparams_private"] == {"user_data": "sealed:1:new/user_data"}


def test_a_secret_is_in_the_steps_by_name_only_and_stored_nowhere():
    made = prepared(os_parameters_secret={"user_data": DATA},
                    hypervisor_parameters=("kvm", {}))
    plan = build.plan(made, build.small())
    assert "hunter2" not in repr(plan)
    assert private.secrets([dict(step.do.args) for step in plan.steps]) == {"user_data"}
    assert all("osparams_private" not in (edit.value or {}) or not edit.value["osparams_private"]
               for edit in (*plan.start, *plan.end))
    assert made.secrets() == {"user_data": DATA}


@pytest.mark.parametrize(("options", "problem"), [
    ({"os_parameters_private": {"image": "/a"}}, "only be a public"),
    ({"os_parameters_private": {"user_data": "rm -rf"}}, "does not begin"),
    ({"os_parameters_private": {"a": "sealed:1:AA"}}, "may not begin"),
    ({"os_parameters_private": {"a": "1"}, "os_parameters": {"a": "2"}}, "given twice"),
])
def test_what_cannot_be_private(options, problem):
    with pytest.raises(Invalid, match=problem):
        prepared(**options)


def test_a_secret_without_a_first_start_is_refused():
    with pytest.raises(Invalid, match="first start"):
        build.plan(prepared(os_parameters_secret={"a": "1"}, start=False), build.small())


def test_private_values_are_replaced_and_taken_away():
    (made,) = Modify(name="web", os_parameters_private={"a": "1", "b": "default"}).prepare(
        Desk(build.small()))
    assert made.os_parameters_sealed == {"a": "sealed:1:web/a", "b": "default"}
    assert made.os_parameters_private == {}
