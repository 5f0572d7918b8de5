"""Run one command: from cached columns when they answer it, else in a session."""

from __future__ import annotations

from gnt.cli.terminal import Terminal
from gnt.errors import UsageError
from gnt.spec import Action, Operation, Query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.cli.general import Layout
    from gnt.model.config import Config
    from gnt.session import Session
    from gnt.spec import Command, Settings

DATA = ("table", "json", "yaml")  # formats that fit every answer


def perform(command: Command, settings: Settings, layout: Layout) -> int:
    """Do what ``command`` says; returns the exit code."""
    if layout.format not in DATA and not command.tabular:
        raise UsageError(f"--format {layout.format} is for tables, and this is none",
                         hint="--format json or --format yaml")
    front = Terminal(settings, layout)
    if isinstance(command, Query) and _from_columns(command, settings, front):
        if settings.timing:
            front.tell(timing(0, front.seconds()))
        return 0
    import gc

    from gnt.session import Session

    gc.enable()
    session = Session(settings, front)
    try:
        return _in_session(command, session, front, settings)
    finally:
        if settings.timing:
            front.tell(timing(session.round_trips, front.seconds(), session.late))
        session.close()


def timing(round_trips: int, seconds: float, late: tuple[str, ...] = ()) -> str:
    """What ``--timing`` tells; ``late``: candidates that commits did not wait for."""
    without = f", without waiting for {', '.join(late)}" if late else ""
    return f"timing: {round_trips} round trips, {seconds:.3f} s{without}"


def _in_session(
    command: Command, session: Session, front: Terminal, settings: Settings,
) -> int:
    if isinstance(command, Operation):
        return session.execute(command)
    if isinstance(command, Action):
        return command.run(session)
    assert isinstance(command, Query)
    cfg = session.config()
    seen = session.ask(command.facts(cfg))
    further = tuple(command.further(cfg, seen))
    answer = command.answer(cfg, seen.plus(session.ask(further)) if further else seen)
    front.show(answer)
    _keep_columns(command, settings, cfg)
    return int(getattr(answer, "exit_code", 0))


def _keep_columns(command: Query, settings: Settings, cfg: Config) -> None:
    """Let the next list of this kind be answered from columns."""
    kind, names = command.columns() or ("", ())
    if not names:
        return
    from gnt.query.columns import KEPT, columns_of

    if set(names) <= set(KEPT.get(kind, ())):
        from gnt.config.columns import save_columns
        from gnt.config.place import directory

        save_columns(directory(settings.cluster), kind, cfg.head, columns_of(kind, cfg))


def _from_columns(command: Query, settings: Settings, front: Terminal) -> bool:
    wanted = command.columns()
    if wanted is None:
        return False
    kind, names = wanted
    if not names:  # about gnt itself
        front.show(command.table({}))
        return True
    from gnt.config.columns import load_columns
    from gnt.config.place import directory

    folder = directory(settings.cluster)
    columns = load_columns(folder, kind, names) if folder else None
    if columns is None:
        return False
    front.show(command.table(columns))
    return True
