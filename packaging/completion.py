"""Makes completion for bash, zsh and fish from the declarations.

    python packaging/completion.py dist/completion

Commands, options and choices are static; names of objects are asked for by ``gnt-… list``, which
answers from this machine's copy of the configuration.
"""

from __future__ import annotations

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from gnt.cli import find, general  # noqa: E402 - the path is set first
from gnt.cli.help import summary  # noqa: E402 - likewise
from gnt.cli.slots import table  # noqa: E402 - likewise
from gnt.spec import Arg  # noqa: E402 - likewise

NAMES = {  # what completes a word → the command that lists it
    "instance": "gnt-instance list --no-headers -o name",
    "node": "gnt-node list --no-headers -o name",
    "group": "gnt-group list --no-headers -o name",
    "network": "gnt-network list --no-headers -o name",
    "job": "gnt-job list --no-headers -o id",
}
OPTIONS = {  # options that take a name
    "node": "node", "target-node": "node", "node-group": "group", "network": "network",
    "primary": "node", "secondary": "node",
}


class Line:
    """What may follow ``noun verb``."""

    def __init__(self, words, about, options, words_of):
        self.words, self.about, self.options, self.words_of = words, about, options, words_of


class Option:
    """Its spellings, its explanation, whether a value follows, what completes the value."""

    def __init__(self, spellings, about, takes, values):
        self.spellings, self.about, self.takes, self.values = spellings, about, takes, values


def lines():
    """Every command, by noun: {noun: [Line]}; commands without a verb are under their noun."""
    found = {noun: [_line(cls, general.groups(cls)) for cls in find.commands(noun)]
             for noun in find.nouns()}
    from gnt.lab.main import declared

    found["lab"] = [_line(cls, ()) for _, cls in sorted(declared().items())]
    return {noun: made for noun, made in found.items() if made}


def _line(cls, groups):
    args = [field for field in cls.FIELDS.values() if isinstance(field, Arg)]
    return Line(cls.verb, summary(cls), [_option(slot) for slot in table(cls, groups).slots
                                         if not slot.opt.hidden],
                args[0].complete or args[0].kind.complete or " ".join(args[0].kind.choices)
                if args else "")


def _option(slot):
    kind = slot.opt.kind
    spellings = [f"--{slot.long}"]
    if slot.negatable and slot.opt.default is True:
        spellings.append(f"--no-{slot.long}")
    if slot.opt.short:
        spellings.append("-" + slot.opt.short.lstrip("-"))
    choices = " ".join(word for word in kind.choices if word)
    values = choices or kind.complete or OPTIONS.get(slot.long, "")
    return Option(spellings, slot.opt.help, not slot.flag and not slot.bare, values)


def programs(made):
    """The names that are completed."""
    return ["gnt", *(f"gnt-{noun}" for noun, commands in made.items() if commands[0].words),
            *alone(made)]


def alone(made):
    """The programs that are called by the names of their verbs (hbal …)."""
    return [line.words for line in made[find.PROGRAMS]]


def spelled(noun, line):
    """How a command may be typed after its noun's name, its other names included."""
    if not line.words:
        return [noun]
    others = find.aliases(noun).items() if noun != "lab" else ()
    return [f"{noun} {words}" for words in
            (line.words, *(short for short, verb in others if verb == line.words))]


def verb_rows(made):
    """What may follow a noun, and the first word of a verb of two words."""
    for noun, commands in made.items():
        first = {}
        for words in (spelling.split()[1:] for c in commands for spelling in spelled(noun, c)):
            if words:
                first.setdefault(words[0], []).extend(words[1:])
        if first:
            yield [noun], " ".join(sorted(first))
        for word, rest in sorted(first.items()):
            if rest:
                yield [f"{noun} {word}"], " ".join(sorted(set(rest)))


def option_rows(made):
    """Every option of each command; those of all commands come before a noun, too."""
    yield [""], _spellings(_line(general.Every, ()))
    for noun, commands in made.items():
        for line in commands:
            yield spelled(noun, line), _spellings(line)


def _spellings(line):
    return " ".join([*(s for option in line.options for s in option.spellings), "--help"])


def value_rows(made):
    """What completes the values of options; a dash where nothing does."""
    yield from _values([""], _line(general.Every, ()))
    for noun, commands in made.items():
        for line in commands:
            yield from _values(spelled(noun, line), line)


def _values(keys, line):
    for option in line.options:
        if option.takes:
            taking = [s for s in option.spellings if not s.startswith("--no-")]
            yield [f"{key} {s}" for key in keys for s in taking], option.values or "-"


def word_rows(made):
    """What completes the words of a command."""
    for noun, commands in made.items():
        for line in commands:
            if line.words_of:
                yield spelled(noun, line), line.words_of


def function(name, rows):
    """A shell function that echoes the row of its first argument."""
    body = "".join(f"        {'|'.join(repr(key) for key in keys)}) echo {text!r} ;;\n"
                   for keys, text in rows)
    return f"{name}() {{\n    case $1 in\n{body}    esac\n}}\n"


def tables(made):
    """The functions with all that bash and zsh need to know."""
    names = "".join(f"        {kind}) {command} 2>/dev/null ;;\n"
                    for kind, command in NAMES.items())
    return "".join((
        function("_gnt_verbs", verb_rows(made)), function("_gnt_options", option_rows(made)),
        function("_gnt_values", value_rows(made)), function("_gnt_words", word_rows(made)),
        f"_gnt_expand() {{\n    case $1 in\n{names}        -) ;;\n        *) echo \"$1\" ;;\n"
        "    esac\n}\n", function("_gnt_program", [(alone(made), find.PROGRAMS)]),
        f"_gnt_nouns={' '.join(made)!r}\n"))


def fish(made):
    """Completion for fish: one ``complete`` line per verb, option and kind of word."""
    out = [FISH_HEAD.replace("PROGRAMS", " ".join(alone(made)))]
    every = " ".join(f"-c {program}" for program in programs(made))
    out.append(f"complete {every} -f\n")
    out += [f"complete -c gnt -n '__gnt_at' -a {noun}\n" for noun in made]
    for noun, commands in made.items():
        apart = f"-c gnt -c gnt-{noun}" if commands[0].words else "-c gnt"
        apart += "".join(f" -c {name}" for name in alone(made) if noun == find.PROGRAMS)
        for keys, words in verb_rows({noun: commands}):
            out.append(f"complete {apart} -n '__gnt_at {keys[0]}' -a '{words}'\n")
        for line in commands:
            for key in spelled(noun, line):
                out += _fish_line(apart, key, line)
    return "".join(out)


def _fish_line(apart, key, line):
    where = f"complete {apart} -n '__gnt_at {key}'"
    if line.words_of:
        yield f"{where} {_fish_values(line.words_of)}\n"
    for option in line.options:
        names = " ".join(f"-l {s[2:]}" if s.startswith("--") else f"-s {s[1:]}"
                         for s in option.spellings)
        kind = "-r" if option.values == "file" else "-x"  # -x forbids -F
        takes = f" {kind} {_fish_values(option.values)}" if option.takes else ""
        about = option.about.replace("\\", "\\\\").replace("'", "\\'")
        yield f"{where} {names}{takes} -d '{about}'\n"


def _fish_values(kind):
    if kind == "file":
        return "-F"
    return f"-a '({NAMES[kind]} 2>/dev/null)'" if kind in NAMES else f"-a '{kind}'" if kind else ""


SCAN = """
# Sets noun, verb and option (the one whose value comes next) from the words typed before.
_gnt_scan() {
    local word skip=
    noun='' verb='' option=''
    case ${1##*/} in
        gnt-*) noun=${1##*/gnt-} noun=${noun#gnt-} ;;
        *) noun=$(_gnt_program "${1##*/}") verb=${noun:+${1##*/}} ;;
    esac
    shift
    for word in "$@"; do
        if [ "$word" = = ]; then [ -n "$option" ] || skip=1; continue; fi
        if [ -n "$skip$option" ]; then skip='' option=''; continue; fi
        case $word in
            --*=*) ;;
            -*) [ -z "$(_gnt_values "$noun${verb:+ $verb} $word")" ] || option=$word ;;
            *)  if [ -z "$noun" ]; then noun=$word
                elif [ -z "$verb" ]; then verb=$word
                elif [ -n "$(_gnt_verbs "$noun $verb")" ]; then verb="$verb $word"
                fi ;;
        esac
    done
}

# Prints what may come next: _gnt_next CURRENT-WORD
_gnt_next() {
    local key="$noun${verb:+ $verb}"
    if [ -n "$option" ]; then _gnt_expand "$(_gnt_values "$key $option")"
    else case $1 in
        -*) _gnt_options "$key" ;;
        *)  if [ -z "$noun" ]; then echo "$_gnt_nouns"
            elif [ -n "$(_gnt_verbs "$key")" ]; then _gnt_verbs "$key"
            else _gnt_expand "$(_gnt_words "$key")"
            fi ;;
    esac; fi
}
"""

BASH = """
_gnt() {
    local noun verb option list cur=${COMP_WORDS[COMP_CWORD]}
    _gnt_scan "${COMP_WORDS[@]:0:COMP_CWORD}"
    if [ "$cur" = = ]; then cur=; option=${COMP_WORDS[COMP_CWORD-1]}; fi
    list=$(_gnt_next "$cur")
    if [ "$list" = file ]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -W "$list" -- "$cur")
    fi
}
"""

ZSH = """
_gnt() {
    local noun verb option list cur=${words[CURRENT]}
    _gnt_scan "${(@)words[1,CURRENT-1]}"
    case $cur in --*=*) option=${cur%%=*} cur=${cur#*=}; compset -P '*=' ;; esac
    list=$(_gnt_next "$cur")
    if [ "$list" = file ]; then _files; else compadd -- ${=list}; fi
}
if [ "$funcstack[1]" = _gnt ]; then _gnt "$@"; fi
"""

FISH_HEAD = """\
# Whether the words typed so far are exactly this noun and verb.
function __gnt_at
    set -l words
    set -l tokens (commandline -opc)
    set -l program (basename $tokens[1])
    if string match -q 'gnt-*' $program
        set words (string replace gnt- '' $program)
    else if contains -- $program PROGRAMS
        set words htools $program
    end
    set -l skip 0
    for token in $tokens[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $token --cluster --format --reason
            set skip 1
        else if not string match -q -- '-*' $token
            set -a words $token
        end
    end
    set -l wanted (count $argv)
    if test (count $words) -lt $wanted
        return 1
    end
    if test $wanted -lt 2; and test (count $words) -gt $wanted
        return 1
    end
    if test $wanted -eq 0
        return 0
    end
    test "$words[1..$wanted]" = "$argv"
end
"""


def build(out):
    """Write the three files below ``out``, under the names the shells look for."""
    made = lines()
    out.mkdir(parents=True, exist_ok=True)
    every = " ".join(programs(made))
    shared = "# Made from the declarations by packaging/completion.py.\n" + tables(made) + SCAN
    (out / "gnt.bash").write_text(f"{shared}{BASH}\ncomplete -F _gnt {every}\n")
    (out / "_gnt").write_text(f"#compdef {every}\n{shared}{ZSH}")
    (out / "gnt.fish").write_text(fish(made))


if __name__ == "__main__":
    build(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "dist/completion"))
