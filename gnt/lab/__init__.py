"""The lab: real nodes on one machine, in namespaces, with their own sshd, network and QEMU.

A lab needs root and Linux, no hardware.  Its nodes live in namespaces that hang on one process
each, so killing that process is the power cut, and nothing can outlive it.  Read layout.py (names,
addresses, folders), power.py (up, kill, start, down), then the scripts: hub.sh, wire.sh, node.sh.
"""
