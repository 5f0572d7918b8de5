# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -ffp-contract=off -fno-math-errno -fno-trapping-math
# distutils: depends = htools_ext/scan.h
"""Greedy descent, the reference's steps: the best single move of all, again and again.

A round looks at every candidate approximately (vector loops where the cluster allows, else one by
one), then scores those within ``NEAR`` of the best exactly, in the reference's order, and takes the
first that is strictly best.  So ties fall as they fall there, and the vector width cannot matter.
"""

from libc.stdlib cimport calloc, free, malloc

from gnt.htools_ext.cluster cimport (
    EXTERNAL, INTERNAL, MOVE_F, MOVE_FA, MOVE_FR, MOVE_FRF, MOVE_R, MOVE_RF, OK, Cluster, Inst,
    begin, rollback,
)
from gnt.htools_ext.mirror cimport Mirrored
from gnt.htools_ext.moves cimport do_move
from gnt.htools_ext.score cimport exact_score
from gnt.htools_ext.state cimport State
from gnt.htools_ext.stats cimport Stats, fill_stats, tried_score

cdef double NEAR = 1e-7
cdef double NONE = 1e300
cdef int ANY_F = 32  # in ``kinds``: plain failover


cdef class Balance:
    """Chooses moves for a State, and applies them."""

    def __cinit__(self, State state, *, bint disk_moves=True, bint inst_moves=True,
                  bint restricted=False, bint evacuate=False, bint force=False, bint loops=True):
        self.c, self.state, self.many = &state.c, state, state.c.ni
        self.mirror = Mirrored(state)
        self.disk_moves, self.inst_moves = disk_moves, inst_moves
        self.restricted, self.evacuate, self.force = restricted, evacuate, force
        self.loops = loops and self.mirror.able and not force
        self.out = <double*>malloc(5 * <size_t>self.mirror.m.np * sizeof(double))
        self.best = <double*>calloc(self.c.ni + 1, sizeof(double))
        if self.out == NULL or self.best == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.out)
        free(self.best)

    cdef bint wanted(self, int i) noexcept nogil:
        cdef const Inst* x = &self.c.inst[i]
        if not x.movable:
            return False
        if not self.evacuate:
            return True
        return self.c.node[x.pri].offline or (x.mirror == INTERNAL and self.c.node[x.sec].offline)

    cdef int kinds(self, int i) noexcept nogil:
        """The allowed moves: bit ``kind - 1`` each, and ANY_F."""
        cdef const Inst* x = &self.c.inst[i]
        cdef bint failover
        if x.mirror == EXTERNAL:
            return 16 if self.inst_moves else 0
        if x.mirror != INTERNAL:
            return 0
        failover = self.inst_moves and not self.c.node[x.sec].offline
        if not self.disk_moves:
            return ANY_F if failover else 0
        if not self.inst_moves:
            return 1
        if self.restricted and not self.c.node[x.pri].offline:
            return 1 | (ANY_F if failover else 0)
        if not failover:
            return 3
        return ANY_F | (11 if self.restricted else 15)

    cdef bint fast(self, int i) noexcept nogil:
        cdef const Inst* x = &self.c.inst[i]
        if x.mirror == EXTERNAL:
            return self.loops and (self.mirror.plain or not self.c.node[x.pri].offline)
        return (self.loops and not self.c.node[x.pri].offline
                and not self.c.node[x.sec].offline)

    cdef double approx(self, int i, int kind, int target) noexcept nogil:
        """The score after a move, roughly; NONE when it is refused."""
        cdef double found = NONE
        begin(self.c, i, target)
        if do_move(self.c, i, kind, target, self.force) == OK:
            found = tried_score(self.c, &self.st)
        rollback(self.c)
        return found

    cdef double exact(self, int i, int kind, int target) noexcept nogil:
        cdef double found = NONE
        begin(self.c, i, target)
        if do_move(self.c, i, kind, target, self.force) == OK:
            found = exact_score(self.c, -1)
        rollback(self.c)
        return found

    cdef double look(self, int i) noexcept nogil:
        """The best score any move of one instance reaches, roughly; fills ``out`` if fast."""
        cdef const Inst* x = &self.c.inst[i]
        cdef int allowed = self.kinds(i), kind, t, np = self.mirror.m.np
        cdef double best = NONE, s
        self.scans += 1
        if allowed & ANY_F:
            best = self.approx(i, MOVE_F, -1)
        if not allowed & 31:
            return best
        if self.fast(i):
            s = self.mirror.scan(i, allowed & 31, self.out)
            return s if s < best else best
        for t in range(self.c.n):
            if self.c.node[t].offline or t == x.pri or t == x.sec:
                continue
            for kind in range(1, 6):
                s = self.approx(i, kind, t) if allowed >> (kind - 1) & 1 else NONE
                self.out[(kind - 1) * np + t] = s
                best = s if s < best else best
        return best

    cdef void settle(self, int i, double bound, Found* f) noexcept nogil:
        """Score the moves of one instance within the bound exactly; keep the first best."""
        cdef const Inst* x = &self.c.inst[i]
        cdef int allowed, kind, t, np = self.mirror.m.np
        cdef double s
        self.look(i)
        allowed = self.kinds(i)
        if allowed & ANY_F:
            s = self.exact(i, MOVE_F, -1)
            if s < f.score:
                f.score, f.inst, f.kind, f.target = s, i, MOVE_F, -1
        for t in range(self.c.n):
            if self.c.node[t].offline or t == x.pri or t == x.sec:
                continue
            for kind in range(1, 6):
                if not allowed >> (kind - 1) & 1 or self.out[(kind - 1) * np + t] > bound:
                    continue
                s = self.exact(i, kind, t)
                if s < f.score:
                    f.score, f.inst, f.kind, f.target = s, i, kind, t

    cdef void prepare(self) noexcept nogil:
        """Make the running sums afresh."""
        fill_stats(self.c, &self.st)
        if self.loops:
            self.mirror.refresh(&self.st)
            self.mirror.refresh_peers()

    cdef Found round(self, double score) noexcept nogil:
        """The best move and its score; ``inst`` is -1 when none is better than now."""
        cdef Found f
        cdef double low = score
        cdef int i
        f.score, f.inst, f.kind, f.target = score, -1, 0, -1
        self.prepare()
        for i in range(self.c.ni):
            self.best[i] = self.look(i) if self.wanted(i) else NONE
            if self.best[i] < low:
                low = self.best[i]
        low += NEAR
        for i in range(self.c.ni):
            if self.best[i] <= low:
                self.settle(i, low, &f)
        return f

    cdef int commit(self, const Found* f) noexcept nogil:
        cdef int pri = self.c.inst[f.inst].pri, sec = self.c.inst[f.inst].sec, k, why
        self.c.version += 1
        begin(self.c, f.inst, f.target)
        why = do_move(self.c, f.inst, f.kind, f.target, self.force)
        if why != OK:
            rollback(self.c)
            return why
        if self.loops:
            self.mirror.moved(f.inst, pri, sec)
        return OK

    def step(self, double min_gain_limit=0.1, double min_gain=0.01):
        """Do the best move; returns (instance, move, target, score), or None at the end."""
        cdef double score = exact_score(self.c, -1)
        cdef Found f
        self.state.still(self.many)
        with nogil:
            f = self.round(score)
        if f.inst < 0 or not (score > min_gain_limit or score - f.score >= min_gain):
            return None
        if self.commit(&f) != OK:
            raise RuntimeError("a move that was tried is refused")
        return f.inst, f.kind, f.target, f.score
