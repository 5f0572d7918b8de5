"""gnt-cluster command."""

from __future__ import annotations

from gnt.commands.cluster import _run
from gnt.spec import Action, Lines, args, opt, opts
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen, Session


class Command(Action, command="cluster command"):
    """Run a shell command on all nodes, side by side, and show what it prints.

    The exit code is 0 when it ended with 0 on every node.  Put -- before a command with options
    of its own.  In a hardened cluster it is signed, and written into the history before it runs.
    """

    examples = (
        ("gnt-cluster command -- uname -r", "on every online node"),
        ("gnt-cluster command -M -g rack2 'dmesg | tail -3'", "with the node's name on each line"),
        ("gnt-cluster command --failure-only -n node1 -n node2 true", "silent where it works"),
    )

    words: tuple[str, ...] = args(TEXT, "the command; its words are joined by spaces")
    node: tuple[str, ...] = opts(TEXT, "only on this node", short="-n", metavar="NODE")
    node_group: str = opt(TEXT, "only on the nodes of this group", default="", short="-g",
                          metavar="GROUP")
    show_machine_names: bool = opt(BOOL, "begin each line with the node's name", default=False,
                                   short="-M")
    failure_only: bool = opt(BOOL, "show only what failed", default=False)

    def run(self, session: Session) -> int:
        cfg = session.config()
        calls = tuple(self.facts(cfg))
        _run.keep(session, cfg, "cluster command", " ".join(self.words), calls)
        answer = self.answer(cfg, session.ask(calls))
        session.show(answer)
        return answer.exit_code

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        return (self._on(node) for node in _run.chosen(cfg, self.node, self.node_group))

    def answer(self, cfg: Config, seen: Seen) -> Lines:
        lines: list[str] = []
        data: dict[str, Any] = {}
        problems = []
        for node in _run.chosen(cfg, self.node, self.node_group):
            failed = seen.failed(self._on(node))
            if failed is not None:
                problems.append(failed.message)
                continue
            ran = seen[self._on(node)]
            data[node.name] = {"status": ran.status, "output": ran.output}
            if ran.status or not self.failure_only:
                lines.extend(self._shown(node, ran))
        bad = problems or any(one["status"] for one in data.values())
        return Lines(lines=tuple(lines), data=data, problems=tuple(problems),
                     exit_code=1 if bad else 0)

    def _shown(self, node: Node, ran: _run.Ran) -> Iterator[str]:
        text = ran.output.splitlines()
        if self.show_machine_names:
            yield from (f"{node.name}: {line}" for line in text)
        else:
            yield "------------------------------------------------"
            yield f"node: {node.name}"
            yield from text
            yield f"return code = {ran.status}"

    def _on(self, node: Node) -> Call[_run.Ran]:
        return _run.command.on(node.name, words=" ".join(self.words))
