"""What a person sees when a command fails: one message, one hint, an exit code; no traceback.

Anything that is not a :class:`~gnt.errors.GntError` is a mistake of ours: the traceback goes to a
file that only its owner can read, and the screen says where.  ``--debug`` shows it at once.
"""

from __future__ import annotations

import os
import sys

from gnt.errors import (
    Conflict,
    Damaged,
    GntError,
    NoCapacity,
    NodeFailed,
    NotAuthorised,
    UsageError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

USUAL: tuple[tuple[type[GntError], str], ...] = (
    (Damaged, "gnt-cluster config verify and gnt-cluster verify say more"),
    (NotAuthorised, "gnt-cluster signer list shows whose keys count"),
    (NoCapacity, "gnt-node list -o name,mfree,dfree,pinst_cnt shows what is free"),
    (NodeFailed, "gnt-cluster verify shows how the nodes are"),
)
SECRET = ("private", "secret", "password")  # options with these words hide their values


def explain(error: BaseException, program: str, argv: Sequence[str]) -> int:
    """Tell a person about ``error``; returns the exit code."""
    if isinstance(error, BrokenPipeError):
        return _quiet()
    _flush()
    if isinstance(error, GntError):
        _say(f"{program}: {error.message}")
        hint = error.hint or _usual(error, program, argv)
        if hint:
            _say(f"  hint: {hint}")
        if "--debug" in argv or "-d" in argv:
            _say(_traceback(error))
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        _say(f"{program}: interrupted")
        return 130
    if "--debug" in argv or "-d" in argv:
        _say(_traceback(error))
        return 1
    if isinstance(error, MemoryError) or "start new thread" in str(error):
        _say(f"{program}: this machine has not enough memory for that, or allows too few threads")
        _say("  hint: free -m; ulimit -a")
        return 1
    if isinstance(error, OSError) and error.errno:
        what = f"{error.filename}: " if error.filename else ""
        _say(f"{program}: {what}{error.strerror}")
        _say(f"  hint: {_of_system(error)}")
        return 1
    _say(f"{program}: unexpected {type(error).__name__}: {_one_line(error)}")
    path = report(error, argv)
    _say(f"  this is a mistake in gnt; details are in {path}" if path else
         "  this is a mistake in gnt; run it again with --debug for details")
    return 1


def _of_system(error: OSError) -> str:
    import errno

    if not error.filename:
        return "--debug shows where this happened"
    folder = os.path.dirname(error.filename) or "."
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        return f"df -h {folder}; dmesg"
    if error.errno == errno.EROFS:
        return (f"df -h {folder}; XDG_CACHE_HOME and XDG_CONFIG_HOME name folders to use instead "
                "of those in the home directory")
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"id; ls -ld {folder} {error.filename}: is this the right user?"
    return f"ls -ld {folder} {error.filename}"


def _usual(error: GntError, program: str, argv: Sequence[str]) -> str:
    """Where to look on, for errors that have nothing better to say."""
    for kind, hint in USUAL:
        if isinstance(error, kind):
            return hint
    if not isinstance(error, (UsageError, Conflict)):
        return ""
    words = [program]
    for word in argv[1:] if argv and argv[0].rpartition("/")[2] == program else argv:
        if not word.isascii() or not word.replace("-", "").isalpha() or word.startswith("-"):
            break
        words.append(word)
    verb = 2 if program == "gnt" or words[1:2] in (["config"], ["signer"]) else 1
    return " ".join([*words[: verb + 1], "--help"])


def report(error: BaseException, argv: Sequence[str]) -> str:
    """Write the traceback to a new private file; returns its path, or nothing if that failed."""
    import tempfile

    from gnt import __version__

    text = (f"gnt {__version__}, Python {sys.version}\n"
            f"command: {' '.join(hidden(argv))}\n\n{_traceback(error)}")
    try:
        folder = report_folder()
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor, path = tempfile.mkstemp(prefix="report-", suffix=".txt", dir=folder)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as out:
            out.write(text)
    except OSError:
        return ""
    return path


def report_folder() -> str:
    """Root's reports are beside the caches of the host, others' beside their own."""
    if os.geteuid() == 0:
        return "/var/cache/gnt/reports"
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "gnt", "reports")


def hidden(argv: Sequence[str]) -> list[str]:
    """The words with the values of secret options blanked."""
    shown: list[str] = []
    blank = False
    for word in argv:
        secret = word.startswith("--") and any(part in word for part in SECRET)
        name, equals, _ = word.partition("=")
        shown.append("…" if blank else f"{name}=…" if secret and equals else word)
        blank = secret and not equals
    return shown


def _traceback(error: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(error))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def _say(text: str) -> None:
    """Nothing of it can drive the terminal: it may quote what a node or a script said."""
    if not text.replace("\n", "").isprintable():
        text = "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)
    try:
        sys.stderr.write(text.rstrip("\n") + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # nobody listens any more


def _flush() -> None:
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        return


def _quiet() -> int:
    """The reader went away: leave as a program killed by SIGPIPE does, without a word."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return 141
    return 141
