"""NICs on a Linux bridge: taps that stay until unplugged, with VLANs where the bridge filters."""

from __future__ import annotations

from gnt.net.base import NicMode
from gnt.plan import Script, Step, node_task, script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.net.base import Port
    from gnt.plan import Call

_PLUG = r"""
tap=$1 bridge=$2 queues=$3 header=$4 vlan=$5
about=$(ip -d -o link show dev "$bridge" 2>/dev/null) || {
    echo "there is no bridge $bridge on this node" >&2; exit 1; }
case $about in *" bridge "*) ;; *) echo "$bridge is no bridge" >&2; exit 1 ;; esac
if [ -n "$vlan" ]; then
    case $about in
        *"vlan_filtering 1"*) ;;
        *)
            echo "bridge $bridge does not filter VLANs; to let it:" >&2
            echo "ip link set dev $bridge type bridge vlan_filtering 1" >&2
            exit 1 ;;
    esac
fi
mtu=${about#* mtu }; mtu=${mtu%% *}
there=$(ip -d -o link show dev "$tap" 2>/dev/null)
if [ -n "$there" ]; then
    kind=single
    case $there in *"multi_queue off"*) ;; *" multi_queue "*) kind=multi ;; esac
    wanted=single
    [ "$queues" -gt 1 ] && wanted=multi
    if [ "$kind" != "$wanted" ]; then
        ip link delete dev "$tap" || exit 1
        there=
    fi
fi
if [ -z "$there" ]; then
    set -- dev "$tap" mode tap
    [ "$header" = yes ] && set -- "$@" vnet_hdr
    [ "$queues" -gt 1 ] && set -- "$@" multi_queue
    ip tuntap add "$@" || exit 1
fi
quiet=/proc/sys/net/ipv6/conf/$tap/disable_ipv6
[ ! -w "$quiet" ] || echo 1 >"$quiet"
ip link set dev "$tap" mtu "$mtu" master "$bridge" up || exit 1
[ -n "$vlan" ] || exit 0
bridge vlan delete dev "$tap" vid 1 2>/dev/null
untagged=
case $vlan in
    .*) untagged=${vlan#.}; untagged=${untagged%%:*} ;;
    :*) ;;
    *) untagged=${vlan%%:*} ;;
esac
[ -z "$untagged" ] || bridge vlan add dev "$tap" vid "$untagged" pvid untagged || exit 1
case $vlan in
    *:*) tagged=${vlan#*:}
        while [ -n "$tagged" ]; do
            bridge vlan add dev "$tap" vid "${tagged%%:*}" || exit 1
            case $tagged in *:*) tagged=${tagged#*:} ;; *) tagged= ;; esac
        done ;;
esac
exit 0
"""

_UNPLUG = r"""
ip -o link show dev "$1" >/dev/null 2>&1 || exit 0
ip link delete dev "$1"
"""

_MISSING = r"""
for bridge; do
    case $(ip -d -o link show dev "$bridge" 2>/dev/null) in
        *" bridge "*) ;;
        *) echo "$bridge" ;;
    esac
done
"""


_LEFTOVERS = r"""
ip -o link show type tun | while read -r _ name flags _; do
    case $name in gnt????????????:) ;; *) continue ;; esac
    case $flags in *[,\<]LOWER_UP[,\>]*) ;; *) echo "${name%:}" ;; esac
done
"""


@node_task(deadline=20)
def plug(tap: str, bridge: str, queues: int, vnet_hdr: bool, vlan: str) -> Script[None]:
    """Make a tap and put it on the bridge."""
    return script(_PLUG, tap, bridge, queues, vnet_hdr, vlan)


@node_task(deadline=20)
def unplug(tap: str) -> Script[None]:
    """Take a tap away, if it is there."""
    return script(_UNPLUG, tap)


@node_task(deadline=20)
def missing(bridges: tuple[str, ...]) -> Script[tuple[str, ...]]:
    """Which of these bridges are not there."""
    return script(_MISSING, *bridges, parse=lambda output: tuple(output.splitlines()))


@node_task(deadline=20)
def leftovers() -> Script[tuple[str, ...]]:
    """Taps of ours with no process at the other end."""
    return script(_LEFTOVERS, parse=lambda output: tuple(output.splitlines()))


class Bridged(NicMode):
    name = "bridged"

    def plug(self, node: str, port: Port) -> Iterator[Step]:
        yield Step(
            do=plug.on(node, port.interface, port.link, port.queues, port.vnet_hdr, port.vlan),
            undo=unplug.on(node, port.interface),
            title=f"connect {port.interface} to {port.link}",
        )

    def unplug(self, node: str, port: Port) -> Iterator[Step]:
        yield Step(do=unplug.on(node, port.interface), title=f"remove {port.interface}")

    def missing(self, node: str, links: tuple[str, ...]) -> Call[tuple[str, ...]]:
        return missing.on(node, links)

    def leftovers(self, node: str) -> Call[tuple[str, ...]]:
        return leftovers.on(node)


DRIVER = Bridged()
