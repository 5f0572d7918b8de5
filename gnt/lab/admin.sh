# The admin's host: the machine's file system with an own home, own /etc, and cables to the nodes.
set -eu
run=$4 disk=$5
cd /
mkdir -p "$disk/lib" "$disk/cache" "$disk/root.work" "$disk/etc.work"
ip addr add 10.78.0.1/16 dev br0
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$disk/etc,workdir=$disk/etc.work" /etc
mount -t overlay overlay -o "lowerdir=/root,upperdir=$disk/root,workdir=$disk/root.work" /root
mkdir -p /var/cache/gnt
mount --bind "$disk/cache" /var/cache/gnt
# Where the machine itself is a node of a cluster, that is not this host's cluster.
if [ -d /var/lib/gnt ]; then mount --bind "$disk/lib" /var/lib/gnt; fi
if [ -d /sys/fs/cgroup ]; then
	mkdir -p "$run/cgroup"
	mount --rbind /sys/fs/cgroup "$run/cgroup"
fi
mount -t sysfs sysfs /sys
if [ -d "$run/cgroup" ]; then mount --rbind "$run/cgroup" /sys/fs/cgroup; fi
mkdir -p /run/gnt "$run/gnt"
mount --bind "$run/gnt" /run/gnt
mkfifo "$run/never"
: >"$run/ready"
while :; do
	read -r _ <>"$run/never" || :
done
