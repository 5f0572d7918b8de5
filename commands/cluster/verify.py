"""gnt-cluster verify."""

from __future__ import annotations

from gnt.checks.base import CODES, Finding, checks, on_cluster
from gnt.commands import _at_once
from gnt.commands.cluster import _spare
from gnt.errors import Conflict, GntError
from gnt.model.objects import Group
from gnt.spec import Action, Lines, Seen, opt, opts
from gnt.values import BOOL, PATH, TEXT, choice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from gnt.checks.base import Check
    from gnt.model.config import Config
    from gnt.model.objects import Job, Node
    from gnt.plan import Call
    from gnt.spec import Session


class Verify(_at_once.AtOnce, Action, command="cluster verify"):
    """Check the configuration and the nodes against each other.

    The configuration that is checked was read with its signatures.  It must make sense by itself;
    nodes must answer, have what they need and know no newer master; instances must run where they
    belong, with their disks; whichever node fails, its instances must find memory elsewhere;
    nothing else may be there: no strangers, no orphans of guests, disks, interfaces or jobs, and no
    job without a driver.  All nodes are asked at once.  The exit code is 1 when there are errors;
    warnings alone leave it 0.

    --folder checks an exported configuration without a cluster: its signatures, and what needs no
    node's answer.
    """

    examples = (
        ("gnt-cluster verify", "everything"),
        ("gnt-cluster verify --error-codes -g rack2", "one group, for programs"),
        ("gnt-cluster verify -I EINSTANCEPOLICY", "policy violations are only warnings"),
        ("gnt-cluster verify --folder /root/audit", "what gnt-cluster config export wrote"),
    )

    error_codes: bool = opt(BOOL, "lines for programs: LEVEL:CODE:KIND:NAME:MESSAGE",
                            default=False, short="-e")
    ignore_errors: tuple[str, ...] = opts(choice(*CODES), "make errors of this code warnings",
                                          short="-I", metavar="CODE")
    node_group: str = opt(TEXT, "only the nodes of this group", default="", short="-g",
                          metavar="GROUP")
    nplus1_mem: bool = opt(BOOL, "see whether the loss of any node leaves enough memory",
                           default=True)
    hv_param_assessment: bool = opt(BOOL, "see whether hypervisors take their parameters",
                                    default=True)
    verify_ssh_clutter: bool = opt(BOOL, "look for keys of nodes that gnt did not put there",
                                   default=False)
    verbose: bool = opt(BOOL, "also say what was checked", default=False, short="-v")
    debug_simulate_errors: bool = opt(BOOL, "report each error that can be found, to try what "
                                      "reads the output", default=False)
    dry_run: bool = opt(BOOL, "accepted: it changes nothing in any case", default=False)
    folder: str = opt(PATH, "check this exported configuration, offline", default="")

    def run(self, session: Session) -> int:
        if self.folder:
            answer = self._offline(session)
        else:
            cfg = session.config()
            seen = session.ask(self.facts(cfg))
            alive = session.jobs.alive([job.id for job in cfg.jobs]) if cfg.jobs else {}
            answer = self.answer(cfg, seen, [j for j in cfg.jobs if not alive.get(j.id, True)])
        session.show(answer)
        return answer.exit_code

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        asked = {}
        nodes = self._nodes(cfg)
        for check in self._checks():
            for call in check.facts(cfg, nodes):
                asked[call.key] = call
        return iter(asked.values())

    def answer(self, cfg: Config, seen: Seen, stalled: Sequence[Job] = ()) -> Lines:
        """``stalled``: the jobs whose drivers are gone."""
        nodes = self._nodes(cfg)
        chosen = self._checks()
        found = [one for check in chosen for one in self._findings(check, cfg, nodes, seen)]
        return self._report(cfg, [*(_stalled(cfg, job) for job in stalled), *found],
                            len(nodes), chosen)

    def _offline(self, session: Session) -> Lines:
        from gnt.commands.cluster import _exported

        session.ledger.verify(self.folder, ())
        cfg = _exported.read(self.folder)
        if self.debug_simulate_errors:
            raise Conflict("--debug-simulate-errors is for a running cluster",
                           hint="leave out --folder")
        chosen = [check for check in self._checks() if not check.asks]
        nodes = self._nodes(cfg)
        return self._report(cfg, [one for check in chosen
                                  for one in check.findings(cfg, nodes, Seen({}))], 0, chosen)

    def _checks(self) -> list[Check]:
        return [check for check in every() if not check.option or getattr(self, check.option)]

    def _findings(
        self, check: Check, cfg: Config, nodes: list[Node], seen: Seen,
    ) -> Iterator[Finding]:
        if self.debug_simulate_errors:
            yield from (Finding(code=code, kind=CODES[code], name=_name(cfg, CODES[code]),
                                message=f"simulated by {_called(check)}") for code in check.codes)
        try:
            yield from check.findings(cfg, nodes, seen)
        except GntError as error:  # one check that fails must not hide what the others see
            yield on_cluster(cfg, "ECLUSTERCFG", f"{_called(check)} could not look any further: "
                             f"{error.message}")

    def _report(
        self, cfg: Config, found: list[Finding], asked: int, chosen: list[Check],
    ) -> Lines:
        found = [self._judged(one) for one in found]
        errors = sum(not one.warning for one in found)
        head = []
        if not self.error_codes:
            head = [f"* Configuration {cfg.serial} of term {cfg.term} ({cfg.head[:12]}), signed"]
            if self.verbose:
                head += [f"* {asked} nodes asked, {len(cfg.instances)} instances",
                         f"* {', '.join(_called(check) for check in chosen)}"]
        tail = [] if self.error_codes else [
            f"* {errors} errors, {len(found) - errors} warnings" if found else "* Nothing is wrong"]
        return Lines(
            lines=(*head, *(self._line(one) for one in found), *tail),
            data=[dict(one.items()) for one in found], exit_code=1 if errors else 0)

    def _nodes(self, cfg: Config) -> list[Node]:
        group = cfg.group(self.node_group).uuid if self.node_group else ""
        return [node for node in cfg.online()
                if cfg.get(Group, node.group) and (not group or node.group == group)]

    def _judged(self, one: Finding) -> Finding:
        return one.replace(warning=one.warning or one.code in self.ignore_errors)

    def _line(self, one: Finding) -> str:
        level = "WARNING" if one.warning else "ERROR"
        if self.error_codes:
            return f"  - {level}:{one.code}:{one.kind}:{one.name}:{one.message}"
        return f"  - {level}: {one.kind} {one.name}: {one.message}"


def every() -> list[Check]:
    """The checks of drivers and nodes, and the one that needs the model placement has."""
    return [*checks(), _spare.CHECK]


def _stalled(cfg: Config, job: Job) -> Finding:
    undo = "" if job.state == "settling" else f" or gnt-job undo {job.id}"
    return on_cluster(
        cfg, "ECLUSTERCFG", f"job {job.id} ({job.operation}) has lost its driver, and keeps what "
        f"it holds from others: gnt-job resume {job.id}{undo}")


def _called(check: Check) -> str:
    return type(check).__module__.rpartition(".")[2].lstrip("_")


def _name(cfg: Config, kind: str) -> str:
    """Some object of a kind, to simulate an error of."""
    first = {"node": cfg.master.name, "cluster": cfg.cluster.cluster_name,
             "group": cfg.groups[0].name}
    return first.get(kind) or next((inst.name for inst in cfg.instances), "none")
