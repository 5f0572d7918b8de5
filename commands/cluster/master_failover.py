"""gnt-cluster master-failover."""

from __future__ import annotations

from contextlib import suppress

from gnt.checks.neighbours import sight
from gnt.commands._edits import change, drop
from gnt.commands.cluster import _master_ip
from gnt.commands.cluster.activate_master_ip import ActivateMasterIp
from gnt.commands.node import _setup
from gnt.errors import ConfirmationNeeded, Conflict, GntError, NoMajority, NotFound
from gnt.model import inherit
from gnt.model.objects import Signer
from gnt.spec import Action, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Edit
    from gnt.spec import Session


class MasterFailover(Action, command="cluster master-failover"):
    """Make another master candidate the master.

    Run it on that candidate, or name it with --to.  A majority of the candidates must answer: of
    what they hold the newest is taken, the term is raised, and every node that is reached refuses
    the old master from then on.  Running instances do not notice.  The master's address, where
    there is one, moves along.

    --no-voting is for a majority that is lost for good.  Candidates that do not answer are taken
    out of the pool, may sign nothing more, and are marked offline, unless the new master sees that
    they live.  Whatever only they knew is lost, and if they come back there are two histories; that
    it was done is signed into this one.
    """

    examples = (
        ("gnt-cluster master-failover --to node2", "from an admin's machine"),
        ("gnt-cluster master-failover", "on the candidate that becomes the master"),
    )

    to: str = opt(TEXT, "candidate that becomes the master (default: this host)", default="",
                  metavar="NODE")
    voting: bool = opt(BOOL, "ask for a majority; without it changes that only the others know of "
                       "are lost, and two masters are possible", default=True)
    yes_do_it: bool = opt(BOOL, "do not ask about --no-voting", default=False)
    ignore_offline_nodes: bool = opt(BOOL, "do not count candidates that are marked offline",
                                     default=False)

    def run(self, session: Session) -> int:
        cfg = session.known()
        node = self._target(session, cfg)
        lost, seen = ((), ()) if self.voting else _silent(session, cfg, node)
        if not self.voting and not self.yes_do_it:
            raise ConfirmationNeeded(
                f"without voting, what only other candidates hold is lost. {_named(lost)} taken "
                "out of the pool and marked offline, which also says that nothing runs there: be "
                "sure of that. If they live, they may go on by themselves, with a history of their "
                f"own{_living(node, seen)}",
                hint="gnt-cluster master-failover --no-voting --yes-do-it")
        try:
            session.take_over(node, voting=self.voting, ignore_offline=self.ignore_offline_nodes,
                              also=lambda before: _without(before, lost, seen))
        except NoMajority as error:
            raise NoMajority(error.message, hint=_way_out(error, node)) from error
        session.tell(f"{node.name} is the master now")
        if _master_ip.configured(cfg.cluster):
            self._move_address(session)
        return 0

    def _move_address(self, session: Session) -> None:
        """By a job of its own, so that it can be repeated."""
        try:
            session.execute(ActivateMasterIp())
        except GntError:
            session.tell("its address could not be moved to it; once what is said next is put "
                         "right: gnt-cluster activate-master-ip")
            raise

    def _target(self, session: Session, cfg: Config) -> Node:
        node = cfg.node(self.to) if self.to else _this_host(session, cfg)
        if node.uuid == cfg.cluster.master_node:
            raise Conflict(f"{node.name} is the master already", hint="--to another candidate")
        if not node.master_candidate:
            raise Conflict(f"{node.name} is no master candidate (they are: {_others(cfg)})",
                           hint=f"gnt-node modify -C yes {node.name}")
        return node


def _way_out(error: NoMajority, node: Node) -> str:
    if "has begun" in error.message:  # they are there: somebody else fails over
        return "gnt-cluster getmaster says who became it; then, if need be, again"
    return ("bring one of them back; or, when they are lost for good: "
            f"gnt-cluster master-failover --no-voting --to {node.name}")


def _this_host(session: Session, cfg: Config) -> Node:
    import os

    host = os.uname().nodename
    for name in (session.here, host, host.partition(".")[0]):
        with suppress(NotFound):
            return cfg.node(name)
    raise NotFound(f"this host, {host}, is no node of the cluster",
                   hint=f"--to NODE, one of: {_others(cfg)}")


def _others(cfg: Config) -> str:
    """The candidates that could become the master."""
    names = [node.name for node in cfg.candidates if node.uuid != cfg.cluster.master_node]
    return ", ".join(names) or "none"


def _silent(
    session: Session, cfg: Config, node: Node,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The other candidates that do not answer; those of them of which nobody can say that they are
    dead: they fail in a way that takes power, ``node`` sees them, or it cannot look.

    They are asked as hosts of no cluster: some may know the term of a failover that was given up.
    """
    session.know(_with_port(cfg, one) for one in cfg.candidates)
    others = [other for other in cfg.candidates if other.uuid != node.uuid]
    calls = {other.name: _setup.inspect.on(other.name) for other in others}
    looks = {other.name: sight(cfg, node, other) for other in others if other.host_keys}
    answers = session.ask([*calls.values(), *looks.values()])
    failures = {name: why for name, call in calls.items() if (why := answers.failed(call))}

    def lives(name: str) -> bool:
        if failures[name].kind == "failed" or name not in looks or answers.failed(looks[name]):
            return True
        return bool(set(answers[looks[name]].keys) & set(cfg.node(name).host_keys))

    return tuple(failures), tuple(name for name in failures if lives(name))


def _with_port(cfg: Config, node: Node) -> Node:
    return node.replace(ndparams={**node.ndparams, "ssh_port": inherit.node(cfg, node).ssh_port})


def _living(node: Node, seen: tuple[str, ...]) -> str:
    return (f". That {', '.join(seen)} are dead cannot be said, or {node.name} sees that they "
            "live: they are only taken out of the pool") if seen else ""


def _named(lost: tuple[str, ...]) -> str:
    return f"{', '.join(lost)} {'are' if len(lost) > 1 else 'is'}" if lost else "Nobody is"


def _without(cfg: Config, lost: tuple[str, ...], seen: tuple[str, ...]) -> tuple[Edit, ...]:
    """Candidates that are lost are none any more: the rest must be able to agree by themselves.

    Offline, which says that nothing runs there, are not those that are seen to live.
    """
    edits = []
    for name in lost:
        signer = cfg.get(Signer, name)
        edits.append(change(cfg.node(name), master_candidate=False,
                            offline=name not in seen))
        edits += [drop(signer)] if signer else []
    return tuple(edits)
