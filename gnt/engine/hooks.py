"""Hooks: executables in ``/etc/gnt/hooks/<name>-pre.d`` and ``…-post.d`` on the nodes of a job.

Whether there are any is asked together with the operation's facts, on the nodes that are asked
anyway and on the master; a node that the plan uses and that was not asked costs one round trip
more.  Pre hooks become the first steps of the plan, so a failing one stops the job before anything
else; post hooks run after the last commit and only warn.  Without directories nothing is run.
"""

from __future__ import annotations

from gnt.engine.record import load_operation
from gnt.errors import GntError
from gnt.plan import Script, Step, node_task, script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from gnt.engine.desk import Desk
    from gnt.engine.ports import Key
    from gnt.model.config import Config
    from gnt.model.objects import Job
    from gnt.plan import Call, Plan
    from gnt.spec import Operation

PRE, POST = "pre", "post"

_PRESENT = """\
for phase in pre post; do
  for hook in "$1-$phase.d"/*; do
    [ -e "$hook" ] && { echo "$phase"; break; }
  done
done
exit 0
"""

# Words after the directory are NAME=VALUE.  A hook's output is shown when it fails.
_RUN = """\
LC_ALL=C; export LC_ALL
dir=$1 failing=$2; shift 2
cd / || exit 1
for hook in "$dir"/*; do
  [ -e "$hook" ] || continue
  name=${hook##*/}
  case $name in *[!a-zA-Z0-9_-]*) echo "skipped $name"; continue ;; esac
  { [ -f "$hook" ] && [ -x "$hook" ]; } || { echo "skipped $name"; continue; }
  said=$(env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin "$@" "$hook" </dev/null 2>&1) && continue
  status=$?
  echo "$name ended with $status: $(printf '%s' "$said" | tail -n 3 | tr '\\n' ' ')"
  [ "$failing" = yes ] && { echo "hook $hook ended with $status: $said" >&2; exit 1; }
done
exit 0
"""


@node_task(deadline=15)
def present(name: str) -> Script[tuple[str, ...]]:
    """The phases for which the node has hooks of this name."""
    return script(_PRESENT, f"/etc/gnt/hooks/{name}", parse=lambda output: tuple(output.split()))


@node_task(deadline=600)
def run_hooks(
    name: str, phase: str, failing: bool, env: tuple[str, ...],
) -> Script[tuple[str, ...]]:
    """Run a node's hooks in order; what there is to say.  ``failing``: stop at one that fails."""
    return script(_RUN, f"/etc/gnt/hooks/{name}-{phase}.d", failing, *env,
                  parse=lambda output: tuple(output.splitlines()))


def questions(
    operation: Operation, cfg: Config, calls: Iterable[Call[Any]], more: Iterable[str],
) -> list[Call[tuple[str, ...]]]:
    """Ask for hooks wherever something else is asked, on the master, and on ``more`` nodes."""
    if not operation.hook:
        return []
    nodes = {call.node for call in calls} | {cfg.master.name} | set(more)
    return [present.on(node, operation.hook) for node in sorted(nodes)]


def unasked(
    operation: Operation, cfg: Config, plan: Plan, answers: Mapping[Key, Any],
) -> set[str]:
    """Nodes of the plan that nobody asked for hooks."""
    if not operation.hook:
        return set()
    nodes = {step.do.node for step in plan.steps} | {cfg.master.name}
    return {node for node in nodes if present.on(node, operation.hook).key not in answers}


def with_hooks(
    operation: Operation, cfg: Config, plan: Plan, answers: Mapping[Key, Any],
) -> tuple[Plan, tuple[str, ...]]:
    """(the plan with its pre hooks first, the nodes to run post hooks on)."""
    if not operation.hook:
        return plan, ()
    nodes = sorted({step.do.node for step in plan.steps} | {cfg.master.name})
    found = {node: answers[present.on(node, operation.hook).key] for node in nodes}
    reachable = {node: phases for node, phases in found.items() if isinstance(phases, tuple)}
    before = [node for node in nodes if PRE in reachable.get(node, ())]
    after = tuple(node for node in nodes if POST in reachable.get(node, ()))
    if not before:
        return plan, after
    env = environment(operation, cfg, PRE, {})
    steps = tuple(
        Step(do=run_hooks.on(node, operation.hook, PRE, True, env), beside=number > 0,
             title=f"pre hooks of {operation.hook}")
        for number, node in enumerate(before)
    )
    return plan.replace(attempt=(*steps, *plan.attempt)), after


def environment(
    operation: Operation, cfg: Config, phase: str, known: Mapping[str, str],
) -> tuple[str, ...]:
    """``GANETI_NAME=value`` words; after the operation ``known`` values get ``POST_`` twins."""
    values = {
        "HOOKS_VERSION": "2", "HOOKS_PHASE": phase, "HOOKS_PATH": operation.hook,
        "OP_CODE": f"OP_{operation.noun}_{operation.verb}".upper().replace("-", "_"),
        "OP_TARGET": cfg.cluster.cluster_name, "OBJECT_TYPE": operation.noun.upper(),
        "CLUSTER": cfg.cluster.cluster_name, "MASTER": cfg.master.name,
        "DATA_DIR": "/var/lib/gnt", **known, **_own(operation, cfg, phase),
    }
    return tuple(f"GANETI_{name}={value}" for name, value in sorted(values.items()))


def _own(operation: Operation, cfg: Config, phase: str) -> dict[str, str]:
    try:
        own = operation.hook_env(cfg)
    except GntError:
        return {}  # what it speaks of is not there yet, or not any longer
    return {f"POST_{k}" if phase == POST else k: v for k, v in own.items()}


def run_post(desk: Desk, operation: Operation, cfg: Config, nodes: Iterable[str]) -> None:
    """Run post hooks on nodes and warn of failures."""
    env = environment(operation, cfg, POST, {})
    calls = [run_hooks.on(node, operation.hook, POST, False, env) for node in nodes]
    answers = desk.transport.ask(calls) if calls else {}
    for call in calls:
        answer = answers[call.key]
        lines = (str(answer),) if isinstance(answer, GntError) else answer
        for line in lines:
            desk.tell(f"post hooks of {operation.hook} on {call.node}: {line}")


def run_post_of(desk: Desk, job: Job, cfg: Config) -> None:
    """Run the post hooks that a job's record names."""
    nodes = job.plan.get("hooks", [])
    if isinstance(nodes, list) and nodes:
        operation = load_operation(desk.find(job.operation), job.params, f"jobs.{job.id}")
        run_post(desk, operation, cfg, [str(node) for node in nodes])
