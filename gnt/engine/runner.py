"""The detached driver of submitted jobs: one process per user and cluster (ADR 0063).

Each job has a thread, and each thread connections of its own that it keeps for the next job; the
store is one for all (``gnt.engine.together``).  A burst of short jobs is done by few threads; a
queue that does not move gets more.  A submission is answered when its job is committed, so killing
this process loses nothing that was acknowledged: such a job has lost its driver like any other, and
is resumed or undone.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from contextlib import contextmanager

from gnt.engine import hooks
from gnt.engine.begin import Beginning
from gnt.engine.desk import Life
from gnt.engine.door import HELLO, SAY, WORDS, YOURSELF, unpacked
from gnt.engine.driver import Drive, run
from gnt.engine.submit import decode
from gnt.errors import GntError
from gnt.spec import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedIOBase
    from typing import BinaryIO

    from gnt.engine.desk import Desk
    from gnt.engine.job import Wish
    from gnt.engine.submit import Submission

    # What a command line submits, and how its job's id is printed; None: not for us to know.
    Read = Callable[[list[str]], tuple[Submission, Callable[[str], str]] | None]

IDLE = 15.0  # seconds without a job after which the process ends
MOST = 64  # threads
EAGER = 16  # threads that are started as soon as there is work for them
STUCK = 0.25  # seconds, per thread there is, that the queue may stand still before another starts


class Waiting:
    """A submission on its way to an answer."""

    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        self._answer: dict[str, object] = {}
        self._done = threading.Event()

    def settle(self, answer: dict[str, object]) -> None:
        if not self._done.is_set():
            self._answer = answer
            self._done.set()

    def answer(self) -> dict[str, object]:
        self._done.wait()
        return self._answer


class Pool:
    """Threads that take submissions from a queue and drive each to its end."""

    def __init__(
        self, make: Callable[[], Desk], most: int = MOST, stuck: float = STUCK,
    ) -> None:
        self._make, self._most, self._stuck = make, most, stuck
        self._queue: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = self._busy = self._visitors = 0
        self._moved = time.monotonic()
        self.quiet_since = time.monotonic()

    def put(self, waiting: Waiting) -> None:
        self._queue.put(waiting)
        with self._lock:
            free = self._threads - self._busy
            wanted = self._threads < min(EAGER, self._most) and free < self._queue.qsize()
        if wanted:
            self._grow()

    def tend(self) -> None:
        """Called now and then: a queue that stands still gets another thread."""
        if not self._queue.empty() and time.monotonic() - self._moved > self._stuck * self._threads:
            self._moved = time.monotonic()
            self._grow()

    def parked(self) -> None:
        """A thread begins to wait for other jobs, which may be behind it in the queue."""
        if not self._queue.empty():
            self._grow()

    def quiet(self) -> float:
        """Seconds for which there has been nothing to do."""
        with self._lock:
            if self._busy or self._visitors or not self._queue.empty():
                return 0.0
            return time.monotonic() - self.quiet_since

    @contextmanager
    def visited(self) -> Iterator[None]:
        """Somebody is at the door, and may bring work as long as that lasts."""
        with self._lock:
            self._visitors += 1
        try:
            yield
        finally:
            with self._lock:
                self._visitors -= 1
                self.quiet_since = time.monotonic()

    def _grow(self) -> None:
        with self._lock:
            if self._threads >= self._most:
                return
            self._threads += 1
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        desk: Desk | None = None
        while True:
            waiting = self._queue.get()
            with self._lock:
                self._busy += 1
                self._moved = time.monotonic()
            try:
                desk = desk or self._make()
                drive(desk, waiting, self.parked)
            except GntError as error:
                waiting.settle(refusal(error))
                desk = _dropped(desk)
            except BaseException as error:  # noqa: BLE001 - a thread's last resort: say it, go on
                waiting.settle(refusal(GntError(f"{type(error).__name__}: {error}")))
                desk = _dropped(desk)
                import traceback

                traceback.print_exc()
            finally:
                with self._lock:
                    self._busy -= 1
                    self._moved = self.quiet_since = time.monotonic()


def drive(desk: Desk, waiting: Waiting, parked: Callable[[], None]) -> None:
    """One job: record it, answer with its id, wait for its turn, run it."""
    operation = waiting.submission.made(desk.find)
    wish = waiting.submission.wish.replace(driver=f"{os.uname().nodename} {os.getpid()}")
    desk.confide(operation)
    with Life(desk.transport) as life:
        beginning = Beginning(desk, life, operation, wish)
        cfg, job = beginning.record()
        waiting.settle({"id": job.id if job else str(cfg.serial)})
        if job is not None and job.state == "waiting":
            parked()
            cfg, job = beginning.until_begun(job)
        if job is not None:
            Drive(desk, cfg, job).forward()
        else:
            hooks.run_post(desk, operation, cfg, beginning.post)
    follow_up(desk, operation, wish)


def follow_up(desk: Desk, operation: Operation, wish: Wish) -> None:
    """Run what an operation that ended well names as its followers."""
    if type(operation).then is not Operation.then:
        for following in operation.then(desk.read()):
            run(desk, following, wish)
            follow_up(desk, following, wish)


def refusal(error: GntError) -> dict[str, object]:
    return {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}


def _dropped(desk: Desk | None) -> Desk | None:
    """After a failure the next job gets new connections."""
    if desk is not None:
        desk.transport.close()
    return None


def no_words(words: list[str]) -> None:
    """A ``Read`` that understands nothing."""


def serve(
    directory: str, make: Callable[[], Desk], ready: Callable[[], None], *, read: Read = no_words,
    idle: float = IDLE, stuck: float = STUCK,
) -> None:
    """Take submissions until there has been nothing to do for a while."""
    import fcntl
    import socketserver

    pool = Pool(make, stuck=stuck)

    class Door(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        request_queue_size = 128
        timeout = stuck
        met: bool  # whether the last handle_request met somebody

        def verify_request(self, request: object, client_address: object) -> bool:
            self.met = True
            return True

    class Visitor(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with pool.visited():
                attend(self.rfile, self.wfile, pool, read)

    address = f"{directory}/runner.socket"
    if os.path.exists(address):
        os.unlink(address)  # of a runner that was killed: we hold the lock under which one starts
    with Door(address, Visitor) as door:
        ready()
        while True:
            while pool.quiet() < idle:
                door.handle_request()
                pool.tend()
            with open(f"{directory}/runner.start", "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                door.met, door.timeout = False, 0.0
                door.handle_request()  # somebody may have come since
                if not door.met:
                    os.unlink(address)
                    return
            door.timeout = stuck


def attend(
    hear: BinaryIO | BufferedIOBase, say: BinaryIO | BufferedIOBase, pool: Pool, read: Read,
) -> None:
    """One visitor: hello, a submission or the words that mean one, an answer; a line each."""
    try:
        say.write(HELLO)
        said = hear.readline()
        try:
            if said.startswith(WORDS):
                say.write(_by_words(unpacked(said), pool, read))
            elif said:
                say.write(_told(_done(decode(said), pool)))
        except (GntError, ValueError) as error:  # a visitor of another version
            problem = error if isinstance(error, GntError) else GntError(f"no words: {error}")
            say.write(_told(refusal(problem)))
    except OSError:
        return  # the visitor left; a job that it submitted goes on


def _by_words(words: list[str], pool: Pool, read: Read) -> bytes:
    try:
        found = read(words)
    except Exception:  # noqa: BLE001 - it happens again to who typed it, and is told there
        found = None
    if found is None:
        return YOURSELF
    submission, shown = found
    answer = _done(submission, pool)
    return SAY + shown(str(answer["id"])).encode() + b"\n" if "id" in answer else _told(answer)


def _done(submission: Submission, pool: Pool) -> dict[str, object]:
    waiting = Waiting(submission)
    pool.put(waiting)
    return waiting.answer()


def _told(answer: dict[str, object]) -> bytes:
    return json.dumps(answer).encode() + b"\n"
