"""One thing at a time, in an order that the seed decides.

Tasks are threads of which exactly one runs.  Where others may go first, a task says so (``pause``,
``wait``); the next one is whoever's time has come, by a simulated clock.  A task that was killed
sees :class:`Killed` where it waits, and never runs again.
"""

from __future__ import annotations

import threading


class Killed(BaseException):
    """The process or the machine that this task stands for is gone: nothing catches it."""


class Task:
    """``machine``: whose end is this task's end, too."""

    def __init__(self, name, machine, function):
        self.name, self.machine, self.function = name, machine, function
        self.until = 0.0
        self.ready = None
        self.dead = False
        self.wake = None


class Scheduler:
    """``now``: simulated seconds."""

    def __init__(self, random):
        self.random = random
        self.now = 0.0
        self.tasks = []
        self.current = None
        self.errors = []
        self._idle = []
        self._home = threading.Semaphore(0)
        self._closing = False
        self._end = 0.0
        self.stuck = ()

    def spawn(self, name, machine, function, after=0.0):
        task = Task(name, machine, function)
        task.until = self.now + after
        self.tasks.append(task)
        return task

    def kill(self, chosen):
        """End all tasks that ``chosen`` picks."""
        for task in self.tasks:
            if chosen(task):
                task.dead = True
                task.until, task.ready = self.now, None

    def pause(self, seconds=0.0):
        """Others may go first; this task goes on after some time."""
        self.wait(None, seconds)

    def wait(self, ready, seconds):
        """Until ``ready()`` or the time is up; whether it was ready."""
        task = self.current
        if task is None:  # not in a simulation (yet): nobody else is there
            return ready is None or ready()
        if task.dead:
            raise Killed
        task.until, task.ready = self.now + seconds, ready
        following = self._choose()
        if following is not task:
            self._hand_over(following)
            task.wake.acquire()
        if task.dead:
            raise Killed
        was_ready = ready is None or ready()
        task.ready = None
        return was_ready

    def alive(self):
        """Raise Killed in a task that is dead but has not ended."""
        if self.current is not None and self.current.dead:
            raise Killed

    def _choose(self):
        ready = [t for t in self.tasks if t.ready is not None and t.ready()]
        if ready:
            return ready[0] if len(ready) == 1 else self.random.choice(ready)
        task = min(self.tasks, key=lambda t: t.until, default=None)
        if task is not None and task.until > self._end:
            self.stuck = tuple(t.name for t in self.tasks if not t.dead)
            self.kill(lambda t: True)
        elif task is not None:
            self.now = max(self.now, task.until)
        return task

    def _hand_over(self, task):
        self.current = task
        if task is None:
            self._home.release()
        elif task.wake is not None:
            task.wake.release()
        else:
            worker = self._idle.pop() if self._idle else _Worker(self)
            worker.begin(task)

    def run(self, seconds):
        """Until all tasks have ended; ``stuck`` names those that had not when the time was up."""
        self._end, self.stuck = self.now + seconds, ()
        self._hand_over(self._choose())
        self._home.acquire()
        self.current = None
        if self.errors:
            raise self.errors[0]

    def close(self):
        """End all threads."""
        self._closing = True
        for worker in self._idle:
            worker.wake.release()

    def ended(self, worker, task, error):
        """Called by a worker whose task is over."""
        self.tasks.remove(task)
        if error is not None:
            self.errors.append(error)
        self._idle.append(worker)
        self._hand_over(self._choose())


class _Worker:
    """A thread that performs tasks, one after the other: threads are dear."""

    def __init__(self, scheduler):
        self.scheduler = scheduler
        self.wake = threading.Semaphore(0)
        self.task = None
        self.thread = threading.Thread(target=self._live, daemon=True)

    def begin(self, task):
        self.task = task
        task.wake = self.wake
        if self.thread.ident is None:
            self.thread.start()
        else:
            self.wake.release()

    def _live(self):
        while True:
            error = None
            try:
                if not self.task.dead:
                    self.task.function()
            except Killed:
                pass
            except BaseException as caught:  # noqa: BLE001 - told by run(), in the test's thread
                error = caught
            self.scheduler.ended(self, self.task, error)
            self.wake.acquire()
            if self.scheduler._closing:
                return
