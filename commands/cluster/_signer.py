"""Signers, as commands name them."""

from __future__ import annotations

from gnt.errors import Conflict, Invalid, NotFound
from gnt.model.access import OWNER
from gnt.model.objects import Signer
from gnt.values import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config

KEY_START = b"\0\0\0\x0bssh-ed25519\0\0\0 "  # then 32 bytes


def read_key(text: str) -> str:
    """``ssh-ed25519 AAAA…`` of a public key line, or of the file that holds it."""
    if not text.startswith("ssh-"):
        text = _content(text)
    words = text.split()
    if len(words) < 2 or words[0] != "ssh-ed25519" or not _is_ed25519(words[1]):
        raise Invalid("", f"{text[:60].strip()!r} is not an Ed25519 public key",
                      hint="ssh-keygen -t ed25519; then name the .pub file")
    return f"{words[0]} {words[1]}"


def _read_login_key(text: str) -> str:
    """``ssh-… AAAA…`` of a public key line, or of the file that holds it; of any kind."""
    from gnt.commands._access import fingerprint

    words = (text if " " in text.strip() else _content(text)).split()
    if len(words) < 2 or not words[0].startswith(("ssh-", "ecdsa-", "sk-")):
        raise Invalid("", f"{text[:60].strip()!r} is not an OpenSSH public key",
                      hint="name a .pub file, or paste its line")
    key = f"{words[0]} {words[1]}"
    fingerprint(key)
    return key


def _content(file: str) -> str:
    try:
        with open(file, encoding="utf-8") as opened:
            return opened.read(8192)
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("", f"cannot read a public key from {file}: {error}") from None


def _is_ed25519(encoded: str) -> bool:
    from binascii import a2b_base64, b2a_base64

    try:
        data = a2b_base64(encoded, strict_mode=True)
    except ValueError:
        return False
    start = data[: len(KEY_START)] == KEY_START and len(data) == len(KEY_START) + 32
    return start and b2a_base64(data, newline=False).decode() == encoded


def _name(text: str) -> str:
    if text.startswith(OWNER):  # a node's key would be taken for it
        raise ValueError(text)
    allowed = set("@._+-")  # what a line of allowed_signers can hold as a name
    if not 1 <= len(text) <= 64 or text[0] in ".-" or not all(
            (c.isascii() and c.isalnum()) or c in allowed for c in text):
        raise ValueError(text)
    return text


PUBLIC_KEY: Kind[str] = Kind(read_key, "KEY", "an Ed25519 public key, or a file with one")
LOGIN_KEY: Kind[str] = Kind(_read_login_key, "KEY", "a public key, or a file with one")
SIGNER_NAME: Kind[str] = Kind(_name, "NAME", "a name: letters, digits and @._+-")


def _until(text: str) -> int:
    import calendar
    import time

    if text == "never":
        return 0
    return calendar.timegm(time.strptime(text, "%Y-%m-%d"))


UNTIL: Kind[int] = Kind(_until, "DATE", "a date as 2027-06-30, or never")


def require_lasting(cfg: Config, new: Signer) -> None:
    """Raise Conflict when nobody would be left who may sign for ever: all could be locked out."""
    others = [one for one in cfg.signers if one.name != new.name and one.comment != "node"]
    if new.valid_until and not any(not one.valid_until for one in others):
        raise Conflict(f"nobody but {new.name} may sign without an end: one day nobody could",
                       hint="let another signer have no end: gnt-cluster signer modify "
                            "--valid-until=never NAME")


def signer(cfg: Config, name: str) -> Signer:
    """The signer of this name; NotFound lists who there is."""
    found = cfg.get(Signer, name)
    if found is None:
        names = ", ".join(signer.name for signer in cfg.signers)
        raise NotFound(f"there is no signer {name} (there are: {names})",
                       hint="gnt-cluster signer list")
    return found
