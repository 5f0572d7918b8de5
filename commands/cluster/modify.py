"""gnt-cluster modify."""

from __future__ import annotations

from gnt.checks.addresses import addresses, longest, unfit
from gnt.checks.keys import keyring, past_the_gate
from gnt.commands import _access, _gate
from gnt.commands._edits import change, unchanged
from gnt.commands.cluster import _master_ip, _uids
from gnt.commands.cluster._options import ClusterOptions
from gnt.commands.node import _let_in, _role
from gnt.errors import Conflict, Invalid
from gnt.plan import Plan, Step
from gnt.spec import Holds, Operation, opt
from gnt.values import BOOL, whole, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Cluster
    from gnt.plan import Call
    from gnt.spec import Seen


class Modify(ClusterOptions, Operation, command="cluster modify"):
    """Change the cluster's settings and the parameters that everything inherits.

    A parameter with the value default goes back to what gnt comes with.  Running instances keep
    what they were started with until they are rebooted.
    """

    hook = "cluster-modify"
    rapi = "PUT /2/modify"
    examples = (
        ("gnt-cluster modify -B vcpus=2 -N link=br1", "what instances inherit"),
        ("gnt-cluster modify -H kvm:vnc_bind_address=127.0.0.1", "a hypervisor parameter"),
        ("gnt-cluster modify --hardened=yes", "nodes run only what a signer has signed"),
        ("gnt-cluster modify -C 5", "five master candidates; the pool grows or shrinks at once"),
    )

    max_running_jobs: int | None = opt(whole(1), "how many jobs may run at once", default=None)
    max_tracked_jobs: int | None = opt(whole(1), "how many jobs may be watched at once",
                                       default=None)
    reserved_lvs: tuple[str, ...] | None = opt(
        words_of(), "patterns of logical volumes that are not ours", default=None)
    add_uids: tuple[tuple[int, int], ...] = opt(
        _uids.RANGES, "add user ids to the pool", default=())
    remove_uids: tuple[tuple[int, int], ...] = opt(
        _uids.RANGES, "take user ids out of the pool", default=())
    hardened: bool | None = opt(
        BOOL, "nodes run only what a signer has signed for the connection it comes by; see "
        "gnt-security(7)", default=None)
    force: bool = opt(BOOL, "do not refuse what instances still use", default=False, short="-f")

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=("cluster/cluster",))

    def facts(self, cfg: Config) -> Iterable[Call[Any]]:
        """Who else is let in, where nodes are about to be hardened; the master's addresses."""
        if self._moves_address:
            yield addresses.on(cfg.master.name)
        if self.hardened and not cfg.cluster.hardened:
            yield from (keyring.on(node.name) for node in cfg.online())

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        before = cfg.cluster
        after = self.changed(before)
        own = {name: getattr(self, name)
               for name in ("max_running_jobs", "max_tracked_jobs", "reserved_lvs", "hardened")
               if getattr(self, name) is not None}
        pool = _uids.joined((*after.uid_pool, *self.add_uids))
        after = after.replace(uid_pool=_uids.without(pool, self.remove_uids), **own)
        if after == before:
            return unchanged(self)
        if after.master_ip and _master_ip.family(after.master_ip) != after.primary_ip_family:
            raise Invalid("--master-ip", f"{after.master_ip} is no IPv{after.primary_ip_family} "
                          "address, as the nodes have")
        if not self.force:
            _require_unused(cfg, before, after)
        return _hardened(cfg, after.hardened, seen) + Plan(
            attempt=tuple(_master_ip.moved(cfg, after)),
            end=(change(after),), notes=self._fitting(cfg, after, seen))

    @property
    def _moves_address(self) -> bool:
        return any((self.master_netdev, self.master_ip, self.master_netmask))

    def _fitting(self, cfg: Config, after: Cluster, seen: Seen) -> tuple[str, ...]:
        """What is odd about the length of the master's address; refused when it cuts nodes off."""
        if not self._moves_address or not _master_ip.configured(after):
            return ()
        wrong, cut_off = unfit(cfg, after, seen[addresses.on(cfg.master.name)])
        if cut_off:
            raise Conflict(wrong, hint=f"--master-netmask {longest(after.master_ip)}")
        return (wrong,) if wrong else ()

    def then(self, cfg: Config) -> tuple[Operation, ...]:
        return _role.resize(cfg) if self.candidate_pool_size else ()


def _hardened(cfg: Config, wanted: bool, seen: Seen) -> Plan:
    """The gate on every online node, and then every login behind it; or none behind it any more."""
    if wanted == cfg.cluster.hardened:
        return Plan()
    if not cfg.cluster.modify_ssh_setup:
        raise Conflict("this cluster leaves authorized_keys alone, so it cannot set a gate there",
                       hint="see gnt-security(7) for the lines to write by hand")
    names = [node.name for node in cfg.online()]
    gates = tuple(
        Step(do=_gate.install(name, cfg), beside=number > 0, title=f"the gate of {name}")
        for number, name in enumerate(names) if wanted)
    after = _access.authorized(cfg.cluster.login_keys, cfg.nodes, hardened=wanted)
    notes = tuple(f"{node.name} is offline: it learns this when it comes back"
                  for node in cfg.nodes if node.offline)
    notes += tuple(_passing(cfg, names, seen)) if wanted else ()
    retired = tuple(
        Step(do=_gate.retire(name), beside=number > 0, title=f"no gate on {name}")
        for number, name in enumerate(names) if not wanted)
    return Plan(attempt=gates + tuple(_let_in.lines(names, after, _access.lines(cfg))),
                settle=retired, notes=notes)


def _passing(cfg: Config, names: list[str], seen: Seen) -> Iterator[str]:
    """What to do about keys that people have put on nodes beside ours."""
    for name in names:
        if seen.failed(keyring.on(name)) is None:
            for key in past_the_gate(cfg, seen[keyring.on(name)]):
                yield (f"{name} goes on letting in {key} past the gate: keep the key offline as "
                       f"the way in when no signer is left, or take it out of {name}'s "
                       "~/.ssh/authorized_keys")


def _require_unused(cfg: Config, before: Cluster, after: Cluster) -> None:
    """Raise Conflict when an instance needs what is no longer enabled."""
    for field, own, what in (
        ("enabled_hypervisors", "hypervisor", "hypervisor"),
        ("enabled_disk_templates", "disk_template", "disk template"),
    ):
        gone = set(getattr(before, field)) - set(getattr(after, field))
        users = [inst.name for inst in cfg.instances if getattr(inst, own) in gone] if gone else []
        if users:
            raise Conflict(
                f"{what} {', '.join(sorted(gone))} is used by {', '.join(users[:5])}"
                f"{' and others' if len(users) > 5 else ''}",
                hint="remove or convert these instances first, or -f")
