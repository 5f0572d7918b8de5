"""gnt-instance batch-create."""

from __future__ import annotations

from gnt.commands import _allocator, _each
from gnt.commands._space import Survey, without_policy
from gnt.commands.instance import _batch
from gnt.commands.instance.add import Add
from gnt.spec import Action, arg, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.commands.instance._place import Search
    from gnt.htools.world import World
    from gnt.model.config import Config
    from gnt.spec import Session

    Failed = list[tuple[str, str]]


class BatchCreate(Action, command="instance batch-create"):
    """Create many instances from a file, a job for each.

    The file is a JSON list of objects with the parameters of the reference's opcode, as
    instance_name, disk_template, disks, nics, beparams, os_type, pnode.  Instances without pnode
    are placed together, before the first is made; those for which there is no room are named, and
    the others are made.
    """

    jobs = True
    rapi = "POST /2/instances-multi-alloc"
    examples = (
        ("gnt-instance batch-create instances.json", "placed by the cluster's allocator"),
        ("gnt-instance batch-create -I myscript instances.json", "placed as a script says"),
    )

    file: str = arg(TEXT, "the file", complete="file")
    iallocator: str = opt(TEXT, _allocator.HELP, default="", short="-I", metavar="NAME")
    opportunistic_locking: bool = opt(
        BOOL, "do not wait for nodes that other jobs have for themselves: choose among the others",
        default=False)

    def run(self, session: Session) -> int:
        wanted = [add.replace(opportunistic_locking=self.opportunistic_locking
                              or add.opportunistic_locking) for add in _batch.read(self.file)]
        cfg = session.config()
        for add in wanted:
            _allocator.require_alone(self.iallocator or add.iallocator, add.node, "pnode")
            add.read(cfg)
        free = [add for add in wanted if not add.node and not add.iallocator]
        script = _allocator.external(cfg, self.iallocator)
        found, failed = self._by_script(session, cfg, script, free) if script else self._placed(
            session, cfg, free)
        for name, why in failed:
            session.tell(f"{name} is not made: {why}")
        lost = {name for name, _ in failed}
        made = [add.on(found[add.name]) if add.name in found else add
                for add in wanted if add.name not in lost]
        return max(_each.perform(session, made), 1 if failed else 0)

    def _placed(
        self, session: Session, cfg: Config, free: Sequence[Add],
    ) -> tuple[dict[str, tuple[str, ...]], Failed]:
        """All in one go, so that one knows of the other."""
        if not free:
            return {}, []
        searches = [add.read(cfg).search(cfg) for add in free]
        survey = Survey(cfg)
        world = survey.world(survey.ask(session))
        found, failed = _together(cfg, world, searches, capacity=True)
        if failed and not _allocator.strict(self.iallocator):
            found, failed = _together(cfg, world, searches, capacity=False)
            session.tell("with them, the cluster could not take up all instances of a node that "
                         "fails")
        return found, failed

    def _by_script(
        self, session: Session, cfg: Config, script: str, free: Sequence[Add],
    ) -> tuple[dict[str, tuple[str, ...]], Failed]:
        from gnt.htools import answer

        if not free:
            return {}, []
        wishes = [add.read(cfg) for add in free]
        body = {"type": "multi-allocate", "instances": [wish.request(cfg) for wish in wishes]}
        said = _allocator.ask(session, cfg, script, body)
        counts = {wish.asked.name: wish.copies for wish in wishes}
        return answer.placed(said, script, _allocator.known(cfg), counts)


def _together(
    cfg: Config, world: World, searches: Sequence[Search], *, capacity: bool,
) -> tuple[dict[str, tuple[str, ...]], Failed]:
    from gnt.htools.allocate import NoRoom
    from gnt.htools.place import Space

    if any(search.ignore_policy for search in searches):
        world = without_policy(world)
    space = Space(world, [search.wish for search in searches], capacity=capacity)
    found: dict[str, tuple[str, ...]] = {}
    failed: Failed = []
    for search in searches:
        names = tuple(node.name for node in search.candidates(cfg))
        try:
            found[search.wish.name] = space.place(search.wish.replace(nodes=names)).nodes
        except NoRoom as error:
            failed.append((search.wish.name, error.message))
    return found, failed
