"""How job ids are read."""

from __future__ import annotations

from gnt.values import Kind


def _read(text: str) -> str:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ValueError(text)
    return str(int(text))


JOB: Kind[str] = Kind(_read, "JOB", "the number of a job (gnt-job list shows them)", complete="job")
