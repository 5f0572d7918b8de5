"""A client of ssh-agent (the protocol of RFC draft-miller-ssh-agent): list keys, sign.

One connection per request, so that threads need no lock.
"""

from __future__ import annotations

from gnt.errors import GntError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST_IDENTITIES, IDENTITIES, SIGN_REQUEST, SIGN_RESPONSE = 11, 12, 13, 14
RSA_FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}
LARGEST = 256 << 10


class AgentKey:
    """A key in the agent; ``public`` is its OpenSSH line."""

    def __init__(self, agent: Agent, blob: bytes, comment: str) -> None:
        import base64

        kind = next(_strings(blob)).decode("ascii", "replace")
        self.public = f"{kind} {base64.b64encode(blob).decode()}"
        self.blob = blob
        self.comment = comment
        self._agent = agent

    def sign(self, data: bytes, algorithm: str = "") -> bytes:
        """The SSH signature blob: string algorithm, string signature.  May wait for a person."""
        kind = self.public.split(" ", 1)[0]
        flags = RSA_FLAGS.get(algorithm, RSA_FLAGS["rsa-sha2-512"] if kind == "ssh-rsa" else 0)
        body = _string(self.blob) + _string(data) + flags.to_bytes(4, "big")
        answer = self._agent.request(SIGN_REQUEST, body, SIGN_RESPONSE, f"sign with {self.comment}")
        return next(_strings(answer))


class Agent:
    """``path``: its socket, by default ``$SSH_AUTH_SOCK``."""

    def __init__(self, path: str = "") -> None:
        import os

        self._path = path or os.environ.get("SSH_AUTH_SOCK", "")
        if not self._path:
            raise GntError("there is no ssh-agent", hint="type: eval $(ssh-agent); ssh-add")

    def held(self) -> tuple[AgentKey, ...]:
        answer = self.request(REQUEST_IDENTITIES, b"", IDENTITIES, "list its keys")
        count = int.from_bytes(answer[:4], "big")
        fields = list(_strings(answer[4:]))
        if len(fields) != 2 * count:
            raise self._failure("list its keys", "its answer makes no sense")
        pairs = zip(fields[::2], fields[1::2], strict=True)
        return tuple(AgentKey(self, blob, note.decode("utf-8", "replace")) for blob, note in pairs)

    def request(self, kind: int, body: bytes, expected: int, what: str) -> bytes:
        """Send one message and return the body of the answer."""
        import socket

        try:
            with socket.socket(socket.AF_UNIX) as agent:
                agent.settimeout(60)
                agent.connect(self._path)
                agent.sendall(_string(bytes([kind]) + body))
                length = int.from_bytes(_exactly(agent, 4), "big")
                if not 0 < length <= LARGEST:
                    raise self._failure(what, "its answer makes no sense")
                answer = _exactly(agent, length)
        except OSError as error:
            raise self._failure(what, str(error)) from None
        if answer[0] != expected:
            raise self._failure(what, "it refused")
        return answer[1:]

    def _failure(self, what: str, why: str) -> GntError:
        return GntError(f"ssh-agent at {self._path} did not {what}: {why}",
                        hint="see which keys it holds: ssh-add -l")


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _strings(data: bytes) -> Iterator[bytes]:
    while data:
        length = int.from_bytes(data[:4], "big")
        if len(data) < 4 + length:
            raise GntError("ssh-agent's answer is cut off")
        yield data[4 : 4 + length]
        data = data[4 + length :]


def _exactly(agent: object, size: int) -> bytes:
    import socket

    assert isinstance(agent, socket.socket)
    data = b""
    while len(data) < size:
        piece = agent.recv(size - len(data))
        if not piece:
            raise OSError("it closed the connection")
        data += piece
    return data
