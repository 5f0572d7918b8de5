# What a master candidate does, as POSIX sh functions (ADR 0003, 0010).  All run in the directory of
# the configuration, $GNC.  Statuses: 1 failed, 3 head moved, 4 refused, 5 behind, 6 busy, 7 damaged,
# 8 no turn, 9 not that simple, 10 others are to be asked, 11 gone back.
# Files: head "TERM SERIAL HASH BASE", turn "TERM TURN", ../term, base-N.toml, journal-N.toml, lock,
# lease.TURN (ADR 0014).  Functions in ( ) are subshells, so they may exit; the others keep what they
# set in the caller's shell.
# shellcheck disable=SC2030,SC2031 # every subshell loads its own
# shellcheck disable=SC2012,SC2015 # our own file names; both branches are meant

gnc_stop() { # STATUS WHY: say where this candidate stands
    echo standing "$HT $HS $HH $HB $ST $SU $FT ${LS:--} ${LH:--}"
    [ -z "${2-}" ] || echo "$2" >&2
    exit "$1"
}

gnc_load() {
    HT=0 HS=0 HH=- HB=0 ST=0 SU=0 FT=0 LS='' LH='' LT=0 LU=0
    [ ! -e head ] || read -r HT HS HH HB <./head
    [ ! -e turn ] || read -r ST SU <turn
    [ ! -e ../term ] || read -r FT <../term
    case .$HT.$HS.$HB.$ST.$SU.$FT. in *..* | *[!0-9.]*)
        HT=0 HS=0 HH=- HB=0 ST=0 SU=0 FT=0
        gnc_stop 7 'head, turn or term is damaged' ;;
    esac
}

gnc_go() { # to the directory, which is made
    [ -d "$GNC" ] || mkdir -p "$GNC"
    cd "$GNC" || exit 1
}

gnc_enter() { # WAIT: the lock, unless this shell's turn already holds it
    umask 077
    gnc_go
    [ -n "${GNC_TURN-}" ] || { exec 8>>lock && flock -w "$1" 8; } || exit 6
    gnc_load
}

gnc_put() { # NAME TEXT: replace a small file for good
    echo "$2" >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1" && sync "${1%"${1##*/}"}." ||
        gnc_stop 1 "cannot write $1"
}

gnc_raise() { # TERM HIGHEST: the node's term, if it is at most HIGHEST; tasks raise it, too, under this lock
    { [ -d "${GNC_RAISE%/*}" ] || mkdir -p "${GNC_RAISE%/*}"; } && exec 6>>"$GNC_RAISE" && flock 6 || gnc_stop 1
    [ ! -e ../term ] || read -r FT <../term
    [ "$FT" -le "$2" ] || gnc_stop 4 "term $FT has begun"
    [ "$FT" -ge "$1" ] || gnc_put ../term "$1"
    FT=$1
}

gnc_ends() { # HASH: the last complete record: LS serial, LH hash, LT term, LU turn, LE its end;
    # CS, CA: serial and beginning of the record that follows HASH
    J=journal-$HB.toml
    [ -e "$J" ] || : >>"$J" || gnc_stop 1
    # shellcheck disable=SC2046 # eight numbers
    set -- $(LC_ALL=C awk -v h="$1" -v b="$HB" 'BEGIN {c = d = "-"; k = b; n = s = o = e = t = u = a = x = y = 0}
        /^\[txn\.[0-9]+\]$/ {a = n; k = substr($0, 6, length($0) - 6); g = 0}
        /^prev = "/ {p = substr($0, 9, 64)}
        /^term = / {x = $3}
        /^turn = / {y = $3}
        /^sig = "/ {m = n; g = 1}
        {n += length($0) + 1}
        g && $0 == "" {s = a; o = m - a; e = n; b = k; t = x; u = y; g = 0
            if (p == h) {c = k; d = a}}
        END {print c, d, s, o, e, b, t, u}' "$J")
    CS=$1 CA=$2 LE=$5 LS=$6 LT=$7 LU=$8 LH=$HH
    [ "$LE" = 0 ] || LH=$(tail -c "+$(($3 + 1))" "$J" | head -c "$4" | sha256sum)
    LH=${LH%% *}
}

gnc_last() { # HASH: the same, of a journal that holds what is committed
    gnc_ends "$1"
    [ "$LS" -gt "$HS" ] || [ "$LS $LH" = "$HS $HH" ] ||
        gnc_stop 7 "the committed record $HS is not in the journal"
}

gnc_follow() { # TERM: what is older than the node's term is refused; to a newer one it is raised
    [ "$1" -eq "$FT" ] || gnc_raise "$1" "$1"
}

gnc_refuse() { # TERM TURN: nobody goes back behind what was seen here
    [ "$1" -ge "$FT" ] || gnc_stop 4 "term $FT has begun"
    for N in "$ST $SU" "$LT $LU"; do
        [ "$1" -gt "${N% *}" ] || { [ "$1" -eq "${N% *}" ] && [ "$2" -ge "${N#* }" ]; } ||
            gnc_stop 4 "term $1 turn $2 is behind $N"
    done
    gnc_follow "$1"
}

gnc_one() { # PREV HASH: whether the text in IN is one record that leads from PREV to HASH; not a large one,
    # with which a shell takes time that grows with the square of the size
    [ "${#IN}" -le 65536 ] || return 1
    L='
'
    B=${IN%"$L"sig = \"*}
    N=$((${#IN} - ${#B}))
    [ "$N" -gt 0 ] && [ "$N" -lt 4096 ] || return 1
    S=${IN##*"$L"sig = \"}
    S=${S%"$L$L"}
    case $S in *"$L"*) return 1 ;; *\") ;; *) return 1 ;; esac
    case $B in *"${L}sig = \""*) return 1 ;; *"${L}prev = \"$1\"$L"*) ;; *) return 1 ;; esac
    N=$(printf '%s\n' "$B" | sha256sum) && [ "${N%% *}" = "$2" ]
}

gnc_linked() { # PREV HASH: whether the records in the file "in" lead from PREV to HASH
    rm -f rec.*
    if A=$(LC_ALL=C awk 'BEGIN {f = "rec.000000"}
        /^\[txn/ {close(f); f = sprintf("rec.%06d", ++n); g = 0}
        /^prev = "/ {printf "%s ", substr($0, 9, 64)}
        /^sig = "/ {g = 1}
        !g {print >f}
        {e = !g || $0 != ""}
        END {if (e) print "x"}' in 2>/dev/null); then
        A="$A$2" B=$1
        for W in $(sha256sum rec.* 2>/dev/null); do
            case $W in rec.*) ;; *) B="$B $W" ;; esac
        done
        rm -f rec.*
        [ "$A" = "$B" ]
    else # no room for a second copy: a process for each record, which says each hash twice
        rm -f rec.*
        [ -z "$({ echo "$1" && LC_ALL=C awk -v c=sha256sum '/^\[txn/ {g = 0}
            /^prev = "/ {print substr($0, 9, 64); fflush()}
            /^sig = "/ {close(c); g = 1}
            !g {print | c}
            {e = !g || $0 != ""}
            END {if (e) print "x"}' in && echo "$2"; } | cut -c 1-64 | uniq -u)" ]
    fi
}

gnc_add() { # TERM TURN PT PS PREV BASE HASH: the records in "in" after PREV; cuts nothing committed
    [ "$HB" = "$6" ] || gnc_stop 5 "the base is $HB"
    gnc_last "$5"
    gnc_refuse "$1" "$2"
    if [ "$LH" != "$7" ]; then
        if [ "$LH" = "$5" ]; then CA=$LE
        else [ "$CS" != - ] && [ "$CS" -gt "$HS" ] || gnc_stop 5 "the last record is $LS"
        fi
        gnc_one "$5" "$7" || gnc_linked "$5" "$7" || gnc_stop 7 'the records are no chain'
        [ ! -e ../gate/judge ] || W=$(sh ../gate/judge "$HB" "$CA" 2>&1) || gnc_stop 1 "refused: $W"
        [ "$(wc -c <"$J")" = "$CA" ] || { truncate -s "$CA" "$J" && sync "$J"; } || gnc_stop 1
        cat in >>"$J" || { truncate -s "$CA" "$J"; gnc_stop 1 'cannot write'; }
    fi
    sync -d "$J" || gnc_stop 1 'cannot write'
    [ "$HS" -ge "$4" ] || { gnc_put head "$3 $4 $5 $6" && HT=$3 HS=$4 HH=$5; }
}

gnc_there() { # TERM TURN HEAD SIZE: this candidate has exactly what HEAD and the journal's SIZE say; else 9
    umask 077
    cd "$GNC" 2>/dev/null || exit 9
    exec 8>>lock && flock -w 10 8 || exit 6
    read -r H <./head && [ "$H" = "$3" ] && J=journal-${H##* }.toml &&
        [ "$(wc -c <"$J")" -eq "$4" ] && read -r T U <turn &&
        { [ "$T" -lt "$1" ] || { [ "$T" -eq "$1" ] && [ "$U" -le "$2" ]; }; } &&
        [ -e ../term ] && read -r T <../term && [ "$T" = "$1" ] || exit 9
}

gnc_agreed() { # SIZE: a hardened node's judge agrees to the record in IN, or the records in "in" where IN is empty
    [ ! -e ../gate/judge ] || {
        { [ -z "$IN" ] || printf '%s\n\n' "$IN" >in; } && sh ../gate/judge "${H##* }" "$1" 2>/dev/null
    }
}

gnc_quick() ( # TERM TURN HEAD SIZE PREV HASH: as gnc_append, of one record (on stdin); 9: let gnc_append
    # look closer
    gnc_there "$1" "$2" "$3" "$4"
    IN=$(cat)
    gnc_one "$5" "$6" || { printf '%s\n\n' "$IN" >in && (gnc_linked "$5" "$6") >/dev/null 2>&1; } || exit 9
    gnc_agreed "$4" || exit 9
    { printf '%s\n\n' "$IN" >>"$J" && sync -d "$J"; } || { truncate -s "$4" "$J"; exit 1; }
)

gnc_group() ( # as gnc_quick, of several records
    gnc_there "$1" "$2" "$3" "$4"
    IN=''
    cat >in && (gnc_linked "$5" "$6") >/dev/null 2>&1 || exit 9
    gnc_agreed "$4" || exit 9
    { cat in >>"$J" && sync -d "$J"; } || { truncate -s "$4" "$J"; exit 1; }
)

gnc_heard() ( # TERM HEAD SIZE NEW: as gnc_learn, after gnc_quick: HEAD becomes NEW
    umask 077
    cd "$GNC" 2>/dev/null || exit 9
    exec 8>>lock && flock -w 10 8 || exit 6
    read -r H <./head && [ "$H" = "$2" ] && [ "$(wc -c <"journal-${H##* }.toml")" -eq "$3" ] &&
        [ -e ../term ] && read -r T <../term && [ "$T" = "$1" ] || exit 9
    echo "$4" >head.new && sync head.new && mv -f head.new head && sync .
)

gnc_append() ( # as gnc_add; the records on stdin
    gnc_enter 10
    IN=''
    cat >in || gnc_stop 1 'cannot write'
    gnc_add "$@"
    gnc_stop 0
)

gnc_move() ( # as gnc_add, then SERIAL RECORDS: append, then move the head: committed
    gnc_enter 10
    gnc_refuse "$1" "$2"
    [ "$HH" = "$5" ] || gnc_stop 3 'the head has moved'
    IN=$9
    printf %s "$IN" >in || gnc_stop 1 'cannot write'
    gnc_add "$1" "$2" "$3" "$4" "$5" "$6" "$7"
    gnc_put head "$1 $8 $7 $6"
    HT=$1 HS=$8 HH=$7
    gnc_stop 0
)

gnc_commit() { # as gnc_move, if this shell still has the turn it took
    if [ "${GNC_TURN-}" = "$1 $2" ]; then
        gnc_move "$@"
        set -- "$?"
    else
        set -- 8
    fi
    gnc_release
    return "$1"
}

gnc_learn() ( # BY TERM SERIAL HASH BASE: what is committed, says a driver of the term BY
    gnc_enter 10
    gnc_follow "$1"
    [ "$HB" = "$5" ] || gnc_stop 5 "the base is $HB"
    [ "$3" -gt "$HS" ] || gnc_stop 0
    gnc_last "$4"
    [ "$LH" = "$4" ] || [ "$CS" = "$(($3 + 1))" ] || gnc_stop 5 "the last record is $LS"
    gnc_put head "$2 $3 $4 $5"
    HT=$2 HS=$3 HH=$4
    gnc_stop 0
)

gnc_highest() { # ST SU: the highest term and turn that was seen here
    [ "$LT" -lt "$ST" ] || { [ "$LT" -eq "$ST" ] && [ "$LU" -lt "$SU" ]; } || ST=$LT SU=$LU
}

gnc_remembers() { # ASKED: no turn that this machine gave is forgotten: it notes them where nobody restores,
    # or the others, who were ASKED, have seen none that is higher (TERM.TURN; - : nobody was)
    if [ "$1" = - ]; then
        G=''
        [ ! -e "${GNC_RAISE%.lock}.given" ] || read -r G <"${GNC_RAISE%.lock}.given"
        [ "$G" = "$ST $SU" ] || gnc_stop 10 'it was started, or restored, since it gave its last turn'
        gnc_highest
    else
        gnc_highest
        [ "${1%.*}" -lt "$ST" ] || { [ "${1%.*}" -eq "$ST" ] && [ "${1#*.}" -le "$SU" ]; } ||
            gnc_stop 11 "it has forgotten turns that it gave, up to ${1#*.} of term ${1%.*}: it was restored from a backup"
    fi
}

gnc_settled() { # ASKED: the others have seen nothing that follows what is committed here (ADR 0140)
    [ "$1" = - ] || [ "$1" = 0.0 ] || { [ "$LS" = "$HS" ] && { [ "${1%.*}" -lt "$LT" ] ||
        { [ "${1%.*}" -eq "$LT" ] && [ "${1#*.}" -le "$LU" ]; }; }; }
}

gnc_turn() ( # TERM ASKED: the next turn's number, for good
    gnc_enter 10
    [ "$1" -gt "$HT" ] || set -- "$HT" "$2"
    gnc_follow "$1"
    [ ! -e head ] || sync head . || gnc_stop 1 'the disk fails'
    gnc_last -
    N=$SU
    [ "$LU" -le "$N" ] || N=$LU
    gnc_remembers "$2"
    SU=$N
    gnc_put turn "$1 $((SU + 1))"
    N="$1 $((SU + 1))"
    gnc_settled "$2" || N=-
    { [ -d "${GNC_RAISE%/*}" ] || mkdir -p "${GNC_RAISE%/*}"; } &&
        echo "$N" >"${GNC_RAISE%.lock}.given" || : # then the others are asked again
    printf 'turn %s %s\n' "$1" "$((SU + 1))"
)

gnc_uptime() (
    read -r U _ </proc/uptime
    echo "${U%.*}"
)

gnc_leased() ( # a driver on this machine lives, has the turn, and time left for it
    cd "$GNC" && [ -e turn ] && read -r _ U <turn && [ -e "lease.$U" ] || exit 1
    read -r E <"lease.$U" && [ "$(gnc_uptime)" -lt "${E:-0}" ] && ! flock -s -n 6 6<"lease.$U" ||
        { rm -f "lease.$U"; exit 1; }
)

gnc_take() { # WAIT TERM ASKED: the commit lock, for at most 20 s
    gnc_release
    { [ -d "$GNC" ] || (umask 077 && mkdir -p "$GNC"); } && command exec 7>>"$GNC/lock" || return 1
    GNC_END=$(gnc_uptime)
    GNC_END=$((GNC_END + $1))
    flock -w "$1" 7 || { exec 7>&-; return 6; }
    while gnc_leased; do
        flock -u 7
        sleep 0.05
        [ "$(gnc_uptime)" -le "$GNC_END" ] && flock -w "$1" 7 || { exec 7>&-; return 6; }
    done
    GNC_TURN=taking
    GNC_OUT=$(gnc_turn "$2" "$3")
    set -- "$?"
    printf '%s\n' "$GNC_OUT"
    [ "$1" -eq 0 ] || { gnc_release; return "$1"; }
    GNC_TURN=${GNC_OUT#turn }
    (
        exec 7>&- </dev/null >/dev/null 2>&1
        trap 'kill "$!"; exit' TERM
        sleep "$GNC_LEASE" & # after it the number may be another process
        # shellcheck disable=SC3013 # -ef is not in POSIX, but in every sh that hosts have
        wait "$!" && [ "/proc/$$/fd/7" -ef "$GNC/lock" ] && kill -9 "$$"
    ) &
    GNC_DOG=$!
}

gnc_release() {
    [ -z "${GNC_DOG-}" ] || kill "$GNC_DOG" 2>/dev/null
    GNC_DOG='' GNC_TURN=''
    exec 7>&-
}

gnc_part() { # KIND NUMBER OFFSET
    [ -e "$1-$2.toml" ] || : >>"$1-$2.toml" || return 1
    N=$(wc -c <"$1-$2.toml")
    [ "$N" -ge "$3" ] || N=$3
    printf 'part %s %s %s %s\n' "$1" "$2" "$3" "$((N - $3))"
    [ "$N" -eq "$3" ] || tail -c "+$(($3 + 1))" "$1-$2.toml" | head -c "$((N - $3))"
}

gnc_fetch() ( # BASE OFFSET: what follows there; the whole when that base is gone; OFFSET - : nothing
    umask 077
    gnc_go
    gnc_load
    [ "$2" != - ] || { gnc_last -; gnc_highest; gnc_stop 0; }
    (gnc_stop 0)
    [ "$HB" -gt 0 ] || exit 0
    if [ "$HB" != "$1" ]; then
        if [ -e "journal-$1.toml" ]; then
            for N in $(ls | sed -n 's/^journal-\([0-9]*\)\.toml$/\1/p' | sort -n); do
                [ "$N" -lt "$1" ] || [ "$N" -ge "$HB" ] || {
                    set -- "$1" "$2" "$N"
                    O=0
                    [ "$3" != "$1" ] || O=$2
                    gnc_part journal "$3" "$O"
                }
            done
        fi
        gnc_part base "$HB" 0
        set -- "$HB" 0
    fi
    gnc_part journal "$HB" "$2"
)

gnc_past() ( # NUMBER: an earlier base and its journal, if they are still here
    cd "$GNC" || exit 1
    gnc_load
    (gnc_stop 0)
    [ ! -e "base-$1.toml" ] || { gnc_part base "$1" 0 && gnc_part journal "$1" 0; }
)

gnc_fence() ( # WAIT TERM: no older term may write here any more
    gnc_enter "$1"
    gnc_raise "$2" "$(($2 - 1))"
)

gnc_install() ( # TERM TURN HT HS HH HB START SIZE: base (SIZE bytes) and journal on stdin
    gnc_enter 10
    cat >whole || gnc_stop 1 'cannot write'
    [ "$HB" = 0 ] || gnc_ends - # what a later turn has appended, too, must stay
    gnc_refuse "$1" "$2"
    [ "$1" -gt "$HT" ] || [ "$4" -ge "$HS" ] || gnc_stop 4 "serial $HS is committed here"
    [ "$1" -gt "$HT" ] || [ "$4" -ne "$HS" ] || [ "$5" = "$HH" ] ||
        gnc_stop 7 "another history has the serial $HS"
    head -c "$8" whole >base.new && tail -c "+$(($8 + 1))" whole >in || gnc_stop 1 'cannot write'
    gnc_linked "$7" "$5" || gnc_stop 7 'the records are no chain'
    [ "$(wc -c <base.new)" -eq "$8" ] || gnc_stop 7 'the base is cut off'
    [ "$HB" -ne "$6" ] || [ "$1" -gt "$HT" ] || [ "$HH" = "$5" ] ||
        [ "$HH" = "$7" ] || grep -q "^prev = \"$HH\"$" in || gnc_stop 7 'it lacks what is committed here'
    [ ! -e ../gate/judge ] || W=$(sh ../gate/judge install "$HT" "$HS" "$HB" 2>&1) || gnc_stop 1 "refused: $W"
    sync base.new in && mv -f base.new "base-$6.toml" && mv -f in "journal-$6.toml" &&
        rm -f whole && sync . || gnc_stop 1 'cannot write'
    gnc_put turn "$1 $2"
    gnc_put head "$3 $4 $5 $6"
    HT=$3 HS=$4 HH=$5 HB=$6 ST=$1 SU=$2
    gnc_stop 0
)

gnc_prune() ( # KIB DAYS: old bases and journals go, but never the last two
    gnc_enter 10
    for N in $(ls | sed -n 's/^base-\([0-9]*\)\.toml$/\1/p' | sort -n | head -n -2); do
        if [ "$(du -sk . | cut -f 1)" -gt "$1" ] ||
            [ -n "$(find . -name "journal-$N.toml" -mtime "+$2")" ]; then
            rm -f "base-$N.toml" "journal-$N.toml"
        fi
    done
)
