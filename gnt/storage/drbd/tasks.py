"""What nodes are asked to do with DRBD 8.4: its own tools, no configuration files.

A resource is called ``resourceMINOR``, as the reference's.  Every script looks first: what is as it
should be is left alone.  A minor whose data is not the expected volume is another's and is never
touched.
"""

from __future__ import annotations

from gnt.plan import Script, node_task, script
from gnt.storage.base import Kernel
from gnt.storage.drbd.answers import parse_copies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.storage.base import Copy

LOOK = r"""
# shellcheck disable=SC2034,SC2317 # a beginning that many scripts share
LC_ALL=C; export LC_ALL
minor=$1 resource=resource$1 data=$2
shift 2
fail() { echo "$1" >&2; exit 1; }
shown() { drbdsetup show "$resource" 2>/dev/null; }
backing() { shown | sed -n 's/^[[:space:]]*disk[[:space:]]*"\(.*\)";$/\1/p'; }
address() { # _this_host or _remote_host: the address in use; nothing without a connection
    shown | sed -n "/$1 {/,/;/{s/^[[:space:]]*address[[:space:]]*\(ipv[46]\) \(.*\);\$/\1:\2/p;}"
}
state() { # role, dstate or cstate
    drbdsetup "$1" "$minor" 2>/dev/null || echo Unconfigured
}
ours() { # whether the minor is ours, or nobody's
    used=$(backing)
    [ -z "$used" ] || [ "$used" = "$data" ]
}
need_ours() {
    ours || fail "DRBD minor $minor is used by $used, not by $data"
}
patiently() { # a command that fails while somebody has the device open
    left=40
    until said=$("$@" 2>&1); do
        left=$((left - 1))
        case $said in *"held open"*) ;; *) left=0 ;; esac
        [ "$left" -gt 0 ] || { echo "$said" >&2; return 1; }
        sleep 0.25
    done
}
part() { # no connection any more
    remote=$(address _remote_host)
    [ -z "$remote" ] || drbdsetup disconnect "$(address _this_host)" "$remote" || exit 1
}
"""

_ATTACH = LOOK + r"""
meta=$1 helper=$2
shift 2
need_drbd() {
    command -v drbdsetup >/dev/null ||
        fail "DRBD's tools are not installed (no drbdsetup): apt-get install drbd-utils"
    [ -e /proc/drbd ] || modprobe drbd "usermode_helper=$helper" 2>/dev/null
    [ -e /proc/drbd ] || fail "the kernel has no DRBD: modprobe drbd fails"
    version=$(sed -n 's/^version: \([^ ]*\).*/\1/p' /proc/drbd)
    case $version in
    8.*) ;;
    *) fail "DRBD 8.4 is needed, not $version" ;;
    esac
    read -r calls </sys/module/drbd/parameters/usermode_helper
    [ "$calls" = "$helper" ] || fail "DRBD here calls $calls at events, not $helper: put
'options drbd usermode_helper=$helper' into /etc/modprobe.d and load the module again"
}
need_drbd
need_ours
if [ "$(backing)" = "$data" ]; then
    drbdsetup disk-options "$minor" "$@"
    exit
fi
for volume in "$data" "$meta"; do
    [ -b "$volume" ] || lvchange -qq -ay "${volume#/dev/}" || exit 1
done
shown | grep -q "^resource" || drbdsetup new-resource "$resource" || exit 1
drbdsetup dstate "$minor" >/dev/null 2>&1 || drbdsetup new-minor "$resource" "$minor" 0 || exit 1
said=$(drbdmeta --force "$minor" v08 "$meta" 0 apply-al 2>&1) || fail "$said"
drbdsetup attach "$minor" "$data" "$meta" 0 --on-io-error=detach "$@"
"""

_CONNECT = LOOK + r"""
local=$1 remote=$2 anew=$3
shift 3
need_ours
shown | grep -q "^resource" || exit 0 # it was not in use when a job began that is taken back
if [ "$(address _remote_host)" = "$remote" ] && [ "$(state cstate)" != StandAlone ]; then
    exit 0
fi
(part) || exit 1
left=40
until [ "$(state cstate)" = StandAlone ] || [ "$(state cstate)" = Unconfigured ]; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || fail "DRBD minor $minor stays $(state cstate)"
    sleep 0.25
done
if [ "$anew" = yes ]; then
    # The bitmap does not know what a new partner lacks: everything.
    lowered=
    case $(state role) in
    Primary/*) ;;
    *) drbdsetup primary "$minor" || exit 1; lowered=yes ;;
    esac
    drbdsetup invalidate-remote "$minor" || exit 1
    [ -z "$lowered" ] || patiently drbdsetup secondary "$minor" || exit 1
fi
drbdsetup connect "$resource" "$local" "$remote" "$@"
"""

_MEET = LOOK + r"""
left=$(($1 * 4))
while :; do
    now=$(state cstate)
    case $now in
    Connected|SyncSource|SyncTarget|PausedSync*|Verify*) exit 0 ;;
    WFBitMap*|WFSyncUUID|StartingSync*) exit 0 ;;
    StandAlone)
        fail "the copies of DRBD minor $minor refuse each other: each has changes that the other
lacks (split brain), or one belongs to something else; drbdsetup says StandAlone"
        ;;
    esac
    left=$((left - 1))
    [ "$left" -gt 0 ] || break
    sleep 0.25
done
fail "DRBD minor $minor does not reach its other copy ($now)"
"""

_PROMOTE = LOOK + r"""
anyway=$1
need_ours
case $(state role) in Primary/*) exit 0 ;; esac
left=100
until said=$(drbdsetup primary "$minor" 2>&1); do
    left=$((left - 1))
    case $said in
    *"Multiple primaries"*) ;; # a partner that died is missed after some ten seconds
    *) break ;;
    esac
    [ "$left" -gt 0 ] || fail "the other node still writes to DRBD minor $minor"
    sleep 0.25
done
case $(state role) in Primary/*) exit 0 ;; esac
if [ "$anyway" = yes ]; then
    said=$(drbdsetup primary "$minor" --force 2>&1) && exit 0
fi
now=$(state dstate)
fail "the copy here is ${now%%/*} and is not put to use: $said"
"""

_FIRST = LOOK + r"""
alone=$1
need_ours
case $(state role) in Primary/*) exit 0 ;; esac
# A copy may be called the good one only where neither side has ever seen data.
case $alone,$(state dstate),$(drbdsetup get-gi "$minor") in
no,Inconsistent/Inconsistent,0000000000000004:*) force=--force ;;
yes,Inconsistent/DUnknown,0000000000000004:*) force=--force ;;
*) force= ;;
esac
drbdsetup primary "$minor" $force
"""

_DEMOTE = LOOK + r"""
ours || exit 0
case $(state role) in
Primary/*) patiently drbdsetup secondary "$minor" ;;
esac
"""

_DOWN = LOOK + r"""
command -v drbdsetup >/dev/null && [ -e /proc/drbd ] || exit 0
ours || exit 0
shown | grep -q "^resource" || exit 0
patiently drbdsetup down "$resource"
"""

_RETIRE = LOOK + r"""
ours || exit 0
[ "$(state dstate)" != Unconfigured ] || exit 0
part
drbdsetup outdate "$minor" >/dev/null 2>&1
now=$(state dstate)
case $now in
Outdated/*|Inconsistent/*|Diskless/*|Unconfigured) ;;
*) fail "the old copy stays ${now%%/*}" ;;
esac
"""

_SHARE = LOOK + r"""
both=$1
remote=$(address _remote_host)
if [ -z "$remote" ]; then
    [ "$both" = no ] && exit 0
    fail "DRBD minor $minor has no connection"
fi
drbdsetup net-options "$(address _this_host)" "$remote" "--allow-two-primaries=$both"
"""

_RESIZE = LOOK + r"""
need_ours
[ -n "$used" ] || exit 0
drbdsetup resize "$minor" || exit 1
behind() { sed -n "/^ *$minor: /,/oos:/s/.* oos:\([0-9]*\).*/\1/p" /proc/drbd; }
# What grew while the copies were apart is marked as different, and nobody copies it.
left=20
while [ "$(state role),$(state cstate),$(state dstate)" = \
    Primary/Secondary,Connected,UpToDate/UpToDate ] && [ "$(behind)" != 0 ]; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || { drbdsetup invalidate-remote "$minor" || exit 1; break; }
    sleep 0.25
done
"""

_KERNEL = r"""
if [ -e /proc/drbd ]; then
    head -n 1 /proc/drbd && cat /sys/module/drbd/parameters/usermode_helper
else
    modprobe -nq drbd 2>/dev/null || echo none
fi
"""

COPIES = r"""
[ ! -e /proc/drbd ] || cat /proc/drbd
"""


@node_task(deadline=20)
def kernel() -> Script[Kernel | None]:
    """DRBD as it is loaded; None: it is not yet; without a version: it cannot be."""
    return script(_KERNEL, parse=_kernel)


def _kernel(said: str) -> Kernel | None:
    lines = said.splitlines()
    if lines == ["none"]:
        return Kernel(version="", helper="")
    return Kernel(version=lines[0].split()[1], helper=lines[1]) if lines else None


@node_task(deadline=60)
def attach(
    minor: int, data: str, meta: str, helper: str, options: tuple[str, ...]
) -> Script[None]:
    """The device is there, on its two volumes; ``helper``: what DRBD calls at events."""
    return script(_ATTACH, minor, data, meta, helper, *options)


@node_task(deadline=60)
def connect(minor: int, data: str, local: str, remote: str, secret: str,
            options: tuple[str, ...], anew: bool = False) -> Script[None]:
    """It looks for its partner at ``remote``; ``anew``: one that lacks everything."""
    return script(_CONNECT, minor, data, local, remote, anew, f"--shared-secret={secret}", *options)


@node_task(deadline=60)
def meet(minor: int, data: str, seconds: int) -> Script[None]:
    """It has found its partner; what is newer is known then."""
    return script(_MEET, minor, data, seconds)


@node_task(deadline=60)
def promote(minor: int, data: str, anyway: bool = False) -> Script[None]:
    """It may be written to.  ``anyway``: also when the copy is known not to be the newest."""
    return script(_PROMOTE, minor, data, anyway)


@node_task(deadline=60)
def first(minor: int, data: str, alone: bool) -> Script[None]:
    """A new disk's copy here counts; the other one, unless it is ``alone``, is made like it."""
    return script(_FIRST, minor, data, alone)


@node_task(deadline=60)
def demote(minor: int, data: str) -> Script[None]:
    """It is written to no more."""
    return script(_DEMOTE, minor, data)


@node_task(deadline=60)
def down(minor: int, data: str) -> Script[None]:
    """The device is gone; its volumes stay."""
    return script(_DOWN, minor, data)


@node_task(deadline=60)
def retire(minor: int, data: str) -> Script[None]:
    """It takes part no more, and its copy counts as outdated."""
    return script(_RETIRE, minor, data)


@node_task(deadline=60)
def share(minor: int, data: str, both: bool) -> Script[None]:
    """Whether both nodes may write to it."""
    return script(_SHARE, minor, data, both)


@node_task(deadline=60)
def resize(minor: int, data: str) -> Script[None]:
    """It is as large as its volumes."""
    return script(_RESIZE, minor, data)


@node_task(deadline=20)
def copies() -> Script[Mapping[int, Copy]]:
    """All devices of a node, by minor."""
    return script(COPIES, parse=parse_copies)
