"""What one driver works with: the store, the transport, who listens, and the lock it lives by."""

from __future__ import annotations

import time
from contextlib import ExitStack

from gnt.engine import job as transactions
from gnt.engine.record import operation_named
from gnt.engine.stop import Stop
from gnt.model import inherit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Any

    from gnt.engine.ports import Key, Listener, Store, Transport
    from gnt.model.config import Config
    from gnt.plan import Call
    from gnt.spec import Operation


FRESH = 2.0  # seconds


class Desk:
    """Shared by everything that a driver does for one job."""

    def __init__(
        self, store: Store, transport: Transport, listener: Listener, *,
        stop: Stop | None = None, clock: Callable[[], float] = time.time,
        tell: Callable[[str], None] = lambda message: None,
        find: Callable[[str], type[Operation]] = operation_named,
        confide: Callable[[Operation], None] = lambda operation: None,
        equip: Callable[[Config], None] = lambda cfg: None,
    ) -> None:
        self.store, self.transport, self.listener = store, transport, listener
        self.stop = stop or Stop()
        self.clock, self.tell, self.find = clock, tell, find
        self.confide = confide  # hears of an operation that is about to begin, for its secrets
        self.equip = equip  # hears the state that a job ended in which made a master candidate
        self._last: tuple[float, Config] | None = None

    def read(self) -> Config:
        """The committed state; the transport learns where its nodes are."""
        cfg = self.store.read()
        self.know(cfg)
        self._last = time.monotonic(), cfg
        return cfg

    def first(self) -> Config:
        """The state with which a job begins: one that was read a moment ago will do, as the commit
        looks at the state it is made on."""
        last, self._last = self._last, None
        if last is not None and time.monotonic() - last[0] < FRESH:
            return last[1]
        return self.read()

    def outdated(self) -> None:
        """What was read a moment ago will not do: another node is the master now."""
        self._last = None

    def know(self, cfg: Config) -> None:
        """Tell the transport where the nodes of this state are."""
        know(self.transport, cfg)

    def approach(self, cfg: Config) -> None:
        """As ``know``, for what is about to change this state: while facts are asked, connections
        to the candidates come up that the commit will need."""
        self.know(cfg)
        self.transport.warm([node.name for node in cfg.candidates], owner=cfg.master.name)

    def ask(self, cfg: Config, calls: Sequence[Call[Any]]) -> Mapping[Key, Any]:
        """The facts that a plan on this state needs."""
        return self.transport.ask(calls)


def know(transport: Transport, cfg: Config) -> None:
    """Tell the transport where the nodes of this state are."""
    ports = {node.name: inherit.node(cfg, node).ssh_port for node in cfg.nodes}
    transport.know(cfg.nodes, cfg.term, ports=ports)
    if cfg.cluster.hardened:
        transport.obey((cfg.term, cfg.serial), [signer.obeyed for signer in cfg.signers])


def in_charge(desk: Desk, life: Life, cfg: Config, job_id: str, driver: str) -> Config:
    """A state in which the job is ours and the lock of ``life`` is on its master.

    ``cfg`` is what the commit that made it ours returned.  Another master may have come between:
    then nobody sees our lock any longer, and somebody may have taken the job over, even ended it.
    Conflict or NotFound then: its steps are no longer ours to take.
    """
    transactions.pending(cfg, job_id, driver)
    while cfg.master.name != life.master:
        life.begin(cfg.master.name, job_id)
        cfg = desk.store.commit(lambda now: transactions.claimed(now, job_id, driver))
    return cfg


class Life:
    """The liveness lock of one job at a time, held on the master while this process lives."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.job = self.master = ""
        self._held = ExitStack()

    def begin(self, master: str, job: str) -> None:
        """Hold the lock of ``job`` on this master and no other; Busy when its driver lives."""
        if (master, job) == (self.master, self.job):
            return
        self.end()
        self._held.enter_context(self.transport.own(master, job))
        self.master, self.job = master, job

    def end(self) -> None:
        self.job = self.master = ""
        self._held.close()

    def __enter__(self) -> Life:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
