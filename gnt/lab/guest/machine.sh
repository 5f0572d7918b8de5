#!/bin/sh
# The first thing that a virtual node does: who it is stands on the kernel's command line.
set -u
read -r line </proc/cmdline
for word in $line; do
	case $word in
	lab.host=*) host=${word#*=} ;;
	lab.address=*) address=${word#*=} ;;
	lab.key=*) key=${word#*=} ;;
	esac
done
echo "$host.lab" >/etc/hostname
hostname "$host.lab"
if [ ! -e /root/.ssh/authorized_keys ]; then
	mkdir -p /root/.ssh
	chmod 700 /root/.ssh
	echo "ssh-ed25519 $key" >/root/.ssh/authorized_keys
	ssh-keygen -q -t ed25519 -N '' -C "root@$host.lab" -f /etc/ssh/ssh_host_ed25519_key
fi
ip link set lo up
ip addr add "$address/16" dev eth0
ip link set eth0 up
ip link add br0 type bridge
ip link set br0 up
modprobe -a drbd dm_mod tun
vgs xenvg >/dev/null 2>&1 || { pvcreate -qq -y /dev/vdb && vgcreate -qq xenvg /dev/vdb; }
