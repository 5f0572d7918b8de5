"""The options that commands share, declared once, by class of command."""

from __future__ import annotations

from gnt.record import Record
from gnt.spec import RESULTS, Command, Query, Settings, dependency, opt, opts
from gnt.values import BOOL, TEXT, Kind, choice, natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FORMATS = ("table", "json", "yaml", "csv", "plain", "github", "grid", "simple", "pipe", "rst",
           "html", "latex")


def _dependency(text: str) -> str:
    job, results = dependency(text)
    if not natural(job) or text.endswith(":") or not set(results) <= set(RESULTS):
        raise ValueError(text)
    return text


DEPENDENCY = Kind(_dependency, "JOBID[:RESULT,…]", "a job's id, with a colon and results that "
                  "will do (success, error, canceled) or without", complete="job")


class Every(Command):
    """Options of every command."""

    cluster: str = opt(TEXT, "the cluster to talk to: the name of a context", default="",
                       metavar="NAME")
    format: str = opt(choice(*FORMATS), "how data is printed", default="table",
                      metavar="table|json|yaml|csv|…")
    reason: str = opt(TEXT, "why, for the signed history", default="")
    consent: str = opt(TEXT, "the file in which other signers agree to a change that needs several "
                       "(gnt-cluster sign); made when it is not there", default="", metavar="FILE")
    timing: bool = opt(BOOL, "tell round trips and time on stderr at the end", default=False)
    debug: bool = opt(BOOL, "show where an error came from", default=False, short="d")


class Asking(Command):
    """Options of commands that may ask for a yes."""

    yes: bool = opt(BOOL, "answer every question with yes", default=False)


class Tabular(Command):
    """Options of commands that print a table."""

    no_headers: bool = opt(BOOL, "no line of titles", default=False)
    separator: str | None = opt(TEXT, "put this between columns and do not align them",
                                default=None, metavar="SEP")
    units: str = opt(choice("h", "m", "g", "t"), "sizes: human (h), or in MiB, GiB, TiB",
                     default="")
    verbose: bool = opt(BOOL, "words instead of signs for values that are missing",
                        default=False, short="v")


class Working(Command):
    """Options of commands that run jobs."""

    submit: bool = opt(BOOL, "print the job's id and do not wait for its end", default=False)
    print_jobid: bool = opt(BOOL, "print the job's id as the first line", default=False)
    priority: str = opt(choice("low", "normal", "high"), "order among waiting jobs",
                        default="normal")
    dry_run: bool = opt(BOOL, "check, show the plan, change nothing", default=False)
    plan_out: str = opt(TEXT, "write the plan there for `gnt apply`, change nothing", default="",
                        metavar="FILE")
    wait: bool = opt(BOOL, "wait for jobs that hold the same objects, do not fail",
                     default=True)
    depends: tuple[str, ...] = opts(
        DEPENDENCY, "begin when this job has ended, with one of these results (success, error, "
        "canceled) or any; fail when it ended otherwise")


class Layout(Record):
    """How answers are to look."""

    format: str = "table"
    no_headers: bool = False
    separator: str | None = None
    units: str = ""
    verbose: bool = False


def groups(command: type[Command]) -> tuple[type[Command], ...]:
    """The general options that ``command`` takes."""
    found: list[type[Command]] = []
    if command.tabular:
        found.append(Tabular)
    if command.jobs:
        found.append(Working)
    if not issubclass(command, Query):
        found.append(Asking)
    return (*found, Every)


def settings(values: Mapping[str, Any], argv: tuple[str, ...]) -> Settings:
    """What the general options mean to the session."""
    known = {name: value for name, value in values.items() if name in Settings.TYPES}
    return Settings(**known, argv=argv)


def layout(values: Mapping[str, Any]) -> Layout:
    """What the general options mean to the printing of answers."""
    return Layout(**{name: value for name, value in values.items() if name in Layout.TYPES})
