"""Standard streams that a program was started without, or that cannot show every letter."""

from __future__ import annotations

import os
import sys

from gnt.errors import GntError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

# Data that nobody can get is an error (EBADF when it is written), messages are not.
CLOSED = (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY))


def mend() -> None:
    """Put right what is wrong with the three streams.

    A closed one would be taken by the next file or socket that is opened, and overwritten by the
    next message.  Letters that a terminal's character set lacks are shown as escapes.
    """
    for name, mode, flags in CLOSED:
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8"))
        elif mode == "w" and stream.encoding != "utf-8" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def put(text: str) -> None:
    """Write data to stdout, at once; GntError when it does not get there."""
    try:
        if text:  # an empty one would be an error where the terminal went away
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise GntError(f"standard output: {error.strerror}",
                       hint="ls -l /proc/self/fd/1; df -h .") from error


def said(stream: TextIO, text: str) -> None:
    """Write a message; one that nobody can read must not stop the work that it is about."""
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        return
