"""SSH packets, in few steps, and without a thread that wakes for each of them.

paramiko has one thread per connection, which reads every packet in two pieces and takes it through
five layers.  While a fan-out runs, two hundred of them wake for some eighty bytes each, and all
want the interpreter's lock.  :class:`Packets` replaces paramiko's packet layer by its public hook
(``packetizer_class``) once AES-GCM is agreed on: the output of kept shells goes straight to them,
and while there is nothing but such output, one thread reads for all connections
(``reading.py``); the connection's own thread sleeps.  See man/adr/0025-one-reader.md.

Imported only inside functions: paramiko is slow to load.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading

from paramiko.message import Message
from paramiko.packet import NeedRekeyException, Packetizer
from paramiko.ssh_exception import SSHException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gnt.ssh.reading import Reader

    Sink = Callable[[int, bytes], None]  # (0: stdout, 1: stderr; what came)

PIECE = 1 << 16
LARGEST = 1 << 18  # bytes of a packet that sshd ever sends
DATA, MORE_DATA = 94, 95  # SSH_MSG_CHANNEL_DATA, SSH_MSG_CHANNEL_EXTENDED_DATA
REMARKS = (2, 4)  # SSH_MSG_IGNORE, SSH_MSG_DEBUG: paramiko would look at each character to log it
BLOCK = 16  # bytes to which AES pads
PADDING = os.urandom(2 * BLOCK)  # it is encrypted and authenticated: what it says does not matter


class NodeSocket(socket.socket):
    """Reads ahead, and acknowledges at once until the first command runs.

    Until it has started a command, sshd sends small packets and waits for acknowledgements
    (Nagle); a delayed one costs 40 ms per connection.
    """

    eager = True
    _ahead = b""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        if not self._ahead:
            self._ahead = super().recv(PIECE, flags)
            if self.eager:
                with contextlib.suppress(OSError):  # it may have ended; what it sent is good
                    self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return data


class Gcm:
    """One direction of AES-GCM in SSH (RFC 5647): a counter that steps with each packet."""

    def __init__(self, engine: Any, start: bytes, tag: int) -> None:
        self.engine, self.tag = engine, tag
        self._fixed, self._count = start[:4], int.from_bytes(start[4:], "big")
        self.packets = self.bytes = 0

    def nonce(self, size: int) -> bytes:
        """The next one, for a packet of ``size`` bytes."""
        made = self._fixed + self._count.to_bytes(8, "big")
        self._count += 1
        self.packets += 1
        self.bytes += size
        return made


def _gcm(named: dict[str, Any], start: str) -> Gcm | None:
    return Gcm(named["block_engine"], named[start], named["mac_size"]) if named["aead"] else None


class Packets(Packetizer):
    """The packet layer of one connection."""

    def __init__(self, wire: NodeSocket) -> None:
        super().__init__(wire)
        self._wire = wire
        self._opens: Gcm | None = None
        self._seals: Gcm | None = None
        self._sending = threading.RLock()
        self._came = b""
        self._number = 0  # of the next packet that comes
        self._found: tuple[int, Message] | None = None  # for the connection's own thread
        self._ended: Exception | None = None
        self._turn = threading.Semaphore(0)  # of the connection's own thread
        self.reader: Reader | None = None  # who may read for us
        self.sinks: dict[bytes, Sink] = {}  # by channel, as packets name it
        self.over = False  # the connection is given up: channels need no ends of their own

    # --- what paramiko tells -------------------------------------------------------------------

    def set_inbound_cipher(self, *args: Any, **named: Any) -> None:
        super().set_inbound_cipher(*args, **named)
        self._opens = _gcm(named, "iv_in")

    def set_outbound_cipher(self, *args: Any, **named: Any) -> None:
        super().set_outbound_cipher(*args, **named)
        self._seals = _gcm(named, "iv_out")

    def reset_seqno_in(self) -> None:
        super().reset_seqno_in()
        self._number = 0

    def close(self) -> None:
        if self.reader is not None:
            self.reader.recall(self)
        super().close()

    # --- reading: for the connection's own thread ----------------------------------------------

    def read_message(self) -> tuple[int, Message]:
        """The next packet that paramiko has to see.

        Who has just had one reads on; who reads nothing but the output of shells rests.
        """
        if self._opens is None:
            self._number += 1
            return super().read_message()
        busy = True
        while True:
            if self._found is None and self._ended is None:
                self._found = self._next()
            if self._found is not None:
                found, self._found = self._found, None
                return found
            if self._ended is not None:
                raise self._ended
            if self.closed:
                raise EOFError
            if busy or self.reader is None:
                self._wait()
            else:
                self._rest(self.reader)
            busy = not busy  # handed back without a packet: look for what is wrong

    def _rest(self, reader: Reader) -> None:
        """Let the reader read until there is something for us."""
        reader.watch(self)
        self._turn.acquire()
        if self._found is None and self.need_rekey():
            raise NeedRekeyException

    def _wait(self) -> None:
        """Until something comes, or half a second, as paramiko does it."""
        if self.handshake_timed_out():
            raise EOFError
        try:
            data = self._wire.recv(PIECE)
        except TimeoutError:
            if self.need_rekey():
                raise NeedRekeyException from None
            return
        except OSError:
            if self.closed:
                raise EOFError from None
            raise
        if not data:
            raise EOFError
        self._came += data

    # --- reading: for the reader ---------------------------------------------------------------

    def fileno(self) -> int:
        return self._wire.fileno()

    def pump(self) -> bool:
        """Take in what is there, without waiting; false: the own thread has to look at it."""
        try:
            data = os.read(self._wire.fileno(), PIECE)
        except BlockingIOError:
            return True
        except OSError as error:
            self._ended = error
            return False
        if not data:
            self._ended = EOFError()
            return False
        self._came += data
        try:
            self._found = self._next()
        except Exception as error:  # noqa: BLE001 - raised again by the own thread
            self._ended = error
        return self._found is None and self._ended is None and not self.need_rekey()

    def pass_on(self) -> None:
        """It is the own thread's turn."""
        self._turn.release()

    # --- packets -------------------------------------------------------------------------------

    def _next(self) -> tuple[int, Message] | None:
        """Hand out the output of kept shells, up to a packet that is none."""
        came, at = self._came, 0
        try:
            while (end := self._end(came, at)) <= len(came):
                plain, at = self._opened(came[at:end]), end
                number, self._number = self._number, (self._number + 1) & 0xFFFFFFFF
                if plain[1] in REMARKS:
                    continue
                sink = self.sinks.get(plain[2:6]) if plain[1] in (DATA, MORE_DATA) else None
                last = len(plain) - plain[0]
                if sink is None:
                    message = Message(plain[2:last])
                    message.seqno = number
                    return plain[1], message
                if plain[1] == DATA:
                    sink(0, plain[10:last])
                else:
                    sink(1, plain[14:last])
            return None
        finally:
            self._came = came[at:]

    def _end(self, came: bytes, at: int) -> int:
        """Where the packet ends that begins at ``at``; behind all that came, if not yet known."""
        if len(came) < at + 4:
            return len(came) + 1
        assert self._opens is not None
        size = int.from_bytes(came[at:at + 4], "big")
        if not BLOCK <= size <= LARGEST:
            raise SSHException(f"a packet of {size} bytes")
        return at + 4 + size + self._opens.tag

    def _opened(self, packet: bytes) -> bytes:
        """Length of the padding, payload, padding; raises when it was tampered with."""
        opens, head = self._opens, packet[:4]
        assert opens is not None
        plain: bytes = opens.engine.decrypt(opens.nonce(len(packet)), packet[4:], head)
        if self._worn(opens):
            self._renew()
        return plain

    def send_message(self, data: Any) -> None:
        if self._seals is None:
            super().send_message(data)
            return
        payload = data.asbytes()
        with self._sending:
            seals = self._seals
            padding = 3 + BLOCK - (len(payload) + 4) % BLOCK
            size = len(payload) + padding + 1
            head = size.to_bytes(4, "big")
            plain = b"%c%b%b" % (padding, payload, PADDING[:padding])
            self.write_all(head + seals.engine.encrypt(seals.nonce(size), plain, head))
            worn = self._worn(seals)
        if worn:
            self._renew()
            if self.reader is not None:
                self.reader.recall(self)

    def _worn(self, keys: Gcm) -> bool:
        """Whether it is time to ask for new keys."""
        return (keys.bytes >= self.REKEY_BYTES or keys.packets >= self.REKEY_PACKETS) and (
            not self.need_rekey())

    def _renew(self) -> None:
        """Have new keys agreed on; the connection's own thread looks for this."""
        super()._trigger_rekey()  # type: ignore[misc]  # private in paramiko

    def write_all(self, out: Any) -> None:
        """What the kernel takes at once is written at once."""
        try:
            sent = os.write(self._wire.fileno(), out)
        except BlockingIOError:
            sent = 0
        except OSError:
            raise EOFError from None
        if sent < len(out):
            super().write_all(out[sent:])
