#!/bin/busybox sh
# Process number 1 of the lab's Linux guest.  It configures itself from a cloud-init NoCloud seed
# (a disk or CD named "cidata"), answers on the network, and says on the console that it lives:
# "tick N" every second.  It counts its boots on its disk, behind the boot file system.
/bin/busybox mkdir -p /proc /sys /dev /bin /sbin /tmp /seed /www/cgi-bin /etc/acpi/PWRF
/bin/busybox --install -s /bin
PATH=/bin
export PATH
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in virtio_pci virtio_blk virtio_net virtio_balloon virtio_scsi sd_mod ata_piix sr_mod \
	isofs vfat nls_cp437 nls_ascii nls_utf8 button evdev; do
	modprobe -q "$module"
done

# The seed: the disk or CD whose volume is called cidata, in either case.
tries=0
while :; do
	seed=$(findfs LABEL=cidata || findfs LABEL=CIDATA) 2>/dev/null
	tries=$((tries + 1))
	if [ -n "$seed" ] || [ "$tries" -ge 5 ]; then break; fi
	sleep 0.2
done
if [ -n "$seed" ]; then
	mount -t iso9660 -o ro "$seed" /seed 2>/dev/null || mount -t vfat -o ro "$seed" /seed
	echo "seed $seed"
else
	echo "seed none"
fi

value() { # key, file: what a line "key: value" of YAML or JSON says
	sed 's/[,{}]/\n/g' "$2" 2>/dev/null | sed -n "s/^[ \"']*$1[\"']*: *[\"']*\([^\"']*\).*/\1/p" |
		head -n 1 | tr -d '\r'
}

id=$(value instance-id /seed/meta-data)
name=$(value local-hostname /seed/meta-data)
hostname "${name:-guest}"

# Network configuration of version 1 or 2, YAML or JSON, as one stream of words.  What belongs to a
# NIC follows its name (version 2) or stands beside its MAC address (version 1).
nics() {
	sed "s/\" *: */\" : /g; s/[][,{}\"']/ /g; s/: / : /g; s/:\$/ :/" /seed/network-config |
		sed 's/[ \t\r][ \t\r]*/\n/g' | awk '
		function flush() {
			if (!skip && (mac != "" || label != "")) print (mac == "" ? "-" : mac), (label == "" ? "-" : label), \
				(where == "" ? "-" : where), (gate == "" ? "-" : gate), (dhcp ? "dhcp" : "static")
			mac = label = where = gate = ""; dhcp = skip = 0
		}
		function apply(key, word) {
			if (key == "mac_address" || key == "macaddress") { if (mac != "") flush(); mac = tolower(word) }
			else if (key == "name" && word !~ /^\*/) { if (label != "" && v == 1) flush(); label = word }
			else if (key == "set-name") label = word
			else if (key == "address" || key == "addresses") { if (!names && word ~ /^[0-9a-f.:\/]+$/) where = where (where == "" ? "" : ",") word }
			else if (key == "netmask") where = where "/" word
			else if (key == "gateway" || key == "gateway4" || key == "via") { if (word !~ /:/) gate = word }
			else if (key == "type") {
				if (word ~ /^dhcp/) dhcp = 1
				if (word == "nameserver") { flush(); skip = 1 }
			}
			else if (key == "dhcp4") dhcp = (word == "true" || word == "yes")
			else if (key == "version") v = word + 0
		}
		BEGIN {
			split("version config type name mac_address subnets address gateway netmask ethernets match " \
				"macaddress set-name addresses gateway4 gateway6 routes to via nameservers dns_nameservers " \
				"dns_search dhcp4 dhcp6 search mtu optional renderer network control metric", list, " ")
			for (i in list) known[list[i]] = 1
		}
		{
			if ($0 == "-" || $0 == "") next
			if ($0 == ":") {
				key = last
				if (key in known) names = (key == "nameservers" || (names && (key == "addresses" || key == "search")))
				else { flush(); label = key; names = 0 }
				last = ""
				next
			}
			if (last != "") apply(key, last)
			last = $0
		}
		END { if (last != "") apply(key, last); flush() }'
}

ip link set lo up
if [ -e /seed/network-config ]; then
	nics | while read -r mac label addresses gateway how; do
		device=
		for path in /sys/class/net/*; do
			read -r there <"$path/address"
			if [ "$there" = "$mac" ] || { [ "$mac" = - ] && [ "${path##*/}" = "$label" ]; }; then
				device=${path##*/}
			fi
		done
		if [ -z "$device" ]; then echo "network no NIC $mac $label"; continue; fi
		ip link set "$device" up
		for address in $(echo "$addresses" | tr ',-' '  '); do
			case $address in */*) ;; *:*) address=$address/64 ;; *) address=$address/16 ;; esac
			ip addr add "$address" dev "$device"
		done
		if [ "$gateway" != - ]; then ip route add default via "$gateway"; fi
		if [ "$how" = dhcp ]; then udhcpc -q -n -i "$device" >/dev/null 2>&1; fi
		echo "network $device $mac $addresses"
	done
fi

# What it answers: a page, and every byte sent to port 7.
{
	echo "gnt lab guest"
	echo "name ${name:-guest}"
	echo "instance-id ${id:--}"
} >/www/index.html
httpd -p 80 -h /www
nc -ll -p 7 -e cat &

printf '#!/bin/sh\necho bye >/dev/console\nsync\npoweroff -f\n' >/etc/acpi/PWRF/00000080
chmod +x /etc/acpi/PWRF/00000080
acpid -d 2>/dev/null &

if head -c 2 /seed/user-data 2>/dev/null | grep -q '#!'; then
	cp /seed/user-data /tmp/user-data
	chmod +x /tmp/user-data
	/tmp/user-data >/dev/console 2>&1 &
fi

disk=
for device in /dev/vda /dev/sda; do if [ -b "$device" ]; then disk=$device; break; fi; done
record() { # read the number kept on the disk, or keep one
	if [ -z "$disk" ]; then echo 0; return; fi
	if [ -n "$1" ]; then
		echo "boots $1" | dd of="$disk" bs=512 seek=65536 conv=sync,fsync 2>/dev/null
	else
		dd if="$disk" bs=512 skip=65536 count=1 2>/dev/null | tr -d '\0' | sed -n 's/^boots //p'
	fi
}
boots=$(record '')
boots=$((${boots:-0} + 1))
record "$boots"
echo "boot $boots ${name:-guest} ready after $(cut -d' ' -f1 /proc/uptime) s"

# Lines typed on the console are run, without a prompt that would tear the ticks.
while read -r line; do eval "$line"; done </dev/ttyS0 >/dev/ttyS0 2>&1 &
tick=0
while :; do
	tick=$((tick + 1))
	echo "tick $tick"
	sleep 1
done
