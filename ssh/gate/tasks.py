"""What is done on a node that is hardened, and asked of it."""

from __future__ import annotations

from gnt.plan import Script, node_task, script
from gnt.ssh import fences
from gnt.ssh.gate import facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# The first line says since which state they count: an order that brings newer ones writes it
# (gate.sh, ADR 0139).  Here nobody knows the state, so what stands there stays.
_SIGNERS = """\
write_signers() {
    sum=$(printf '%s\\n' "$@" | sha256sum)
    { read -r _ since term serial now <signers; } 2>/dev/null && [ "$since" = since ] ||
        term=0 serial=0 now=-
    [ "$now" != "${sum%% *}" ] || [ "$(sed 1d signers)" != "$(printf '%s\\n' "$@")" ] ||
        return 0
    { echo "# since $term $serial ${sum%% *}" && printf '%s\\n' "$@"; } >signers.new &&
        sync signers.new && mv signers.new signers
}
"""

_INSTALL = _SIGNERS + """\
umask 077
version=$1 name=$2; shift 2
dir=/var/lib/gnt/gate
mkdir -p "$dir/$version/fixed" "$dir/$version/open" && cd "$dir" || exit 1
[ -e gate ] || rm -rf /run/gnt/gate.jobs # of another cluster, whose jobs had the same numbers
while read -r file size; do head -c "$size" >"$file.new" || exit 1; done
for file in "$version"/*/*.new; do
    digest=${file##*/}; digest=${digest%.new}
    sum=$(sha256sum <"$file")
    [ "${sum%% *}" = "$digest" ] || { echo "$digest did not arrive whole" >&2; exit 1; }
    sync "$file" && mv "$file" "${file%.new}" || exit 1
done
[ -e gate ] || rm -f signers
write_signers "$@" && echo "$name" >name.new && sync name.new judge.new gate.new "$version" &&
    mv name.new name && mv judge.new judge && mv gate.new gate && sync . || exit 1
for old in */; do
    [ "$old" = "$version/" ] || [ -z "$(find "$old" -maxdepth 0 -mmin +1440)" ] || rm -rf "$old"
done
"""

_TRUST = _SIGNERS + """\
umask 077
cd /var/lib/gnt/gate 2>/dev/null && [ -e gate ] || exit 0
write_signers "$@" && sync .
"""

# The gate stays for the connections that are there; the next ones do not meet it.
_RETIRE = """\
rm -f /var/lib/gnt/gate/judge
"""

_GATE = """\
dir=/var/lib/gnt/gate
[ -e "$dir/gate" ] || exit 0
IFS='= ' read -r _ version _ <"$dir/gate" && echo "version $version"
sed '/^#/d; s/^/signer /' "$dir/signers"
"""


@node_task(deadline=30)
def install(signers: Iterable[str], name: str = "") -> Script[None]:
    """Put the gate of this version of gnt on the node of this name, with the signers it obeys."""
    return script(_INSTALL, facts.facts().version, name, *signers, stdin=facts.bundle())


@node_task(deadline=30)
def trust(signers: Iterable[str]) -> Script[None]:
    """Tell the gate of a node, if it has one, whose orders it obeys from now on."""
    return script(_TRUST, *signers)


@node_task(deadline=20)
def retire() -> Script[None]:
    """Let a candidate believe its driver again, after the node was hardened."""
    return script(_RETIRE)


@node_task(deadline=20)
def gate() -> Script[tuple[str, tuple[str, ...]]]:
    """The version of a node's gate and the signers it obeys; empty when it has none."""
    return script(_GATE, parse=_gate)


def _gate(output: str) -> tuple[str, tuple[str, ...]]:
    lines = [line.partition(" ") for line in output.splitlines()]
    versions = [rest for kind, _, rest in lines if kind == "version"]
    return ("".join(versions[:1]), tuple(rest for kind, _, rest in lines if kind == "signer"))


@node_task(deadline=15)
def alive(jobs: Iterable[str]) -> Script[dict[str, bool]]:
    """Which jobs have a living driver."""
    return fences.alive(tuple(jobs))


@node_task(deadline=600)
def ended(job: str, deadline: float) -> Script[bool]:
    """Wait until the driver of a job ended."""
    return fences.ended(job, deadline)
