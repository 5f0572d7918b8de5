# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -ffp-contract=off -fno-math-errno -fno-trapping-math
"""Looking for a better placement than single moves find: annealing over compound changes.

What counts is how the placement differs from the first one ("home"): how many moves and GiB it
costs to get there.  Near the end only changes that keep this cost are accepted, so most tries are
of that kind: an instance that is away goes home and another of the same node goes instead, two
exchange their targets, one takes another target.  A try takes all its instances off their nodes
and puts them where they should be; then the nodes touched must keep N+1, policy and tags where
they kept them before (the moves that lead there are ordered later).

The same seed and number of tries give the same result.
"""

from libc.math cimport exp, pow
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from gnt.htools_ext.cluster cimport INTERNAL, OK, Cluster, Inst, Node, keep
from gnt.htools_ext.ops cimport add_pri, add_sec, remove_pri, remove_sec
from gnt.htools_ext.propose cimport CHAIN, Proposer, Want
from gnt.htools_ext.state cimport State
from gnt.htools_ext.stats cimport (
    Stats, fill_stats, follow_stats, plain_sum, spread_sum, tried_score,
)

cdef int FRESH = 4096  # accepted changes between making the sums anew
cdef int TURN = 1024  # tries between looking at heat and prices


cdef class Search(Proposer):
    """``state``: everything is at home; ``rules``: as for Balance."""

    cdef Stats st
    cdef Inst was[CHAIN]
    cdef int lifted, since
    cdef double price_move, price_gib, moves, gib, most_moves, most_gib, goal
    cdef double score, best_score, best_gib, best_moves
    cdef double rise  # of the price of a GiB from turn to turn, when the goal is kept

    cdef void lift(self, int i) noexcept nogil:
        """Take an instance off its nodes."""
        cdef Inst* x = &self.c.inst[i]
        self.was[self.lifted] = x[0]
        self.lifted += 1
        keep(self.c, x.pri)
        remove_pri(self.c, x.pri, x)
        if x.mirror == INTERNAL:
            keep(self.c, x.sec)
            remove_sec(self.c, x.sec, x)

    cdef bint drop(self, const Want* w) noexcept nogil:
        """Put it where it is wanted."""
        cdef Cluster* c = self.c
        cdef Inst* x = &c.inst[w.inst]
        x.pri = w.pri
        keep(c, w.pri)
        if x.mirror != INTERNAL:
            return add_pri(c, w.pri, x, True) == OK
        x.sec = w.sec
        if c.common != NULL:
            x.loc = c.common[w.pri * c.n + w.sec]
        keep(c, w.sec)
        return add_pri(c, w.pri, x, True) == OK and add_sec(c, w.sec, x, w.pri, True, True) == OK

    cdef bint place(self) noexcept nogil:
        """Do what is wanted; False: undo it."""
        cdef int k
        self.c.log_n = self.c.saved_n = self.lifted = 0
        for k in range(self.wants):
            self.lift(self.want[k].inst)
        for k in range(self.wants):
            if not self.drop(&self.want[k]):
                return False
        return True

    cdef void undo(self) noexcept nogil:
        cdef Cluster* c = self.c
        cdef int k
        for k in range(c.log_n - 1, -1, -1):
            c.log[k].cell[0] = c.log[k].old
        for k in range(c.saved_n):
            c.node[c.saved_at[k]] = c.saved[k]
        for k in range(self.lifted):
            c.inst[self.want[k].inst] = self.was[k]

    cdef bint sound(self) noexcept nogil:
        """Do the nodes touched keep the soft rules they kept before?"""
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

    cdef void follow(self) noexcept nogil:
        """Bring lists and sums up to date after an accepted try."""
        cdef int k
        cdef Cluster* c = self.c
        for k in range(self.wants):
            self.recount(self.want[k].inst)
        self.since += 1
        if self.since >= FRESH:
            self.since = 0
            fill_stats(c, &self.st)
            self.score = now(c, &self.st)
            return
        follow_stats(c, &self.st)

    cdef void one(self, double heat) noexcept nogil:
        """One try."""
        cdef int k, i
        cdef double moves = self.moves, gib = self.gib, score, worse
        cdef const Want* w
        if not self.propose():
            return
        for k in range(self.wants):
            w = &self.want[k]
            i = w.inst
            moves += self.steps(i, w.pri, w.sec) - self.steps(i, self.c.inst[i].pri, self.c.inst[i].sec)
            gib += self.copied(i, w.pri, w.sec) - self.copied(i, self.c.inst[i].pri, self.c.inst[i].sec)
        if (moves > self.most_moves and moves > self.moves) or (gib > self.most_gib and gib > self.gib):
            return
        if self.place() and self.sound():
            score = tried_score(self.c, &self.st)
            worse = (score - self.score + self.price_move * (moves - self.moves)
                     + self.price_gib * (gib - self.gib))
            if worse <= 0 or (worse < 30 * heat and self.unit() < exp(-worse / heat)):
                self.moves, self.gib, self.score = moves, gib, score
                self.follow()
                if self.goal > 0 and score <= self.goal and gib < self.best_gib:
                    self.remember()
                return
        self.undo()

    cdef void remember(self) noexcept nogil:
        cdef int i
        for i in range(self.c.ni):
            self.best[2 * i], self.best[2 * i + 1] = self.c.inst[i].pri, self.c.inst[i].sec
        self.best_score, self.best_gib, self.best_moves = self.score, self.gib, self.moves

    cdef void regard(self) noexcept nogil:
        """From time to time: is this the best so far?"""
        if self.goal > 0:
            self.price_gib *= 1 / self.rise if self.score > self.goal else self.rise
        elif (self.score + self.price_move * self.moves + self.price_gib * self.gib
                < self.best_score + self.price_move * self.best_moves + self.price_gib * self.best_gib):
            if self.moves <= self.most_moves and self.gib <= self.most_gib:
                self.remember()

    def start(self, list places):
        """Begin at this placement, which need not keep any cap."""
        cdef int i
        self.state.still(self.many)
        if len(places) != self.c.ni:
            raise ValueError(f"{len(places)} places of {self.c.ni} instances")
        for pri, sec in places:
            if not 0 <= pri < self.c.n or not -1 <= sec < self.c.n or pri == sec:
                raise IndexError(f"an instance on nodes {pri} and {sec}")
        self.c.version += 1
        for i in range(self.c.ni):
            self.wants = 0
            if self.ask(i, places[i][0], places[i][1]):
                if not self.place():
                    self.undo()
                self.recount(i)

    cdef void count(self) noexcept nogil:
        """What the present placement costs and scores."""
        cdef int i
        self.moves = self.gib = 0
        for i in range(self.c.ni):
            self.moves += self.steps(i, self.c.inst[i].pri, self.c.inst[i].sec)
            self.gib += self.copied(i, self.c.inst[i].pri, self.c.inst[i].sec)
        fill_stats(self.c, &self.st)
        self.score = now(self.c, &self.st)
        self.best_gib = self.best_moves = self.best_score = 1e18
        for i in range(2 * self.c.ni):  # home keeps every cap, should nothing else do
            self.best[i] = self.home[i]
        if self.moves <= self.most_moves and self.gib <= self.most_gib:
            if self.goal <= 0 or self.score <= self.goal:
                self.remember()

    cdef void anneal(self, long long tries, double hot, double cold, double seconds) noexcept nogil:
        cdef long long k
        cdef double heat = hot, part, start = clock() if seconds > 0 else 0
        self.rise = 1 + min(0.2, 40.0 * TURN / tries)
        for k in range(tries):
            self.one(heat)
            if k & (TURN - 1) == TURN - 1:
                part = <double>k / tries
                if seconds > 0:
                    part = max(part, (clock() - start) / seconds)
                    if part >= 1:
                        break
                heat = hot * pow(cold / hot, part)
                self.regard()
        self.regard()

    def run(self, long long tries, double hot=0.01, double cold=1e-4, *, double price_move=1e-4,
            double price_gib=0.0, double most_moves=1e18, double most_gib=1e18, double goal=0.0,
            double seconds=0.0):
        """Anneal; returns (score, moves, GiB) of the best end, whose ``places`` can be asked for.

        With a ``goal`` the fewest GiB that reach this score are looked for.  ``seconds``: end
        sooner if this much time is over (the result then depends on the machine).
        """
        self.state.still(self.many)
        self.price_move, self.price_gib = price_move, price_gib
        self.most_moves, self.most_gib, self.goal = most_moves, most_gib, goal
        self.c.version += 1
        with nogil:
            self.count()
            if self.movable and self.c.n > 1:
                self.anneal(tries, hot, cold, seconds)
        return self.best_score, self.best_moves, self.best_gib

    def places(self):
        """The best placement found by ``run``."""
        self.state.still(self.many)
        return [(self.best[2 * i], self.best[2 * i + 1]) for i in range(self.c.ni)]


cdef double clock() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return t.tv_sec + t.tv_nsec * 1e-9


cdef inline double now(const Cluster* c, const Stats* st) noexcept nogil:
    return spread_sum(st.s, st.q, st.w, st.inv) + plain_sum(&st.plain, c.loc_extra)
