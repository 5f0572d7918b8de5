"""Rolling maintenance: nodes are emptied, rebooted, awaited and filled again (hroller -X).

What is done so far is in the signed configuration, as tags, so that anybody can go on:

* ``htools:hroller:run`` on the cluster once all nodes of a run are marked,
* ``htools:hroller:todo`` on every node that has not been rebooted yet,
* ``htools:hroller:boot:ID`` on a node that is being worked on, with the id of its last boot,
* ``htools:hroller:home:NODE`` on an instance that is away meanwhile,
* ``htools:hroller:halted`` on one that is shut down meanwhile.
"""

from __future__ import annotations

from gnt.commands import _evacuation
from gnt.commands.htools import _perform
from gnt.commands.htools._patient import Patient
from gnt.commands.node import _awake
from gnt.errors import GntError
from gnt.query.facts import node_facts
from gnt.storage.base import Mirrored, Shared, storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gnt.commands.htools._perform import Stopping
    from gnt.model.config import Config
    from gnt.model.objects import Instance, Node
    from gnt.spec import Operation, Session

RUN, TODO = "htools:hroller:run", "htools:hroller:todo"
BOOT, HOME = "htools:hroller:boot:", "htools:hroller:home:"
HALTED = "htools:hroller:halted"


def begun(cfg: Config) -> list[Node]:
    """The nodes that are being worked on: a run was cut off there."""
    return [node for node in cfg.nodes if tags(node, BOOT)]


def waiting(cfg: Config) -> list[Node]:
    """The nodes of a run that have not been rebooted yet."""
    return [node for node in cfg.nodes if TODO in node.tags] if RUN in cfg.cluster.tags else []


def tags(thing: Node | Instance, prefix: str) -> tuple[str, ...]:
    return tuple(tag for tag in thing.tags if tag.startswith(prefix))


class Rolling:
    """One run of ``hroller -X``."""

    def __init__(
        self, session: Session, *, seconds: float, back: bool, halt: bool, halt_local: bool,
    ) -> None:
        """``seconds``: what a node gets to come up; ``back``: instances return to their homes.

        ``halt``: instances are shut down meanwhile, not moved; ``halt_local``: those that cannot
        be moved are.
        """
        self.session: Session = Patient(session)
        self.seconds, self.back = seconds, back
        self.halt, self.halt_local = halt, halt_local

    def mark(self, names: Iterable[str]) -> None:
        """These nodes, and no others, are to be rebooted."""
        from gnt.commands.cluster.add_tags import ClusterAddTags

        wanted = list(names)
        for node in self.session.config().nodes:  # some of a run that was cut off in here
            if TODO in node.tags and node.name not in wanted:
                self._untag(node.name, TODO)
        for name in wanted:
            if TODO not in self.session.config().node(name).tags:
                self._tag(name, TODO)
        self.session.execute(ClusterAddTags(words=(RUN,)))

    def end(self) -> None:
        """The run is over, if nothing is left to do."""
        from gnt.commands.cluster.remove_tags import ClusterRemoveTags

        cfg = self.session.config()
        left = [node.name for node in waiting(cfg)]
        if cfg.master.name in left:
            self.session.tell(
                f"{cfg.master.name} is the master and is left: gnt-cluster master-failover on "
                "another node, then hroller -L -X again; or forget it by gnt-cluster remove-tags "
                f"{RUN}")
        others = [name for name in left if name != cfg.master.name]
        if others:
            self.session.tell(f"{', '.join(others[:10])}{' …' * (len(others) > 10)} still to be "
                              "rebooted: hroller -L -X again")
        elif RUN in cfg.cluster.tags and not left:
            self.session.execute(ClusterRemoveTags(words=(RUN,)))

    def roll(self, names: Sequence[str], stopping: Stopping) -> bool:
        """Work on a group of nodes that go together; False when it was asked to stop before."""
        if stopping.requested:
            return False
        names = [name for name in names if self._still(name)]
        if names:
            self.session.tell(f"{', '.join(names)}: emptied")
            self.empty(names)
            self.finish(names)
        return True

    def _still(self, name: str) -> bool:
        """Whether nobody else did something about the node since it was planned."""
        cfg = self.session.config()
        node = next((node for node in cfg.nodes if node.name == name), None)
        why = ("no node any more" if node is None else
               "offline by now" if node.offline else
               "the master by now" if node.uuid == cfg.cluster.master_node else
               "drained by somebody" if node.drained and not tags(node, BOOT) else "")
        if why:
            self.session.tell(f"{name} is {why}, and is left out")
        return not why

    def empty(self, names: Sequence[str]) -> None:
        """Nothing new comes to the nodes, and what is there goes elsewhere in its group."""
        cfg = self.session.config()
        calls = {name: node_facts.on(name) for name in names}
        seen = self.session.ask(calls.values())
        for name, call in calls.items():
            if not tags(cfg.node(name), BOOT):
                self._tag(name, BOOT + seen[call].bootid)
        self._drain(names)
        self._leave(names)

    def _drain(self, names: Sequence[str]) -> None:
        from gnt.commands.node.modify import Modify

        for name in names:
            if not self.session.config().node(name).drained:
                _perform.one(self.session, Modify(name=name, drained=True, auto_promote=True))

    def _stays(self, inst: Instance) -> bool:
        """Whether it is shut down, not moved."""
        driver = storage(inst.disk_template)
        local = driver.takes_disks and not isinstance(driver, (Shared, Mirrored))
        return self.halt or (self.halt_local and local)

    def _leave(self, names: Sequence[str]) -> None:
        cfg = self.session.config()
        leaving = [inst for name in names for inst in cfg.instances_on(cfg.node(name))
                   if not inst.forthcoming]
        staying = [inst for inst in leaving if self._stays(inst)]
        leaving = [inst for inst in leaving if inst not in staying]
        found = _evacuation.evacuated(self.session, cfg, [i.name for i in leaving], "all", "",
                                      partly=self.halt_local) if leaving else None
        stuck = {name for name, _ in found.failed} if found else set()
        self._halt([*staying, *(inst for inst in leaving if inst.name in stuck)])
        if found is None:
            return
        for inst in leaving:
            if self.back and inst.name not in stuck and not tags(inst, HOME):
                self._tag_instance(inst.name, HOME + cfg.node(inst.primary_node).name)
        self._all(_evacuation.operations(self.session, cfg, found))

    def _halt(self, staying: Iterable[Instance]) -> None:
        """Shut down what stays; it is still meant to run."""
        from gnt.commands.instance.shutdown import Shutdown

        meant = [inst for inst in staying if inst.admin_state == "up"]
        for inst in meant:
            if HALTED not in inst.tags:
                self._tag_instance(inst.name, HALTED)
        self._all(Shutdown(names=(inst.name,), remember=False, force=True) for inst in meant)

    def finish(self, names: Sequence[str]) -> None:
        """Reboot nodes that are empty, wait until they are well, and bring back what was there."""
        from gnt.commands.node.modify import Modify

        names = [name for name in names if not self._given_up(name)]
        boots = self._reboot(names)
        self.session.tell(f"{', '.join(names)}: awaited")
        silent = _awake.missing(self.session, names, seconds=self.seconds, before=boots)
        back = [name for name in names if name not in silent]
        # to make candidates every node is told, which waits until the silent ones are there
        role = False if silent else None
        for name in back:
            if self.session.config().node(name).drained:
                _perform.one(self.session, Modify(name=name, drained=False, master_candidate=role))
        self._return(back)
        for name in back:
            self._untag(name, BOOT, TODO)
            self.session.tell(f"{name}: done")
        if silent:
            raise GntError(
                f"{', '.join(sorted(silent))} did not come back within {self.seconds:.0f} s",
                hint="hroller -L -X again once it answers (it stays drained until then), or "
                     "after gnt-node modify --offline=yes")

    def _given_up(self, name: str) -> bool:
        """Whether somebody marked the node offline since: what it ran stays where it is."""
        from gnt.commands.instance.remove_tags import InstanceRemoveTags

        cfg = self.session.config()
        if not cfg.node(name).offline:
            return False
        for inst in cfg.instances:
            if HOME + name in inst.tags:
                self.session.execute(InstanceRemoveTags(words=(inst.name, HOME + name)))
        self._untag(name, BOOT, TODO)
        self.session.tell(f"{name} is offline by now, and is left out")
        return True

    def _reboot(self, names: Sequence[str]) -> dict[str, str]:
        """Reboot those nodes that have not been; the ids of their last boots.

        A run that was cut off may have left some instances on these.
        """
        from gnt.commands.node.powercycle import Powercycle

        cfg = self.session.config()
        boots = {name: tag.removeprefix(BOOT) for name in names
                 for tag in tags(cfg.node(name), BOOT)}
        calls = {name: node_facts.on(name) for name in names}
        seen = self.session.ask(calls.values())
        left = [name for name, call in calls.items()
                if seen.failed(call) is None and seen[call].bootid == boots.get(name)]
        self._drain(left)
        self._leave(left)
        for name in left:
            self.session.tell(f"{name}: rebooted")
            _perform.one(self.session, Powercycle(name=name, orderly=True, force=True))
        return boots

    def _return(self, names: Sequence[str]) -> None:
        """What had its home there goes back, and what was shut down there starts."""
        from gnt.commands.instance.remove_tags import InstanceRemoveTags
        from gnt.commands.instance.startup import Startup

        cfg = self.session.config()
        away = [(inst, tag.removeprefix(HOME)) for inst in cfg.instances
                for tag in tags(inst, HOME) if tag.removeprefix(HOME) in names]
        moving = [(inst, home) for inst, home in away
                  if cfg.node(inst.primary_node).name != home]
        self._all(_evacuation.one(inst.name, home, failover=inst.admin_state != "up")
                  for inst, home in moving)
        for inst, home in away:
            self.session.execute(InstanceRemoveTags(words=(inst.name, HOME + home)))
        cfg = self.session.config()
        halted = [inst for name in names for inst in cfg.instances_on(cfg.node(name))
                  if HALTED in inst.tags]
        self._all(Startup(names=(inst.name,)) for inst in halted)
        for inst in halted:
            self.session.execute(InstanceRemoveTags(words=(inst.name, HALTED)))

    def _all(self, operations: Iterable[Operation]) -> None:
        """Side by side; raises when one fails."""
        wanted = [(str(getattr(one, "name", "") or getattr(one, "names", ("",))[0]), [one])
                  for one in operations]
        if wanted and not _perform.together(self.session, wanted):
            raise GntError("not every instance could be moved: the run stops here",
                           hint="hroller -L -X goes on once that is put right")

    def _tag(self, name: str, tag: str) -> None:
        from gnt.commands.node.add_tags import NodeAddTags

        self.session.execute(NodeAddTags(words=(name, tag)))

    def _untag(self, name: str, *prefixes: str) -> None:
        from gnt.commands.node.remove_tags import NodeRemoveTags

        node = self.session.config().node(name)
        gone = [tag for prefix in prefixes for tag in tags(node, prefix)]
        if gone:
            self.session.execute(NodeRemoveTags(words=(name, *gone)))

    def _tag_instance(self, name: str, tag: str) -> None:
        from gnt.commands.instance.add_tags import InstanceAddTags

        self.session.execute(InstanceAddTags(words=(name, tag)))
