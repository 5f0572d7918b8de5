# cython: language_level=3, cdivision=True
from gnt.htools_ext.cluster cimport Cluster


cdef class State:
    cdef Cluster c
    cdef void share_locations(self) noexcept
    cdef int room(self) except -1
