# cython: language_level=3, cdivision=True
from gnt.htools_ext.cluster cimport Cluster, Inst


cdef void fill_inst(Inst* x, tuple row, int tag0, int want0) except *


cdef class State:
    cdef Cluster c
    cdef void share_locations(self) noexcept
    cdef int room(self) except -1
