"""Clusters of which instances are moved, and allocators that say where to."""

from __future__ import annotations

import json

from gnt.model.objects import Group
from gnt.plan import Plan
from tests.commands import build
from tests.commands.sessions import Desk

RUN = "commands._allocator.run"


def busy(*more, nodes=4, **settings):
    """web and mail run on node1, cold is down there; all on shared disks."""
    cold = build.instance("cold", admin_state="down", disks_active=False)
    return build.cluster(*build.with_disk(build.instance("web")),
                         *build.with_disk(build.instance("mail")), *build.with_disk(cold), *more,
                         nodes=nodes, **settings)


def two_groups(**second):
    return busy(Group(uuid="g2", name="rack2", **second), build.node(3, group="g2"),
                build.node(4, group="g2"))


def lost(also=(), **node):
    db = build.instance("db", 2, admin_state="down", disks_active=False)
    return build.cluster(*build.with_disk(db, "file"), build.node(2, **node), *also)


def answering(cfg, answer):
    """A desk whose master has an allocator that says this."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return Desk(cfg, nodes=build.Nodes(cfg, answers={RUN: text}))


def yes(result):
    return {"success": True, "info": "as asked", "result": result}


def homes(cfg):
    return {inst.name: inst.primary_node for inst in cfg.instances}


def said(desk):
    return "\n".join(map(str, desk.told))


def changed(cfg, *edits):
    """The configuration after somebody else changed it."""
    return build.applied(cfg, Plan(end=edits))
