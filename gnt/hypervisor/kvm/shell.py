"""The shell of the kvm driver's node tasks.

Each guest has files ``/run/gnt/kvm/<uuid>.*``.  The one that matters is ``.lock``: QEMU inherits
it, locked, as descriptor 9 and so holds it exactly as long as it lives, whatever becomes of the
shell that started it, of the pid file and of process numbers.  "Does it run here?" is one
question to the kernel.
"""

from __future__ import annotations

DIR = "/run/gnt/kvm"

GUEST = r"""
uuid=$1; shift
dir=/run/gnt/kvm; base=$dir/$uuid
umask 077
mkdir -p "$dir" || exit 1
lock() { # SECONDS: whether this shell now holds the guest's lock, on descriptor 9
    while :; do
        exec 9>>"$base.lock" || exit 1
        flock -w "$1" 9 || return 1
        if [ /proc/self/fd/9 -ef "$base.lock" ]; then return 0; fi
    done
}
holds() { # PID: whether this process holds the guest's lock
    [ -n "$1" ] && [ "/proc/$1/fd/9" -ef "$base.lock" ]
}
holder() { # sets pid to the QEMU that holds the lock
    pid=
    if [ -s "$base.pid" ]; then read -r pid <"$base.pid"; fi
    if holds "$pid"; then return 0; fi
    for fd in /proc/[0-9]*/fd/9; do
        pid=${fd#/proc/}; pid=${pid%%/*}
        if [ "$pid" = "$$" ] || ! holds "$pid"; then continue; fi
        case $(tr '\0' ' ' <"/proc/$pid/cmdline") in *"-uuid $uuid "*) return 0 ;; esac
    done
    pid=
    return 1
}
clean() { rm -f "$base.pid" "$base.qmp" "$base.mon" "$base.serial" "$base.qga"; }
"""

START = (
    GUEST
    + r"""
ask=$1 bind=$2 pool=$3; shift 3
export ask
status() { # what QEMU says of its guest; nothing before its start is over
    # a QEMU whose parent was killed dies just before it would answer
    # shellcheck disable=SC2016 # for the shell that socat starts
    [ ! -S "$base.mon" ] ||
        timeout 2 socat -t0.01 "UNIX-CONNECT:$base.mon" 'SYSTEM:eval \"$ask\"' 3>&1 2>/dev/null
}
end=$(($(date +%s) + 30))
until lock 0; do
    case $(status) in
        *'"status": "shutdown"'*) if holder; then kill "$pid"; fi ;; # by its user; QEMU stayed
        *'"status": '*) exit 0 ;;
    esac
    if [ "$(date +%s)" -gt "$end" ]; then
        echo "something holds $base.lock, but no QEMU answers" >&2
        exit 1
    fi
    sleep 0.1
done
clean
: >"$base.log"; : >"$base.console"
rm -f "$base.earlier.console"
replace() { # MARK TEXT WORD: sets word to WORD with TEXT in the place of MARK
    word=$3
    case $word in *"$1"*) word=${word%%"$1"*}$2${word#*"$1"} ;; esac
}
address=
if [ -n "$bind" ]; then
    address=$(ip -4 -o address show dev "$bind" | while read -r _ _ _ found _; do
        echo "${found%/*}"
        break
    done)
    if [ -z "$address" ]; then
        echo "interface $bind has no IPv4 address for the console" >&2
        exit 1
    fi
fi
user=
exec 8>&- # QEMU must not keep what the shell that runs this may hold
for range in $pool; do # the lock of the user is QEMU's descriptor 8
    number=${range%-*}
    while [ -z "$user" ] && [ "$number" -le "${range#*-}" ]; do
        exec 8>>"$dir/uid.$number" || exit 1
        if flock -n 8; then user=$number:$number; fi
        number=$((number + 1))
    done
done
if [ -n "$pool" ] && [ -z "$user" ]; then
    echo "all users of the cluster's pool are taken on this node" >&2
    exit 1
fi
left=$#
while [ "$left" -gt 0 ]; do
    replace @bind@ "$address" "$1"
    replace @uid@ "$user" "$word"
    if [ "$word" = "$base.jail" ] || [ "$word" = "chroot=$base.jail" ]; then
        mkdir -p "$base.jail" || exit 1
    fi
    shift; left=$((left - 1))
    set -- "$@" "$word"
done
if [ ! -x "$1" ]; then
    echo "there is no $1 on this node (parameter kvm_path)" >&2
    exit 1
fi
"$@" >>"$base.log" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- </dev/null
status=$?
if [ "$status" -ne 0 ] || [ ! -S "$base.qmp" ]; then
    echo "QEMU ended at its start with status $status; its last lines:" >&2
    tail -n 4 "$base.log" >&2
    exit 1
fi
"""
)

KILL = (
    GUEST
    + r"""
only=$1
if [ "$only" = gone ] && ! lock 5; then
    echo "a QEMU is there but does not answer: the guest may run in it" >&2
    exit 1
fi
if ! lock 0; then
    tries=0
    until holder; do
        if lock 0; then break; fi
        tries=$((tries + 1))
        if [ "$tries" -ge 50 ]; then
            echo "something holds $base.lock, but no QEMU is to be found" >&2
            exit 1
        fi
        sleep 0.1
    done
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null
        if ! lock 5; then
            kill -9 "$pid" 2>/dev/null
            if ! lock 10; then
                echo "QEMU (process $pid) cannot be ended: does its storage hang?" >&2
                exit 1
            fi
        fi
    fi
fi
clean
if [ -d "$base.jail" ]; then rmdir "$base.jail"; fi
rm -f "$base.seed" "$base.lock"
"""
)

FORGET = (
    KILL
    + r"""
rm -f "$base.log" "$base.console" "$base.earlier.console"
"""
)

PIN = (
    GUEST
    + r"""
if ! holder; then
    echo "the guest does not run" >&2
    exit 1
fi
if [ "$#" -eq 1 ]; then
    taskset -a -p -c "$1" "$pid" >/dev/null
    exit
fi
index=0
for mask; do
    for thread in /proc/"$pid"/task/*; do
        read -r name <"$thread/comm" || continue
        case $name in "CPU $index/"*)
            if [ "$mask" != all ]; then
                taskset -p -c "$mask" "${thread##*/}" >/dev/null || exit 1
            fi ;;
        esac
    done
    index=$((index + 1))
done
"""
)

ASK = r"""
read -r _
echo '{"execute":"qmp_capabilities"}'; read -r _
echo '{"execute":"query-status"}'; read -r answer; echo "status $answer" >&3
echo '{"execute":"query-balloon"}'; read -r answer; echo "balloon $answer" >&3
"""

FOUND = r"""
ask=$1
export ask
dir=/run/gnt/kvm mute=0
# consoles that say much would fill the memory that /run is in
find "$dir" -name '*.console' -size +2048k 2>/dev/null | while read -r file; do
    tail -c 65536 "$file" >"$file.$$" && cat "$file.$$" >"$file"
    rm -f "$file.$$"
done
for file in "$dir"/*.lock; do
    if [ ! -e "$file" ]; then continue; fi
    base=${file%.lock}; uuid=${base##*/}; pid=
    if [ -s "$base.pid" ]; then read -r pid <"$base.pid"; fi
    if [ -z "$pid" ] || [ ! "/proc/$pid/fd/9" -ef "$file" ]; then
        if flock -n "$file" true; then continue; fi # nobody holds it
        pid=
        for fd in /proc/[0-9]*/fd/9; do
            if [ ! "$fd" -ef "$file" ]; then continue; fi
            other=${fd#/proc/}; other=${other%%/*}
            case $(tr '\0' ' ' <"/proc/$other/cmdline") in *"-uuid $uuid "*) pid=$other ;; esac
        done
        if [ -z "$pid" ]; then continue; fi
    fi
    echo "guest ${base##*/}"
    if read -r stat <"/proc/$pid/stat"; then echo "stat ${stat##*) }"; fi
    tr '\0\n' '\n ' <"/proc/$pid/cmdline" | while read -r word; do echo "arg $word"; done
    if [ -S "$base.mon" ] && [ "$mute" -lt 5 ]; then
        # shellcheck disable=SC2016 # for the shell that socat starts
        timeout 2 socat -t0.01 "UNIX-CONNECT:$base.mon" 'SYSTEM:eval \"$ask\"' 3>&1 2>/dev/null ||
            mute=$((mute + 1)) # a storage that hangs may silence all of them
    fi
    echo end
done
exit 0
"""

# what the guest said where it was before comes first
CONSOLE_LOG = r"""
base=/run/gnt/kvm/$1
cat "$base.earlier.console" "$base.console" 2>/dev/null | tail -n "$2"
"""

CONSOLE_TAIL = r"""
base=/run/gnt/kvm/$1
cat "$base.earlier.console" "$base.console" 2>/dev/null | tail -c 65536 | base64
"""

CONSOLE_EARLIER = r"""
file=/run/gnt/kvm/$1.earlier.console
umask 077
if [ ! -e "/run/gnt/kvm/$1.console" ]; then exit 0; fi # the guest is not here any more
cat >"$file.$$" && mv "$file.$$" "$file"
"""

LEFTOVERS = r"""
dir=/run/gnt/kvm
for file in "$dir"/*.lock "$dir"/*.pid "$dir"/*.qmp "$dir"/*.mon "$dir"/*.serial "$dir"/*.qga \
    "$dir"/*.seed; do
    if [ ! -e "$file" ]; then continue; fi
    base=${file%.*}; pid=
    if [ -s "$base.pid" ]; then read -r pid <"$base.pid"; fi
    if [ -n "$pid" ] && [ "/proc/$pid/fd/9" -ef "$base.lock" ]; then continue; fi
    if [ -e "$base.lock" ] && ! flock -n "$base.lock" true; then continue; fi
    echo "$file"
done
"""

PROVE = r"""
proves() { # ACCELERATOR QEMU FOLDER: whether it runs ten million loops within 3 s
    # a firmware of its own: jmp at the reset vector; mov ecx, 10000000; dec; jnz; out 0xf4
    rom=$3/probe.$$
    head -c 65536 /dev/zero >"$rom"
    printf '\146\271\200\226\230\000\146\111\165\374\260\020\346\364\364' |
        dd of="$rom" bs=1 seek=61440 conv=notrunc 2>/dev/null
    printf '\351\015\360' | dd of="$rom" bs=1 seek=65520 conv=notrunc 2>/dev/null
    timeout 3 "$2" -M pc -accel "$1" -m 16 -nodefaults -no-user-config -display none \
        -bios "$rom" -device isa-debug-exit,iobase=0xf4,iosize=1 </dev/null >/dev/null 2>&1
    status=$?
    rm -f "$rom"
    [ "$status" = 33 ] # what the debug device makes of a written 16
}
"""

CAPABILITIES = (
    PROVE
    + r"""
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
        elif [ "$(uname -m)" = x86_64 ] && ! proves kvm "$qemu" "$dir"; then
            echo "nokvm /dev/kvm is there, but runs guests far too slowly or not at all"
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
)

PORT = r"""
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
