"""Options that several programs share, by what they are about."""

from __future__ import annotations

import sys

from gnt.errors import GntError, Invalid
from gnt.htools.load import Source, Wishes
from gnt.htools.monitored import Monitoring
from gnt.spec import Action, opt, opts
from gnt.values import BOOL, TEXT, Kind, choice, real, whole, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.htools.names import Names
    from gnt.htools.world import World
    from gnt.htools_ext.state import State
    from gnt.spec import Session

WORDS = words_of()
KVM_NODE = 4096  # MiB that nodes running KVM are thought to need
FIELDS: Kind[str] = Kind(str, "FIELDS", "a list of fields; + adds to the usual ones", bare="")
FILE = Kind(str, "FILE", "a file", complete="file")
FILE_OR_STDOUT: Kind[str] = Kind(str, "FILE", "a file", complete="file", bare="")
CHOICE: Kind[str] = Kind(choice("yes", "no").read, "yes|no", "yes or no", bare="yes")


def positive(text: str) -> float:
    value = real(0).read(text)
    if not value:
        raise ValueError(text)
    return value


POSITIVE: Kind[float] = Kind(positive, "NUMBER", "a number above 0")


def named(text: str) -> str:
    """What a script's unset variable leaves must not mean everything."""
    if not text:
        raise ValueError(text)
    return text


def tagged(text: str) -> tuple[str, ...]:
    named(text.replace(",", ""))
    return WORDS.read(text)


GROUP: Kind[str] = Kind(named, "ID", "a group's name or uuid")
TAGS: Kind[tuple[str, ...]] = Kind(tagged, "TAG,…", "a list of tags")


def no_socket(text: str) -> str:
    """``-L`` takes no value here."""
    if text:
        raise Invalid("-L", f"there is no LUXI socket {text}: -L alone asks the cluster of "
                      "--cluster NAME over SSH, -m ADDRESS a RAPI server, -t FILE reads a file")
    return text


LUXI: Kind[str] = Kind(no_socket, "SOCKET", "nothing: there is no socket", bare="")


def warn(line: str) -> None:
    sys.stderr.write(line + "\n")


class Program(Action):
    """Base of the htools programs: verbosity, version, no cluster needed."""

    verbose: tuple[bool, ...] = opts(BOOL, "say more (repeat for still more)", short="v")
    version: bool = opt(BOOL, "show the version", default=False, short="V")

    @property
    def level(self) -> int:
        """How much to say; 1 is normal."""
        return 1 + len(self.verbose) - len(getattr(self, "quiet", ()))

    def run(self, session: Session) -> int:
        if self.version:
            from gnt import __version__

            sys.stdout.write(f"{self.verb} (gnt) version {__version__}\n")
            return 0
        return self.work(session)

    def work(self, session: Session) -> int:
        """Do it."""
        raise NotImplementedError


class Reading(Program):
    """Programs that can read a text file or the live cluster."""

    text_data: str = opt(FILE, "cluster data in Ganeti's text format", default="", short="t")
    luxi: str | None = opt(LUXI, "data of the cluster this program belongs to, from its "
                           "configuration and its nodes", default=None, short="L")

    def source(self, session: Session) -> Source:
        """Where the options say that data comes from."""
        live = None
        if self.luxi is not None:
            from gnt.commands.htools import _live

            def live() -> World:
                return _live.ask(session)

        return Source(
            text=self.text_data, rapi=getattr(self, "master", ""), live=live,
            ialloc=getattr(self, "ialloc_src", ""), simulate=getattr(self, "simulate", ()),
        )

    def load(self, session: Session) -> World:
        """The data, changed by the options, with warnings shown."""
        from gnt.htools import load

        world = load.read(self.source(session))
        if self.level > 0:
            lost = load.missing(world)
            if lost:
                warn("Warning: cluster has inconsistent data:")
                for line in lost:
                    warn(f"  - {line}")
                warn("")
        return load.prepare(world, self.wishes())

    def wishes(self) -> Wishes:
        """What the options change about the data."""
        names = ("max_cpu", "min_disk", "ignore_dynu", "exclusion")
        given = {n: getattr(self, n) for n in names if n in self.TYPES}
        return Wishes(
            **given, offline=getattr(self, "offline", ()), dynu=getattr(self, "dynu_file", ""),
            select=getattr(self, "select_instances", ()),
            exclude=getattr(self, "exclude_instances", ()), monitoring=monitoring(self),
            node_memory=getattr(self, "static_kvm_node_memory", KVM_NODE),
        )


class Measuring(Program):
    """Programs that take the loads that monitoring daemons measured."""

    mond: str = opt(CHOICE, "use the CPU loads that monitoring daemons measured", default="no")
    mond_data: tuple[str, ...] = opts(
        FILE, "with --mond: from this file, not from the nodes; several, the oldest first, are "
        "smoothed")
    mond_smoothing: float = opt(real(0, 1), "how much each newer file counts", default=0.5,
                                metavar="WEIGHT")
    mond_port: int = opt(whole(1, 65535), "where the nodes' daemons listen", default=1815)


def monitoring(program: Program) -> Monitoring:
    """What the options say of monitoring data."""
    if not isinstance(program, Measuring):
        return Monitoring()
    return Monitoring(
        wanted=program.mond == "yes", files=program.mond_data, port=program.mond_port,
        weight=program.mond_smoothing, xen=getattr(program, "mond_xen", False),
        complete=getattr(program, "exit_on_missing_mond_data", False))


class ManySources(Reading):
    """Programs that take data from anywhere, and can pretend that nodes are off."""

    master: str = opt(TEXT, "data from the RAPI server at this address (http(s)://… or file://…)",
                      default="", short="m", metavar="ADDRESS")
    ialloc_src: str = opt(FILE, "data of an iallocator request", default="", short="I")
    quiet: tuple[bool, ...] = opts(BOOL, "say less", short="q")
    offline: tuple[str, ...] = opts(TEXT, "treat this node as offline", short="O", metavar="NODE")


class Limits(ManySources):
    """Programs that simulate: bounds on nodes and on the number of rounds."""

    max_cpu: float | None = opt(POSITIVE, "most virtual per physical CPU (default: the policy's)",
                                default=None, metavar="RATIO")
    min_disk: float = opt(real(0, 1), "part of each disk to keep free", default=0.0,
                          metavar="RATIO")
    max_length: int = opt(whole(-1), "at most this many rounds", default=-1, short="l")


class Balancing(Limits):
    """hbal and hcheck."""

    min_gain: float = opt(real(0), "stop when a step gains less", default=0.01, short="g",
                          metavar="DELTA")
    min_gain_limit: float = opt(real(0), "look at --min-gain only below this score", default=0.1,
                                metavar="SCORE")
    min_score: float = opt(real(0), "how near to the best possible score to get", default=1e-9,
                           short="e", metavar="EPSILON")
    no_disk_moves: bool = opt(BOOL, "no moves that copy disks", default=False)
    no_instance_moves: bool = opt(BOOL, "no moves of primaries", default=False)
    ignore_soft_errors: bool = opt(BOOL, "ignore N+1, policy and tags when moving", default=False)
    evac_mode: bool = opt(BOOL, "only move instances away from offline and drained nodes",
                          default=False, short="E")
    dynu_file: str = opt(FILE, "loads: lines of name, cpu, memory, disk, network", default="",
                         short="U")
    ignore_dynu: bool = opt(BOOL, "count no loads at all", default=False)
    exclusion: tuple[str, ...] = opt(WORDS, "instances sharing a tag with this prefix go apart",
                                     default=(), name="exclusion-tags", metavar="TAG,…")
    select_instances: tuple[str, ...] = opt(WORDS, "move only these", default=(),
                                            metavar="INSTANCE,…")
    exclude_instances: tuple[str, ...] = opt(WORDS, "never move these", default=(),
                                             metavar="INSTANCE,…")


def node_tables(wanted: str | None, title: str, world: World, state: State, names: Names) -> None:
    """The node list on stderr, if it is wanted."""
    if wanted is None:
        return
    from gnt.htools.show import NodeTable

    table = NodeTable(world, state, names).text(field_list(wanted))
    sys.stderr.write(f"\n{title} status:\n{table}\n")


def field_list(wanted: str) -> list[str]:
    """The fields of ``-p``."""
    if wanted.startswith("+"):
        return ["+", *wanted[1:].split(",")]
    return wanted.split(",") if wanted else []


def instance_tables(wanted: bool, title: str, world: World, state: State) -> None:
    """The instance map on stderr, if it is wanted."""
    if wanted:
        from gnt.htools.show import instances

        sys.stderr.write(f"\n{title} instance map:\n{instances(world, state)}")


def save(path: str, suffix: str, when: str, world: World) -> None:
    """Write the world beside ``path`` (-S)."""
    if not path:
        return
    from gnt.htools import text

    write_file(f"{path}.{suffix}", text.write(world))
    warn(f"The cluster state {when} has been written to file '{path}.{suffix}'")


def write_file(path: str, content: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise GntError(f"cannot write {path}: {error.strerror}") from None


SCRIPT = """#!/bin/sh

# Made by gnt: the commands of a solution, in order.
# To stop between two jobs: touch /tmp/stop-htools

set -e

check() {
  if [ -f /tmp/stop-htools ]; then
    echo 'Stop requested, exiting'
    exit 0
  fi
}

"""


def show_commands(wanted: str | None, title: str, lines: Sequence[str]) -> None:
    """The commands on stdout, or as a script in a file (-C)."""
    if wanted is None:
        return
    if wanted:
        write_file(wanted, SCRIPT + "".join(line + "\n" for line in lines))
        sys.stdout.write(f"The commands have been written to file '{wanted}'\n")
        return
    shown = "".join(f"  {line}\n" for line in lines if line != "  check")
    sys.stdout.write(f"\n{title}\n{shown}")
