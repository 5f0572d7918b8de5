"""What the hostile suite stands on: a node behind a real gate and sshd, a folder as a candidate."""

from __future__ import annotations

from tests.ssh.conftest import gated, shared_gated

__all__ = ["gated", "shared_gated"]
