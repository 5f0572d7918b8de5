# A node from power-on until it is killed; this shell is its process number 1.
# Its disk is $disk; everything else is the machine's own file system, read-only.
set -eu
host=$1 run=$4 disk=$5
cd /
umask 022
lab=${disk%/*}

own() { # folder on the node's disk, where it is seen
	mkdir -p "$disk/$1" "$2"
	mount --rbind "$disk/$1" "$2"
}

mkdir -p "$disk/etc" "$disk/etc.work" "$disk/cache/gnt-lab" "$disk/srv/gnt/shared-file-storage" \
	"$disk/srv/gnt/file-storage" /var/cache/gnt-lab
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$disk/etc,workdir=$disk/etc.work" /etc
mount --bind -o ro /var/cache/gnt-lab "$disk/cache/gnt-lab"
mount --bind "$lab/shared" "$disk/srv/gnt/shared-file-storage"
own root /root
own log /var/log
own cache /var/cache
own srv /srv
own tmp /var/tmp
chmod 700 /root
chmod 1777 /var/tmp

if [ -d /sys/fs/cgroup ]; then
	mkdir -p "$run/cgroup"
	mount --rbind /sys/fs/cgroup "$run/cgroup"
fi
mount -t sysfs sysfs /sys
if [ -d "$run/cgroup" ]; then mount --rbind "$run/cgroup" /sys/fs/cgroup; fi
mount -t proc proc /proc
mount --bind "$run/boot_id" /proc/sys/kernel/random/boot_id
if [ ! -e /dev/net/tun ]; then
	mkdir -p /dev/net
	mknod /dev/net/tun c 10 200
fi
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
own lib /var/lib
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/lock
mount -o remount,bind,ro /

if [ ! -e /etc/ssh/sshd_config.d/lab.conf ]; then
	# First boot: nothing of the machine's identity or of its gnt.
	rm -rf /etc/ssh/ssh_host_* /etc/gnt /etc/resolv.conf
	echo "$host.lab" >/etc/hostname
	ssh-keygen -q -t ed25519 -N '' -C "root@$host.lab" -f /etc/ssh/ssh_host_ed25519_key
	cat >/etc/ssh/sshd_config.d/lab.conf.new <<-'END'
		HostKey /etc/ssh/ssh_host_ed25519_key
		PermitRootLogin prohibit-password
		PidFile /run/sshd.pid
		UsePAM no
		SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	END
	mv /etc/ssh/sshd_config.d/lab.conf.new /etc/ssh/sshd_config.d/lab.conf
fi
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
# Waiting for sshd also reaps the orphans that process number 1 inherits.
while :; do
	/usr/sbin/sshd -D || :
	sleep 1
done
