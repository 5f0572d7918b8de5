# cython: language_level=3, cdivision=True
from gnt.htools_ext.cluster cimport INTERNAL, Cluster, Inst
from gnt.htools_ext.state cimport State

cdef enum:
    CHAIN = 3  # instances that one try may move


cdef struct Want:
    int inst, pri, sec


cdef class Proposer:
    cdef State state
    cdef int many  # instances
    cdef Cluster* c
    cdef int* block
    cdef int* home  # [2 * instance]: where it was
    cdef int* best  # the same of the best placement so far
    cdef int* mask  # [instance]: the moves allowed, as in Balance.kinds
    cdef int* can  # the instances that may move
    cdef int* away  # those of them that are not at home, in any order
    cdef int* at  # [instance]: its index there, or -1
    cdef int* first  # [node]: the first of its
    cdef int* lives  # instances at home there that may move
    cdef int movable, aways
    cdef Want want[CHAIN]
    cdef int wants
    cdef unsigned long long dice
    cdef void list_homes(self) noexcept
    cdef bint ask(self, int i, int pri, int sec) noexcept nogil
    cdef bint aim(self, int i, int t) noexcept nogil
    cdef bint go_home(self, int i) noexcept nogil
    cdef bint turn(self, int i) noexcept nogil
    cdef bint further(self, int i) noexcept nogil
    cdef int resident(self, int n) noexcept nogil
    cdef bint exchange(self, int i, int j, int role) noexcept nogil
    cdef bint replace(self, int i) noexcept nogil
    cdef bint turns(self, int i) noexcept nogil
    cdef bint circle(self, int i, int j) noexcept nogil
    cdef int some(self, int gone) noexcept nogil
    cdef bint propose(self) noexcept nogil
    cdef bint propose_one(self, int kind) noexcept nogil
    cdef void recount(self, int i) noexcept nogil

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
