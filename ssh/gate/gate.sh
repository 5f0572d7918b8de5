# What a hardened node runs for every login with one of the cluster's keys (ADR 0110): the other end
# of ssh/gate/speech.py.  It follows the functions of ssh/framing.py.  All that it runs is either a
# fact, a text that is kept here by its digest, or was signed for this very connection; what it runs for a
# job belongs to one whose record, as it is in the journal, was shown before (ADR 0119).
# Frames on stdin:
#   job SIZE SIGNATURE          (a record and its signature): the job that the next orders are for
#   batch TAG TERM FENCE HOLD COUNT ORDER SIGNATURE   sizes in bytes; both 0: facts only
#     (the order and its signature; an order may bring the signers of today, ADR 0139)
#   then COUNT times: run KEEP LIMIT SIZE STDIN (text, stdin; STDIN - : none)
#                 or: fact LIMIT DIGEST WORDS (a line for each word)
#   pipe SIZE ORDER SIGNATURE   (order, signature, text): the connection becomes the text's stdin
#   ticket SIZE ORDER SIGNATURE (likewise): prints a word that runs the text once, by ssh -t
# Whatever is not understood or not allowed ends the connection.
# shellcheck disable=SC2015,SC2154,SC1090 # both branches are meant; set by the functions before; texts by digest
# shellcheck disable=SC2030,SC2031 # what runs in a subshell is to know no tag
gnt_g=/var/lib/gnt/gate gnt_g_run=/run/gnt/gate gnt_g_jobs=/run/gnt/gate.jobs
gnt_g_granted=' ' gnt_g_job='' gnt_g_term=0 gnt_g_tag='' gnt_g_shown='' gnt_g_serial=0
gnt_g_idle=300 # seconds that who has signed nothing may be silent, or take for a frame; 0 once something was signed

gnt_g_refuse() { # WHY
    if [ -n "$gnt_g_tag" ]; then gnt_say "$gnt_last$gnt_g_tag done refused $1"
    else echo "gnt: this node is hardened and refuses: $1" >&2
    fi
    exit 126
}

gnt_g_number() { # WORDS: whether each is a number, and not too long to be one
    for gnt_g_word; do
        case $gnt_g_word in '' | *[!0-9]* | ??????????*) return 1 ;; esac
    done
}

gnt_g_digest() { # FILE
    gnt_g_sum=$(sha256sum <"$1") && gnt_g_sum=${gnt_g_sum%% *} && [ "${#gnt_g_sum}" = 64 ]
}

gnt_g_verify() { # WHAT NAMESPACE: end unless the files "signed" and "sig" are by somebody whom this node obeys now
    ssh-keygen -Y verify -f "$gnt_g/signers" -I gnt -n "$2" -s "$gnt_g_dir/sig" \
        <"$gnt_g_dir/signed" >/dev/null 2>"$gnt_g_dir/why" || {
        read -r gnt_g_why <"$gnt_g_dir/why"
        gnt_g_refuse "$1 that is not signed by anybody who may${gnt_g_why:+ ($gnt_g_why)}"
    }
}

gnt_g_signed() { # WHAT SIZE MOST SIGNATURE NAMESPACE: the file "signed" from stdin, by whom we know, or end
    gnt_g_number "$2" "$4" && [ "$2" -gt 0 ] && [ "$2" -le "$3" ] && [ "$4" -gt 0 ] && [ "$4" -le 4096 ] ||
        gnt_g_refuse "$1 of that size"
    head -c "$2" >"$gnt_g_dir/signed" && head -c "$4" >"$gnt_g_dir/sig" || gnt_g_refuse 'the disk is full'
    gnt_g_verify "$1" "$5"
    [ "$5" != gnt-order ] || gnt_g_idle=0
}

gnt_g_order() { # SIZE SIGNATURE: believe an order, or end
    gnt_g_signed 'an order' "$1" 1048576 "$2" gnt-order
    gnt_g_read <"$gnt_g_dir/signed"
}

gnt_g_since() { # of which TERM SERIAL the signers here are, and the digest of their lines
    read -r gnt_g_word gnt_g_kind gnt_g_a gnt_g_b gnt_g_c 2>/dev/null <"$gnt_g/signers" &&
        [ "$gnt_g_word $gnt_g_kind" = '# since' ] && gnt_g_number "$gnt_g_a" "$gnt_g_b" ||
        gnt_g_a=0 gnt_g_b=0 gnt_g_c=-
}

gnt_g_obey() { # TERM SERIAL: from now on whom the order lists, unless newer signers are known here (ADR 0139).
    # What cannot be written is brought again; who signed the order must be among them, too
    gnt_g_number "$1" "$2" || gnt_g_refuse 'signers of no state'
    (
        exec 9>>/run/gnt/gate.lock && flock -w 10 9 && gnt_g_since || exit 1
        [ "$1" -gt "$gnt_g_a" ] || { [ "$1" -eq "$gnt_g_a" ] && [ "$2" -gt "$gnt_g_b" ]; } || exit 0
        sed -n 's/^signer //p' "$gnt_g_dir/signed" >"$gnt_g_dir/obeyed" && [ -s "$gnt_g_dir/obeyed" ] &&
            gnt_g_digest "$gnt_g_dir/obeyed" &&
            { echo "# since $1 $2 $gnt_g_sum" && cat "$gnt_g_dir/obeyed"; } >"$gnt_g/signers.told" &&
            sync "$gnt_g/signers.told" && mv "$gnt_g/signers.told" "$gnt_g/signers" && sync "$gnt_g"
    ) || return 0
    gnt_g_verify 'an order' gnt-order
}

gnt_g_show() { # SIZE SIGNATURE: believe the record of a job, or end
    gnt_g_signed 'a record' "$1" 4194304 "$2" gnt-config
    # shellcheck disable=SC2046 # three numbers
    set -- $(LC_ALL=C awk '/^\[txn\.[0-9]+\]$/ {n = substr($0, 6, length($0) - 6)}
        /^term = [0-9]+$/ {t = $3}
        /^job = "[0-9]+"$/ {j = substr($0, 8, length($0) - 8)}
        /^result = / {exit}
        /^put = \[/ && index($0, "{path = \"jobs/" j "\", value = {") {print n, t, j; exit}' "$gnt_g_dir/signed")
    : >"$gnt_g_dir/signed"
    gnt_g_number "${1-}" "${2-}" "${3-}" || gnt_g_refuse 'a record of no job, or of the end of one'
    gnt_g_serial=$1 gnt_g_shown="$3 $2"
    gnt_g_ended "$3" || gnt_g_refuse "job $3, which has ended"
}

gnt_g_pending() { # JOB TERM, ordered: end unless its record of this term was shown, and nobody has a later one.
    # It is noted only now: records can be read, and shown, by anybody
    [ "$gnt_g_shown" = "$1 $2" ] || gnt_g_refuse "job $1, of which it was shown no record of term $2"
    for gnt_g_word in "$gnt_g_jobs/$1"-*; do
        [ ! -e "$gnt_g_word" ] || [ "${gnt_g_word##*-}" -le "$gnt_g_serial" ] ||
            gnt_g_refuse "job $1, which has ended or is another driver's by now"
    done
    [ -e "$gnt_g_jobs/$1-$gnt_g_serial" ] || { gnt_dir "$gnt_g_jobs" && : >"$gnt_g_jobs/$1-$gnt_g_serial"; } ||
        gnt_g_refuse '/run is full'
}

gnt_g_ended() { # JOB: false when this is a candidate, and its journal has the end after the record
    read -r gnt_g_word gnt_g_word gnt_g_word gnt_g_word 2>/dev/null </var/lib/gnt/config/head || return 0
    gnt_g_word=/var/lib/gnt/config/journal-$gnt_g_word.toml
    [ -e "$gnt_g_word" ] || return 0
    grep -a -B 7 -A 3 -x -F "job = \"$1\"" "$gnt_g_word" | LC_ALL=C awk -v job="$1" -v after="$gnt_g_serial" '
        /^\[txn\.[0-9]+\]$/ {n = substr($0, 6, length($0) - 6); its = 0}
        /^job = / {its = $0 == "job = \"" job "\""}
        /^result = / {if (its && n + 0 > after + 0) ended = 1}
        END {exit ended}'
}

gnt_g_read() { # the order on stdin: its signature is good
    read -r gnt_g_word && [ "$gnt_g_word" = gnt-order-1 ] || gnt_g_refuse 'an order of another kind'
    read -r gnt_g_word gnt_g_for && [ "$gnt_g_word $gnt_g_for" = "for $gnt_g_challenge" ] ||
        gnt_g_refuse 'the order was signed for another connection'
    read -r gnt_g_word gnt_g_of gnt_g_in && [ "$gnt_g_word" = job ] && gnt_g_number "$gnt_g_in" ||
        gnt_g_refuse 'the order names no job and term'
    [ -z "$gnt_g_name" ] || { read -r gnt_g_word gnt_g_text && [ "$gnt_g_word $gnt_g_text" = "on $gnt_g_name" ]; } ||
        gnt_g_refuse 'the order was signed for another node' # who has broken in there could hand on our challenge
    [ "$gnt_g_of $gnt_g_in" = "$gnt_g_job $gnt_g_term" ] || gnt_g_granted=' '
    gnt_g_job=$gnt_g_of gnt_g_term=$gnt_g_in
    while read -r gnt_g_word gnt_g_text gnt_g_in; do
        case $gnt_g_word in
            run) gnt_g_granted="$gnt_g_granted$gnt_g_text/$gnt_g_in " ;;
            obey) gnt_g_obey "$gnt_g_text" "$gnt_g_in" ;;
            signer) ;; # whom to obey
            *) gnt_g_refuse 'the order says what this gate does not know' ;;
        esac
    done
}

gnt_g_allowed() { # FILE STDIN: whether this text with this stdin was ordered
    gnt_g_digest "$1" || return 1
    gnt_g_text=$gnt_g_sum gnt_g_in=-
    [ "$2" = - ] || { gnt_g_digest "$2" && gnt_g_in=$gnt_g_sum || return 1; }
    case $gnt_g_granted in *" $gnt_g_text/$gnt_g_in "*) ;; *) return 1 ;; esac
}

gnt_g_after() { # FENCED: the marker of a script that ended; without a fence it waits for the next one
    if [ -n "$1" ]; then
        gnt_say "$gnt_g_tag.$gnt_g_n off $gnt_rc"
        [ "$gnt_rc" -eq 0 ] || gnt_g_skip=1
    else gnt_last="$gnt_g_tag.$gnt_g_n off $gnt_rc$gnt_nl"
    fi
}

gnt_g_ordered() { # KEEP LIMIT SIZE STDIN: one script that must have been ordered
    gnt_g_number "$2" "$3" || gnt_g_refuse 'a script of that size'
    [ "$gnt_g_granted" != ' ' ] || gnt_g_refuse 'nothing was signed for this connection'
    head -c "$3" >"$gnt_g_dir/text.$gnt_g_n" || gnt_g_refuse 'the disk is full'
    gnt_g_from=/dev/null
    [ "$4" = - ] || {
        gnt_g_from=$gnt_g_dir/stdin.$gnt_g_n
        gnt_g_number "$4" && head -c "$4" >"$gnt_g_from" || gnt_g_refuse 'a stdin of that size'
    }
    set -- "$1" "$2" "$gnt_g_dir/text.$gnt_g_n" "$gnt_g_from"
    if [ "$4" = /dev/null ]; then gnt_g_allowed "$3" -; else gnt_g_allowed "$3" "$4"; fi ||
        gnt_g_refuse 'a script that was not signed as it is'
    [ "$gnt_g_skip" = 0 ] || return 0
    gnt_begin "$gnt_g_tag.$gnt_g_n" "$2" 0
    if [ "$1" = 1 ]; then # the tag is in this text, and in no variable, while a script runs
        eval "gnt_g_tag=''; command . \"\$3\" <\"\$4\"; gnt_rc=\$?; gnt_g_tag=$gnt_g_tag"
        return "$gnt_rc"
    else (gnt_g_tag='' && gnt_g_free && . "$3") 9>&- <"$4"
    fi
}

gnt_g_fact() { # LIMIT DIGEST WORDS: one of the texts that are kept here
    gnt_g_number "$1" "$3" && [ "$1" -gt 0 ] && [ "$1" -le 3600 ] && [ "$3" -le 1000 ] ||
        gnt_g_refuse 'a fact of that size'
    case $2 in *[!0-9a-f]*) gnt_g_refuse 'a digest that is none' ;; esac
    gnt_begin "$gnt_g_tag.$gnt_g_n" "$1" 0
    gnt_g_text=$gnt_g_facts/open/$2 gnt_g_in=$3
    [ "$gnt_g_in" -gt 0 ] || [ -e "$gnt_g_text" ] || gnt_g_text=$gnt_g_facts/fixed/$2
    [ "${#2}" = 64 ] && [ -f "$gnt_g_text" ] || gnt_g_refuse 'a script that is no fact and was not signed'
    set --
    while [ "$gnt_g_in" -gt 0 ] && IFS= read -r gnt_g_word; do
        case $gnt_g_word in *[!A-Za-z0-9@%_+=:,./\ -]* | -?* | *..*) gnt_g_refuse 'a word that no fact takes' ;; esac
        set -- "$@" "$gnt_g_word"
        gnt_g_in=$((gnt_g_in - 1))
    done
    [ "$gnt_g_in" = 0 ] || exit 1
    [ "$gnt_g_skip" = 0 ] || return 0
    (gnt_g_tag='' && gnt_g_free && . "$gnt_g_text") 9>&- </dev/null
}

gnt_g_items() { # FENCED COUNT TERM
    gnt_g_n=0
    while [ "$gnt_g_n" -lt "$2" ]; do
        read -r gnt_g_kind gnt_g_a gnt_g_b gnt_g_c gnt_g_d || exit 1
        [ "$gnt_g_skip" != 0 ] || gnt_g_admit "$3" || gnt_g_skip=2 # it may have risen meanwhile
        case $gnt_g_kind in
            run) gnt_g_ordered "$gnt_g_a" "$gnt_g_b" "$gnt_g_c" "$gnt_g_d" ;;
            fact) gnt_g_fact "$gnt_g_a" "$gnt_g_b" "$gnt_g_c" ;;
            *) gnt_g_refuse 'a frame that it does not know' ;;
        esac
        gnt_rc=$?
        [ "$gnt_g_skip" != 0 ] || gnt_g_after "$1"
        [ "$gnt_g_kind" = fact ] || { : >"$gnt_g_dir/text.$gnt_g_n"; : >"$gnt_g_dir/stdin.$gnt_g_n"; }
        gnt_g_n=$((gnt_g_n + 1))
    done
}

gnt_g_admit() { # TERM: only who has signed may raise the term of a node
    [ "$1" != 0 ] || return 0
    if [ "$gnt_g_granted" != ' ' ]; then
        gnt_admit "$1"
        return
    fi
    gnt_known
    [ "$gnt_term" -le "$1" ] 2>/dev/null || { gnt_why="fenced $gnt_term"; return 1; }
}

gnt_g_batch() { # TAG TERM FENCE HOLD COUNT ORDER SIGNATURE
    case $1 in '' | *[!0-9a-f.]*) gnt_g_refuse 'a tag that is none' ;; esac
    gnt_g_tag=$1 gnt_g_skip=0
    gnt_g_number "$2" "$4" "$5" "$6" || gnt_g_refuse 'a frame that it does not know'
    case $3 in '' | *[!A-Za-z0-9_-]*) gnt_g_refuse 'a fence that is none' ;; esac
    [ "$6" = 0 ] || gnt_g_order "$6" "$7"
    [ "$3 $2" = "$gnt_g_job $gnt_g_term" ] || gnt_g_granted=' ' # signed for another job or term
    [ "$3" = - ] || {
        [ "$gnt_g_granted" != ' ' ] || gnt_g_refuse 'a job that was not signed for this connection'
        gnt_g_pending "$3" "$2"
    }
    gnt_g_admit "$2" || gnt_g_skip=1
    if [ "$3" = - ]; then gnt_g_items '' "$5" "$2"
    else
        (
            [ "$gnt_g_skip" = 1 ] || gnt_fence "$3" || { gnt_g_skip=1; gnt_g_items 1 "$5" "$2"; exit 1; }
            gnt_g_items 1 "$5" "$2"
            [ "$gnt_g_skip" != 2 ] || exit 4
            exit 0
        )
        gnt_rc=$?
        [ "$gnt_rc" != 126 ] || exit 126
        gnt_left "$gnt_rc" "$2"
    fi
    [ "$gnt_g_idle" = 0 ] || set -- "$1" "$2" "$3" "$gnt_g_idle"
    gnt_end "$gnt_g_tag" "$4"
    gnt_g_tag=''
}

gnt_g_take() { # SIZE ORDER SIGNATURE: a text that was ordered, in the file "text"
    gnt_g_number "$1" || gnt_g_refuse 'a script of that size'
    gnt_g_order "$2" "$3"
    [ "$gnt_g_job" = - ] || gnt_g_pending "$gnt_g_job" "$gnt_g_term"
    head -c "$1" >"$gnt_g_dir/text" && gnt_g_allowed "$gnt_g_dir/text" - ||
        gnt_g_refuse 'a script that was not signed as it is'
    [ "$gnt_g_term" = 0 ] || gnt_admit "$gnt_g_term" || gnt_g_refuse "$gnt_why"
}

gnt_g_become() { # FILE: run its text with what the connection brings
    gnt_g_text=$(cat "$1")
    rm -rf "$gnt_g_dir"
    trap - EXIT
    gnt_g_free
    [ "$gnt_alarm" = /dev/null ] || rm -f "$gnt_alarm"
    eval "$gnt_g_text"
    exit
}

gnt_g_ticket() { # FILE: let a second connection run it once, as long as this one lasts
    gnt_g_word=$(cat /proc/sys/kernel/random/uuid) && [ "${#gnt_g_word}" = 36 ] &&
        mv "$1" "$gnt_g_dir/ticket-$gnt_g_word" && echo "gnt-ticket $$-$gnt_g_word"
}

gnt_g_redeem() { # PID-SECRET
    case $1 in *[!0-9a-f-]*) gnt_g_refuse 'a ticket that is none' ;; esac
    mv "$gnt_g_run/${1%%-*}/ticket-${1#*-}" "$gnt_g_dir/text" 2>/dev/null || gnt_g_refuse 'a ticket that nobody gave'
    gnt_g_become "$gnt_g_dir/text"
}

gnt_g_free() { # what the gate limits for itself is no limit for what it runs
    ulimit -S -v unlimited
    umask "$gnt_g_umask"
}

gnt_g_open() {
    gnt_g_umask=$(umask)
    umask 077
    gnt_dir "$gnt_g_run" || exit 1
    for gnt_g_word in "$gnt_g_run"/*; do # of gates that were killed
        [ -d "/proc/${gnt_g_word##*/}" ] || rm -rf "$gnt_g_word"
    done
    gnt_g_dir=$gnt_g_run/$$
    rm -rf "$gnt_g_dir" && mkdir "$gnt_g_dir" || gnt_g_refuse '/run is full'
    trap 'rm -rf "$gnt_g_dir"' EXIT
    trap 'exit 129' HUP INT TERM
    gnt_g_name=''
    [ ! -e "$gnt_g/name" ] || read -r gnt_g_name <"$gnt_g/name" || exit 1
    gnt_g_challenge=$(cat /proc/sys/kernel/random/uuid) && [ "${#gnt_g_challenge}" = 36 ] || exit 1
    ulimit -S -v 65536 # KiB: a line without an end ends the gate, not the node
}

gnt_g_serve() {
    gnt_dog
    gnt_mark greeted "$gnt_g_idle"
    gnt_g_since
    echo "gnt-gate 1 $gnt_g_challenge $gnt_g_version records signers $gnt_g_a $gnt_g_b $gnt_g_c${gnt_g_name:+ on}"
    # shellcheck disable=SC2086 # words of one frame
    while read -r gnt_g_kind gnt_g_rest; do
        set -f
        set -- $gnt_g_rest
        set +f
        gnt_g_rest=''
        case $gnt_g_kind,$# in
            job,2) gnt_g_show "$@" ;;
            batch,7) gnt_g_batch "$@" ;;
            pipe,3) gnt_g_take "$@" && gnt_g_become "$gnt_g_dir/text" ;;
            ticket,3) gnt_g_take "$@" && gnt_g_ticket "$gnt_g_dir/text" ;;
            *) gnt_g_refuse 'a frame that it does not know' ;;
        esac
    done
}

gnt_g_open
case ${SSH_ORIGINAL_COMMAND-} in
    'exec /bin/sh' | 'echo gnt-plain; exec /bin/sh') gnt_g_serve ;;
    'gnt-ticket '*) gnt_g_redeem "${SSH_ORIGINAL_COMMAND#gnt-ticket }" ;;
    '') gnt_g_refuse 'logins' ;;
    *) gnt_g_refuse 'commands that are not signed' ;;
esac
