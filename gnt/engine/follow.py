"""What a driver leaves on the master for others: its lines for ``gnt-job watch``; and what others
leave there for it: the wish that it stop.

One task does both and travels with each phase's frames, so it costs no round trip.  Both files
live beside the liveness lock, in memory, and are gone after a reboot of the master: they are
conveniences, never the truth about a job.
"""

from __future__ import annotations

from gnt.plan import Script, node_task, script

_NOTE = """\
[ "$3" != yes ] || { [ -d /run/gnt/jobs ] ||
  { mkdir -p /run/gnt/jobs && chmod 700 /run/gnt /run/gnt/jobs; }
  [ ! -e "/run/gnt/jobs/$1.cancel" ] || rm -f "/run/gnt/jobs/$1.cancel"
} 2>/dev/null
[ -z "$2" ] || printf '%s\\n' "$2" >>"/run/gnt/jobs/$1.log" 2>/dev/null
[ -e "/run/gnt/jobs/$1.cancel" ] && echo cancel
exit 0
"""

_CANCEL = """\
mkdir -p /run/gnt/jobs
: >"/run/gnt/jobs/$1.cancel"
"""

_READ = """\
[ -e "/run/gnt/jobs/$1.log" ] || exit 0
tail -c "+$2" "/run/gnt/jobs/$1.log"
"""


_SWEEP = """\
for file in "/run/gnt/fence/$1" "/run/gnt/jobs/$1"; do
  [ ! -e "$file" ] || flock -n "$file" rm -f "$file" || { echo "$file is in use" >&2; exit 1; }
done
"""


@node_task(deadline=15)
def sweep(job: str) -> Script[None]:
    """Take away the locks of a job that has ended, which a killed driver left."""
    return script(_SWEEP, job)


@node_task(deadline=15)
def note(job: str, line: str, first: bool) -> Script[bool]:
    """Append a line to the job's log; whether somebody asked to cancel it."""
    return script(_NOTE, job, line, first, parse=lambda out: out.strip() == "cancel")


@node_task(deadline=15)
def request_cancel(job: str) -> Script[None]:
    """Ask the job's driver to stop after its current steps and to take back what it did."""
    return script(_CANCEL, job)


@node_task(deadline=15)
def read_log(job: str, position: int) -> Script[str]:
    """The job's log from a byte (the first is 1) to its end."""
    return script(_READ, job, position, parse=str)
