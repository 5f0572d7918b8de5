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
