# The cables of one host; runs before node.sh and admin.sh.  Words: host, number, address, folder of
# this run, folder of its disk, the hub's network namespace.
set -eu
host=$1 number=$2 address=$3
exec 3<"$6"

hub() { nsenter --net=/proc/self/fd/3 "$@"; }

cable() { # our end, the hub's end, switch, MAC address
	hub ip link del "$2" 2>/dev/null || :
	ip link add "$1" address "$4" type veth peer name "$2" netns /proc/self/fd/3
	hub ip link set "$2" master "$3" up
}

low=$(printf '%02x:%02x' $((number / 256)) $((number % 256)))
ip link set lo up
cable eth0 "lan$number" lan "02:67:6e:74:$low"
ip addr add "$address/16" dev eth0
ip link set eth0 up
# Instances meet on br0.  Enslaving eth0 would take its address away, so br0 has a cable of its own.
ip link add br0 type bridge
cable eth1 "guests$number" guests "06:67:6e:74:$low"
ip link set eth1 master br0 up
ip link set br0 up
exec 3<&-
hostname "$host.lab"
