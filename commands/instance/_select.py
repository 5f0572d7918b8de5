"""Which instance a command means, or which several (``--node``, ``--all``, ``--tags`` …).

As in the reference, what the words stand for is said by one flag; the default is instance names.
"""

from __future__ import annotations

from gnt.commands import _hooks
from gnt.errors import Invalid
from gnt.model.objects import Instance, Node
from gnt.spec import Holds, Operation, arg, args, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from gnt.model.config import Config
    from gnt.spec import Session


class OfInstance(Operation):
    """An operation on one instance, which it has for itself."""

    def subject(self, cfg: Config) -> Instance:
        """The instance."""
        raise NotImplementedError

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        return _hooks.instance(cfg, self.subject(cfg))

    def holds(self, cfg: Config) -> Holds:
        inst = self.subject(cfg)
        return Holds(exclusive=(f"instances/{inst.uuid}",),
                     shared=(f"nodes/{inst.primary_node}",))


class One(OfInstance):
    """An operation on the instance that is named."""

    name: str = arg(TEXT, "instance", complete="instance")

    def subject(self, cfg: Config) -> Instance:
        return cfg.instance(self.name)


class Several(OfInstance):
    """An operation on one instance, or a request that stands for many of it."""

    names: tuple[str, ...] = args(TEXT, "instances, or nodes or tags as the options say",
                                  default=(), complete="instance")
    by_instance: bool = opt(BOOL, "the words are instances (the default)", default=False,
                            name="instance")
    by_node: bool = opt(BOOL, "instances with a disk or their home on these nodes", default=False,
                        name="node")
    primary: bool = opt(BOOL, "instances whose home is on these nodes", default=False)
    secondary: bool = opt(BOOL, "instances with a copy on these nodes", default=False)
    every: bool = opt(BOOL, "all instances", default=False, name="all")
    tags: bool = opt(BOOL, "instances with one of these tags", default=False)
    node_tags: bool = opt(BOOL, "instances on nodes with one of these tags", default=False)
    pri_node_tags: bool = opt(BOOL, "instances whose home has one of these tags", default=False)
    sec_node_tags: bool = opt(BOOL, "instances with a copy on nodes with one of these tags",
                              default=False)
    force_multiple: bool = opt(BOOL, "do not ask when several instances are meant", default=False)

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        if len(self.names) == 1 and not any(getattr(self, flag) for flag in FLAGS):
            return (self,)  # saves reading the configuration once more
        cfg = session.config()
        chosen = self.selected(cfg)
        if len(chosen) > 1 and not self.force_multiple:
            shown = ", ".join(inst.name for inst in chosen[:8])
            more = f" and {len(chosen) - 8} more" if len(chosen) > 8 else ""
            session.confirm(f"{self.verb} {len(chosen)} instances ({shown}{more})?",
                            _homes(cfg, chosen))
        return tuple(self.one(inst.name) for inst in chosen)

    def one(self, name: str) -> Self:
        """The same for a single instance."""
        flags = {flag: False for flag in (*FLAGS, "force_multiple")}
        return self.replace(names=(name,), **flags)

    def subject(self, cfg: Config) -> Instance:
        """That of a request that was prepared."""
        chosen = self.selected(cfg)
        if len(chosen) != 1:
            raise Invalid("", f"{self.verb} is planned for one instance at a time")
        return chosen[0]

    def selected(self, cfg: Config) -> list[Instance]:
        """The instances that are meant, each once, in the order given."""
        flags = [flag for flag in FLAGS if getattr(self, flag)]
        if len(flags) > 1:
            raise Invalid("", "only one of --instance, --node, --primary, --secondary, --all and "
                          "the tag options can be given")
        flag = flags[0] if flags else "by_instance"
        if flag == "every":
            if self.names:
                raise Invalid("--all", "takes no names")
            return cfg.instances
        if not self.names:
            raise Invalid("", f"{self.verb} needs a name", hint=f"gnt-instance {self.verb} --help")
        return list({inst.uuid: inst for inst in _found(cfg, flag, self.names)}.values())


def _homes(cfg: Config, chosen: Iterable[Instance]) -> tuple[str, ...]:
    homes = ((inst.name, cfg.get(Node, inst.primary_node)) for inst in chosen)
    return tuple(f"{name} (on {node.name})" if node else name for name, node in homes)


FLAGS = ("by_instance", "by_node", "primary", "secondary", "every", "tags", "node_tags",
         "pri_node_tags", "sec_node_tags")


def _found(cfg: Config, flag: str, words: tuple[str, ...]) -> Iterable[Instance]:
    if flag == "by_instance":
        return [cfg.instance(word) for word in words]
    if flag == "tags":
        return [inst for inst in cfg.instances if set(inst.tags) & set(words)]
    if flag.endswith("node_tags"):
        nodes = [node for node in cfg.nodes if set(node.tags) & set(words)]
    else:
        nodes = [cfg.node(word) for word in words]
    sides = {"primary": "p", "pri_node_tags": "p", "secondary": "s", "sec_node_tags": "s"}
    return _on(cfg, nodes, sides.get(flag, "ps"))


def _on(cfg: Config, nodes: Iterable[Node], sides: str) -> Iterable[Instance]:
    for node in nodes:
        if "p" in sides:
            yield from cfg.instances_on(node)
        if "s" in sides:
            yield from with_copy(cfg, node)


def with_copy(cfg: Config, node: Node) -> Iterable[Instance]:
    """The instances that have the second copy of a disk on a node; once for each disk."""
    from gnt.model.objects import Disk

    for disk in cfg.found(Disk, "disk.node", node.uuid):
        owner = cfg.get(Instance, disk.instance) if disk.instance else None
        if owner is not None and owner.primary_node != node.uuid:
            yield owner
