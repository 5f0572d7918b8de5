"""gnt-instance reinstall."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.instance import _disks, _guest, _install, _life
from gnt.commands.instance._select import Several
from gnt.errors import Conflict
from gnt.plan import Plan
from gnt.spec import Operation, opt
from gnt.values import BOOL, PAIRS, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Instance
    from gnt.plan import Call
    from gnt.spec import Seen, Session


class Reinstall(Several, command="instance reinstall"):
    """Write the image of an instance onto its first disk again.

    What is on that disk is lost.  The instance must be down; it stays down.  Other disks stay as
    they are.
    """

    hook = "instance-reinstall"
    rapi = "POST /2/instances/{name}/reinstall"
    examples = (
        ("gnt-instance reinstall web", "from the image it was made from"),
        ("gnt-instance reinstall -O image=/srv/new.qcow2,sha256=9f86d081… web", "from another"),
    )

    os_type: str = opt(TEXT, "from now on it is of this OS", default="", short="-o", metavar="OS")
    os_parameters: Mapping[str, str] = opt(
        PAIRS, "OS parameters to change: image=, sha256= …", default={}, short="-O")
    force: bool = opt(BOOL, "do not ask", default=False, short="-f")

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        read = self.replace(os_parameters=_install.with_file(self.os_parameters))
        return Several.prepare(read, session)

    def confirm(self, cfg: Config) -> str:
        name = self.subject(cfg).name
        return "" if self.force else f"Reinstall {name}? What is on its first disk is lost."

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        return _life.ask_all(cfg, self.subject(cfg))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        inst = self._changed(self.subject(cfg))
        _life.require_made(inst)
        _life.require_down(inst, "reinstalling")
        node = _life.home(cfg, inst)
        _life.require_online(node, inst)
        _life.require_ended(inst, node, seen)
        unseen = _life.require_nowhere_else(cfg, inst, seen)
        image = _install.chosen(cfg, inst)
        disks = cfg.disks(inst)
        if image is None or not disks:
            raise Conflict(f"{inst.name} has no {'disk' if image else 'image to install'}",
                           hint=f"gnt-instance reinstall -O image=FILE_OR_URL,sha256=… {inst.name}")
        write, finish = _install.steps(image, _guest.guest(cfg, inst, node))
        return Plan(
            attempt=(*_disks.activate(cfg, disks, node), *write),
            settle=(*finish, *_disks.deactivate(cfg, disks, node)),
            end=(change(self.subject(cfg), os=inst.os, osparams=inst.osparams,
                        disks_active=False),),
            notes=(f"the first disk of {inst.name} is written on {node.name}", *unseen))

    def _changed(self, inst: Instance) -> Instance:
        params = dict(inst.osparams)
        if "image" in self.os_parameters:
            params.pop("sha256", None)  # a sum belongs to its image
        return inst.replace(os=self.os_type or inst.os,
                            osparams={**params, **self.os_parameters})
