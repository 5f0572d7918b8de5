# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -ffp-contract=off -fno-math-errno -fno-trapping-math
# distutils: depends = htools_ext/scan.h
"""Greedy descent that looks again only at what may have become the best.

Each instance's best gain is remembered from when it was last looked at, in a heap; only the top is
looked at again, and moved if it still beats (nearly) the next.  Ends, as the plain descent does,
where no single move helps, which a last look at everything confirms.
"""

from libc.stdlib cimport calloc, free

from gnt.htools_ext.balance cimport Balance, Found
from gnt.htools_ext.cluster cimport MOVE_F, OK, Cluster, Inst, begin, rollback
from gnt.htools_ext.moves cimport do_move
from gnt.htools_ext.score cimport exact_score
from gnt.htools_ext.state cimport State
from gnt.htools_ext.stats cimport Stats, fill_stats, follow_stats

cdef double TINY = 1e-9
cdef double ENOUGH = 1.0
cdef double REAL = 1e-10  # a gain that is none but for rounding
cdef int FRESH = 64  # moves between making the sums anew


cdef struct Entry:
    double gain
    int inst


cdef void sink(Entry* heap, int n, int k) noexcept nogil:
    cdef int child
    cdef Entry e = heap[k]
    while True:
        child = 2 * k + 1
        if child >= n:
            break
        if child + 1 < n and before(&heap[child + 1], &heap[child]):
            child += 1
        if not before(&heap[child], &e):
            break
        heap[k] = heap[child]
        k = child
    heap[k] = e


cdef inline bint before(const Entry* a, const Entry* b) noexcept nogil:
    return a.gain > b.gain or (a.gain == b.gain and a.inst < b.inst)


cdef class Descent(Balance):
    """``run`` does it all and returns the moves."""

    cdef Entry* heap
    cdef int count, since
    cdef double noise

    def __cinit__(self, State state, **options):
        self.heap = <Entry*>calloc(self.c.ni + 1, sizeof(Entry))
        if self.heap == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.heap)

    cdef double sweep(self, double score) noexcept nogil:
        """Look at everything; returns the best gain."""
        cdef int i
        self.prepare()
        self.since = self.count = 0
        for i in range(self.c.ni):
            if self.wanted(i):
                self.heap[self.count].gain = score - self.look(i)
                self.heap[self.count].inst = i
                self.count += 1
        for i in range(self.count // 2, -1, -1):
            sink(self.heap, self.count, i)
        return self.heap[0].gain if self.count else 0

    cdef Found best_of(self, int i, double best) noexcept nogil:
        """Which move of ``i`` gives the score just found by ``look``."""
        cdef Found f
        cdef int t, kind, np = self.mirror.m.np, allowed = self.kinds(i)
        cdef const Inst* x = &self.c.inst[i]
        f.inst, f.kind, f.target, f.score = i, MOVE_F, -1, best
        if allowed & 32 and self.approx(i, MOVE_F, -1) <= best:
            return f
        for t in range(self.c.n):
            if self.c.node[t].offline or t == x.pri or t == x.sec:
                continue
            for kind in range(1, 6):
                if allowed >> (kind - 1) & 1 and self.out[(kind - 1) * np + t] <= best:
                    f.kind, f.target = kind, t
                    return f
        f.inst = -1
        return f

    cdef void follow(self) noexcept nogil:
        """Bring the sums and the mirror up to date after a committed move."""
        cdef int j
        cdef Cluster* c = self.c
        self.since += 1
        if self.since >= FRESH:
            self.since = 0
            self.prepare()
            return
        follow_stats(c, &self.st)
        if self.loops:
            for j in range(c.saved_n):
                self.mirror.node(c.saved_at[j], &self.st)
            self.mirror.sums(&self.st)

    cdef Found next(self, double score, double least) noexcept nogil:
        """The next move to make; ``inst`` -1 when none gains at least ``least``."""
        cdef Found f
        cdef double gain, rival, found
        cdef bint swept = False
        f.inst = -1
        while self.count or not swept:
            if not self.count or self.heap[0].gain < least:
                if swept or self.sweep(score) < least:
                    return f
                swept = True
            found = self.look(self.heap[0].inst)
            gain = score - found
            rival = 0
            if self.count > 1:
                rival = self.heap[1].gain
            if self.count > 2 and self.heap[2].gain > rival:
                rival = self.heap[2].gain
            if gain >= least and gain >= ENOUGH * rival:
                f = self.best_of(self.heap[0].inst, found)
                if f.inst >= 0:
                    return f
            self.heap[0].gain = gain
            sink(self.heap, self.count, 0)
        return f

    cdef double try_commit(self, const Found* f, double score) noexcept nogil:
        """Make a move if it really helps; returns the score, exactly, or NEVER."""
        cdef double reached = 1e300
        cdef int pri = self.c.inst[f.inst].pri, sec = self.c.inst[f.inst].sec
        cdef int new_pri, new_sec
        if self.commit(f) == OK:
            reached = exact_score(self.c, -1)
            if reached < score - REAL:
                self.follow()
                return reached
            new_pri, new_sec = self.c.inst[f.inst].pri, self.c.inst[f.inst].sec
            rollback(self.c)
            if self.loops:
                self.mirror.moved(f.inst, new_pri, new_sec)
        # rounding promised what was not there: believe no gain as small as this any more
        self.noise = max(self.noise, 2 * (score - f.score))
        return 1e300

    def run(self, int limit=-1, double min_gain_limit=0.1, double min_gain=0.01, double min_score=-1e300):
        """Move until nothing helps; returns [(instance, move, target, score)]."""
        cdef double score = exact_score(self.c, -1), reached, least
        cdef Found f
        cdef list done = []
        self.state.still(self.many)
        with nogil:
            self.sweep(score)
        while (limit < 0 or len(done) < limit) and score > min_score:
            with nogil:
                least = TINY if score > min_gain_limit or min_gain < TINY else min_gain
                f = self.next(score, max(least, self.noise))
            if f.inst < 0:
                break
            with nogil:
                reached = self.try_commit(&f, score)
            if reached < score:
                score = reached
                done.append((f.inst, f.kind, f.target, score))
        return done
