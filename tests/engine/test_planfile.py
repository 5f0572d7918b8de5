"""A saved plan runs as it was saved, or not at all."""

from __future__ import annotations

import json
import stat

import pytest

from gnt.engine import driver, planfile
from gnt.errors import Conflict, Damaged, UsageError
from gnt.plan import Edit, Plan
from tests.engine.toys import WISH, Build, Lab, Tag, step

PLAN = Plan(attempt=(step("node1", "web-a"),), notes=("careful",))


def saved(tmp_path, operation, plan=PLAN):
    path = str(tmp_path / "a.plan")
    planfile.write(path, Lab().disk.config(), operation, plan)
    return path


def test_a_saved_plan_is_read_back(tmp_path):
    path = saved(tmp_path, Build(name="web", settle=True))
    with open(path) as file:
        data = json.load(file)
    assert data["operation"] == "toy build" and data["params"] == {"name": "web", "settle": True}
    assert data["plan"][0] == "note   careful"
    assert stat.S_IMODE((tmp_path / "a.plan").stat().st_mode) == 0o600


def test_an_old_file_is_not_written_over(tmp_path):
    path = saved(tmp_path, Tag())
    with pytest.raises(UsageError, match=r"a\.plan"):
        planfile.write(path, Lab().disk.config(), Tag(), PLAN)


@pytest.mark.parametrize("spoil", [
    lambda text: text.replace("careful", "harmless"),
    lambda text: text.replace("web-a", "web-b"),
    lambda text: text[:-20],
    lambda text: "[]",
    lambda text: text.replace('"format": 1', '"format": 2'),
])
def test_a_changed_file_is_refused(tmp_path, spoil):
    path = saved(tmp_path, Tag())
    text = (tmp_path / "a.plan").read_text()
    assert spoil(text) != text
    (tmp_path / "a.plan").write_text(spoil(text))
    with pytest.raises(Damaged, match=r"a\.plan"):
        planfile.read(path)


def test_a_missing_file_is_said_plainly():
    with pytest.raises(UsageError, match="No such file"):
        planfile.read("/nowhere/x.plan")


def test_the_difference_is_shown_when_the_plan_would_be_another(tmp_path):
    lab = Lab()
    cfg = lab.disk.config()
    plain = planfile.PlanFile(
        format=1, cluster=cfg.cluster.uuid, serial=1, head="h", operation="toy build",
        params={}, plan=planfile.shown(PLAN))
    other = PLAN.replace(attempt=(step("node2", "web-a"),))
    planfile.require_same("f", plain, cfg, PLAN)
    with pytest.raises(Conflict) as refused:
        planfile.require_same("f", plain, cfg, other)
    assert "-do     node1: tests.engine.toys.make thing=web-a" in str(refused.value)
    assert "+do     node2: tests.engine.toys.make thing=web-a" in str(refused.value)
    with pytest.raises(Conflict, match="another cluster"):
        planfile.require_same("f", plain.replace(cluster="c2"), cfg, PLAN)


def test_a_refused_plan_changes_nothing():
    lab = Lab()

    def refuse(cfg, plan):
        raise Conflict("the plan is another now")

    with pytest.raises(Conflict):
        driver.run(lab.desk(), Build(name="web"), WISH, refuse)
    assert lab.disk.transactions == [] and lab.nodes.things == []


def test_names_drawn_from_the_head_do_not_make_another_plan():
    def plan(uuid, mac):
        tap = "gnt" + uuid.replace("-", "")[:12]
        return Plan(start=(Edit(path=f"instances/{uuid}", value={}),),
                    attempt=(step("node1", f"{tap} {mac} {uuid}"),))

    first = plan("be70ab7a-9682-8356-a327-2219a009b95a", "aa:00:00:12:34:56")
    second = plan("00c0ffee-9682-8356-a327-2219a009b95a", "aa:00:00:65:43:21")
    assert planfile.shown(first) == planfile.shown(second)
    assert "#1" in planfile.shown(first)[0]
