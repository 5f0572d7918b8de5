# What a candidate of a hardened cluster believes, whoever writes to it: the rules of config/trust.py,
# kept on the node with its gate (ssh/gate) and not with the driver.  Run in the configuration's directory,
# before records are kept:
#   judge BASE SIZE                 the records in the file "in", after SIZE bytes of journal-BASE.toml
#   judge install TERM SERIAL BASE  the base in base.new, by a signer that this node knows, and "in" after
#                                   it; they are of the cluster of base-BASE.toml, and no older than these
# Status 0: they are signed by who might, in order, and agreed to; 4: why not is on stderr.
# awk takes the records apart into files; ssh-keygen looks at the signatures.
umask 077
LC_ALL=C
export LC_ALL
dir=judge.$$
trap 'rm -rf "$dir"' EXIT
for old in judge.*; do
    [ ! -e "$old" ] || rm -rf "$old"
done
mkdir "$dir" || exit 4

refuse() {
    echo "$1" >&2
    exit 4
}

# shellcheck disable=SC2016 # awk's own
apart='
function lex(t,  out) { # strings become their numbers
    ns = 0
    while (match(t, /"(\\.|[^"\\])*"/)) {
        s[++ns] = substr(t, RSTART + 1, RLENGTH - 2)
        out = out substr(t, 1, RSTART - 1) "\"" ns "\""
        t = substr(t, RSTART + RLENGTH)
    }
    return out t
}
function fold(t,  n) { # tables become their numbers, the inner ones first
    while (match(t, /\{[^{}]*\}/)) {
        tab[++n] = substr(t, RSTART, RLENGTH)
        t = substr(t, 1, RSTART - 1) "@" n "@" substr(t, RSTART + RLENGTH)
    }
    return t
}
function field(v, name,  at) { # of a table without tables in it
    if (match(v, "[{ ]" name " = ")) {
        at = substr(v, RSTART + RLENGTH)
        if (substr(at, 1, 1) == "\"") return s[substr(at, 2) + 0]
        match(at, /^[^,}]*/)
        return substr(at, 1, RLENGTH)
    }
    return ""
}
function bad(why) { print why >(dir "/bad"); failed = 1; exit }
function armor(sig, file) {
    print "-----BEGIN SSH SIGNATURE-----" >file
    for (; length(sig) > 70; sig = substr(sig, 71)) print substr(sig, 1, 70) >file
    print sig "\n-----END SSH SIGNATURE-----" >file
    close(file)
}
function said(v, usual) { return v == "" ? usual : v }
function take(name, value,  other) { # a signer, as a record puts it
    if (name ~ /[^A-Za-z0-9@._+-]/ || field(value, "name") != name) bad(name " is no name for a signer")
    for (other in key)
        if (other != name && tolower(other) == tolower(name)) bad(name " could be taken for " other)
    if (!(name in key) || key[name] != field(value, "key") || until[name] + 0 != field(value, "valid_until") + 0)
        lines = lines "signer " name " " field(value, "key") \
            (field(value, "valid_until") + 0 ? " until " field(value, "valid_until") : "") "\n"
    nkey[name] = field(value, "key"); nuntil[name] = field(value, "valid_until") + 0
}
function rule(value) { # the cluster, as a record puts it
    if (field(value, "uuid") != uuid) bad("it changes the identity of the cluster")
    nneed = said(field(value, "signer_threshold"), 1) + 0
    nhard = said(field(value, "hardened"), "false")
    nguard = field(value, "guard") + 0
    nmaster = field(value, "master_node")
    if (nneed != need) lines = lines "signer_threshold " nneed "\n"
    if (nhard != hard) lines = lines "hardened " (nhard == "true" ? "True" : "False") "\n"
    ruled = 1
}
function weigh(  t, n, i, part, path, value) { # what the record at hand puts and drops
    lines = ""; ruled = 0; nneed = need; nhard = hard; nguard = guard; nmaster = master
    delete nkey; delete nuntil
    if (index(put, "\"signers/") || index(put, "\"cluster/cluster\"")) {
        t = fold(lex(put))
        sub(/^put = \[/, "", t)
        n = split(t, part, ", ")
        for (i = 1; i <= n; i++) {
            t = tab[substr(part[i], 2) + 0]
            path = field(t, "path")
            value = match(t, /value = @[0-9]+@/) ? tab[substr(t, RSTART + 9) + 0] : ""
            if (substr(path, 1, 8) == "signers/") take(substr(path, 9), value)
            if (path == "cluster/cluster") rule(value)
        }
    }
    if (index(drop, "\"signers/") || index(drop, "\"cluster/cluster\"")) {
        lex(drop)
        for (i = 1; i <= ns; i++) {
            if (s[i] == "cluster/cluster") bad("it drops the cluster")
            if (substr(s[i], 1, 8) == "signers/") {
                lines = lines "no signer " substr(s[i], 9) "\n"
                nkey[substr(s[i], 9)] = ""
            }
        }
    }
}
function obey(  name) { # after the record
    for (name in nkey) if (nkey[name] == "") { delete key[name]; delete until[name] }
        else { key[name] = nkey[name]; until[name] = nuntil[name] }
    need = nneed; hard = nhard; guard = nguard; master = nmaster
}
function judge(  name, k, n, i, seen, file) { # a record of "in"
    k = sprintf("%06d", ++count)
    if (length(body) > 4194304) bad("record " serial " is longer than any reader takes")
    if (serial != last + 1) bad("record " serial " follows " last)
    if (term < lastterm || term == lastterm && turn < lastturn)
        bad("record " serial " goes back to term " term " turn " turn)
    weigh()
    if (term > lastterm) lines = lines "master " nmaster "\n"
    if (operation == "cluster destroy") lines = lines "destroy the cluster\n"
    if (ruled && nguard != guard + (need > 1 && lines != "")) bad("record " serial " miscounts dangerous changes")
    if (need > 1 && lines != "" && !ruled) bad("record " serial " does not count a dangerous change")
    file = dir "/" k ".allowed"
    printf "" >file
    for (name in key) if (!until[name] || stamp + 0 < until[name] && stamp + 0 >= laststamp - 86400) {
        print "gnt", key[name] >file
        if (need > 1) print name, key[name] >(dir "/" k ".names")
    }
    close(file); close(dir "/" k ".names")
    printf "%s", body >(dir "/" k ".body"); close(dir "/" k ".body")
    armor(signature, dir "/" k ".sig")
    n = 0
    if (need > 1 && lines != "") {
        printf "gnt-consent-1\ncluster %s\nchange %s\n%s", uuid, guard, lines >(dir "/" k ".statement")
        close(dir "/" k ".statement")
        lex(consent)
        for (i = 1; i <= ns; i++) armor(s[i], dir "/" k ".consent." i)
        n = need
    }
    print k, serial, n >(dir "/docket")
    obey()
    delete seen
    for (name in key) seen[key[name]]
    n = 0
    for (name in seen) n++
    if (n < need) bad("record " serial " would leave " n " who may sign, where " need " must agree")
}
function open_table() { body = put = drop = consent = operation = ""; stamp = 0 }
function listed(line,  t) { # a line of a base
    if (line ~ /^\[/) { section = line; name = ""; return }
    if (section == "[base]") {
        if (line ~ /^serial = /) last = substr(line, 10) + 0
        if (line ~ /^term = /) lastterm = substr(line, 8) + 0
        if (line ~ /^turn = /) lastturn = substr(line, 8) + 0
        if (line ~ /^time = /) laststamp = substr(line, 8) + 0
    }
    if (section == "[cluster]") {
        if (line ~ /^uuid = /) uuid = substr(line, 9, length(line) - 9)
        if (line ~ /^master_node = /) master = substr(line, 16, length(line) - 16)
        if (line ~ /^signer_threshold = /) need = substr(line, 20) + 0
        if (line ~ /^guard = /) guard = substr(line, 9) + 0
        if (line ~ /^hardened = /) hard = substr(line, 12)
    }
    if (section ~ /^\[signers\./) {
        if (line ~ /^name = /) name = substr(line, 9, length(line) - 9)
        if (line ~ /^key = /) key[name] = substr(line, 8, length(line) - 8)
        if (line ~ /^valid_until = /) until[name] = substr(line, 15) + 0
    }
}
BEGIN {
    need = 1; hard = "false"; guard = 0; section = ""
    while ((getline line <base) > 0) listed(line)
    delete nkey
    for (name in key) known++
    if (known < need) bad("the base lists " known + 0 " who may sign, where " need " must agree")
}
FILENAME == "in" && !judging { judging = 1 }
/^\[txn\.[0-9]+\]$/ { open_table(); serial = substr($0, 6, length($0) - 6) + 0 }
/^sig = "/ {
    signature = substr($0, 8, length($0) - 8)
    if (judging) judge()
    else { weigh(); obey() }
    last = serial; lastterm = term; lastturn = turn; laststamp = stamp + 0
    next
}
/^term = / { term = $3 + 0 }
/^turn = / { turn = $3 + 0 }
/^time = / { stamp = $3 }
/^operation = "/ { operation = substr($0, 14, length($0) - 14) }
/^consent = / { consent = $0 }
/^put = / { put = $0 }
/^drop = / { drop = $0 }
judging { body = body $0 "\n" }
END {
    if (!failed && (lastterm < minterm || lastterm == minterm && last < minserial))
        bad("serial " last " of term " lastterm " is older than " minserial " of term " minterm ", which is committed here")
    if (!failed && was != "" && uuid != was) bad("it belongs to another cluster")
}
'

digest() { # BASE: what counts of a base, kept, because a base may be large
    awk '/^\[/ {t = 0} /^\[(base|cluster|signers\..*)\]$/ {t = 1} /^\[signature\]$/ {exit} t' "$1"
}

size=$2 minterm=0 minserial=0 was='' listed=listed-$1
if [ "$1" = install ]; then
    journal=/dev/null size=0 minterm=$2 minserial=$3 listed=$dir/listed
    [ ! -e "base-$4.toml" ] || was=$(sed -n '/^\[cluster\]$/,/^\[/ s/^uuid = "\(.*\)"$/\1/p' "base-$4.toml")
    sed '/^\[signature\]$/,$d' base.new >"$dir/base.body"
    sig=$(sed -n '/^\[signature\]$/,$ s/^sig = "\(.*\)"$/\1/p' base.new)
    printf '[signature]\nsig = "%s"\n' "$sig" | cat "$dir/base.body" - | cmp -s - base.new ||
        refuse 'the base does not end with its signature'
    printf '%s\n' '-----BEGIN SSH SIGNATURE-----' "$sig" '-----END SSH SIGNATURE-----' >"$dir/base.sig"
    ssh-keygen -Y verify -f ../gate/signers -I gnt -n gnt-config -s "$dir/base.sig" \
        <"$dir/base.body" >/dev/null 2>&1 || refuse 'the base is not signed by anybody whom this node knows'
    rm -f listed-*
    digest base.new >"$dir/listed"
else
    journal=journal-$1.toml
    if [ ! -s "$listed" ]; then
        digest "base-$1.toml" >"$dir/listed" || refuse 'there is no base'
        rm -f listed-* && mv "$dir/listed" "$listed"
    fi
fi
head -c "$size" "$journal" | awk -v dir="$dir" -v base="$listed" -v minterm="$minterm" -v minserial="$minserial" \
    -v was="$was" "$apart" - in || refuse 'records that make no sense'
[ ! -e "$dir/bad" ] || refuse "$(cat "$dir/bad")"
[ ! -s in ] || [ -e "$dir/docket" ] || refuse 'records that make no sense'
[ -e "$dir/docket" ] || exit 0
while read -r record serial needed; do
    one=$dir/$record
    ssh-keygen -Y verify -f "$one.allowed" -I gnt -n gnt-config -s "$one.sig" <"$one.body" >/dev/null 2>&1 ||
        refuse "record $serial is not signed by anybody who may, or might then"
    [ "$needed" -gt 0 ] || continue
    ssh-keygen -Y find-principals -f "$one.names" -s "$one.sig" >"$dir/who"
    for consent in "$one".consent.*; do
        [ -e "$consent" ] || continue
        ssh-keygen -Y verify -f "$one.allowed" -I gnt -n gnt-consent -s "$consent" \
            <"$one.statement" >/dev/null 2>&1 &&
            ssh-keygen -Y find-principals -f "$one.names" -s "$consent" >>"$dir/who"
    done
    [ "$(sort -u "$dir/who" | wc -l)" -ge "$needed" ] || refuse "record $serial needs $needed signers who agree"
done <"$dir/docket"
