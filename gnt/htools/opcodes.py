"""Moves as the reference's opcodes: what an iallocator answers with."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def migrate(name: str, target: str = "") -> dict[str, Any]:
    """A migration, or failover; with ``target`` on shared storage."""
    return {
        "OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": name,
        **({"target_node": target} if target else {}), "allow_runtime_changes": False,
        "ignore_ipolicy": False, "cleanup": False, "allow_failover": True,
        "ignore_hvversions": True,
    }


def failover(name: str, target: str = "") -> dict[str, Any]:
    """Of an instance that is not there yet."""
    return {
        "OP_ID": "OP_INSTANCE_FAILOVER", "instance_name": name, "shutdown_timeout": 120,
        "ignore_consistency": False, **({"target_node": target} if target else {}),
        "ignore_ipolicy": False, "cleanup": False,
    }


def replace_disks(name: str, target: str) -> dict[str, Any]:
    """A new secondary."""
    return {
        "OP_ID": "OP_INSTANCE_REPLACE_DISKS", "instance_name": name, "early_release": False,
        "ignore_ipolicy": False, "mode": "replace_new_secondary", "disks": [],
        "remote_node": target,
    }
