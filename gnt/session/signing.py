"""The key that signs for a context: in a file, or held by ssh-agent."""

from __future__ import annotations

from gnt.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.config.signature import Signing


def signing(signer: str) -> Signing:
    """``signer``: the file of a private key, or the public key of one in the agent."""
    if not signer.startswith("ssh-"):
        from gnt.config.signature import read_key

        return read_key(signer)
    from gnt.ssh.agent import Agent

    wanted = " ".join(signer.split()[:2])
    for key in Agent().held():
        if key.public == wanted:
            return key
    raise UsageError(f"ssh-agent does not hold the signing key {wanted[:40]}…",
                     hint="ssh-add FILE; ssh-add -L shows what it holds")
