# cython: language_level=3, cdivision=True
"""The moves of one instance, step by step as they would be done, each step checked.

Between ``begin`` and ``rollback`` of :mod:`cluster`.  A node that is offline lends its move the
right to ignore soft checks: the instance has to leave.
"""

from gnt.htools_ext.cluster cimport (
    FAIL_INTERNAL, INTERNAL, MOVE_F, MOVE_FA, MOVE_FR, MOVE_FRF, MOVE_R, MOVE_RF, OK, Cluster,
    Inst,
)
from gnt.htools_ext.ops cimport add_pri, add_sec, migration, remove_pri, remove_sec


cdef inline void locate(Cluster* c, Inst* x, int pri, int sec) noexcept nogil:
    if c.common != NULL:
        x.loc = c.common[pri * c.n + sec] if sec >= 0 else 0


cdef inline int move_f(Cluster* c, Inst* x, bint force) noexcept nogil:
    cdef int a = x.pri, b = x.sec, why
    cdef bint down = c.node[a].offline
    remove_pri(c, a, x)
    remove_sec(c, b, x)
    why = migration(c, a, b)
    if why == OK:
        why = add_pri(c, b, x, down or force)
    if why == OK:
        why = add_sec(c, a, x, b, down or force, down)
    x.pri, x.sec = b, a
    return why


cdef inline int move_r(Cluster* c, Inst* x, int t, bint force) noexcept nogil:
    cdef int a = x.pri, b = x.sec, why
    cdef bint forced = c.node[b].offline or force
    remove_pri(c, a, x)
    remove_sec(c, b, x)
    locate(c, x, a, t)
    x.sec = t
    why = add_sec(c, t, x, a, forced, False)
    if why == OK:
        why = add_pri(c, a, x, True)
    return why


cdef inline int move_rf(Cluster* c, Inst* x, int t, bint force) noexcept nogil:
    cdef int a = x.pri, b = x.sec, why
    cdef bint forced = c.node[b].offline or force
    remove_pri(c, a, x)
    remove_sec(c, b, x)
    locate(c, x, t, a)
    x.pri, x.sec = t, a
    why = migration(c, a, t)
    if why == OK:
        why = add_pri(c, t, x, force)
    if why == OK:
        why = add_sec(c, a, x, t, forced, False)
    return why


cdef inline int move_frf(Cluster* c, Inst* x, int t, bint force) noexcept nogil:
    cdef int a = x.pri, b = x.sec, why
    cdef bint forced = c.node[a].offline or force
    remove_pri(c, a, x)
    remove_sec(c, b, x)
    locate(c, x, t, b)
    x.pri = t
    why = migration(c, a, b)
    if why == OK:
        why = migration(c, b, t)
    if why == OK:
        why = add_pri(c, b, x, forced)  # it runs on the secondary while its disk is copied
    if why == OK:
        remove_pri(c, b, x)
        why = add_pri(c, t, x, forced)
    if why == OK:
        why = add_sec(c, b, x, t, forced, False)
    return why


cdef inline int move_fr(Cluster* c, Inst* x, int t, bint force) noexcept nogil:
    cdef int a = x.pri, b = x.sec, why
    cdef bint forced = c.node[a].offline or force
    remove_pri(c, a, x)
    remove_sec(c, b, x)
    locate(c, x, b, t)
    x.pri, x.sec = b, t
    why = migration(c, a, b)
    if why == OK:
        why = add_pri(c, b, x, forced)
    if why == OK:
        why = add_sec(c, t, x, b, forced, False)
    return why


cdef inline int move_fa(Cluster* c, Inst* x, int t, bint force) noexcept nogil:
    cdef int a = x.pri, why
    cdef bint forced = c.node[a].offline or force
    why = migration(c, a, t)
    if why == OK:
        why = add_pri(c, t, x, forced)
    if why == OK:
        remove_pri(c, a, x)
        x.pri = t
    return why


cdef inline int do_move(Cluster* c, int i, int kind, int t, bint force) noexcept nogil:
    """Apply; on a refusal the state is half-changed and must be rolled back."""
    cdef Inst* x = &c.inst[i]
    if (x.mirror == INTERNAL) == (kind == MOVE_FA) or (x.mirror == INTERNAL and x.sec < 0):
        return FAIL_INTERNAL  # no such move for this instance
    if kind == MOVE_F:
        return move_f(c, x, force)
    if kind == MOVE_R:
        return move_r(c, x, t, force)
    if kind == MOVE_RF:
        return move_rf(c, x, t, force)
    if kind == MOVE_FRF:
        return move_frf(c, x, t, force)
    if kind == MOVE_FR:
        return move_fr(c, x, t, force)
    return move_fa(c, x, t, force)
