"""The master's address: on one interface of the master, moved with its role (reference F.1).

It is for people and programs that look for the master by a name; gnt itself does not need it.
"""

from __future__ import annotations

from gnt.errors import Conflict, Invalid
from gnt.plan import Script, Step, node_task, script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gnt.model.config import Config
    from gnt.model.objects import Cluster, Node
    from gnt.plan import Call
    from gnt.spec import Session

SCRIPT = "/etc/gnt/scripts/master-ip-setup"
NOTED = "/run/gnt/master-ip"  # a file for each address that was set here since the node started

_UP = """\
netdev=$1 ip=$2 prefix=$3 family=$4
there=$(ip -o address show to "$ip" 2>/dev/null)
case $there in
    "" | *" $netdev "*) ;;
    *)
        echo "$ip is on another interface of this node: $there" >&2
        exit 1 ;;
esac
if [ ! -e "/sys/class/net/$netdev" ]; then
    echo "there is no interface $netdev on this node" >&2
    exit 1
fi
mkdir -p "$5" && : >"$5/$ip" || exit 1
ip -o address show to "$ip" dev "$netdev" | while read -r _ _ _ address _; do
    [ "$address" = "$ip/$prefix" ] || ip address delete "$address" dev "$netdev" || exit 1
done || exit 1
case $there in
    *" $ip/$prefix "*) ;;
    *)
        set -- "$ip/$prefix" dev "$netdev"
        [ "$family" = 4 ] || set -- "$@" nodad
        ip address add "$@" || exit 1 ;;
esac
# tell the neighbours; nobody waits for it
if [ "$family" = 4 ] && command -v arping >/dev/null; then
    arping -q -U -c 2 -w 2 -I "$netdev" "$ip" </dev/null >/dev/null 2>&1 &
fi
exit 0
"""

_DOWN = """\
ip -o address show to "$1" 2>/dev/null | while read -r _ device _ address _; do
    ip address delete "$address" dev "$device" || exit 1
done || exit 1
rm -f "$2/$1"
"""

_WHERE = """\
for noted in "$1" "$2"/*; do
    ip=${noted##*/}
    [ "$noted" = "$1" ] || { [ -e "$noted" ] && [ "$ip" != "$1" ]; } || continue
    ip -o address show to "$ip" 2>/dev/null | while read -r _ device _; do
        echo "$ip $device"
    done
done
"""

_RUN = """\
netdev=$1 ip=$2 prefix=$3 family=$4 action=$5 setup=$6
if [ ! -x "$setup" ]; then
    [ "$action" = start ] || exit 0
    echo "$setup is not there, or cannot be run, on this node" >&2
    exit 1
fi
cd / || exit 1
env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin MASTER_NETDEV="$netdev" MASTER_IP="$ip" \\
    MASTER_NETMASK="$prefix" CLUSTER_IP_VERSION="$family" "$setup" "$action" </dev/null >&2
"""

_LOOKUP = """\
getent "ahostsv$2" "$1" | {
    read -r address _ || exit 0
    echo "$address"
}
"""


@node_task(deadline=20)
def up(netdev: str, ip: str, prefix: int, family: int) -> Script[None]:
    """Set the address on an interface, unless it is there, and tell the neighbours."""
    return script(_UP, netdev, ip, prefix, family, NOTED)


@node_task(deadline=20)
def down(ip: str) -> Script[None]:
    """Take the address away, wherever it is on the node."""
    return script(_DOWN, ip, NOTED)


@node_task(deadline=60)
def external(netdev: str, ip: str, prefix: int, family: int, action: str) -> Script[None]:
    """Let the administrator's own script set (``start``) or drop (``stop``) the address."""
    return script(_RUN, netdev, ip, prefix, family, action, SCRIPT)


@node_task(deadline=20)
def where(ip: str) -> Script[Mapping[str, str]]:
    """The interfaces of a node that have the address, or one that was the master's before."""
    return script(_WHERE, ip, NOTED, parse=lambda output: dict(
        line.split(" ") for line in output.splitlines()))


@node_task(deadline=20)
def lookup(name: str, version: int) -> Script[str]:
    """The first address that a node finds for a name; empty when there is none."""
    return script(_LOOKUP, name, version, parse=lambda output: output.strip())


def family(ip: str) -> int:
    return 6 if ":" in ip else 4


def resolve(session: Session, node: str, name: str, wanted: str, version: int) -> str:
    """The address that was typed, or the one that a node knows for the cluster's name."""
    if wanted:
        if family(wanted) != version:
            raise Invalid("--master-ip", f"{wanted} is no IPv{version} address, as the nodes have")
        return wanted
    call = lookup.on(node, name, version)
    found = session.ask((call,))[call]
    if not found:
        raise Invalid("", f"{node} knows no IPv{version} address of the name {name}",
                      hint="--master-ip ADDRESS, or no --master-netdev")
    return found


def require(cfg: Config) -> Cluster:
    """Raise Conflict when no address of the master is configured, or it is a node's own."""
    if not configured(cfg.cluster):
        raise Conflict("this cluster has no address of its master",
                       hint="gnt-cluster modify --master-netdev INTERFACE --master-ip ADDRESS")
    require_own(cfg.cluster, cfg.nodes)
    return cfg.cluster


def require_own(cluster: Cluster, nodes: Iterable[Node]) -> None:
    """Raise unless the address is one that can move: no node's own, of a length there is.

    A node's own address would be on two hosts, and then be taken away from its owner.
    """
    ip = cluster.master_ip
    for node in nodes:
        if ip and ip in (node.primary_ip, node.secondary_ip):
            raise Conflict(f"{ip} is {node.name}'s own address: the master's moves from node to "
                           "node, so it must be one that no node has",
                           hint="--master-ip with a free address; without one the address of "
                                "the cluster's name is taken")
    longest = 128 if ip and family(ip) == 6 else 32 if ip else 128
    if cluster.master_netmask > longest:
        raise Invalid("--master-netmask", f"{cluster.master_netmask} is too long: {ip} has "
                      f"{longest} bits")


def configured(cluster: Cluster) -> bool:
    return bool(cluster.master_ip and cluster.master_netdev)


def raised(cluster: Cluster, node: str) -> Call[None]:
    """The call that sets the address on a node."""
    return _call(cluster, node, "start")


def dropped(cluster: Cluster, node: str) -> Call[None]:
    """The call that takes it away."""
    return _call(cluster, node, "stop")


def _call(cluster: Cluster, node: str, action: str) -> Call[None]:
    ip, netdev = cluster.master_ip, cluster.master_netdev
    prefix, version = cluster.master_netmask, family(ip)
    if cluster.use_external_mip_script:
        return external.on(node, netdev, ip, prefix, version, action)
    if action == "stop":
        return down.on(node, ip)
    return up.on(node, netdev, ip, prefix, version)


def moved(cfg: Config, after: Cluster) -> Iterator[Step]:
    """From the present setting of the address to another, on the master."""
    before, master = cfg.cluster, cfg.master.name
    fields = ("master_ip", "master_netdev", "master_netmask", "use_external_mip_script")
    if all(getattr(before, field) == getattr(after, field) for field in fields):
        return
    require_own(after, cfg.nodes)
    if configured(before):
        yield Step(do=dropped(before, master), undo=raised(before, master),
                   title=f"drop {before.master_ip}")
    if configured(after):
        yield Step(do=raised(after, master), undo=dropped(after, master),
                   title=f"set {after.master_ip}")
