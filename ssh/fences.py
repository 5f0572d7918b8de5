"""Scripts about locks on nodes: fences of jobs, and the liveness locks of their drivers.

Both are removed by who ended the job.  Who got the lock of a file that was removed meanwhile holds
nothing: the job has ended, or somebody else has made the file anew.

A fence is ``/run/gnt/fence/<job>``: everything that a job runs on a node holds it shared, also when
its driver is dead; who wants to go on with the job waits until it can be held alone.  A liveness
lock is ``/run/gnt/jobs/<job>`` on the master: the driver holds it alone as long as it lives.
"""

from __future__ import annotations

from gnt.errors import NodeFailed
from gnt.plan import script, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.engine.ports import Reply
    from gnt.plan import Script

STILL_HELD = 75

WAIT_FENCE = """\
[ -e "/run/gnt/fence/$1" ] || exit 0
exec flock -E 75 -w "$2" "/run/gnt/fence/$1" true
"""

# Only when all its commands were answered: a fence that somebody could still wait for must stay.
# A driver that was overtaken clears nothing.  The term is only looked at: a node that has just
# left the cluster is to forget it for good.  A gate that was shown the job's record now waits for a
# later one: what was signed for the job is over (ssh/gate/gate.sh).  Such notes go after a day.
CLEAR_FENCE = """\
now=0
[ ! -e /var/lib/gnt/term ] || read -r now </var/lib/gnt/term
[ "$now" -le "$2" ] || exit 0
rm -f "/run/gnt/fence/$1"
for seen in "/run/gnt/gate.jobs/$1"-*; do
    [ ! -e "$seen" ] || : >"${seen%-*}-$((${seen##*-} + 1))"
done
case $1 in *0)
    [ ! -d /run/gnt/gate.jobs ] || find /run/gnt/gate.jobs -type f -mmin +1440 -exec rm -f {} + ;;
esac
"""

ALIVE = """\
for job do
    if [ -e "/run/gnt/jobs/$job" ] && ! flock -n -s "/run/gnt/jobs/$job" true; then
        echo "$job yes"
    else
        echo "$job no"
    fi
done
"""

ENDED = """\
if [ ! -e "/run/gnt/jobs/$1" ] || flock -s -w "$2" "/run/gnt/jobs/$1" true; then
    echo ended
else
    echo runs
fi
"""

# When the driver dies the kept shell takes the file along, still locked.  Who waited for the lock
# then holds a file that has gone, and takes the new one.
OWN = """\
# shellcheck disable=SC3013 # -ef is not in POSIX, but in every sh that hosts have
gnt_own() {
    command exec 8>>"/run/gnt/jobs/$1" && flock -E 75 -w 1 8 || return
    [ "/run/gnt/jobs/$1" -ef /proc/self/fd/8 ] && gnt_owned=$1
}
[ -d /run/gnt/jobs ] || { mkdir -p /run/gnt/jobs && chmod 700 /run/gnt/jobs; } || exit 1
gnt_owned=
gnt_own "$1"
gnt_answer=$?
if [ "$gnt_answer" = 1 ]; then
    gnt_own "$1" || { exec 8>&-; (exit 75); }
elif [ "$gnt_answer" != 0 ]; then
    (exit "$gnt_answer")
fi && trap 'rm -f "/run/gnt/jobs/$gnt_owned"' EXIT
"""

# Nobody waits for this one: every tenth also sweeps old logs and what killed drivers left.
DISOWN = """\
rm -f "/run/gnt/jobs/$1"
trap - EXIT
exec 8>&-
case $1 in *0)
    find /run/gnt/jobs -type f \\( ! -name '*.*' -mmin +10 -exec flock -n {} rm -f {} \\; \\
        -o -name '*.log' -mmin +1440 -exec rm -f {} + \\) ;;
esac
"""


def waiting(fence: str, deadline: float) -> Script[str]:
    return script(WAIT_FENCE, fence, f"{deadline:.3f}", parse=text)


def waited(
    node: str, fence: str, deadline: float, reply: Reply | NodeFailed,
) -> NodeFailed | None:
    """What became of waiting: None when nothing of the job runs there any more."""
    if isinstance(reply, NodeFailed):
        return reply
    if reply.status == STILL_HELD:
        return NodeFailed(
            node, "timeout", f"a command of job {fence} still runs there after {deadline:g} s",
            hint=f"see which: fuser -v /run/gnt/fence/{fence} there; then repeat this command",
        )
    if reply.status:
        return NodeFailed(node, "failed", f"cannot wait for the fence of job {fence}",
                          status=reply.status, stderr=reply.err.decode("utf-8", "replace"))
    return None


def clearing(fence: str, term: int) -> Script[None]:
    return script(CLEAR_FENCE, fence, term)


def alive(jobs: tuple[str, ...]) -> Script[dict[str, bool]]:
    """Which jobs have a living driver; run on the master."""

    def parse(output: str) -> dict[str, bool]:
        return {job: word == "yes" for job, word in map(str.split, output.splitlines())}

    return script(ALIVE, *jobs, parse=parse)


def ended(job: str, deadline: float) -> Script[bool]:
    """Waits until the driver of a job ended; run on the master."""
    return script(ENDED, job, f"{deadline:.3f}", parse=lambda output: output == "ended\n")
