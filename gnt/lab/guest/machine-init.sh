#!/bin/busybox sh
# The virtual nodes' initrd: find the disk and hand over.
b=/bin/busybox
$b mkdir -p /proc /sys /dev /mnt
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
$b mount -t sysfs sys /sys
for module in virtio_pci virtio_blk virtio_net; do $b modprobe $module; done
until $b mount -t ext4 -o rw,noatime /dev/vda /mnt 2>/dev/null; do $b sleep 0.1; done
$b umount /sys
$b umount /proc
exec $b switch_root /mnt /lib/systemd/systemd
