# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What a search may try next: compound changes of a placement, chosen at random.

How a placement differs from the first one ("home") is kept in lists, so that changes which keep
the number of moves can be proposed often: an instance that is away goes home and another of the
same node goes instead, two exchange their nodes, some turn in a circle.
"""

from libc.stdlib cimport calloc, free

from gnt.htools_ext.balance cimport Balance
from gnt.htools_ext.cluster cimport INTERNAL, Cluster, Inst
from gnt.htools_ext.state cimport State


cdef class Proposer:
    def __cinit__(self, State state, unsigned long long seed=1, **rules):
        """``state``: everything is at home; ``rules``: as for Balance."""
        cdef Cluster* c = &state.c
        cdef Balance moves = Balance(state, **rules)
        cdef int i, k, ni = c.ni + 1
        self.state, self.c, self.many = state, c, c.ni
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

    cdef bint ask(self, int i, int pri, int sec) noexcept nogil:
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
