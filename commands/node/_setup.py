"""What is done on a host that becomes a node, or stops being one."""

from __future__ import annotations

from gnt.model.access import BEGIN, END
from gnt.plan import Script, node_task, script
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


# the lines of authorized_keys that are not ours, whatever stands between: no end, no block
_STRANGERS = r"""
strangers() { # FILE BEGIN END
    awk -v begin="$2" -v end="$3" '
        $0 == begin { held = $0 ORS; inside = 1; next }
        inside && $0 == end { held = ""; inside = 0; next }
        inside { held = held $0 ORS; next }
        { print }
        END { printf "%s", held }' "$1"
}
aside() {
    awk -v mark='# gnt: waits while this node is hardened: ' 'BEGIN {
            for (i = 1; i < ARGC; i++) if (ARGV[i] ~ /^command=/) {
                n = split(ARGV[i], word, " ")
                for (j = 1; j <= n; j++) if (word[j] ~ /^AAAA/) gated[word[j]] = 1
            }
            ARGC = 1
        }
        { if (index($0, mark) == 1) $0 = substr($0, length(mark) + 1)
          waits = 0
          n = split($0, word, " ")
          for (j = 1; j <= n && word[1] !~ /^#/; j++) if (word[j] in gated) waits = 1
          print (waits ? mark : "") $0 }' "$@"
}
"""


class Host(Record):
    """A host before it is a node."""

    hostname: str
    addresses: tuple[str, ...]
    missing: tuple[str, ...]  # programs that gnt needs there
    member: bool  # it holds a cluster's configuration, or a term


class PublicKeys(Record):
    """What a node signs and logs in with."""

    login: str
    signer: str


@node_task(deadline=20)
def inspect() -> Script[Host]:
    """What kind of host this is."""
    return script(
        """printf 'hostname %s\\n' "$(uname -n)"
for program in awk cmp cut flock ip mkdir mv sha256sum ssh-keygen stat sync; do
    command -v "$program" >/dev/null || printf 'missing %s\\n' "$program"
done
ip -o address show scope global 2>/dev/null | while read -r _ _ _ address _; do
    printf 'address %s\\n' "${address%/*}"
done
if [ -e /var/lib/gnt/config/head ] || [ -e /var/lib/gnt/term ]; then echo 'member yes'; fi
""", parse=_host)


def _host(output: str) -> Host:
    found: dict[str, list[str]] = {}
    for line in output.splitlines():
        kind, _, rest = line.partition(" ")
        found.setdefault(kind, []).append(rest)
    return Host(hostname=found["hostname"][0], addresses=tuple(found.get("address", ())),
                missing=tuple(found.get("missing", ())), member="member" in found)


@node_task(deadline=60)
def prepare(name: str, term: int) -> Script[None]:
    """Folders, the term, and keys of its own, whose private halves never leave the node."""
    return script(
        """umask 077
mkdir -p /var/lib/gnt/config /var/lib/gnt/keys /run/gnt/jobs /run/gnt/fence || exit 1
(umask 022; mkdir -p /etc/gnt/hooks) || exit 1
for key in login signer; do
    file=/var/lib/gnt/keys/$key
    [ -s "$file.pub" ] && [ -s "$file" ] && continue
    rm -f "$file" "$file.pub" "$file.new" "$file.new.pub"
    ssh-keygen -q -t ed25519 -N '' -C "gnt@$1" -f "$file.new" </dev/null || exit 1
    sync "$file.new" "$file.new.pub"
    mv "$file.new.pub" "$file.pub" && mv "$file.new" "$file" || exit 1
done
known=0
[ ! -e /var/lib/gnt/term ] || read -r known </var/lib/gnt/term
if [ "$known" -lt "$2" ]; then
    printf '%s\\n' "$2" >/var/lib/gnt/term.new && sync /var/lib/gnt/term.new &&
        mv /var/lib/gnt/term.new /var/lib/gnt/term || exit 1
fi
""", name, term)


@node_task(deadline=20)
def keys() -> Script[PublicKeys]:
    """The node's public keys."""
    return script("cat /var/lib/gnt/keys/login.pub /var/lib/gnt/keys/signer.pub\n",
                  parse=_public_keys)


def _public_keys(output: str) -> PublicKeys:
    login, signer = output.splitlines()
    return PublicKeys(login=login, signer=signer)


@node_task(deadline=30)
def authorize(lines: Iterable[str]) -> Script[None]:
    """Let exactly these keys in, beside those that people put there by hand.

    A line by hand for a key that is to pass the gate waits as a comment while there is one.
    """
    return script(
        _STRANGERS + """umask 077
begin=$1 end=$2; shift 2
folder=${HOME:-/root}/.ssh; file=$folder/authorized_keys
mkdir -p "$folder" || exit 1
[ -e "$file" ] || : >>"$file" || exit 1
{
    strangers "$file" "$begin" "$end" | aside "$@"
    if [ "$#" -gt 0 ]; then printf '%s\\n' "$begin" "$@" "$end"; fi
} >"$file.gnt" || exit 1
if cmp -s "$file" "$file.gnt"; then rm -f "$file.gnt"; exit 0; fi
sync "$file.gnt" && mv "$file.gnt" "$file" && sync "$folder"
""", BEGIN, END, *lines)


@node_task(deadline=60)
def forget() -> Script[None]:
    """Take away what gnt keeps on a node.  Its guests and their disks stay."""
    return script(
        _STRANGERS + """cd /var/lib/gnt &&
    rm -rf config keys gate term /run/gnt/jobs /run/gnt/gate.jobs
file=${HOME:-/root}/.ssh/authorized_keys
[ -e "$file" ] || exit 0
umask 077
strangers "$file" "$1" "$2" | aside '' >"$file.gnt" && sync "$file.gnt" && mv "$file.gnt" "$file"
""", BEGIN, END)
