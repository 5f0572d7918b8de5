"""Taking instances off nodes or out of groups: the allocator says where to, jobs move them."""

from __future__ import annotations

from gnt.commands import _allocator
from gnt.commands._space import Survey
from gnt.errors import NoCapacity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from gnt.htools.place import Evacuated
    from gnt.htools.world import World
    from gnt.model.config import Config
    from gnt.spec import Operation, Session


def evacuated(
    session: Session, cfg: Config, names: Sequence[str], mode: str, typed: str,
    *, ignore_soft_errors: bool = False, partly: bool = False,
) -> Evacuated:
    """Where the instances go within their groups; ``typed``: -I; ``partly``: what cannot be moved
    does not hinder the rest."""
    from gnt.htools import place, request

    def built_in(world: World) -> Evacuated:
        return place.evacuate(world, names, mode, force=ignore_soft_errors)

    return _answer(session, cfg, names, typed, built_in, request.evacuate(names, mode),
                   partly=partly)


def into_groups(
    session: Session, cfg: Config, names: Sequence[str], groups: Sequence[str], typed: str,
) -> Evacuated:
    """Where the instances go in one of the groups (uuids), or in any other one."""
    from gnt.htools import place, request

    def built_in(world: World) -> Evacuated:
        return place.change_group(world, names, groups, strict=_allocator.strict(typed))

    return _answer(session, cfg, names, typed, built_in, request.change_group(names, groups))


def _answer(
    session: Session, cfg: Config, names: Sequence[str], typed: str,
    built_in: Callable[[World], Evacuated], body: dict[str, Any], *, partly: bool = False,
) -> Evacuated:
    script = _allocator.external(cfg, typed)
    if script:
        from gnt.htools import answer

        said = _allocator.ask(session, cfg, script, body)
        found = answer.evacuated(said, script, _allocator.known(cfg), set(names))
    else:
        survey = Survey(cfg)
        found = built_in(survey.world(survey.ask(session)))
    if found.failed and not partly:
        whys = "; ".join(f"{name}: {why}" for name, why in found.failed)
        raise NoCapacity(f"nothing was moved, as not everything can be: {whys}",
                         hint="gnt-cluster what-if, or hspace -L, shows what fits")
    return found


def operations(
    session: Session, cfg: Config, moves: Evacuated, *, failover: bool = False, **options: Any,
) -> Iterator[Operation]:
    """The moves as operations; ``options``: of migrate and failover, where they have them."""
    down = _not_running(session, cfg, [name for name, _, _ in moves.moves])
    for name, _, steps in moves.moves:
        for kind, target in steps:
            if kind == "migrate":
                yield one(name, target, failover=failover or name in down, **options)
            else:
                yield replaced(name, target, **options)


def one(name: str, target: str, *, failover: bool, **options: Any) -> Operation:
    """Moving one instance to a node (empty: the best one)."""
    from gnt.commands.instance.failover import Failover
    from gnt.commands.instance.migrate import Migrate

    cls: type[Operation] = Failover if failover else Migrate
    known = {key: value for key, value in options.items() if key in cls.TYPES}
    return cls(name=name, target_node=target, force=True, **known)


def replaced(name: str, target: str, **options: Any) -> Operation:
    """Moving the second copies of one instance's disks to a node."""
    from gnt.commands.instance.replace_disks import ReplaceDisks

    known = {key: value for key, value in options.items() if key in ReplaceDisks.TYPES}
    return ReplaceDisks(name=name, new_secondary=target, **known)


def _not_running(session: Session, cfg: Config, names: Sequence[str]) -> set[str]:
    """The instances that cannot be migrated: down, on a dead node, or of such a kind."""
    from gnt.commands.instance import _life
    from gnt.hypervisor.base import Migratable, hypervisor
    from gnt.model import inherit

    found, calls = set(), {}
    for name in names:
        inst = cfg.instance(name)
        home = _life.home(cfg, inst)
        if (home.offline or inherit.backend(cfg, inst).always_failover
                or not isinstance(hypervisor(inst.hypervisor), Migratable)):
            found.add(name)
        else:
            calls[name] = _life.running(inst, home)
    seen = session.ask(calls.values())
    for name, call in calls.items():
        inst = cfg.instance(name)
        if seen.failed(call) or not _life.runs_on(inst, _life.home(cfg, inst), seen):
            found.add(name)
    return found
