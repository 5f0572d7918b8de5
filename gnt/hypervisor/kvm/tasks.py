"""What is done on a node for KVM guests.

Each guest has files ``/run/gnt/kvm/<uuid>.*``.  The one that matters is ``.lock``: QEMU inherits
it, locked, as descriptor 9 and so holds it exactly as long as it lives, whatever becomes of the
shell that started it, of the pid file and of process numbers.  "Does it run here?" is one
question to the kernel.
"""

from __future__ import annotations

from gnt.errors import Damaged
from gnt.hypervisor.base import Capabilities, Running
from gnt.plan import Script, node_task, script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

DIR = "/run/gnt/kvm"

_GUEST = r"""
uuid=$1; shift
dir=/run/gnt/kvm; base=$dir/$uuid
umask 077
mkdir -p "$dir" || exit 1
lock() {  # lock SECONDS: whether this shell now holds the guest's lock, on descriptor 9
    while :; do
        exec 9>>"$base.lock" || exit 1
        flock -w "$1" 9 || return 1
        [ /proc/self/fd/9 -ef "$base.lock" ] && return 0
    done
}
holder() {  # sets pid to the QEMU that holds the lock
    pid=
    [ -s "$base.pid" ] && read -r pid <"$base.pid"
    [ -n "$pid" ] && [ "/proc/$pid/fd/9" -ef "$base.lock" ] && return 0
    for fd in /proc/[0-9]*/fd/9; do
        pid=${fd#/proc/}; pid=${pid%%/*}
        [ "$pid" != "$$" ] && [ "$fd" -ef "$base.lock" ] || continue
        case $(tr '\0' ' ' <"/proc/$pid/cmdline") in *"-uuid $uuid "*) return 0 ;; esac
    done
    pid=; return 1
}
clean() { rm -f "$base.pid" "$base.qmp" "$base.mon" "$base.serial" "$base.qga"; }
"""

_START = _GUEST + r"""
bind=$1; shift
if ! lock 0; then
    tries=0
    until [ -S "$base.qmp" ] && holder; do
        tries=$((tries + 1))
        [ "$tries" -lt 150 ] || { echo "something holds $base.lock, but no QEMU answers" >&2; exit 1; }
        sleep 0.2
    done
    exit 0
fi
clean
: >"$base.log"; : >"$base.console"
if [ -n "$bind" ]; then
    address=$(ip -4 -o address show dev "$bind" | while read -r _ _ _ found _; do echo "${found%/*}"; break; done)
    [ -n "$address" ] || { echo "interface $bind has no IPv4 address for the console" >&2; exit 1; }
    left=$#
    while [ "$left" -gt 0 ]; do
        word=$1; shift; left=$((left - 1))
        case $word in *@bind@*) word=${word%%@bind@*}$address${word#*@bind@} ;; esac
        set -- "$@" "$word"
    done
fi
[ -x "$1" ] || { echo "there is no $1 on this node (parameter kvm_path)" >&2; exit 1; }
"$@" >>"$base.log" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- </dev/null
status=$?
if [ "$status" -ne 0 ] || [ ! -S "$base.qmp" ]; then
    echo "QEMU ended at its start with status $status; its last lines ($base.log):" >&2
    tail -n 4 "$base.log" >&2
    exit 1
fi
"""

_KILL = _GUEST + r"""
if ! lock 0; then
    tries=0
    until holder; do
        lock 0 && break
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || { echo "something holds $base.lock, but no QEMU is to be found" >&2; exit 1; }
        sleep 0.1
    done
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null
        lock 5 || { kill -9 "$pid" 2>/dev/null; lock 10; } || {
            echo "QEMU (process $pid) cannot be ended: its storage may hang; power the node off" >&2; exit 1; }
    fi
fi
clean
rm -f "$base.lock" "$base.seed"
[ -d "$base.jail" ] && rmdir "$base.jail"
exit 0
"""

_FORGET = _KILL.removesuffix("exit 0\n") + r"""
rm -f "$base.log" "$base.console"
"""

_PIN = _GUEST + r"""
holder || { echo "the guest does not run" >&2; exit 1; }
if [ "$#" -eq 1 ]; then
    taskset -a -p -c "$1" "$pid" >/dev/null
    exit
fi
index=0
for mask; do
    for thread in /proc/"$pid"/task/*; do
        read -r name <"$thread/comm"
        case $name in "CPU $index/"*)
            [ "$mask" = all ] || taskset -p -c "$mask" "${thread##*/}" >/dev/null || exit 1 ;;
        esac
    done
    index=$((index + 1))
done
"""

_FOUND = r"""
dir=/run/gnt/kvm
ask='read -r _; echo "{\"execute\":\"qmp_capabilities\"}"; read -r _
echo "{\"execute\":\"query-status\"}"; read -r status; printf "status %s\n" "$status" >&3
echo "{\"execute\":\"query-balloon\"}"; read -r balloon; printf "balloon %s\n" "$balloon" >&3'
export ask
for file in "$dir"/*.lock; do
    [ -e "$file" ] || continue
    base=${file%.lock}; pid=
    [ -s "$base.pid" ] && read -r pid <"$base.pid"
    [ -n "$pid" ] && [ "/proc/$pid/fd/9" -ef "$file" ] || continue
    echo "guest ${base##*/}"
    read -r stat <"/proc/$pid/stat" && echo "stat ${stat##*) }"
    tr '\0\n' '\n ' <"/proc/$pid/cmdline" | while read -r word; do echo "arg $word"; done
    # shellcheck disable=SC2016 # for the shell that socat starts
    [ ! -S "$base.mon" ] ||
        timeout 2 socat -t0.01 "UNIX-CONNECT:$base.mon" 'SYSTEM:eval \"$ask\"' 3>&1 2>/dev/null
    echo end
done
exit 0
"""

_LEFTOVERS = r"""
dir=/run/gnt/kvm
for file in "$dir"/*.lock "$dir"/*.pid "$dir"/*.qmp "$dir"/*.mon "$dir"/*.serial "$dir"/*.qga \
    "$dir"/*.seed; do
    [ -e "$file" ] || continue
    base=${file%.*}; pid=
    [ -s "$base.pid" ] && read -r pid <"$base.pid"
    [ -n "$pid" ] && [ "/proc/$pid/fd/9" -ef "$base.lock" ] && continue
    echo "$file"
done
"""

_CAPABILITIES = r"""
qemu=$1 flag=$2 machine=$3
dir=/run/gnt/kvm
umask 077
mkdir -p "$dir" || exit 1
[ -x "$qemu" ] || { echo "there is no $qemu on this node (parameter kvm_path)" >&2; exit 1; }
read -r boot </proc/sys/kernel/random/boot_id
key="$boot $qemu $(stat -L -c '%Y %s' "$qemu")"
cache=$dir/capabilities
kept=
[ -s "$cache" ] && read -r kept <"$cache"
if [ "$kept" != "$key" ]; then
    {
        echo "$key"
        printf 'version '; "$qemu" -version | head -n 1
        "$qemu" -machine help | while read -r name rest; do
            case $rest in *"(default)"*) echo "machine $name" ;; esac
        done
        if [ ! -c /dev/kvm ]; then echo "nokvm there is no /dev/kvm"
        elif ! : <>/dev/kvm; then echo "nokvm /dev/kvm cannot be opened"
        elif [ -d /sys/module/kvm_pvm ]; then
            echo "nokvm /dev/kvm is PVM's, which only runs kernels made for it"
        elif [ "$(uname -m)" = x86_64 ] && ! grep -q -m 1 -w -E 'vmx|svm' /proc/cpuinfo; then
            echo "nokvm the CPU offers no virtualisation (vmx or svm)"
        fi
        [ -c /dev/vhost-net ] && echo vhost
    } >"$cache.$$" 2>/dev/null
    mv "$cache.$$" "$cache" || exit 1
fi
cat "$cache"
echo "flag $flag"
[ -z "$machine" ] || echo "machine $machine"
for tool in socat flock; do
    command -v "$tool" >/dev/null || echo "lacks $tool"
done
"""

_PORT = r"""
first=$1 start=$2
taken=" $(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | while read -r _ address _ state _; do
    [ "$state" = 0A ] && printf '%d ' "0x${address##*:}"; done) "
tries=0
while [ "$tries" -lt 100 ]; do
    port=$((first + (start + tries) % 100))
    case $taken in *" $port "*) ;; *) echo "$port"; exit 0 ;; esac
    tries=$((tries + 1))
done
echo "the ports $first to $((first + 99)) are all taken (parameter migration_port)" >&2
exit 1
"""


@node_task(deadline=90)
def start(uuid: str, argv: tuple[str, ...], bind: str = "") -> Script[None]:
    """Run QEMU unless it runs already; ``bind``: the interface whose address replaces @bind@."""
    return script(_START, uuid, bind, *argv)


@node_task(deadline=40)
def kill(uuid: str) -> Script[None]:
    """End QEMU, if it runs, and take away its sockets; the logs stay."""
    return script(_KILL, uuid)


@node_task(deadline=40)
def forget(uuid: str) -> Script[None]:
    """End QEMU, if it runs, and take away everything of the guest."""
    return script(_FORGET, uuid)


@node_task(deadline=20)
def pin(uuid: str, masks: tuple[str, ...]) -> Script[None]:
    """Keep QEMU on some CPUs (one mask), or each virtual CPU on its own (several)."""
    return script(_PIN, uuid, *masks)


@node_task(deadline=30)
def found() -> Script[tuple[Running, ...]]:
    """All guests on the node."""
    return script(_FOUND, parse=lambda output: tuple(parse_found(output)))


@node_task(deadline=20)
def leftovers() -> Script[tuple[str, ...]]:
    """State of guests that do not run."""
    return script(_LEFTOVERS, parse=lambda output: tuple(dict.fromkeys(output.splitlines())))


@node_task(deadline=40)
def capabilities(qemu: str, flag: str, machine: str) -> Script[Capabilities]:
    """Version, machine type and accelerator; kept until the node boots or QEMU changes."""
    return script(_CAPABILITIES, qemu, flag, machine, parse=parse_capabilities)


@node_task(deadline=20)
def free_port(first: int, start: int) -> Script[int]:
    """A TCP port nobody listens at, from ``first`` to ``first + 99``, looking from ``start`` on."""
    return script(_PORT, first, start, parse=int)


def parse_found(output: str) -> Iterator[Running]:
    """The guests in what ``found`` printed."""
    uuid, stat, argv = "", [""], [""]
    answers: dict[str, dict[str, object]] = {}
    for line in output.splitlines():
        word, _, rest = line.partition(" ")
        if word == "guest":
            uuid, stat, answers, argv = rest, [], {}, []
        elif word == "stat":
            stat = rest.split()
        elif word == "arg":
            argv.append(rest)
        elif word in ("status", "balloon"):
            answers[word] = _returned(rest)
        elif word == "end":
            yield _running(uuid, stat, argv, answers)


def _returned(text: str) -> dict[str, object]:
    import json

    try:
        answer = json.loads(text).get("return", {})
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


_STATES = {"running": "running", "inmigrate": "incoming", "postmigrate": "migrated",
           "shutdown": "shutdown"}
TICKS = 100  # per second, on every Linux


def _running(
    uuid: str, stat: list[str], argv: list[str], answers: dict[str, dict[str, object]],
) -> Running:
    options = dict(zip(argv, argv[1:], strict=False))
    status = str(answers.get("status", {}).get("status", "unknown"))
    actual = answers.get("balloon", {}).get("actual")
    memory = int(options.get("-m", "0").rstrip("M"))
    return Running(
        name=options.get("-name", "").removeprefix("guest=").partition(",")[0],
        uuid=uuid,
        memory=actual // 1024**2 if isinstance(actual, int) else memory,
        vcpus=int(options.get("-smp", "1").partition(",")[0].removeprefix("cpus=")),
        state=_STATES.get(status, "paused") if status != "unknown" else "unknown",
        cpu_seconds=(int(stat[11]) + int(stat[12])) / TICKS if len(stat) > 12 else 0.0,
    )


def parse_capabilities(output: str) -> Capabilities:
    """What the node's QEMU can do, and what a person should know of it."""
    said: dict[str, str] = {}
    problems = []
    for line in output.splitlines()[1:]:
        word, _, rest = line.partition(" ")
        if word == "lacks":
            problems.append(f"{rest} is not installed")
        said[word] = rest
    words = said.get("version", "").partition("version ")[2].split()
    if not words:
        raise Damaged(f"cannot find QEMU's version in {said.get('version', '')!r}",
                      hint="set the hypervisor parameter kvm_path")
    use = {"enabled": True, "disabled": False}.get(said.get("flag", ""), "nokvm" not in said)
    if not use and "nokvm" in said:
        problems.append(f"KVM cannot be used ({said['nokvm']}): software emulation, much slower")
    runtime = {"machine": said.get("machine", ""), "accel": "kvm" if use else "tcg",
               "version": words[0].rstrip(","), "vhost": "vhost" in said}
    return Capabilities(version=words[0].rstrip(","), runtime=runtime, problems=tuple(problems))
