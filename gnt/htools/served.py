"""An answer of a web server: whole, in time, and from whom it was asked.

An address may hold ``USER:PASSWORD@`` and end in ``#sha256=…``: then the server's certificate is
known by its fingerprint instead of by an authority and a name, which those of RAPI servers, made
for themselves, do not have.
"""

from __future__ import annotations

from gnt.htools.world import BadData
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

PIN = "sha256="


class Server(Record):
    """An address, taken apart."""

    url: str  # without what is secret
    user: str = ""  # USER:PASSWORD
    pin: str = ""  # of the certificate, in small hexadecimal digits

    @staticmethod
    def at(address: str) -> Server:
        from urllib.parse import unquote, urlsplit

        shown = address.rpartition("@")[2]  # a mistyped one may have its password anywhere before
        try:
            parts = urlsplit(address)
        except ValueError as error:
            raise BadData(f"{shown}: {error}") from None
        user, _, host = parts.netloc.rpartition("@")
        plain = parts._replace(netloc=host, fragment="").geturl().rstrip("/")
        if parts.scheme not in ("http", "https") or not host or "@" in plain:
            raise BadData(f"{shown}: only http, https and file addresses can be read",
                          hint="https://HOST:PORT")
        pin = parts.fragment.lower().replace(":", "").removeprefix(PIN)
        if parts.fragment and (not parts.fragment.startswith(PIN) or len(pin) != 64
                               or not set(pin) <= set("0123456789abcdef")):
            raise BadData(f"{plain}: what follows # is not {PIN} and 64 hexadecimal digits")
        return Server(url=plain, user=unquote(user), pin=pin)

    def fetch(self, path: str, *, seconds: float, most: int) -> bytes:
        """What the server says of a path, in so many seconds and bytes altogether."""
        import http.client
        import time
        import urllib.error

        url = self.url + path
        latest = time.monotonic() + seconds
        try:
            return in_time(seconds, lambda: self._answer(
                url, seconds, most, lambda: time.monotonic() > latest))
        except urllib.error.HTTPError as error:
            raise _refused(url, error.code, error.reason) from None
        except (urllib.error.URLError, OSError, ValueError, http.client.HTTPException) as error:
            raise self._unread(url, getattr(error, "reason", error), seconds) from None

    def _answer(self, url: str, seconds: float, most: int, late: Callable[[], bool]) -> bytes:
        import urllib.request

        asked = urllib.request.Request(url)
        if self.user:
            import base64

            word = base64.b64encode(self.user.encode()).decode()
            asked.add_unredirected_header("Authorization", f"Basic {word}")
        with _opener(self.pin).open(asked, timeout=seconds) as answer:
            return _all(answer, url, most, late)

    def _unread(self, url: str, why: Any, seconds: float) -> BadData:
        import http.client

        if isinstance(why, TimeoutError):
            return BadData(f"{url}: no whole answer within {seconds:.0f} s")
        if isinstance(why, http.client.IncompleteRead):
            return BadData(f"{url}: the answer is cut off")
        if isinstance(why, http.client.BadStatusLine) and not isinstance(why, OSError):
            return BadData(f"{url}: what answers there does not speak HTTP")
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(why)
        return BadData(f"{url}: {why}", hint=self._trust() if untrusted else "")

    def _trust(self) -> str:
        """How to trust the certificate that was shown."""
        import hashlib
        import ssl
        from urllib.parse import urlsplit

        parts = urlsplit(self.url)
        hint = "SSL_CERT_FILE=FILE names the authority to trust"
        try:
            shown = in_time(5, lambda: ssl.get_server_certificate(
                (parts.hostname or "", parts.port or 443)))
            pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
        except (OSError, ValueError):
            return hint
        return (f"{hint}; or trust this certificate alone, if the fingerprint is the server's: "
                f"{parts.scheme}://{parts.netloc}#{PIN}{pin}")


def in_time(seconds: float, act: Callable[[], T]) -> T:
    """What it returns or raises; TimeoutError when that takes longer, whatever it waits for."""
    import threading

    done: list[Callable[[], T]] = []

    def work() -> None:
        try:
            value = act()
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            done.append(lambda error=error: _raise(error))  # type: ignore[misc]  # bound now
        else:
            done.append(lambda: value)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if not done:
        raise TimeoutError
    return done[0]()


def _raise(error: Exception) -> Any:
    raise error


def _opener(pin: str) -> Any:
    """HTTP and nothing else, wherever an answer leads."""
    import urllib.request as web

    opener = web.OpenerDirector()
    for handler in (web.ProxyHandler(), web.UnknownHandler(), web.HTTPHandler(), _https(pin),
                    web.HTTPDefaultErrorHandler(), web.HTTPRedirectHandler(),
                    web.HTTPErrorProcessor()):
        opener.add_handler(handler)
    return opener


def _https(pin: str) -> Any:
    import hashlib
    import http.client
    import ssl
    import urllib.request as web

    if not pin:
        return web.HTTPSHandler()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the pin is what counts

    class Known(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            shown = hashlib.sha256(self.sock.getpeercert(True) or b"").hexdigest()
            if shown != pin:
                self.close()
                raise OSError(f"the certificate's fingerprint is another one, {shown}")

    class Handler(web.HTTPSHandler):
        def https_open(self, req: web.Request) -> Any:
            return self.do_open(Known, req, context=context)

    return Handler(context=context)


def _all(answer: Any, url: str, most: int, late: Callable[[], bool]) -> bytes:
    """The whole body, of the length that was announced."""
    parts, size = [], 0
    while part := answer.read1(1 << 16):
        parts.append(part)
        size += len(part)
        if size > most:
            raise BadData(f"{url}: the answer is longer than {most} bytes")
        if late():
            raise TimeoutError
    announced = answer.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) != size:
        raise BadData(f"{url}: the answer ended after {size} of {announced} bytes")
    return b"".join(parts)


def _refused(url: str, code: int, reason: str) -> BadData:
    if 300 <= code < 400:
        return BadData(f"{url}: the server sends from one address to the other ({code}), which "
                       "leads nowhere")
    return BadData(f"{url}: the server says {code} {reason}",
                   hint="the address may be https://USER:PASSWORD@HOST:PORT" if code == 401 else "")
