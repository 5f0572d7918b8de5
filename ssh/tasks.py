"""Node tasks as Invoke tasks, made on demand: what fabric and invoke users can call directly.

    collection("gnt.storage.file")["storage_file_create"](fabric.Connection("node1"), …)
"""

from __future__ import annotations

from gnt.engine.ports import Reply
from gnt.errors import NodeFailed
from gnt.plan import TASKS, quote
from gnt.ssh import answers, framing

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any, TypeVar

    import invoke.collection
    import invoke.tasks

    from gnt.plan import Progress, Script, Task

    R = TypeVar("R")


class InvokeContext:
    """``plan.Context`` on any Invoke ``Context``: a fabric Connection, or this machine.

    It has no fence and no term: it is for people who try a task, not for jobs.
    """

    def __init__(self, context: Any) -> None:
        self._context = context
        self._name = str(getattr(context, "host", "this machine"))

    def run(self, command: str, **options: Any) -> Any:
        settings = {"hide": True, "in_stream": False, "warn": True, **options}
        return self._context.run(command, **settings)

    def script(self, script: Script[R], deadline: float) -> R:
        text = framing.standalone(script.shell, script.stdin)
        result = self.run(f"/bin/sh -c {quote(text)}", timeout=deadline)
        reply = Reply(status=result.exited, out=result.stdout.encode(), err=result.stderr.encode())
        answer = answers.answer(self._name, "", script, reply)
        if isinstance(answer, NodeFailed):
            raise answer
        made: R = answer
        return made

    def stream(self, *words: str) -> socket.socket:
        from gnt.ssh import streams

        client = getattr(self._context, "client", None)
        if client is None:
            return streams.over_process(words)[1]
        self._context.open()
        channel = client.get_transport().open_session()
        channel.exec_command("exec " + " ".join(map(quote, words)))
        return streams.over_channel(channel)

    def tell(self, progress: Progress) -> None:
        print(f"{progress.what}: {progress.done} of {progress.total} {progress.unit}")


def task(known: Task[..., Any]) -> invoke.tasks.Task[Any]:
    """One node task as an Invoke task with the same arguments."""
    import invoke.tasks

    def body(context: Any, *args: Any, **kwargs: Any) -> Any:
        here = InvokeContext(context)
        if known.dialogue:
            return known.body(here, *args, **kwargs)
        return here.script(known.body(*args, **kwargs), known.deadline)

    body.__name__ = known.name.rpartition(".")[2]
    body.__doc__ = known.body.__doc__
    body.__signature__ = _signature(known)  # type: ignore[attr-defined]  # read by inspect
    return invoke.tasks.Task(body)


def collection(*modules: str) -> invoke.collection.Collection:
    """All node tasks of these modules (of all that are loaded, without any), by their names."""
    import importlib

    import invoke.collection

    for module in modules:
        importlib.import_module(module)
    made = invoke.collection.Collection(auto_dash_names=False)
    for known in list(TASKS.values()):
        if not modules or known.body.__module__ in modules:
            made.add_task(task(known), name=known.name.replace(".", "_"))
    return made


def _signature(known: Task[..., Any]) -> Any:
    """With a context in front, as Invoke wants it."""
    import inspect

    signature = inspect.signature(known.body)
    parameters = list(signature.parameters.values())[int(known.dialogue):]
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_ONLY)
    return signature.replace(parameters=[context, *parameters])
