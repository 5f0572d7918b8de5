"""gnt-cluster copyfile."""

from __future__ import annotations

from gnt.commands.cluster import _run
from gnt.errors import Invalid
from gnt.spec import Action, arg, opt, opts
from gnt.values import BOOL, PATH, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class CopyFile(Action, command="cluster copyfile"):
    """Copy a file of this machine to the same path on all nodes, with its permissions.

    It appears whole or not at all, and is checked when it has arrived.  In a hardened cluster it is
    signed, and its digest is written into the history before it is sent.
    """

    examples = (("gnt-cluster copyfile /etc/hosts", "to every online node"),
                ("gnt-cluster copyfile -n node2 /srv/images/debian.qcow2", "to one node"))

    file: str = arg(PATH, "the file, by its absolute path", complete="file")
    node: tuple[str, ...] = opts(TEXT, "only to this node", short="-n", metavar="NODE")
    node_group: str = opt(TEXT, "only to the nodes of this group", default="", short="-g",
                          metavar="GROUP")
    use_replication_network: bool = opt(BOOL, "accepted and without effect", default=False,
                                        hidden=True)

    def run(self, session: Session) -> int:
        import hashlib
        import os

        try:
            with open(self.file, "rb") as stream:
                content = stream.read(_run.LARGEST + 1)
                mode = f"{os.fstat(stream.fileno()).st_mode & 0o7777:o}"
        except OSError as error:
            raise Invalid(self.file, f"cannot be read: {error.strerror}") from None
        if len(content) > _run.LARGEST:
            raise Invalid(self.file, f"is larger than {_run.LARGEST >> 20} MiB",
                          hint="let the nodes fetch it: gnt-cluster command -- curl -O URL")
        total = hashlib.sha256(content).hexdigest()
        cfg = session.config()
        nodes = _run.chosen(cfg, self.node, self.node_group)
        calls = [_run.put.on(node.name, path=self.file, mode=mode, content=content, sha256=total)
                 for node in nodes]
        _run.keep(session, cfg, "cluster copyfile", f"{self.file} sha256 {total}", calls)
        seen = session.ask(calls)
        failed = [why for call in calls if (why := seen.failed(call)) is not None]
        for why in failed:
            session.tell(why.message)
        return 1 if failed else 0
