"""Hypervisors work, agree on their version, and take the parameters they are given."""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_cluster, on_node
from gnt.errors import GntError
from gnt.hypervisor.base import hypervisor
from gnt.model import inherit
from gnt.model.objects import Group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.hypervisor.base import Capabilities
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.record import Record
    from gnt.spec import Seen


class Hypervisors(Check):
    codes = ("ENODEHV", "ECLUSTERCFG", "EINSTANCEMISSINGCFGPARAMETER")
    option = "hv_param_assessment"

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        return (call for _, _, call in _questions(cfg, nodes))

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        for name in cfg.cluster.enabled_hypervisors:
            try:
                _params(cfg, name)
            except GntError as error:
                yield on_cluster(cfg, "ECLUSTERCFG", f"{name}: {error.message}")
        yield from _versions(cfg, nodes, seen)
        homes = {node.uuid for node in nodes}
        for inst in cfg.instances:
            if inst.primary_node not in homes:
                continue
            try:
                driver = hypervisor(inst.hypervisor)
                levels = inherit.hypervisor_levels(cfg.cluster, inst)
                driver.check(inherit.fill(driver.params, levels, "hvparams"), "hvparams")
            except GntError as error:
                yield Finding(code="EINSTANCEMISSINGCFGPARAMETER", kind="instance", name=inst.name,
                              message=error.message)


def _versions(cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
    found: dict[tuple[str, str], dict[str, list[Node]]] = {}
    for node, name, call in _questions(cfg, nodes):
        failed = seen.failed(call)
        if failed is None:
            there = found.setdefault((node.group, name), {})
            there.setdefault(seen[call].version, []).append(node)
        elif failed.kind == "failed":
            said = failed.stderr.strip().splitlines()
            yield on_node(node, "ENODEHV", f"{name} cannot be used: "
                          f"{said[-1] if said else failed.problem}")
    for (group, name), versions in found.items():
        if len(versions) > 1:
            known = cfg.get(Group, group)
            shown = "; ".join(f"{version} on {', '.join(node.name for node in those[:3])}"
                              for version, those in sorted(versions.items()))
            yield Finding(code="ENODEHV", kind="group", name=known.name if known else group,
                          message=f"{name} differs: {shown}", warning=True)


def _questions(
    cfg: Config, nodes: list[Node],
) -> Iterator[tuple[Node, str, Call[Capabilities]]]:
    for name in cfg.cluster.enabled_hypervisors:
        try:
            params = _params(cfg, name)
        except GntError:
            continue
        for node in nodes:
            if node.vm_capable:
                yield node, name, hypervisor(name).capabilities(node.name, params)


def _params(cfg: Config, name: str) -> Record:
    """The cluster's parameters of a hypervisor, filled in and checked."""
    driver = hypervisor(name)
    params = inherit.fill(driver.params, (cfg.cluster.hvparams.get(name, {}),), "hvparams")
    driver.check(params, "hvparams")
    return params


CHECK = Hypervisors()
