# cython: language_level=3, cdivision=True
from gnt.htools_ext.cluster cimport Cluster


cdef int check_row(const Cluster* c, tuple row) except -1


cdef class State:
    cdef Cluster c
    cdef int share_locations(self) except -1
    cdef int room(self) except -1
    cdef int still(self, int many) except -1
    cdef int has_node(self, int n) except -1
    cdef int has_pair(self, int pri, int sec) except -1
    cdef int has_inst(self, int i) except -1
