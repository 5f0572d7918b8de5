"""Makes the man pages (roff) and readable HTML from the declarations and man/prose/*.rst.

    python packaging/build_man.py dist/man

One page per noun, ``gnt(1)`` and ``gnt(7)``.  A page is a reStructuredText document: the prose,
with the generated parts where it says @COMMANDS@, @OPTIONS@, @FIELDS@, @EXIT@ and @FIGURES@.
Programs of their own (hbal …) have a page each, which is made of their declaration alone.
"""

from __future__ import annotations

import os
import pathlib
import re
import sys
import textwrap
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from gnt import __version__, errors  # noqa: E402 - the path is set first
from gnt.cli import find, general, help  # noqa: E402 - likewise
from gnt.cli.slots import table  # noqa: E402 - likewise
from gnt.query.field import default_output, fields  # noqa: E402 - likewise

PROSE = ROOT / "man" / "prose"
STYLE = ROOT / "man" / "style.css"
FIGURES = ROOT / "man" / "figures.md"
PLAIN = {"gnt": "gnt.1", "concepts": "gnt.7", "promises": "gnt-promises.7",
         "security": "gnt-security.7"}  # about no noun
LISTED = ("instance", "node", "group", "network", "job")


def pages():
    """Name of the prose file → name of the page (``gnt-instance.8``)."""
    found = dict(PLAIN)
    for noun in nouns():
        found[noun] = f"gnt-{noun}.8"
    found.update({cls.verb: f"{cls.verb}.1" for cls in commands(find.PROGRAMS)})
    return found


def nouns():
    """The nouns that have verbs, the lab included."""
    return tuple(noun for noun in (*find.nouns(), "lab")
                 if any(command.verb for command in commands(noun)))


def commands(noun):
    """The declarations of a noun's commands."""
    if noun == "lab":
        from gnt.lab.main import declared

        return sorted(declared().values(), key=lambda cls: cls.verb)
    return find.commands(noun)


def alone():
    """The commands without a noun (``gnt apply``)."""
    return [command for noun in find.nouns() for command in commands(noun) if not command.verb]


def escaped(text):
    """Plain text as reStructuredText; ``literals`` stay."""
    parts = re.split(r"(``[^`]+``|`[^`]+`)", text)
    return "".join(
        f"``{part.strip('`')}``" if at % 2 else re.sub(r"([\\*|_`\[\]<>])", r"\\\1", part)
        for at, part in enumerate(parts))


def paragraphs(text):
    """A docstring's paragraphs; indented ones are shown as they are."""
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        if block.startswith(" "):
            yield "::\n\n" + "\n".join("    " + line for line in block.splitlines())
        else:
            yield escaped(" ".join(block.split()))


def titled(text, sign):
    return f"{text}\n{sign * len(text)}"


def item(term, text):
    """A definition: ``--opt`` and what it does."""
    return f"{term}\n    {text}"


def literal(text):
    return f"``{text}``"


def options(slots):
    """A definition list of options."""
    return "\n\n".join(item(literal(help.spelled(slot)), escaped(help.explained(slot)) + ".")
                       for slot in slots if not slot.opt.hidden)


def command_part(cls):
    """Everything about one command."""
    own = [slot for slot in table(cls, ()).slots if not slot.opt.hidden]
    first, *rest = help.description(cls)
    parts = [titled(cls.verb or cls.noun, "-"), literal(help.usage(cls)), escaped(first),
             *paragraphs("\n".join(rest))]
    if own:
        parts.append(options(own))
    taken = [words for base, words in (
        (general.Tabular, "table"), (general.Working, "job"), (general.Asking, "question"),
    ) if cls.noun != "lab" and base in general.groups(cls)]
    if taken:
        parts.append(f"Takes the {' and the '.join(taken)} options, too.")
    for line, meaning in cls.examples:
        parts.append(f"Example: {escaped(meaning)}::\n\n    {line}")
    return "\n\n".join(parts)


def shared_options():
    """The options of many commands, by class."""
    parts = []
    for base, title in ((general.Every, "Every command"), (general.Tabular, "Table options"),
                        (general.Working, "Job options"), (general.Asking, "Question options")):
        parts += [titled(title, "-"), options(table(base, ()).slots)]
    return "\n\n".join(parts)


def field_part(kind):
    """The fields of a list; families are shown by their first member."""
    shown = [field for field in fields(kind).values()
             if not re.search(r"/([1-9]|1[0-5])$", field.name)]
    rows = [item(literal(field.name.replace("/0", "/N")) + f" ({field.kind})",
                 escaped(re.sub(r"^(Disk|NIC) 0:", r"\1 N:", field.doc)) + "."
                 + (" Asks the nodes." if field.live else ""))
            for field in sorted(shown, key=lambda field: field.name)
            if not field.name.startswith("hv/")]
    if kind == "instance":
        rows.append(item("``hv/PARAMETER``", "A hypervisor parameter, filled in."))
    usual = ", ".join(literal(name) for name in default_output(kind))
    return f"Shown by itself: {usual}.\n\n" + "\n\n".join(rows)


def exit_part():
    """Exit codes, from the errors."""
    codes = {0: ["Everything was done."]}
    for error in _tree(errors.GntError):
        own = (error.__doc__ or "").strip().partition("\n")[0]
        known = codes.setdefault(error.exit_code, [])
        if not known or error.__mro__[1].exit_code != error.exit_code:
            known.append(own)
    codes[1] = ["It failed; the message says why."]
    codes[141] = ["The reader of the output went away."]
    return "\n\n".join(item(literal(str(code)), escaped(" ".join(texts)))
                       for code, texts in sorted(codes.items()))


def figures():
    """What was measured last: the table of the README, as lists."""
    first, *lines = FIGURES.read_text().splitlines()
    parts, last = [escaped(first)], ""
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            last = line or last
        elif cells[0].startswith("**"):
            parts.append(cells[0])
        elif len(cells) == 4 and cells[1] not in ("figure", "---:"):
            gate = f" ({cells[2]}: {cells[3]})" if cells[3] else ""
            parts.append(f"* {escaped(cells[0])}: {escaped(cells[1] + gate)}")
    return "\n\n".join([*parts, escaped(last)])


def _tree(error):
    yield error
    for child in error.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child)


def day():
    """The date on the pages; SOURCE_DATE_EPOCH makes builds repeatable."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _about(noun):
    """The first line of a noun's prose: what the page is about."""
    return (PROSE / f"{noun}.rst").read_text().partition("\n")[0]


def program(cls):
    """(what it is about, the text of its page) of a program of its own."""
    first, *rest = help.description(cls)
    summary = first.rstrip(".")
    groups = [base for base in general.groups(cls) if base is not general.Every]
    parts = [titled("SYNOPSIS", "="), literal(help.usage(cls)), titled("DESCRIPTION", "="),
             *paragraphs("\n".join(rest) or first), titled("OPTIONS", "="),
             options(table(cls, (*groups, general.Every)).slots), titled("EXAMPLES", "=")]
    for line, meaning in cls.examples:
        parts.append(f"{escaped(meaning)}::\n\n    {line}")
    parts += [titled("EXIT STATUS", "="), exit_part(), titled("SEE ALSO", "="),
              "**gnt**\\ (1), **gnt-htools**\\ (8)"]
    return summary[:1].lower() + summary[1:], "\n\n".join(parts) + "\n"


def told(name):
    """(what a page is about, its text with marks); the prose's first line says the former."""
    for cls in commands(find.PROGRAMS):
        if cls.verb == name:
            return program(cls)
    summary, _, text = (PROSE / f"{name}.rst").read_text().partition("\n")
    return summary, text


def document(name):
    """The whole reStructuredText of a page."""
    stem, _, section = pages()[name].rpartition(".")
    summary, text = told(name)
    parts = {
        "@NOUNS@": lambda: "\n\n".join(
            item(f"**gnt-{noun}**\\ (8)", escaped(_about(noun)) + ".") for noun in nouns()),
        "@COMMANDS@": lambda: "\n\n".join(
            map(command_part, alone() if name == "gnt" else commands(name))) or "(none)",
        "@OPTIONS@": shared_options,
        "@FIELDS@": lambda: field_part(name),
        "@EXIT@": exit_part,
        "@FIGURES@": figures,
    }
    for marker, make in parts.items():
        if marker in text:
            text = text.replace(marker, make())
    bar, line = "=" * len(stem), "-" * len(summary)
    return (f"{bar}\n{stem}\n{bar}\n\n{line}\n{summary}\n{line}\n\n"
            f":Manual section: {section}\n:Manual group: gnt\n:Version: gnt {__version__}\n"
            f":Date: {day()}\n\n{text}")


def roff(text):
    """The man page of a document."""
    from docutils.core import publish_string

    made = publish_string(text, writer="manpage", settings_overrides=SETTINGS).decode()
    return tidied(made)


def tidied(text):
    """Docutils' roff in plain man(7): no macros of its own, short lines, no empty paragraphs."""
    lines = text.splitlines()
    lines = lines[next(at for at, line in enumerate(lines) if line.startswith(".TH")):]
    made, nested, verbatim = [], [], False
    for line in lines:
        if line.startswith(".INDENT"):
            nested.append(float(line.split()[1]) > 0)
            made += [".RS 4"] if nested[-1] else []
        elif line.startswith(".UNINDENT"):
            made += [".RE"] if nested.pop() else []
        elif line.startswith('.\\"') or (line == "" and not verbatim) or (
                line == ".sp" and made[-1].startswith((".SH", ".SS", ".TP", ".PP", ".RS"))):
            continue
        else:
            verbatim = line == ".EX" or (verbatim and line != ".EE")
            made += [".PP"] if line == ".sp" else [line] if verbatim else wrapped(line)
    made[0] = re.sub(r'(?<=^\.TH ")[^"]+', lambda name: name[0].upper(), made[0])
    made[1] = made[1].upper()
    return "\n".join(made) + "\n"


def wrapped(line):
    """Text lines of at most 72 characters (80 bytes); requests stay whole."""
    if line.startswith("."):
        return [line.removeprefix(".B ") if line.startswith(".B \\fB") else line]
    return textwrap.wrap(line, 72, break_long_words=False, break_on_hyphens=False)


def html(text):
    """One self-contained page."""
    from docutils.core import publish_string

    made = publish_string(text, writer="html5", settings_overrides={
        **SETTINGS, "stylesheet_path": str(STYLE), "embed_stylesheet": True,
        "initial_header_level": 2, "toc_backlinks": False, "math_output": "HTML"})
    return re.sub(r'<meta name="generator"[^>]*>\n|<link rel="schema[^>]*>\n', "", made.decode())


SETTINGS = {"report_level": 2, "halt_level": 2, "datestamp": None, "generator": None,
            "source_link": None, "input_encoding": "unicode", "output_encoding": "utf-8",
            "file_insertion_enabled": False, "raw_enabled": False, "smart_quotes": False}


def build(out):
    """Write all pages below ``out``."""
    (out / "html").mkdir(parents=True, exist_ok=True)
    for name, page in pages().items():
        text = document(name)
        (out / page).write_text(roff(text))
        (out / "html" / f"{page}.html").write_text(html(text))


if __name__ == "__main__":
    build(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "dist/man"))
