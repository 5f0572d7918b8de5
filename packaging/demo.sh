#!/bin/sh
# make demo: a cluster of three nodes on this machine.  Each command is shown before it runs; they
# are what a person would type on an admin's host.  `sh packaging/demo.sh down` takes all away.
set -eu
cd "$(dirname "$0")/.."
LAB=demo
bin=$PWD/.venv/bin

heading() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

typed() { # show a command as it would be typed, then run it on this machine
	printf '\033[36m$ %s\033[0m\n' "$*"
	"$@"
}

admin() { # show a command as it would be typed, then run it on the lab's admin host
	printf '\033[36madmin$ %s\033[0m\n' "$*"
	"$bin/gnt-lab" exec --name "$LAB" env "PATH=$bin:$PATH" "$@"
}

three_hosts() {
	heading "Three hosts: network, mount and process namespaces with an sshd each"
	PATH=$bin:$PATH
	typed gnt-lab up 3 --name "$LAB"
	typed gnt-lab list
	# shellcheck disable=SC2016 # expanded on the node
	admin ssh node1 'echo "$(hostname) has: $(command -v qemu-system-x86_64)"'
}

a_guest_to_boot() {
	heading "A guest: Debian's kernel, a small root file system, configured by a cloud-init seed"
	typed gnt-lab image linux
}

a_cluster() {
	heading "A cluster: the admin's machine signs its first configuration, node1 is the master"
	admin gnt-cluster init --yes --master node1 --enabled-hypervisors kvm,fake \
		--enabled-disk-templates sharedfile,file,diskless demo.lab
	admin gnt-node add --yes node2
	admin gnt-node add --yes node3
	admin gnt-node list
}

an_instance() {
	heading "A KVM instance with a disk, on a bridge: first what would be done, then do it"
	image=/var/cache/gnt-lab/linux.qcow2
	sum=$(sha256sum "$image" | cut -d' ' -f1)
	admin gnt-network add --network 10.78.0.0/16 --gateway 10.78.0.1 guests
	admin gnt-network connect -N mode=bridged,link=br0 guests
	set -- gnt-instance add -t sharedfile --disk 0:size=1g -B memory=192m -n node1 \
		--net 0:network=guests,ip=10.78.0.50 -O "image=$image,sha256=$sum" web.lab
	admin "$@" --dry-run
	admin "$@"
	heading "Its console, once it has booted (software emulation takes some seconds)"
	admin sh -c 'until gnt-instance console --log web.lab | grep -q "ready after"; do sleep 0.5; done'
	admin gnt-instance console --log web.lab
	admin ping -c 2 -W 2 10.78.0.50
}

moves() {
	heading "Live migration, while it answers"
	admin gnt-instance migrate -f -n node2 web.lab
	admin ping -c 1 -W 2 10.78.0.50
	admin gnt-instance console --log --lines 5 web.lab
	heading "Its host dies: nothing starts elsewhere without proof that it does not run here"
	typed gnt-lab kill node2 --name "$LAB"
	admin gnt-instance list || true
	admin gnt-instance failover -f web.lab || true
	admin gnt-instance failover -f --i-have-powered-off node2 web.lab
	admin gnt-instance list
	heading "The host comes back: it is given what it missed"
	typed gnt-lab start node2 --name "$LAB"
	admin gnt-cluster redist-conf
}

what_is_there() {
	heading "Everything there is, checked, and its signed history"
	admin gnt-node list
	admin gnt-instance list -o name,pnode,status,oper_ram,disk.sizes,nic.ips
	admin gnt-job list
	admin gnt-cluster verify
	admin gnt-cluster config verify
	admin gnt-cluster config log
}

how_to_go_on() {
	heading "Go on playing"
	cat <<-END
		  .venv/bin/gnt-lab shell --name $LAB     a shell on the admin's host: every gnt command, ssh node1
		  .venv/bin/gnt-lab kill node2 --name $LAB   cut a node's power; gnt-lab start node2 brings it back
		  .venv/bin/gnt-lab cut node3 --name $LAB    cut its network; gnt-lab heal
		  make demo-down                          take everything away
	END
}

case ${1:-up} in
up)
	three_hosts
	a_guest_to_boot
	a_cluster
	an_instance
	moves
	what_is_there
	how_to_go_on
	;;
down)
	"$bin/gnt-lab" down --name "$LAB"
	echo "the demo's lab is gone"
	;;
*)
	echo "demo.sh knows up and down, not $1" >&2
	exit 2
	;;
esac
