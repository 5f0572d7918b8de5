# cython: language_level=3, cdivision=True
"""What the vector loops read: one padded array per figure; spreads that are equal, merged."""

from gnt.htools_ext.cluster cimport Cluster
from gnt.htools_ext.stats cimport Stats


cdef extern from "scan.h" nogil:
    enum:
        LANES
        KINDS
        MOST_PRI
        MOST_BOTH
    double NEVER
    ctypedef struct Spread:
        int count
        double w[7]
        double s[7]
        double q[7]
        double* x[7]
        double* per[7]
    ctypedef struct Mirror:
        int n, np
        double inv
        Spread pri, both, res
        double *u_mem
        double *mem_f
        double *r_mem
        double *dsk
        double *lo_dsk
        double *spn
        double *hi_spn
        double *cpu
        double *hi_cpu
        double *flag
        double *cnt
        double *bad
        int *peer
        int *peer_t
        double base, n1, reserved
    ctypedef struct Query:
        int a, b
        double cp[7]
        double cb[5]
        double used, mem, reserve, dsk, su, cpu
        double allow[5]
        double refuse
        const double* extra[5]
    double scan_mirrored(Mirror* m, const Query* q, double* out) noexcept
    double scan_shared(Mirror* m, const Query* q, double* out) noexcept


cdef class Mirrored:
    cdef Mirror m
    cdef Cluster* c
    cdef object owner
    cdef double* block
    cdef int kp[7]  # which value of score.node_values each merged spread is
    cdef int kb[5]
    cdef double* tags[5]  # per target, what tags add to the score
    cdef bint plain  # no tags, locations or migration limits to look at
    cdef bint same_mem, same_load
    cdef bint understands(self, int i) noexcept nogil
    cdef bint able  # the vector loops understand this cluster
    cdef void choose(self) noexcept
    cdef void node(self, int n, const Stats* st) noexcept nogil
    cdef void refresh(self, const Stats* st) noexcept nogil
    cdef void refresh_peers(self) noexcept nogil
    cdef void moved(self, int i, int pri, int sec) noexcept nogil
    cdef void sums(self, const Stats* st) noexcept nogil
    cdef double scan(self, int i, int kinds, double* out) noexcept nogil
    cdef void gone(self, int n) noexcept nogil
    cdef void ask(self, int i, Query* q) noexcept nogil
    cdef void tag_extras(self, int i, int kinds) noexcept nogil
