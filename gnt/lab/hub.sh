# The switches of a lab, in a network namespace of their own: "lan" joins the hosts, "guests" joins
# their instance bridges.  Words: the folder for what lives as long as this does.
set -eu
run=$1
ip link set lo up
for switch in lan guests; do
	ip link add "$switch" type bridge
	ip link set "$switch" up
done
mkfifo "$run/never"
: >"$run/ready"
# A namespace lives as long as a process in it: wait for something that never comes.
while :; do
	read -r _ <>"$run/never" || :
done
