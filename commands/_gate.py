"""Hardened nodes: the gate before their shells, and whose orders it obeys (ADR 0110)."""

from __future__ import annotations

from gnt.plan import Plan, Step, task_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Signer
    from gnt.plan import Call
    from gnt.spec import Operation

# the tasks are above this layer: found by name, as those of a recorded plan are
INSTALL, TRUST, RETIRE = (f"ssh.gate.tasks.{name}" for name in ("install", "trust", "retire"))


def lines(signers: Iterable[Signer]) -> tuple[str, ...]:
    """The file of OpenSSH's allowed_signers that a gate reads."""
    return tuple(signer.obeyed for signer in signers)


def install(node: str, cfg: Config) -> Call[None]:
    """Puts the gate there, or brings it and its signers up to date."""
    return task_named(INSTALL).on(node, signers=lines(cfg.signers), name=node)


def retire(node: str) -> Call[None]:
    """Ends what the gate brought besides itself."""
    return task_named(RETIRE).on(node)


def installs(cfg: Config, nodes: Iterable[str]) -> Iterator[Step]:
    """The steps that a hardened cluster needs before nodes are told whom to let in."""
    if cfg.cluster.hardened:
        for number, name in enumerate(nodes):
            yield Step(do=install(name, cfg), beside=number > 0, title=f"the gate of {name}")


def tell(cfg: Config) -> Plan:
    """Every node learns whose orders count now."""
    told = lines(cfg.signers)
    return Plan(settle=tuple(
        Step(do=task_named(TRUST).on(node.name, signers=told), beside=number > 0,
             title=f"signers on {node.name}")
        for number, node in enumerate(cfg.online())))


def then(cfg: Config) -> tuple[Operation, ...]:
    """What follows a change of the signers."""
    if not cfg.cluster.hardened:
        return ()
    from gnt.commands.cluster.signer_tell import SignerTell

    return (SignerTell(),)
