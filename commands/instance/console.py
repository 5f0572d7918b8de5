"""gnt-instance console."""

from __future__ import annotations

from gnt.commands import _at_once
from gnt.commands.instance import _guest, _life
from gnt.errors import Conflict
from gnt.hypervisor.base import hypervisor
from gnt.spec import Action, Lines, arg, opt
from gnt.values import BOOL, TEXT, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.objects import Instance
    from gnt.plan import Call
    from gnt.spec import Session


class Console(_at_once.AtOnce, Action, command="instance console"):
    """Open an instance's serial console on this terminal.

    It ends with Ctrl-].  The guest does not notice.
    """

    examples = (("gnt-instance console web", "Ctrl-] leaves it"),
                ("gnt-instance console --show-cmd web", "only print the command"),
                ("gnt-instance console --log web", "what it printed, without connecting"))

    name: str = arg(TEXT, "instance", complete="instance")
    show_cmd: bool = opt(BOOL, "print the command instead of running it", default=False)
    log: bool = opt(BOOL, "print what it said so far instead of connecting", default=False)
    lines: int = opt(whole(1, 100000), "how many of the last lines --log prints", default=40)

    def run(self, session: Session) -> int:
        cfg = session.config()
        inst = cfg.instance(self.name)
        _life.require_made(inst)
        node = _life.home(cfg, inst)
        _life.require_online(node, inst)
        driver, guest = hypervisor(inst.hypervisor), _guest.guest(cfg, inst, node)
        if self.log:
            return self._log(session, driver.console_log(guest, self.lines), inst)
        words = driver.console(guest)
        if self.show_cmd:
            session.show(Lines(lines=(_command(node.name, words),), data=[node.name, *words]))
            return 0
        call = _life.running(inst, node)
        if not _life.runs_on(inst, node, session.ask((call,))):
            raise Conflict(f"{inst.name} does not run on {node.name}",
                           hint=f"gnt-instance startup {inst.name}")
        return session.attach(node, words)

    def _log(self, session: Session, call: Call[str] | None, inst: Instance) -> int:
        if call is None:
            raise Conflict(f"{inst.hypervisor} keeps no log of consoles")
        said = session.ask((call,))[call]
        clean = "".join(c for c in said if c in "\n\t" or c.isprintable())
        session.show(Lines(lines=tuple(clean.splitlines()), data=said))
        return 0


def _command(node: str, words: tuple[str, ...]) -> str:
    import shlex

    return f"ssh -t root@{node} {shlex.quote(shlex.join(words))}"
