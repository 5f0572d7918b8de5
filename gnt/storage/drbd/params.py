"""Disk parameters of mirrored disks (reference D.1), and the words DRBD is given for them."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.model import inherit
from gnt.model.objects import Group, Node
from gnt.record import Record, field
from gnt.values import BOOL, TEXT, Kind, choice, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Cluster, Disk


def _barriers(text: str) -> str:
    if text != "n" and (not text or set(text) - set("bfd") or len(set(text)) != len(text)):
        raise ValueError(text)
    return text


BARRIERS: Kind[str] = Kind(_barriers, "LETTERS", "n, or letters of b, f and d, each once")


class Params(Record):
    resync_rate: int = field(whole(1), "KiB/s of a resync", default=61440)
    data_stripes: int = field(whole(1, 32), "physical volumes the data is spread over", default=1)
    meta_stripes: int = field(whole(1, 32), "the same for the metadata", default=1)
    disk_barriers: str = field(
        BARRIERS, "what is not used: b barriers, f flushes, d drain; n: everything is",
        default="n")
    meta_barriers: bool = field(BOOL, "no flushes for the metadata", default=False)
    metavg: str = field(TEXT, "volume group of the metadata (default: the data's)", default="")
    disk_custom: str = field(TEXT, "further words for drbdsetup attach", default="")
    net_custom: str = field(TEXT, "further words for drbdsetup connect", default="")
    protocol: str = field(choice("A", "B", "C"), "when a write counts as done", default="C")
    dynamic_resync: bool = field(BOOL, "let DRBD choose the rate of a resync", default=False)
    c_plan_ahead: int = field(whole(0), "how far it plans, in 0.1 s", default=20)
    c_fill_target: int = field(whole(0), "sectors in flight it aims at; 0: by delay", default=0)
    c_delay_target: int = field(whole(1), "delay it aims at, in 0.1 s", default=1)
    c_max_rate: int = field(whole(1), "KiB/s at most", default=61440)
    c_min_rate: int = field(whole(0), "KiB/s at least, while the guest writes, too", default=4096)


def params(cfg: Config, disk: Disk) -> Params:
    """What counts for a disk: by cluster, by the group of its first node, its own."""
    group = cfg.one(Group, cfg.one(Node, disk.nodes[0]).group)
    return inherit.fill(Params, inherit.disk_levels(cfg.cluster, group, disk), "-D drbd")


def helper(cluster: Cluster) -> str:
    """What DRBD runs at events; its own default needs configuration files."""
    return cluster.drbd_usermode_helper or "/bin/true"


def disk_words(params: Params) -> tuple[str, ...]:
    """Options of ``drbdsetup attach`` and ``disk-options``."""
    return (*_rates(params), *_flushes(params), *_custom(params.disk_custom, "disk-custom"))


def net_words(params: Params) -> tuple[str, ...]:
    """Options of ``drbdsetup connect``."""
    return (f"--protocol={params.protocol}", "--cram-hmac-alg=md5",
            "--after-sb-0pri=discard-zero-changes", "--after-sb-1pri=consensus",
            *_custom(params.net_custom, "net-custom"))


def _rates(params: Params) -> Iterator[str]:
    if not params.dynamic_resync:
        yield "--c-plan-ahead=0"
        yield f"--resync-rate={params.resync_rate}k"
        return
    yield f"--c-plan-ahead={params.c_plan_ahead}"
    if params.c_fill_target:
        yield f"--c-fill-target={params.c_fill_target}s"
    yield f"--c-delay-target={params.c_delay_target}"
    yield f"--c-max-rate={params.c_max_rate}k"
    yield f"--c-min-rate={params.c_min_rate}k"


def _flushes(params: Params) -> Iterator[str]:
    names = {"b": "barrier", "f": "flushes", "d": "drain"}
    yield from (f"--disk-{names[letter]}=no" for letter in params.disk_barriers if letter in names)
    if params.meta_barriers:
        yield "--md-flushes=no"


def _custom(text: str, where: str) -> list[str]:
    import shlex

    try:
        return shlex.split(text)
    except ValueError as error:
        raise Invalid(f"-D drbd:{where}", f"{text!r}: {error}") from None
