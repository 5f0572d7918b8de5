# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -ffp-contract=off -fno-math-errno -fno-trapping-math
"""Looking for a better placement than single moves find: annealing over moves and exchanges.

An exchange moves two instances, each onto a node of the other.  What is minimised is the score
plus a price for each move and each GiB that the final placement costs against the first one; both
can be capped.  Every placement on the way keeps N+1, policy and tags where they were kept (the moves
that lead there are ordered later).  The same seed and number of
tries give the same result.
"""

from libc.math cimport exp, log, pow
from libc.stdlib cimport free, malloc

from gnt.htools_ext.cluster cimport (
    INTERNAL, MOVE_F, MOVE_FA, MOVE_FR, MOVE_FRF, MOVE_R, MOVE_RF, OK, Cluster, Inst, Node, begin, keep, rollback,
)
from gnt.htools_ext.moves cimport do_move
from gnt.htools_ext.score cimport SPREADS, add_plain, exact_score, node_values
from gnt.htools_ext.state cimport State
from gnt.htools_ext.stats cimport Stats, fill_stats, tried_score

cdef int FRESH = 4096  # accepted moves between making the sums anew


cdef class Search:
    cdef State state
    cdef Cluster* c
    cdef Stats st
    cdef int* home  # [2 * instance]: where it was
    cdef int* can
    cdef int movable, since
    cdef unsigned long long dice
    cdef double price_move, price_gib, moves, gib, most_moves, most_gib

    def __cinit__(self, State state, list homes, unsigned long long seed=1):
        """``homes``: the placement that moves are counted from."""
        cdef int i
        self.state, self.c = state, &state.c
        self.home = <int*>malloc((2 * self.c.ni + 2) * sizeof(int))
        self.can = <int*>malloc((self.c.ni + 1) * sizeof(int))
        if self.home == NULL or self.can == NULL:
            raise MemoryError
        for i in range(self.c.ni):
            self.home[2 * i], self.home[2 * i + 1] = homes[i]
            if self.c.inst[i].movable:
                self.can[self.movable] = i
                self.movable += 1
        self.dice = seed * 0x9E3779B97F4A7C15ULL + 88172645463325252ULL
        for i in range(16):
            self.roll()

    def __dealloc__(self):
        free(self.home)
        free(self.can)

    cdef unsigned long long roll(self) noexcept nogil:
        self.dice ^= self.dice << 13
        self.dice ^= self.dice >> 7
        self.dice ^= self.dice << 17
        return self.dice

    cdef int below(self, int n) noexcept nogil:
        return <int>((self.roll() >> 11) % <unsigned long long>n)

    cdef double unit(self) noexcept nogil:
        return (self.roll() >> 11) * (1.0 / 9007199254740992.0)

    cdef inline int steps(self, int i) noexcept nogil:
        """Single moves from home to the present place."""
        cdef const Inst* x = &self.c.inst[i]
        cdef int p = self.home[2 * i], s = self.home[2 * i + 1]
        if x.pri == p and x.sec == s:
            return 0
        if x.mirror != INTERNAL or x.pri == p or x.pri == s or x.sec == p or x.sec == s:
            return 1
        return 2

    cdef inline double copied(self, int i) noexcept nogil:
        """GiB copied for the present place."""
        cdef const Inst* x = &self.c.inst[i]
        cdef int p = self.home[2 * i], s = self.home[2 * i + 1], new = 0
        if x.mirror != INTERNAL:
            return 0
        new = (x.pri != p and x.pri != s) + (x.sec != p and x.sec != s)
        return new * x.dsk / 1024

    cdef void follow(self) noexcept nogil:
        """Bring the sums up to date after an accepted try."""
        cdef double a[SPREADS]
        cdef double b[SPREADS]
        cdef int j, k
        cdef Cluster* c = self.c
        self.since += 1
        if self.since >= FRESH:
            self.since = 0
            fill_stats(c, &self.st)
            return
        for j in range(c.saved_n):
            add_plain(&c.saved[j], &self.st.plain, -1)
            add_plain(&c.node[c.saved_at[j]], &self.st.plain, 1)
            if c.saved[j].offline:
                continue
            node_values(&c.saved[j], a)
            node_values(&c.node[c.saved_at[j]], b)
            for k in range(SPREADS):
                a[k] -= self.st.centre[k]
                b[k] -= self.st.centre[k]
                self.st.s[k] += b[k] - a[k]
                self.st.q[k] += (b[k] - a[k]) * (b[k] + a[k])

    cdef int shift(self, int i, int t) noexcept nogil:
        """A random move of ``i`` that puts it on node ``t``; not OK when there is none."""
        cdef const Inst* x = &self.c.inst[i]
        if self.c.node[t].offline or t == x.pri or t == x.sec:
            return 0
        if x.mirror != INTERNAL:
            return do_move(self.c, i, MOVE_FA, t, True)
        return do_move(self.c, i, 1 + self.below(4), t, True)

    cdef bint sound(self) noexcept nogil:
        """Do the nodes touched since ``begin`` keep the soft rules they kept before?"""
        cdef Cluster* c = self.c
        cdef int j
        cdef const Node* old
        cdef const Node* t
        for j in range(c.saved_n):
            old, t = &c.saved[j], &c.node[c.saved_at[j]]
            if t.offline:
                if t.pri > old.pri or t.sec > old.sec:
                    return False
                continue
            if t.u_mem <= 0 or (t.fail_n1 and not old.fail_n1) or t.f_mem_f <= 0:
                return False
            if (t.f_dsk < t.lo_dsk or t.f_dsk_f < t.lo_dsk) and t.f_dsk < old.f_dsk:
                return False
            if (t.i_spn > t.hi_spn or t.i_spn_f > t.hi_spn) and t.i_spn > old.i_spn:
                return False
            if (t.ratio >= 0 and t.u_cpu > old.u_cpu
                    and (t.ratio < t.u_cpu / t.t_cpu or t.ratio < t.u_cpu_f / t.t_cpu)):
                return False
            if t.tag_extra > old.tag_extra or (t.excl and t.f_spn < 0):
                return False
        return True

    cdef int go_home(self, int i) noexcept nogil:
        """Back to where it was first, by one move or two."""
        cdef const Inst* x = &self.c.inst[i]
        cdef int p = self.home[2 * i], s = self.home[2 * i + 1], why
        keep(self.c, p)
        keep(self.c, s)
        if self.c.node[p].offline or (s >= 0 and self.c.node[s].offline):
            return 0
        if x.mirror != INTERNAL:
            return do_move(self.c, i, MOVE_FA, p, True)
        if x.pri == p:
            return do_move(self.c, i, MOVE_R, s, True)
        if x.sec == p:
            return do_move(self.c, i, MOVE_F, -1, True) if x.pri == s else do_move(
                self.c, i, MOVE_FR, s, True)
        if x.pri == s:
            return do_move(self.c, i, MOVE_RF, p, True)
        if x.sec == s:
            return do_move(self.c, i, MOVE_FRF, p, True)
        why = do_move(self.c, i, MOVE_R, p, True)
        return do_move(self.c, i, MOVE_FR, s, True) if why == OK else why

    cdef int attempt(self, int i, int j) noexcept nogil:
        """One random change of ``i``, or exchange with ``j`` (-1: none), after ``begin``."""
        cdef const Inst* x = &self.c.inst[i]
        cdef const Inst* y
        cdef int why, ti, tj, kind = self.below(8)
        if j >= 0:
            y = &self.c.inst[j]
            ti = y.pri if y.sec < 0 or kind & 1 else y.sec
            tj = x.pri if x.sec < 0 or kind & 2 else x.sec
            why = self.shift(i, ti)
            return self.shift(j, tj) if why == OK else why
        if kind < 3 and self.steps(i):
            return self.go_home(i)
        if x.mirror == INTERNAL and kind == 3:
            return do_move(self.c, i, MOVE_F, -1, True)
        ti = self.below(self.c.n)
        keep(self.c, ti)
        return self.shift(i, ti)

    cdef double one(self, double cost, double heat) noexcept nogil:
        """One try; returns the cost afterwards."""
        cdef Cluster* c = self.c
        cdef int i = self.can[self.below(self.movable)], j = -1
        cdef Inst other
        cdef double moves, gib, now
        if self.below(2):
            j = self.can[self.below(self.movable)]
            if j == i:
                j = -1
        moves, gib = self.moves - self.steps(i), self.gib - self.copied(i)
        begin(c, i, -1)
        if j >= 0:
            moves -= self.steps(j)
            gib -= self.copied(j)
            other = c.inst[j]
            keep(c, other.pri)
            keep(c, other.sec)
        if self.attempt(i, j) == OK and self.sound():
            moves += self.steps(i)
            gib += self.copied(i)
            if j >= 0:
                moves += self.steps(j)
                gib += self.copied(j)
            if ((moves <= self.most_moves or moves < self.moves)
                    and (gib <= self.most_gib or gib < self.gib)):
                now = tried_score(c, &self.st) + self.price_move * moves + self.price_gib * gib
                if now < cost or self.unit() < exp((cost - now) / heat):
                    self.moves, self.gib = moves, gib
                    self.follow()
                    return now
        rollback(c)
        if j >= 0:
            c.inst[j] = other
        return cost

    def run(self, long long tries, double hot=0.05, double cold=2e-4, *, double price_move=1e-3,
            double price_gib=0.0, double most_moves=1e18, double most_gib=1e18):
        """Anneal; returns (score, moves, GiB) and leaves the best end in the state."""
        cdef long long k
        cdef int i
        cdef double cost, heat = hot, factor
        self.price_move, self.price_gib = price_move, price_gib
        self.most_moves, self.most_gib = most_moves, most_gib
        self.moves = self.gib = 0
        for i in range(self.c.ni):
            self.moves += self.steps(i)
            self.gib += self.copied(i)
        if not self.movable or self.c.n < 2:
            return exact_score(self.c, -1), self.moves, self.gib
        self.c.version += 1
        fill_stats(self.c, &self.st)
        cost = exact_score(self.c, -1) + price_move * self.moves + price_gib * self.gib
        factor = pow(cold / hot, 1024.0 / max(tries, 1024))
        with nogil:
            for k in range(tries):
                cost = self.one(cost, heat)
                if k & 1023 == 1023:
                    heat *= factor
        return exact_score(self.c, -1), self.moves, self.gib
