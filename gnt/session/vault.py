"""The key of private OS parameters, and the secret ones of the running command (ADR 0080)."""

from __future__ import annotations

from gnt.errors import Conflict, Damaged, NoMajority
from gnt.model import private
from gnt.plan import Script, node_task, script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from gnt.engine.ports import Key
    from gnt.model.config import Config
    from gnt.plan import Call, Progress
    from gnt.session import Session
    from gnt.spec import Seen
    from gnt.ssh.transport import SshTransport

SIZE = 64  # bytes of a key: AES-256-SIV


@node_task(deadline=15)
def held() -> Script[str]:
    """The key, in base64; empty when the node has none."""
    return script("cat /var/lib/gnt/keys/params 2>/dev/null || :", parse=_key_text)


def _key_text(output: str) -> str:
    """What a candidate holds; ValueError when that is no key."""
    import base64

    text = output.strip()
    if text and len(base64.b64decode(text, validate=True)) != SIZE:
        raise ValueError("the key of the private OS parameters is damaged")
    return text


_KEEP = """umask 077
cd /var/lib/gnt/keys && cat >params.new && sync params.new || exit 1
if [ "$1" = first ] && ! ln -T params.new params; then rm -f params.new; exit 0; fi
if [ "$1" = first ]; then rm -f params.new; else mv -f params.new params; fi
sync .
"""


@node_task(deadline=15)
def keep(how: str, key: str) -> Script[None]:
    """Keep this key; ``how``: first (unless there is one) or copy."""
    return script(_KEEP, how, stdin=key.encode() + b"\n")


class Vault:
    """Seals and opens values for one session.  ``ask`` puts calls to nodes."""

    def __init__(
        self, config: Callable[[], Config], ask: Callable[[Iterable[Call[Any]]], Seen],
    ) -> None:
        self._config, self._ask = config, ask
        self._keys: tuple[str, ...] = ()
        self._secrets: Mapping[str, str] = {}

    def confide(self, secrets: Mapping[str, str]) -> None:
        """These are the secret parameters of the job that comes next."""
        self._secrets = dict(secrets)

    def seal(self, owner: str, values: Mapping[str, str]) -> dict[str, str]:
        """The values as marks.  The same value of the same owner gives the same mark."""
        import base64

        key = self._key(make=True)
        return {
            name: private.SEALED + base64.b64encode(
                key.encrypt(f"{owner}/{name}\0{value}".encode(), None)).decode()
            for name, value in values.items()}

    def reveal(self, call: Call[Any]) -> Call[Any]:
        """The call as it is sent: with values in place of marks; the same one without any."""
        found = set(private.marks(call.args))
        if not found:
            return call
        values = {mark: self._value(mark) for mark in found}
        return call.replace(args=private.opened(call.args, values))

    def spread(self, cfg: Config) -> None:
        """Every candidate holds the key, if anything needs it."""
        if private.anything_sealed(cfg):
            self._keys = ()
            self._key(make=False)

    def _value(self, mark: str) -> str:
        if mark.startswith(private.SECRET):
            name = mark[len(private.SECRET):]
            if name not in self._secrets:
                raise Conflict(f"the secret OS parameter {name} is needed, and is never stored",
                               hint=f"gnt-job resume JOB --os-parameters-secret {name}=…")
            return self._secrets[name]
        import base64

        sealed = base64.b64decode(mark[len(private.SEALED):])
        self._key(make=False)
        for text in self._keys:
            opened = _opened(text, sealed)
            if opened is not None:
                return opened.partition("\0")[2]
        raise Damaged("a private OS parameter cannot be opened with the key that the candidates "
                      "hold", hint="gnt-instance modify --os-parameters-private sets it anew")

    def _key(self, *, make: bool) -> Any:
        if not self._keys:
            self._keys = self._fetched(self._config(), make=make)
        return _siv(self._keys[0])

    def _fetched(self, cfg: Config, *, make: bool) -> tuple[str, ...]:
        """The keys that candidates hold, the most frequent first; whoever lacks it is given it."""
        master = cfg.master.name
        names = [node.name for node in cfg.candidates]
        answers = self._held(names)
        if not any(answers.values()):
            if private.anything_sealed(cfg) or not make:
                raise Damaged("no master candidate that answers has the key of the private OS "
                              "parameters", hint="gnt-node list; a candidate that is down may")
            self._ask([keep.on(master, "first", _fresh())])
            answers |= self._held([master])
        keys = [key for key in answers.values() if key]
        if not keys:
            raise Damaged(f"{master} did not keep the key of the private OS parameters")
        best = max(keys, key=keys.count)
        lacking = [keep.on(name, "copy", best) for name in names if answers.get(name) == ""]
        seen = self._ask(lacking)
        have = len(keys) + sum(seen.failed(call) is None for call in lacking)
        if make and have * 2 <= len(names):
            raise NoMajority(f"the key of the private OS parameters is on {have} of {len(names)} "
                             "master candidates only", hint="gnt-node list")
        return (best, *{key for key in keys if key != best})

    def _held(self, names: list[str]) -> dict[str, str]:
        calls = [held.on(name) for name in names]
        seen = self._ask(calls)
        return {call.node: seen[call] for call in calls if seen.failed(call) is None}


def _fresh() -> str:
    import base64
    import os

    return base64.b64encode(os.urandom(SIZE)).decode()


def _siv(text: str) -> Any:
    import base64

    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    return AESSIV(base64.b64decode(text))


def _opened(text: str, sealed: bytes) -> str | None:
    from cryptography.exceptions import InvalidTag

    try:
        opened: bytes = _siv(text).decrypt(sealed, None)
        return opened.decode()
    except (InvalidTag, ValueError):
        return None


class Revealing:
    """The session's transport, but calls of jobs are sent with values in place of marks.

    What answers are filed under, and what is told of, is the call as it was planned.
    """

    def __init__(self, transport: SshTransport, session: Session) -> None:
        self._transport, self._session = transport, session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def perform(
        self, calls: Sequence[Call[Any]], *, fence: str,
        tell: Callable[[Call[Any], Progress], None] | None = None,
    ) -> dict[Key, Any]:
        """``engine.ports.Transport.perform``."""
        if not any(True for call in calls for _ in private.marks(call.args)):
            return self._transport.perform(calls, fence=fence, tell=tell)
        sent = [self._session.vault.reveal(call) for call in calls]
        planned = {clear.key: call for clear, call in zip(sent, calls, strict=True)}

        def tell_planned(call: Call[Any], progress: Progress) -> None:
            if tell is not None:
                tell(planned[call.key], progress)

        answers = self._transport.perform(sent, fence=fence, tell=tell_planned)
        return {planned[key].key: answer for key, answer in answers.items()}
