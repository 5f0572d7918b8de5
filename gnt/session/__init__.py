"""One command's use of one cluster: the only place that wires store, transport and engine.

Everything is made on first use, so a command that needs no network loads none of it.
"""

from __future__ import annotations

import os

from gnt.errors import GntError, NodeFailed
from gnt.spec import Lines, Operation, Seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    from gnt.config.context import Context
    from gnt.config.ledger import Ledger
    from gnt.config.signature import Signing
    from gnt.engine.desk import Desk
    from gnt.engine.jobs import Jobs
    from gnt.engine.ports import Front, Store
    from gnt.engine.together import Questions
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call, Edit
    from gnt.session.riding import Riding
    from gnt.session.vault import Vault
    from gnt.spec import Contexts, Document, Settings, Table
    from gnt.ssh.identity import Identities
    from gnt.ssh.transport import SshTransport

    D = TypeVar("D", bound=Desk)


class Session:
    """``spec.Session`` for one command line."""

    def __init__(self, settings: Settings, front: Front) -> None:
        self.settings, self.front = settings, front
        self._context: Context | None = None
        self._transport: SshTransport | None = None
        self._store: Riding | None = None
        self._desk: Desk | None = None
        self._vault: Vault | None = None
        self._strange = False  # whether there was no copy of the configuration here

    # --- wiring --------------------------------------------------------------------------------

    @property
    def context(self) -> Context:
        """Which cluster, where it is, whom we trust, and with which keys we come."""
        if self._context is None:
            from gnt.config.context import find

            self._context = find(self.settings.cluster)
        return self._context

    @property
    def identities(self) -> Identities:
        from gnt.ssh.identity import Identities

        agent = os.environ.get("SSH_AUTH_SOCK", "") if self.context.agent else ""
        return Identities(files=self.context.login, agent=agent)

    @property
    def transport(self) -> SshTransport:
        if self._transport is None:
            from gnt.ssh.gate.orders import Orders
            from gnt.ssh.transport import SshTransport

            self._transport = SshTransport(
                self.identities, here=self.context.here,
                orders=Orders(self._ordered, self._recorded))
            self.know(self.context.nodes)
        return self._transport

    @property
    def store(self) -> Riding:
        if self._store is None:
            from gnt.config.candidate import LocalCandidate
            from gnt.config.consent import ConsentFile
            from gnt.config.context import HERE
            from gnt.config.disk import Disk
            from gnt.config.record import Author
            from gnt.config.remote import RemotePeers
            from gnt.config.store import SignedStore
            from gnt.session.riding import Riding, copy_of

            context = self.context
            local = {context.here: LocalCandidate(Disk(f"{HERE}/config"))} if context.here else {}
            author = Author(self.who, self.signing)
            if self.settings.consent:
                author.asked = ConsentFile(self.settings.consent).asked
            signed = SignedStore(
                RemotePeers(self.transport, local), copy_of(context), author,
                hints=[node.name for node in context.nodes] or [context.here])
            known = signed.cached()
            if known is not None:
                self._learn(known)
            self._strange = known is None
            self._store = Riding(signed, self.transport)
        return self._store

    def signing(self) -> Signing:
        from gnt.session.signing import signing

        return signing(self.context.signer)

    def _ordered(self, order: bytes) -> bytes:
        """The signature that a hardened node wants to see (``gnt.ssh.gate``)."""
        from gnt.config.signature import armored, sign
        from gnt.ssh.gate.orders import NAMESPACE

        return armored(sign(order, self.signing(), NAMESPACE)).encode()

    def _recorded(self, job: str) -> tuple[bytes, bytes]:
        """The record of a job that we drive, which such a node wants to see, too."""
        return self.desk.store.record_of(job)

    @property
    def desk(self) -> Desk:
        if self._desk is None:
            from gnt.engine.desk import Desk

            self._desk = self._seated(Desk, self.store)
        return self._desk

    def sit_with(self, store: Store, questions: Questions) -> Desk:
        """The desk of one of many threads, who share a store and ask together."""
        from gnt.engine.together import DeskOfMany

        desk = self._seated(DeskOfMany, store)
        desk.questions = questions
        self._desk = desk
        return desk

    def _seated(self, kind: type[D], store: Store) -> D:
        from gnt.session.vault import Revealing

        return kind(
            store, Revealing(self.transport, self), self.front.listener, tell=self.front.tell,
            confide=lambda operation: self.confide(operation.secrets()), equip=self._equip)

    @property
    def vault(self) -> Vault:
        if self._vault is None:
            from gnt.session.vault import Vault

            self._vault = Vault(self.known, self.ask)
        return self._vault

    def _equip(self, cfg: Config) -> None:
        """Let every candidate have what the others have."""
        self.store.signed.redistribute()
        self.vault.spread(cfg)

    def seal(self, owner: str, values: Mapping[str, str]) -> dict[str, str]:
        return self.vault.seal(owner, values)

    def confide(self, secrets: Mapping[str, str]) -> None:
        if secrets or self._vault is not None:
            self.vault.confide(secrets)

    def _learn(self, cfg: Config) -> None:
        from gnt.engine.desk import know

        know(self.transport, cfg)
        self.transport.hardened = cfg.cluster.hardened

    @property
    def here(self) -> str:
        """The name of the node that this machine is; empty elsewhere."""
        return self.context.here

    @property
    def who(self) -> str:
        """This user, as the history will name them."""
        return f"{_user()}@{os.uname().nodename}"

    @property
    def round_trips(self) -> int:
        """Round trips on the critical path so far (``--timing``)."""
        return self._transport.round_trips if self._transport else 0

    @property
    def late(self) -> tuple[str, ...]:
        """Candidates that commits did not wait for."""
        return tuple(sorted(self._transport.late)) if self._transport else ()

    def begin(self, context: Context) -> None:
        """Go on with this context; connections made for another one are ended."""
        self.close()
        self._context, self._transport, self._store, self._desk = context, None, None, None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # --- asking --------------------------------------------------------------------------------

    def config(self) -> Config:
        cfg = self.desk.read()
        if self._strange and self.store.signed.unreached:
            cfg = self.desk.read()  # this candidate's own copy has just said where the master is
        self._remember(cfg)
        if self.store.signed.unreached:
            self.tell(f"this may not be the newest state: {self.store.signed.unreached}")
        return cfg

    def known(self) -> Config:
        """Without the master: from another candidate, or the verified copy of this machine."""
        try:
            return self.config()
        except GntError:
            cached = self.store.signed.cached()
            if cached is None:
                raise
            return cached

    def ask(self, calls: Iterable[Call[Any]]) -> Seen:
        wanted = list(calls)
        return Seen(self.transport.ask(wanted) if wanted else {})

    def _remember(self, cfg: Config) -> None:
        """What the next command of this context begins with."""
        if self.context.name:
            from gnt.config.context import update

            self._context = update(self.context, [signer.key for signer in cfg.signers],
                                   cfg.candidates, cfg.cluster.uuid)

    # --- changing ------------------------------------------------------------------------------

    def execute(self, operation: Operation) -> int:
        """Run an operation as the general options say: as a job, detached, or only planned."""
        from gnt.session.execution import Execution

        return Execution(self).execute(operation)

    def submit(self, operation: Operation) -> tuple[str, ...]:
        """Leave a request to this user's runner; the ids of its jobs.  --dry-run: only planned."""
        from gnt.session.execution import Execution

        execution = Execution(self)
        if self.settings.dry_run or self.settings.plan_out:
            execution.execute(operation)
            return ()
        return tuple(execution.submit(one) for one in operation.prepare(self))

    def apply(self, path: str) -> int:
        """Run a saved plan, or refuse with the difference when it would be another one now."""
        from gnt.session.execution import Execution

        return Execution(self).apply(path)

    @property
    def ledger(self) -> Ledger:
        from gnt.config.ledger import Ledger

        return Ledger(lambda: self.store.signed)

    @property
    def driver(self) -> str:
        """This process, for people."""
        return f"{os.uname().nodename} {os.getpid()}"

    @property
    def jobs(self) -> Jobs:
        from gnt.engine.jobs import Jobs

        return Jobs(self.desk, self.front, self.driver)

    # --- hosts, and the cluster as a whole -----------------------------------------------------

    def scan(self, host: str, port: int = 22) -> tuple[str, tuple[str, ...]]:
        from gnt.ssh.trust import scan

        shown = scan(host, port)
        return shown.address, shown.keys

    def know(self, nodes: Iterable[Node]) -> None:
        from gnt.model import inherit
        from gnt.model.inherit import NodeParams

        met = list(nodes)
        self._begin_without_cluster()
        ports = {n.name: inherit.fill(NodeParams, (n.ndparams,), n.name).ssh_port for n in met}
        self.transport.know(met, 0, ports=ports)  # whoever is no node must not get our term

    def _begin_without_cluster(self) -> None:
        """Before there is a cluster (``gnt-cluster init``) hosts are met with this user's keys;
        this machine itself, when it is to be the master, without SSH."""
        from gnt.config.context import find, fresh
        from gnt.errors import NoCluster

        if self._context is None:
            try:
                self._context = find(self.settings.cluster)
            except NoCluster:
                here = os.uname().nodename if os.geteuid() == 0 else ""
                self._context = fresh("").replace(here=here)

    def own_keys(self) -> tuple[str, ...]:
        from gnt.ssh.identity import public_keys

        return tuple(f"{key} {self.who}" for key in public_keys(self.identities))

    def create(self, objects: Mapping[str, Mapping[str, Any]], master: Node) -> None:
        from gnt.config.context import HERE, fresh, require_unknown
        from gnt.model.codec import to_data
        from gnt.model.objects import Signer

        here = self.context.here
        (cluster,) = objects["cluster"].values()
        context = fresh(cluster["cluster_name"]).replace(nodes=(master,))
        if here == master.name:
            context = context.replace(name="", here=master.name, signer=f"{HERE}/keys/signer")
        else:
            require_unknown(context.name)
        self._context, self._store, self._desk = context, None, None
        self._context = context.replace(signers=(self.signing().public,))
        author = self.store.signed.author
        data = {section: dict(things) for section, things in objects.items()}
        signers = data.setdefault("signers", {})
        if author.public not in {signer["key"] for signer in signers.values()}:
            me = Signer(name=author.who, key=author.public, comment="admin",
                        added=round(author.clock(), 3))
            signers[me.name] = to_data(me)
        cfg = self.store.signed.create(data, master.name)
        self._remember(cfg)

    def attach(self, node: Node, words: tuple[str, ...]) -> int:
        from gnt.ssh.console import attach

        self.know((node,))
        peer = self.transport.peer(node.name)
        gated = peer if getattr(peer, "gated", False) else None
        return attach(getattr(peer, "target", None), self.identities, words, gated)

    def redistribute(self) -> dict[str, NodeFailed | None]:
        return {node: NodeFailed(node, "failed", why, task="redist-conf") if why else None
                for node, why in self.store.signed.redistribute(whole=True).items()}

    def upgrade(self) -> str:
        from gnt.config import upgrade

        return upgrade.commit(self.store.signed)

    def forget(self) -> None:
        from gnt.config.context import forget

        forget(self.context)

    def take_over(
        self, node: Node, *, voting: bool, ignore_offline: bool,
        also: Callable[[Config], tuple[Edit, ...]] | None = None,
    ) -> None:
        from gnt.config.failover import take_over

        done = take_over(self.store.signed, node.name, no_voting=not voting,
                         reason=self.settings.reason, also=also)
        self.desk.outdated()
        for name, why in done.missing.items():
            if not (ignore_offline and self.store.signed.replica.config().node(name).offline):
                self.tell(f"{name} did not take part: {why}")

    @property
    def contexts(self) -> Contexts:
        from gnt.session.contexts import Known

        return Known(self)

    # --- the person ----------------------------------------------------------------------------

    def show(self, answer: Table | Document | Lines) -> None:
        self.front.show(answer)

    def tell(self, message: str) -> None:
        self.front.tell(message)

    def confirm(self, question: str, affected: Sequence[str] = ()) -> None:
        self.front.confirm(question, affected)

    def lines(self) -> Iterator[str]:
        return self.front.lines()


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
