"""The declarations of ``gnt-lab``, in the same form as every other command's."""

from __future__ import annotations

from gnt.lab.layout import COUNT, LAB
from gnt.spec import Command, arg, args, opt
from gnt.values import BOOL, HOSTNAME, TEXT, choice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.lab.main import Console

DEFAULT = "lab"


class LabCommand(Command):
    """Base: which lab is meant.  No cluster stands behind a lab, so no session does either."""

    name: str = opt(LAB, "which lab, when there are several", default=DEFAULT)

    def run(self, console: Console) -> int:
        """Do it and return the exit code."""
        raise NotImplementedError


class Up(LabCommand, command="lab up"):
    """Start a lab of N nodes, or the rest of it.

    Each node is a set of namespaces with an sshd, a host key, /etc, /var/lib, /root and /run of
    its own.  Nodes that run are left alone; nodes that were killed are started again.
    """

    examples = (("gnt-lab up 3", "start node1, node2, node3 and the admin's host"),)

    count: int = arg(COUNT, "how many nodes the lab has")

    def run(self, console: Console) -> int:
        from gnt.lab import power
        from gnt.lab.layout import Layout

        started = power.up(Layout(name=self.name), self.count, console.tell)
        console.tell(f"lab {self.name}: {self.count} nodes are up ({len(started)} hosts started)")
        suffix = "" if self.name == DEFAULT else f" --name {self.name}"
        console.tell(f"go on with: gnt-lab shell{suffix}")
        return 0


class List(LabCommand, command="lab list"):
    """List the nodes of all labs, their addresses and whether they run."""

    examples = (("gnt-lab list", "show every node of every lab"),)

    def run(self, console: Console) -> int:
        from gnt.lab import power
        from gnt.lab.layout import Layout, labs
        from gnt.spec import Column, Table

        rows = []
        for lab in labs():
            layout = Layout(name=lab)
            on = power.running(layout)
            rows += [(lab, n.name, n.address, power.state(on, n)) for n in layout.nodes()]
        columns = [Column(name=n.lower(), title=n) for n in ("Lab", "Node", "Address", "State")]
        console.show(Table(columns=tuple(columns), rows=tuple(rows)))
        return 0


class Ssh(LabCommand, command="lab ssh"):
    """Log in to a node as root, or run a command on it, over SSH."""

    examples = (("gnt-lab ssh node2 uname -r", "run one command on node2"),)

    node: str = arg(HOSTNAME, "the node, as node2, node2.lab or 2")
    words: tuple[str, ...] = args(TEXT, "a command and its arguments", default=())

    def run(self, console: Console) -> int:
        from gnt.lab import admin
        from gnt.lab.layout import Layout

        layout = Layout(name=self.name)
        line = admin.login(layout.node(self.node), list(self.words))
        return admin.become(admin.entered(layout, line))


class Exec(LabCommand, command="lab exec"):
    """Run a command on the admin's host, from where the nodes can be reached.

    The admin's host sees this machine's files, with a home, an SSH key and an /etc of its own.
    """

    examples = (("gnt-lab exec gnt-cluster info", "run a gnt command against the lab"),)

    words: tuple[str, ...] = args(TEXT, "the command and its arguments")

    def run(self, console: Console) -> int:
        from gnt.lab import admin
        from gnt.lab.layout import Layout

        return admin.become(admin.entered(Layout(name=self.name), list(self.words)))


class Shell(LabCommand, command="lab shell"):
    """Open a shell on the admin's host; gnt, ssh and ping reach the nodes from there."""

    examples = (("gnt-lab shell", "play with the lab"),)

    def run(self, console: Console) -> int:
        from gnt.lab import admin
        from gnt.lab.layout import Layout

        prompt = f"PS1=[lab {self.name}] \\h:\\w# "
        line = ["env", prompt, "bash", "--norc", "-i"]
        return admin.become(admin.entered(Layout(name=self.name), line))


class NodeCommand(LabCommand):
    """Base: one node is meant."""

    node: str = arg(HOSTNAME, "the node, as node2, node2.lab or 2")


class Kill(NodeCommand, command="lab kill"):
    """Cut a node's power: everything on it ends at once, its disk stays."""

    examples = (("gnt-lab kill node1", "see what a cluster does without node1"),)

    def run(self, console: Console) -> int:
        from gnt.lab import power
        from gnt.lab.layout import Layout

        layout = Layout(name=self.name)
        power.kill(layout, layout.node(self.node))
        return 0


class Start(NodeCommand, command="lab start"):
    """Power a killed node on: it boots with the disk it had and a new boot id."""

    examples = (("gnt-lab start node1", "bring node1 back"),)

    def run(self, console: Console) -> int:
        from gnt.lab import power
        from gnt.lab.layout import Layout

        layout = Layout(name=self.name)
        power.start(layout, layout.node(self.node))
        return 0


class Hang(NodeCommand, command="lab hang"):
    """Freeze a node: its connections stay open, and nothing on it answers."""

    examples = (("gnt-lab hang node1", "see which deadlines pass"),)

    def run(self, console: Console) -> int:
        from gnt.lab import power
        from gnt.lab.layout import Layout

        layout = Layout(name=self.name)
        power.hang(layout, layout.node(self.node))
        return 0


class Thaw(NodeCommand, command="lab thaw"):
    """Let a frozen node run on."""

    examples = (("gnt-lab thaw node1", "end the hang"),)

    def run(self, console: Console) -> int:
        from gnt.lab import power
        from gnt.lab.layout import Layout

        layout = Layout(name=self.name)
        power.thaw(layout, layout.node(self.node))
        return 0


class Cut(LabCommand, command="lab cut"):
    """Cut the network between a host and others, or all others when none is named.

    Packets vanish without a notice.  Instances' own network stays.
    """

    examples = (
        ("gnt-lab cut node1", "isolate node1"),
        ("gnt-lab cut node1 node2 admin", "node1 still reaches node3"),
        ("gnt-lab cut --one-way node1 node2", "node2 hears nothing from node1, but can send to it"),
    )

    one_way: bool = opt(BOOL, "lose only what the first host sends", default=False)
    host: str = arg(HOSTNAME, "a node, or admin")
    others: tuple[str, ...] = args(HOSTNAME, "the hosts it cannot reach any more", default=())

    def run(self, console: Console) -> int:
        from gnt.lab import network
        from gnt.lab.layout import Layout

        layout = Layout(name=self.name)
        others = [layout.host(other) for other in self.others]
        network.cut(layout, layout.host(self.host), others, one_way=self.one_way)
        return 0


class Heal(LabCommand, command="lab heal"):
    """End all cuts of the network."""

    examples = (("gnt-lab heal", "let every host reach every other again"),)

    def run(self, console: Console) -> int:
        from gnt.lab import network
        from gnt.lab.layout import Layout

        network.heal(Layout(name=self.name))
        return 0


class MakeImage(LabCommand, command="lab image"):
    """Build a guest for the lab and print where its files are.

    boot: one sector that ticks on its serial console, for speed.  linux: Debian's kernel with a
    small root file system that takes its network from a cloud-init seed.  machine: a whole node
    with a kernel of its own, for LVM and DRBD.
    """

    examples = (
        ("gnt-lab image linux", "build the Linux guest, unless it is there, and name its files"),
    )

    which: str = arg(choice("boot", "linux", "machine"), "boot, linux or machine")

    def run(self, console: Console) -> int:
        from gnt.lab.guest.boot import BOOT
        from gnt.lab.guest.linux import LINUX
        from gnt.lab.guest.machine import MACHINE

        for path in {"boot": BOOT, "linux": LINUX, "machine": MACHINE}[self.which].made():
            print(path)
        return 0


class Down(LabCommand, command="lab down"):
    """End a lab and delete its nodes' disks."""

    examples = (("gnt-lab down", "leave nothing of the lab on this machine"),)

    def run(self, console: Console) -> int:
        from gnt.lab import power
        from gnt.lab.layout import Layout

        layout = Layout(name=self.name)
        if not layout.run.exists() and not layout.disk.exists():
            console.tell(f"there is no lab {self.name}")
            return 0
        power.down(layout)
        return 0
