"""Jobs in short: the names of the reference's opcodes, and what a job is about."""

from __future__ import annotations

import pytest

from gnt.commands.group.rename import Rename
from gnt.engine import job
from gnt.engine.job import Wish
from gnt.query.tables.job import FIELDS, JobRow, finished, summary
from tests.commands import build


@pytest.mark.parametrize(("operation", "params", "shown"), [
    ("instance migrate", {"name": "web"}, "INSTANCE_MIGRATE(web)"),
    ("instance add", {"name": "web", "node": "node1"}, "INSTANCE_CREATE(web)"),
    ("instance modify", {"name": "web"}, "INSTANCE_SET_PARAMS(web)"),
    ("instance startup", {"names": ["web"]}, "INSTANCE_STARTUP(web)"),
    ("instance add-tags", {"words": ["web", "prod"]}, "TAGS_SET(web)"),
    ("cluster add-tags", {"words": ["prod"]}, "TAGS_SET"),
    ("cluster activate-master-ip", {}, "CLUSTER_ACTIVATE_MASTER_IP"),
    ("node power", {"action": "off", "names": ["node2", "node3"]}, "OOB_COMMAND(node2,node3)"),
])
def test_summaries(operation: str, params: dict[str, object], shown: str) -> None:
    row = JobRow(id=7, status="running", operation=operation, params=params)
    assert summary(row) == shown
    ended = finished({"id": "7", "operation": operation, "params": params, "result": "success"})
    assert summary(ended) == shown


def test_a_change_in_one_commit_says_what_it_was_about() -> None:
    cfg = build.cluster()
    operation = Rename(name="default", new_name="rack1")
    plan = build.plan(operation, cfg)
    wish = Wish(author="me", driver="here 1")
    change = job.at_once(cfg, operation, plan, wish, 1.0)
    assert (change.note, change.result) == ("default", "success")
    row = finished({"id": "7", "operation": change.operation, "result": change.result,
                    "about": change.note})
    assert summary(row) == "GROUP_RENAME(default)"


def test_the_operation_has_the_reference_s_id() -> None:
    row = JobRow(id=7, status="success", operation="instance add", params={"name": "web"})
    (shown,) = FIELDS["ops"].get(None, row)
    assert shown == {"OP_ID": "OP_INSTANCE_CREATE", "operation": "instance add", "name": "web"}
