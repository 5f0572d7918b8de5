#!/bin/sh
# smoke.sh PROGRAM…: each delivered program makes, uses and destroys a cluster of lab nodes.
# Called by name through links, from a folder of its own, as people install it.
set -eu
lab=smoke$$
bin=$(mktemp -d)
root=$(cd "$(dirname "$0")/.." && pwd)
gnt_lab() { "$root/.venv/bin/gnt-lab" "$@"; }
finish() {
	gnt_lab down --name "$lab" >/dev/null 2>&1 || true
	rm -rf "$bin"
}
trap finish EXIT

admin() { # what must work, on the lab's admin host, with only the program under test in PATH
	gnt_lab exec --name "$lab" env "PATH=$bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" "$@" \
		>"$bin/.out" 2>&1 && return
	printf 'FAILED: %s\n' "$*" >&2
	cat "$bin/.out" >&2
	exit 1
}

for program; do
	program=$(realpath "$program")
	for name in gnt gnt-cluster gnt-node gnt-instance gnt-job hail hbal hcheck hinfo hspace; do
		ln -sf "$program" "$bin/$name"
	done
	gnt_lab down --name "$lab" >/dev/null 2>&1 || true
	gnt_lab up 2 --name "$lab" >/dev/null 2>&1
	admin gnt-instance --version
	admin gnt-cluster init --yes --master node1 --enabled-hypervisors fake \
		--enabled-disk-templates file,diskless smoke.lab
	admin gnt-node add --yes node2
	admin gnt-instance add -t file -s 1g -H fake -n node2 one
	admin gnt-instance list --format json
	grep -q '"status": "running"' "$bin/.out"
	for name in two three; do # the runner starts, is there, and outlives who started it
		admin gnt-instance add -t diskless -H fake --submit $name
		admin gnt-job wait "$(sed -n 's/^JobID: //p' "$bin/.out")"
		sleep 1
	done
	admin gnt instance list --format grid
	admin gnt-cluster what-if 'add 2x 128M'
	admin hinfo -L -v
	admin hbal -L -C
	admin hspace --simulate p,4,1t,64g,16 --disk-template drbd --machine-readable
	grep -q '^HTS_OK=1$' "$bin/.out"
	admin gnt-cluster config verify
	admin gnt-cluster verify
	admin gnt-instance remove -f one
	echo "${program##*/}: ok"
done
