"""Golden plans: ``tests/plans/*.plan`` say what a command line plans on a small cluster.

A file begins with comments (``#``), then what differs from the cluster ``build.small`` (``node2
offline``, ``node2 silent``, ``node2 free 100``, ``node2 runs web``, ``web down``, ``spare added``:
a group, ``new guest``: of KVM, on node1, ``node4 met``: a host that was looked at), then ``$`` and
the command line, then what is planned, or the error.  After a wanted change of plans, write them
anew and read the difference:

    GNT_WRITE_PLANS=1 pytest tests/commands/test_plans.py && git diff tests/plans
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from gnt.cli import find, general
from gnt.cli.parser import parse
from gnt.errors import GntError
from gnt.model.objects import Group
from gnt.plan import render
from gnt.spec import Operation
from gnt.storage.base import Copy, History
from tests.commands import build

PLANS = sorted(Path(__file__).parent.parent.joinpath("plans").glob("*.plan"))
LONGEST = 20
QEMU = re.compile(r"argv=\[.*\] (?=bind=)")  # the driver's tests hold it


def read(path):
    """(the lines up to the command, its words, the lines after it)."""
    lines = path.read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("$ "))
    return lines[:at], shlex.split(lines[at][2:]), lines[at + 1 :]


def scene(head):
    """The configuration and the nodes that a file's head describes."""
    cfg = build.small()
    nodes = {"silent": [], "memory": {}, "running": {}, "answers": {}}
    for line in head:
        if line and not line.startswith("#"):
            name, what, *rest = line.split()
            if what == "added":
                cfg = with_object(cfg, Group(uuid=name, name=name))
            elif what == "guest":
                for thing in build.with_disk(build.instance(
                        name, uuid="c0ffee00-0000-4000-8000-000000000001", hypervisor="kvm")):
                    cfg = with_object(cfg, thing)
            elif what in CHANGES:
                cfg = changed(cfg, name, CHANGES[what])
            elif what in ("plain", "drbd"):
                cfg = with_volumes(cfg, name, what)
            else:
                described(nodes, name, what, rest)
    nodes.pop("met", None)
    return cfg, build.Nodes(cfg, **{**nodes, "running": nodes["running"] or None})


CHANGES = {
    "offline": {"offline": True, "master_candidate": False}, "drained": {"drained": True},
    "regular": {"master_candidate": False}, "kvm": {"hypervisor": "kvm"},
    "down": {"admin_state": "down"}, "unused": {"disks_active": False},
    "up": {"admin_state": "up"},
    "oob": {"ndparams": {"oob_program": "/usr/local/sbin/oob"}}, "unpowered": {"powered": False},
    "at-node2": {"primary_node": "n2"},
    "master-ip": {"master_ip": "192.0.2.99", "master_netdev": "eth0"},
    "tagged": {"tags": ("env:test",)}, "apart": {"networks": {}}, "hardened": {"hardened": True},
    "external-master-ip": {"master_ip": "192.0.2.99", "master_netdev": "eth0",
                           "use_external_mip_script": True},
}


ANSWERS = {  # what nodes say: task, answer
    "has-master-ip": ("commands.cluster._master_ip.where", {
        "192.0.2.99": "eth0"}),
    "is-off": ("commands.node._oob.powered", False),
    "is-on": ("commands.node._oob.powered", True),
    "outdated": ("storage.drbd.tasks.copies", {0: Copy(
        link="StandAlone", role="Secondary", here="Outdated", there="DUnknown")}),
    "lost-the-other": ("storage.drbd.tasks.copies", {0: Copy(
        link="WFConnection", role="Secondary", here="UpToDate", there="DUnknown")}),
    "refuses-the-other": ("storage.drbd.tasks.copies", {0: Copy(
        link="StandAlone", role="Secondary", here="UpToDate", there="DUnknown")}),
    "was-left-behind": ("storage.drbd.history.history", History(newest="a", before=("9",))),
    "went-on": ("storage.drbd.history.history", History(newest="b", before=("a", "9"))),
    "went-elsewhere": ("storage.drbd.history.history", History(newest="c", before=("a", "9"))),
    "has-lost-its-metadata": ("storage.drbd.history.history", None),
    "lost-its-disk": ("storage.drbd.tasks.copies", {0: Copy(
        link="Connected", role="Secondary", here="Diskless", there="UpToDate")}),
    "measures": ("storage.file.measure", 2048),
}


def with_volumes(cfg, name, template):
    """The instance, and the cluster, with disks in a volume group."""
    settings = {"volume_group_name": "xenvg", "enabled_disk_templates": ("drbd", "plain", "file")}
    things = (cfg.cluster.replace(**settings), *build.on_volumes(cfg.instance(name), template))
    data = {section: dict(objects) for section, objects in cfg.state.data.items()}
    for thing in things:
        section, key = build.path(thing)
        data[section][key] = build.to_data(thing)
    return build.Config(build.MemoryState(data, cfg.term, cfg.serial, cfg.head))


def changed(cfg, name, changes):
    find = {"node": cfg.node, "clus": lambda _: cfg.cluster, "defa": cfg.group,
            "lan": cfg.network}.get(name[:4], cfg.instance)
    return with_object(cfg, find(name).replace(**changes))


def with_object(cfg, thing):
    section, key = build.path(thing)
    data = {**cfg.state.data,
            section: {**cfg.state.data.get(section, {}), key: build.to_data(thing)}}
    return build.Config(build.MemoryState(data, cfg.term, cfg.serial, cfg.head))


def described(nodes, name, what, rest):
    if what == "silent":
        nodes["silent"].append(name)
    elif what == "free":
        nodes["memory"][name] = int(rest[0])
    elif what == "runs":
        nodes["running"][name] = rest
    elif what == "met":
        nodes.setdefault("met", []).append(name)
    elif what in ANSWERS:
        task, answer = ANSWERS[what]
        nodes["answers"][f"{name}:{task}" if name.startswith("node") else task] = answer
    else:
        raise ValueError(f"{name} {what}")


def operation(head, words):
    """What the command line means; what is no operation plans nothing."""
    cls, rest = find.command([words[0].removeprefix("gnt-"), *words[1:]])
    made = parse(cls, rest, general.groups(cls)).command
    assert isinstance(made, Operation)
    met = [line.split()[0] for line in head if line.endswith(" met")]
    if met:
        made = made.replace(address="192.0.2.44", host_keys=(build.KEY,))
    return made


def planned(head, words):
    """What the command line plans, as lines."""
    cfg, nodes = scene(head)
    try:
        made = build.plan(operation(head, words), cfg, nodes)
        return [QEMU.sub("argv=[…] ", line) for line in render(made)]
    except GntError as error:
        hint = [f"hint   {error.hint}"] if error.hint else []
        return [f"error  {type(error).__name__}: {error.message}", *hint]


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_plan(path):
    head, words, expected = read(path)
    made = planned(head, words)
    if os.environ.get("GNT_WRITE_PLANS"):
        path.write_text("\n".join([*head, f"$ {shlex.join(words)}", *made]) + "\n")
        expected = made
    assert made == expected
    assert len(made) <= LONGEST


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_planning_twice_gives_the_same_plan(path):
    head, words, _ = read(path)
    assert planned(head, words) == planned(head, words)


def test_there_are_plans():
    assert len(PLANS) > 20
