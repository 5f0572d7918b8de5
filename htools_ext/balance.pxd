# cython: language_level=3, cdivision=True
from gnt.htools_ext.cluster cimport Cluster
from gnt.htools_ext.mirror cimport Mirrored
from gnt.htools_ext.state cimport State
from gnt.htools_ext.stats cimport Stats


ctypedef struct Found:
    double score
    int inst, kind, target


cdef class Balance:
    cdef Cluster* c
    cdef State state
    cdef Mirrored mirror
    cdef Stats st
    cdef double* out
    cdef double* best
    cdef int many  # instances
    cdef bint disk_moves, inst_moves, restricted, evacuate, force, loops
    cdef readonly long long scans
    cdef bint wanted(self, int i) noexcept nogil
    cdef int kinds(self, int i) noexcept nogil
    cdef bint fast(self, int i) noexcept nogil
    cdef double approx(self, int i, int kind, int target) noexcept nogil
    cdef double exact(self, int i, int kind, int target) noexcept nogil
    cdef double look(self, int i) noexcept nogil
    cdef void settle(self, int i, double bound, Found* f) noexcept nogil
    cdef void prepare(self) noexcept nogil
    cdef Found round(self, double score) noexcept nogil
    cdef int commit(self, const Found* f) noexcept nogil
