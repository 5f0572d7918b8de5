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
from libc.stdlib cimport calloc, free
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from gnt.htools_ext.balance cimport Balance
from gnt.htools_ext.cluster cimport INTERNAL, OK, Cluster, Inst, Node, keep
from gnt.htools_ext.ops cimport add_pri, add_sec, remove_pri, remove_sec
from gnt.htools_ext.score cimport SPREADS, add_plain, exact_score, node_values
from gnt.htools_ext.state cimport State
from gnt.htools_ext.stats cimport Stats, fill_stats, plain_sum, spread_sum, tried_score

cdef int FRESH = 4096  # accepted changes between making the sums anew
cdef int TURN = 1024  # tries between looking at heat and prices
cdef enum:
    CHAIN = 3  # instances that one try may move


cdef struct Want:
    int inst, pri, sec


cdef class Search:
    cdef State state
    cdef Cluster* c
    cdef Stats st
    cdef int* block
    cdef int* home  # [2 * instance]: where it was
    cdef int* best  # the same of the best placement so far
    cdef int* mask  # [instance]: the moves allowed, as in Balance.kinds
    cdef int* can  # the instances that may move
    cdef int* away  # those of them that are not at home, in any order
    cdef int* at  # [instance]: its index there, or -1
    cdef int* first  # [node]: the first of its
    cdef int* lives  # instances at home there that may move
    cdef int movable, aways, since
    cdef Want want[CHAIN]
    cdef Inst was[CHAIN]
    cdef int wants, lifted
    cdef unsigned long long dice
    cdef double price_move, price_gib, moves, gib, most_moves, most_gib, goal
    cdef double score, best_score, best_gib, best_moves
    cdef double rise  # of the price of a GiB from turn to turn, when the goal is kept

    def __cinit__(self, State state, unsigned long long seed=1, **rules):
        """``state``: everything is at home; ``rules``: as for Balance."""
        cdef Cluster* c = &state.c
        cdef Balance moves = Balance(state, **rules)
        cdef int i, k, ni = c.ni + 1
        self.state, self.c = state, c
        self.block = <int*>calloc(10 * <size_t>ni + c.n + 1, sizeof(int))
        if self.block == NULL:
            raise MemoryError
        self.home, self.best, self.lives = self.block, self.block + 2 * ni, self.block + 4 * ni
        self.mask, self.can = self.block + 6 * ni, self.block + 7 * ni
        self.away, self.at, self.first = self.block + 8 * ni, self.block + 9 * ni, self.block + 10 * ni
        for i in range(c.ni):
            self.home[2 * i], self.home[2 * i + 1] = c.inst[i].pri, c.inst[i].sec
            self.at[i] = -1
            if moves.wanted(i):
                self.mask[i] = moves.kinds(i)
            if self.mask[i]:
                self.can[self.movable] = i
                self.movable += 1
        self.list_homes()
        self.dice = seed * 0x9E3779B97F4A7C15ULL + 88172645463325252ULL
        for i in range(16):
            self.roll()

    def __dealloc__(self):
        free(self.block)

    cdef void list_homes(self) noexcept:
        cdef int i, n, k, many = 0
        for n in range(self.c.n):
            self.first[n] = many
            for k in range(self.movable):
                i = self.can[k]
                if self.home[2 * i] == n or self.home[2 * i + 1] == n:
                    self.lives[many] = i
                    many += 1
        self.first[self.c.n] = many

    cdef inline unsigned long long roll(self) noexcept nogil:
        self.dice ^= self.dice << 13
        self.dice ^= self.dice >> 7
        self.dice ^= self.dice << 17
        return self.dice

    cdef inline int below(self, int n) noexcept nogil:
        return <int>(((self.roll() >> 32) * <unsigned long long>n) >> 32)

    cdef inline double unit(self) noexcept nogil:
        return (self.roll() >> 11) * (1.0 / 9007199254740992.0)

    cdef inline int steps(self, int i, int pri, int sec) noexcept nogil:
        """Single moves from home to a place."""
        cdef int p = self.home[2 * i], s = self.home[2 * i + 1]
        if pri == p and sec == s:
            return 0
        if self.c.inst[i].mirror != INTERNAL or pri == p or pri == s or sec == p or sec == s:
            return 1
        return 2

    cdef inline double copied(self, int i, int pri, int sec) noexcept nogil:
        """GiB copied to get to a place from home."""
        cdef int p = self.home[2 * i], s = self.home[2 * i + 1]
        if self.c.inst[i].mirror != INTERNAL:
            return 0
        return ((pri != p and pri != s) + (sec != p and sec != s)) * self.c.inst[i].dsk / 1024

    cdef inline bint ask(self, int i, int pri, int sec) noexcept nogil:
        """Want an instance at a place, if it is another than now and migrations may lead there."""
        cdef const Inst* x = &self.c.inst[i]
        cdef int p = self.home[2 * i], s = self.home[2 * i + 1], k
        cdef const unsigned char* may = self.c.may_migrate
        if x.pri == pri and x.sec == sec:
            return False
        for k in range(self.wants):
            if self.want[k].inst == i:
                return False
        if may != NULL and pri != p and not may[p * self.c.n + pri]:
            if s < 0 or not may[p * self.c.n + s] or not may[s * self.c.n + pri]:
                return False
        self.want[self.wants].inst = i
        self.want[self.wants].pri, self.want[self.wants].sec = pri, sec
        self.wants += 1
        return True

    cdef bint aim(self, int i, int t) noexcept nogil:
        """Want ``i`` one random move from home, on node ``t``."""
        cdef int p = self.home[2 * i], s = self.home[2 * i + 1], kind = self.below(4)
        if t == p or t == s or self.c.node[t].offline:
            return False
        if self.c.inst[i].mirror != INTERNAL:
            return self.ask(i, t, s)
        if not self.mask[i] >> kind & 1:
            return False
        if kind == 0:
            return self.ask(i, p, t)
        if kind == 1:
            return self.ask(i, t, p)
        return self.ask(i, t, s) if kind == 2 else self.ask(i, s, t)

    cdef bint go_home(self, int i) noexcept nogil:
        return self.ask(i, self.home[2 * i], self.home[2 * i + 1])

    cdef bint turn(self, int i) noexcept nogil:
        """Want the other of its nodes as primary."""
        cdef int p = self.home[2 * i], s = self.home[2 * i + 1]
        if self.mask[i] & 15 != 15 and self.c.inst[i].pri + self.c.inst[i].sec != p + s:
            return False  # rules allow no way there
        return self.mask[i] & 32 and self.ask(i, self.c.inst[i].sec, self.c.inst[i].pri)

    cdef bint further(self, int i) noexcept nogil:
        """Want one random move from where it is now."""
        cdef int a = self.c.inst[i].pri, b = self.c.inst[i].sec, t = self.below(self.c.n)
        if t == a or t == b or self.mask[i] & 15 != 15 or self.c.node[t].offline:
            return False
        return self.ask(i, t, b) if self.below(2) else self.ask(i, a, t)

    cdef int resident(self, int n) noexcept nogil:
        """An instance whose home the node is a part of, or -1."""
        cdef int many = self.first[n + 1] - self.first[n] if n >= 0 else 0
        return self.lives[self.first[n] + self.below(many)] if many else -1

    cdef bint exchange(self, int i, int j, int role) noexcept nogil:
        """Want two to exchange their primaries (role 0), secondaries (1) or both (2)."""
        cdef const Inst* x = &self.c.inst[i]
        cdef const Inst* y = &self.c.inst[j]
        cdef int p = x.pri, s = x.sec, q = y.pri, r = y.sec
        if i == j or (x.mirror == INTERNAL) != (y.mirror == INTERNAL):
            return False
        if x.mirror != INTERNAL:
            return p != q and self.ask(i, q, s) and self.ask(j, p, r)
        if self.mask[i] & 15 != 15 or self.mask[j] & 15 != 15:
            return False
        if role == 0:
            return q != s and p != r and self.ask(i, q, s) and self.ask(j, p, r)
        if role == 1:
            return r != p and s != q and self.ask(i, p, r) and self.ask(j, q, s)
        return self.ask(i, q, r) and self.ask(j, p, s)

    cdef bint replace(self, int i) noexcept nogil:
        """Want ``i`` back on a node of its home, and another that is there in its stead."""
        cdef int p = self.home[2 * i], s = self.home[2 * i + 1], j
        cdef bint as_pri = self.c.inst[i].pri != p
        if as_pri and self.c.inst[i].sec != s and self.below(2):
            as_pri = False
        j = self.resident(p if as_pri else s)
        if j < 0 or (self.c.inst[j].pri != p if as_pri else self.c.inst[j].sec != s):
            return False
        return self.exchange(i, j, 0 if as_pri else 1)

    cdef bint turns(self, int i) noexcept nogil:
        """Want two or three to change roles, so that every node has as many primaries as before."""
        cdef const Inst* x = &self.c.inst[i]
        cdef int j, k, d
        if x.mirror != INTERNAL or not self.turn(i):
            return False
        j = self.resident(x.sec)
        if j < 0 or self.c.inst[j].pri != x.sec or not self.turn(j):
            return False
        d = self.c.inst[j].sec
        if d == x.pri:
            return True
        k = self.resident(d)
        return k >= 0 and self.c.inst[k].pri == d and self.c.inst[k].sec == x.pri and self.turn(k)

    cdef bint circle(self, int i, int j) noexcept nogil:
        """Want three to pass on their primaries."""
        cdef int k = self.can[self.below(self.movable)]
        cdef const Inst* x = &self.c.inst[i]
        cdef const Inst* y = &self.c.inst[j]
        cdef const Inst* z = &self.c.inst[k]
        if i == j or j == k or i == k or self.mask[i] & self.mask[j] & self.mask[k] & 15 != 15:
            return False
        return (x.pri != y.sec and y.pri != z.sec and z.pri != x.sec and self.ask(i, z.pri, x.sec)
                and self.ask(j, x.pri, y.sec) and self.ask(k, y.pri, z.sec))

    cdef int some(self, int gone) noexcept nogil:
        """Any instance; more often one that is not at home."""
        if self.aways and self.below(4) < gone:
            return self.away[self.below(self.aways)]
        return self.can[self.below(self.movable)]

    cdef bint propose(self) noexcept nogil:
        """Choose what to try."""
        cdef int i, kind = self.below(32)
        self.wants = 0
        if kind < 8:
            return self.propose_one(kind)
        i = self.some(3)
        if kind < 18 and self.at[i] >= 0:
            return self.replace(i)
        if kind < 20:
            return self.turns(i)
        if kind < 22:
            return self.circle(i, self.some(2))
        return self.exchange(i, self.some(1), self.below(5) >> 1)

    cdef bint propose_one(self, int kind) noexcept nogil:
        cdef int i = self.some(2)
        if kind == 0:
            return self.turn(i)
        if kind == 1:
            return self.further(i)
        if kind < 4 and self.at[i] >= 0:
            return self.go_home(i)
        return self.aim(i, self.below(self.c.n))

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
        cdef double a[SPREADS]
        cdef double b[SPREADS]
        cdef int j, k
        cdef Cluster* c = self.c
        for k in range(self.wants):
            self.recount(self.want[k].inst)
        self.since += 1
        if self.since >= FRESH:
            self.since = 0
            fill_stats(c, &self.st)
            self.score = now(c, &self.st)
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

    cdef void recount(self, int i) noexcept nogil:
        """Is it at home now?"""
        cdef bint gone = self.steps(i, self.c.inst[i].pri, self.c.inst[i].sec) > 0
        cdef int last
        if gone and self.at[i] < 0:
            self.at[i] = self.aways
            self.away[self.aways] = i
            self.aways += 1
        elif not gone and self.at[i] >= 0:
            self.aways -= 1
            last = self.away[self.aways]
            self.away[self.at[i]] = last
            self.at[last] = self.at[i]
            self.at[i] = -1

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
        return [(self.best[2 * i], self.best[2 * i + 1]) for i in range(self.c.ni)]


cdef double clock() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return t.tv_sec + t.tv_nsec * 1e-9


cdef inline double now(const Cluster* c, const Stats* st) noexcept nogil:
    return spread_sum(st.s, st.q, st.w, st.inv) + plain_sum(&st.plain, c.loc_extra)
