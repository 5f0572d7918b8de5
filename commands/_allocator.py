"""Which allocator chooses nodes: the built-in one, or a script of an administrator's.

Scripts lie on the master, in one of ``FOLDERS``.  They get the name of a file with the request,
then ``--key=value`` for each of the cluster's parameters for allocators, and print the answer
(reference D.5).  ``hail`` is built in; ``.`` is the cluster's default.
"""

from __future__ import annotations

from gnt.commands._space import Survey, being_made
from gnt.errors import Invalid
from gnt.plan import Script, node_task, script, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.spec import Session

BUILT_IN = "hail"
DEFAULT = "."
HELP = "allocator that chooses the node: hail (built in), a script on the master, . the default"
FOLDERS = "/etc/gnt/iallocators:/usr/local/lib/ganeti/iallocators:/usr/lib/ganeti/iallocators"
LIMIT = 600  # seconds that a script gets
MOST = 1 << 26  # bytes that it may answer

_RUN = r"""
name=$1 limit=$2 most=$3 folders=$4
shift 4
case $name in
    */* | .* | '') echo "$name is no name of an allocator" >&2; exit 1 ;;
esac
program=''
IFS=:
for folder in $folders; do
    [ -n "$program" ] || [ ! -x "$folder/$name" ] || program=$folder/$name
done
unset IFS
[ -n "$program" ] || {
    echo "there is no allocator $name on this node, the master (looked in $folders)" >&2
    exit 1
}
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT && cat >"$folder/request" || exit 1
mkfifo "$folder/pipe" || exit 1
(ulimit -f "$((most / 512 + 1))"; exec cat) <"$folder/pipe" >"$folder/answer" 2>/dev/null &
reader=$! status=0 left=100
timeout -k 5 "$limit" "$program" "$folder/request" "$@" \
    </dev/null >"$folder/pipe" 2>"$folder/said" || status=$?
while kill -0 "$reader" && [ "$left" -gt 0 ]; do  # what it left running holds the pipe open
    sleep 0.02
    left=$((left - 1))
done 2>/dev/null
kill "$reader" 2>/dev/null
tail -c 2000 "$folder/said" >&2
[ "$(wc -c <"$folder/answer")" -le "$most" ] || {
    echo "$program answered with more than $most bytes" >&2
    exit 1
}
[ "$status" != 124 ] || echo "$program did not answer within $limit s" >&2
[ "$status" = 0 ] || {
    echo "$program ended with exit code $status" >&2
    exit "$status"
}
cat "$folder/answer"
"""


@node_task(deadline=LIMIT + 20)
def run(
    name: str, request: str, params: tuple[str, ...], limit: int = LIMIT, most: int = MOST,
    folders: str = FOLDERS,
) -> Script[str]:
    """Ask an allocator's script on this node; what it printed."""
    return script(_RUN, name, limit, most, folders, *params, parse=text, stdin=request.encode())


def strict(typed: str) -> bool:
    """Whether the loss of any node must remain survivable: somebody asked for hail by name."""
    return bool(typed)


def external(cfg: Config, typed: str) -> str:
    """The script to ask; empty when the built-in allocator chooses."""
    name = cfg.cluster.default_iallocator if typed in ("", DEFAULT) else typed
    return "" if name == BUILT_IN else name


def require_alone(typed: str, node: str, option: str = "-n") -> None:
    """Raise Invalid when a node is named and an allocator, too."""
    if typed and node:
        raise Invalid("-I", f"the node is named already, by {option}",
                      hint=f"either -I or {option}")


def ask(session: Session, cfg: Config, name: str, body: Mapping[str, Any]) -> Any:
    """What the script says to a request; NoRoom when it refuses, BadData when it talks nonsense."""
    from gnt.htools import answer, request

    survey = Survey(cfg)
    answers = survey.ask(session)
    message = request.message(cfg, survey.figures(answers), body, being_made(cfg))
    params = tuple(f"--{key}={value}"
                   for key, value in cfg.cluster.default_iallocator_params.items())
    call = run.on(cfg.master.name, name, message, params)
    return answer.result(session.ask([call])[call], name)


def by_script(
    session: Session, typed: str, question: Callable[[Config], Mapping[str, Any]],
) -> str:
    """NODE or NODE:SECONDARY that a script says; empty when the built-in allocator chooses."""
    cfg = session.config()
    name = external(cfg, typed)
    if not name:
        return ""
    from gnt.htools import answer

    body = question(cfg)
    said = ask(session, cfg, name, body)
    return ":".join(answer.nodes(said, name, known(cfg), body["required_nodes"]))


def known(cfg: Config) -> set[str]:
    """The names of nodes that an answer may name."""
    return {node.name for node in cfg.nodes}
