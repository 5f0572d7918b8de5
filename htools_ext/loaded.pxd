# cython: language_level=3, cdivision=True
"""Rows of numbers become nodes and instances, and these are counted where they are, unchecked.

The fields of a row are named in :mod:`state`; ``hold`` takes what ``arrays.outside_row`` makes.
"""

from libc.math cimport trunc
from libc.string cimport memset

from gnt.htools_ext.cluster cimport INTERNAL, Cluster, Inst, Node
from gnt.htools_ext.ops cimport spread_locations, spread_tags, unmet


cdef inline void fill_node(Node* t, tuple row) except *:
    memset(t, 0, sizeof(Node))
    (t.t_mem, t.n_mem, t.f_mem, t.t_dsk, t.f_dsk, t.t_cpu, t.u_cpu, t.speed, t.offline, t.t_spn,
     t.f_spn, t.excl, t.group, t.ratio, t.hi_spn, t.lo_dsk) = row[:16]
    t.hi_spn = t.hi_spn * t.t_spn
    t.lo_dsk = trunc(t.lo_dsk * t.t_dsk)
    t.f_mem_f, t.f_dsk_f, t.u_cpu_f, t.f_spn_f = t.f_mem, t.f_dsk, t.u_cpu, t.f_spn


cdef inline void fill_inst(Inst* x, tuple row, int tag0, int want0) except *:
    cdef bint auto
    memset(x, 0, sizeof(Inst))
    (x.mem, x.dsk, x.cpu, x.su, x.spindles, x.uses_mem, x.online, auto, x.local, x.mirror,
     x.forthcoming, x.movable, x.pri, x.sec, x.util[0], x.util[1], x.util[2], x.util[3]) = row[:18]
    x.reserves = x.online and auto
    x.movable = x.movable and auto and (x.mirror != INTERNAL or x.sec >= 0)
    x.tag0, x.tagn = tag0, len(row[18])
    x.want0, x.wantn, x.wants = want0, len(row[19]), row[20]
    x.loc, x.anew = row[21], row[22]


cdef inline void hold(Cluster* c, Node* t, tuple row) except *:
    """Count what the node holds for instances that are not among these: ``arrays.outside_row``."""
    count, load, use, coming_dsk, coming_use, coming_spindles, most, reserved = row
    t.sec += count
    t.load[2] += load
    t.f_dsk_f -= coming_dsk
    if t.excl:
        t.f_spn_f -= coming_spindles
    else:
        t.i_spn += use
        t.i_spn_f += use + coming_use
    t.outside = most
    c.cut = 1
    c.cut_reserved += reserved


cdef inline void load_spindles(Node* t, Inst* x) noexcept:
    if x.local and not t.excl:
        t.i_spn_f += x.su
        if not x.forthcoming:
            t.i_spn += x.su


cdef inline void load_forthcoming(Node* t, Inst* x) noexcept:
    if x.local:
        t.f_dsk_f -= x.dsk
    if t.excl:
        t.f_spn_f = t.f_spn_f - x.spindles if x.spindles >= 0 else -1


cdef inline void settle(Cluster* c, Inst* x) noexcept:
    """Count a loaded instance on its nodes."""
    cdef Node* t = &c.node[x.pri]
    cdef int k
    if c.common != NULL and x.sec >= 0:
        x.loc = c.common[x.pri * c.n + x.sec]
    spread_tags(c, x.pri, x, 1)
    c.log_n = 0
    if x.online:
        t.u_cpu_f += x.cpu
    if not x.uses_mem:
        t.f_mem_f -= x.mem
    load_spindles(t, x)
    if x.forthcoming:
        c.forthcoming = 1
        load_forthcoming(t, x)
    else:
        t.i_mem += x.mem if x.uses_mem else 0
        if x.online:
            t.u_cpu += x.cpu
        for k in range(4):
            t.load[k] += x.util[k]
        t.pri += 1
        if c.nlocs:
            t.loc += x.loc + unmet(c, x.pri, x)
            spread_locations(c, x.pri, x, 1)
            c.log_n = 0
    if x.sec < 0:
        return
    t = &c.node[x.sec]
    load_spindles(t, x)
    if x.forthcoming:
        load_forthcoming(t, x)
        return
    t.load[2] += x.util[2]
    t.sec += 1
    if x.reserves:
        c.peer[<size_t>x.sec * c.n + x.pri] += <int>x.mem
