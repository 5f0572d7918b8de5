# cython: language_level=3, cdivision=True
"""Putting an instance on a node and taking it off, with every check, in the reference's order.

``force`` drops the soft checks (N+1, policy, tags).  Nothing here undoes a half-done move: the
caller uses ``begin`` and ``rollback`` of :mod:`cluster`.
"""

from gnt.htools_ext.cluster cimport (
    EXTERNAL, FAIL_CPU, FAIL_DISK, FAIL_MEM, FAIL_MIGRATION, FAIL_SPINDLES, FAIL_TAGS, INTERNAL,
    MOVE_F, MOVE_FA, MOVE_FR, MOVE_FRF, MOVE_R, MOVE_RF, OK, Cluster, Inst, Node, put,
)


cdef inline double largest_peer(Cluster* c, int n) noexcept nogil:
    cdef int* row = c.peer + <size_t>n * c.n
    cdef int most = <int>c.node[n].outside, k
    for k in range(c.n):
        most = row[k] if row[k] > most else most
    return most


cdef inline double unmet(Cluster* c, int n, Inst* x) noexcept nogil:
    """How many of the instance's desired locations this node is not in."""
    cdef int k, met = 0
    for k in range(x.wantn):
        met += c.member[n * c.nlocs + c.wants[x.want0 + k]]
    return x.wants - met


cdef inline void spread_tags(Cluster* c, int n, Inst* x, int step) noexcept nogil:
    """Count the instance's exclusion tags on the node in (step 1) or out (-1)."""
    cdef int k
    cdef int* cell
    for k in range(x.tagn):
        cell = &c.tag_count[n * c.ntags + c.tags[x.tag0 + k]]
        if step > 0:
            c.node[n].tag_extra += cell[0] >= 1
            put(c, cell, cell[0] + 1)
        elif cell[0] > 0:
            c.node[n].tag_extra -= cell[0] >= 2
            put(c, cell, cell[0] - 1)


cdef inline void spread_locations(Cluster* c, int n, Inst* x, int step) noexcept nogil:
    """The same for pairs of the node's locations and the instance's exclusion tags."""
    cdef int k, place
    cdef int* cell
    if c.node[n].offline or not x.tagn:
        return
    for place in range(c.nlocs):
        if not c.member[n * c.nlocs + place]:
            continue
        for k in range(x.tagn):
            cell = &c.loc_count[place * c.ntags + c.tags[x.tag0 + k]]
            if step > 0:
                put(c, &c.loc_extra, c.loc_extra + (cell[0] >= 1))
                put(c, cell, cell[0] + 1)
            elif cell[0] > 0:
                put(c, &c.loc_extra, c.loc_extra - (cell[0] >= 2))
                put(c, cell, cell[0] - 1)


cdef inline void free_storage(Node* t, Inst* x, double* dsk, double* used, double* spindles) noexcept nogil:
    if x.local:
        dsk[0] += x.dsk
    if t.excl:
        used[0] = 0
        if x.spindles >= 0:
            spindles[0] += x.spindles
    else:
        if x.local:
            used[0] -= x.su
        spindles[0] = 0


cdef inline void take_storage(Node* t, Inst* x, int uses, double* dsk, double* used, double* spindles) noexcept nogil:
    if uses:
        dsk[0] -= x.dsk
    if t.excl:
        used[0] = 0
        spindles[0] = spindles[0] - x.spindles if x.spindles >= 0 else -1
    else:
        if x.local:
            used[0] += x.su
        spindles[0] = 0


cdef inline void remove_pri(Cluster* c, int n, Inst* x) noexcept nogil:
    cdef Node* t = &c.node[n]
    cdef int k
    t.f_mem_f += x.mem
    free_storage(t, x, &t.f_dsk_f, &t.i_spn_f, &t.f_spn_f)
    if x.online:
        t.u_cpu_f -= x.cpu
    if x.tagn:
        spread_tags(c, n, x, -1)
    if x.forthcoming:
        return
    if x.uses_mem:
        t.i_mem -= x.mem
        t.u_mem += x.mem
    t.fail_n1 = t.u_mem <= t.r_mem
    free_storage(t, x, &t.f_dsk, &t.i_spn, &t.f_spn)
    if x.online:
        t.u_cpu -= x.cpu
    for k in range(4):
        t.load[k] -= x.util[k]
    t.pri -= 1
    if c.nlocs:
        t.loc -= x.loc + unmet(c, n, x)
        spread_locations(c, n, x, -1)


cdef inline void remove_sec(Cluster* c, int n, Inst* x) noexcept nogil:
    cdef Node* t = &c.node[n]
    cdef int* cell
    cdef int old
    free_storage(t, x, &t.f_dsk_f, &t.i_spn_f, &t.f_spn_f)
    if x.forthcoming:
        return
    free_storage(t, x, &t.f_dsk, &t.i_spn, &t.f_spn)
    cell = &c.peer[<size_t>n * c.n + x.pri]
    old = cell[0]
    if x.reserves:
        put(c, cell, old - <int>x.mem)
    if old >= t.r_mem:
        t.r_mem = largest_peer(c, n)
    t.fail_n1 = t.u_mem <= t.r_mem
    t.load[2] -= x.util[2]
    t.sec -= 1


cdef inline int forth_pri(Node* t, Inst* x, double mem, double dsk, double spn, double used, double cpu) noexcept nogil:
    """The strict checks of a primary against what is forthcoming."""
    if mem <= 0:
        return FAIL_MEM
    if x.local and (dsk <= 0 or dsk < t.lo_dsk):
        return FAIL_DISK
    if x.local and t.excl and spn < 0:
        return FAIL_SPINDLES
    if x.local and used > t.hi_spn:
        return FAIL_DISK
    if t.ratio >= 0 and t.ratio < cpu / t.t_cpu:
        return FAIL_CPU
    return OK


cdef inline int clash(Cluster* c, int n, Inst* x) noexcept nogil:
    cdef int k
    for k in range(x.tagn):
        if c.tag_count[n * c.ntags + c.tags[x.tag0 + k]] > 0:
            return 1
    return 0


cdef inline int real_pri(Cluster* c, int n, Inst* x, bint force, Node* new) noexcept nogil:
    """The checks of a primary that counts now; fills the node's new figures."""
    cdef Node* t = &c.node[n]
    if x.uses_mem:
        new.i_mem += x.mem
        new.u_mem -= x.mem
    take_storage(t, x, x.local, &new.f_dsk, &new.i_spn, &new.f_spn)
    if x.online:
        new.u_cpu += x.cpu
    new.fail_n1 = new.u_mem <= t.r_mem
    if new.u_mem <= 0:
        return FAIL_MEM
    if x.local and (new.f_dsk <= 0 or (not force and new.f_dsk < t.lo_dsk)):
        return FAIL_DISK
    if x.local and t.excl and new.f_spn < 0:
        return FAIL_SPINDLES
    if force:
        return OK
    if x.local and new.i_spn > t.hi_spn:
        return FAIL_DISK
    if new.fail_n1 and not t.fail_n1:
        return FAIL_MEM
    if t.ratio >= 0 and t.ratio < new.u_cpu / t.t_cpu:
        return FAIL_CPU
    if x.tagn and clash(c, n, x):
        return FAIL_TAGS
    return OK


cdef inline int add_pri(Cluster* c, int n, Inst* x, bint force) noexcept nogil:
    cdef Node new = c.node[n]
    cdef int k, why = OK
    if not x.forthcoming:
        why = real_pri(c, n, x, force, &new)
        if why != OK:
            return why
    new.f_mem_f -= x.mem
    take_storage(&new, x, x.local, &new.f_dsk_f, &new.i_spn_f, &new.f_spn_f)
    if x.online:
        new.u_cpu_f += x.cpu
    if not force:
        why = forth_pri(&new, x, new.f_mem_f, new.f_dsk_f, new.f_spn_f, new.i_spn_f, new.u_cpu_f)
        if why != OK:
            return why
    if not x.forthcoming:
        for k in range(4):
            new.load[k] += x.util[k]
        new.pri += 1
        if c.nlocs:
            new.loc += x.loc + unmet(c, n, x)
    c.node[n] = new
    if x.tagn:
        spread_tags(c, n, x, 1)
        if c.nlocs and not x.forthcoming:
            spread_locations(c, n, x, 1)
    return OK


cdef inline int real_sec(Cluster* c, int n, Inst* x, double peer, bint force, bint any_disk, Node* new) noexcept nogil:
    cdef Node* t = &c.node[n]
    take_storage(t, x, 1, &new.f_dsk, &new.i_spn, &new.f_spn)
    new.r_mem = peer if peer > t.r_mem else t.r_mem
    new.fail_n1 = t.u_mem <= new.r_mem
    if x.mirror != INTERNAL:
        return FAIL_DISK
    if not any_disk and new.f_dsk <= 0:
        return FAIL_DISK
    if not force and new.f_dsk < t.lo_dsk:
        return FAIL_DISK
    if t.excl and new.f_spn < 0:
        return FAIL_SPINDLES
    if force:
        return OK
    if new.i_spn > t.hi_spn:
        return FAIL_DISK
    if (x.mem if x.reserves else 0) >= t.u_mem:
        return FAIL_MEM
    if new.fail_n1 and not t.fail_n1:
        return FAIL_MEM
    return OK


cdef inline int forth_sec(Node* new, Inst* x) noexcept nogil:
    if x.mirror != INTERNAL or new.f_dsk_f <= 0 or new.f_dsk_f < new.lo_dsk:
        return FAIL_DISK
    if new.excl and new.f_spn_f < 0:
        return FAIL_SPINDLES
    if new.i_spn_f > new.hi_spn:
        return FAIL_DISK
    if (x.mem if x.reserves else 0) >= new.f_mem_f:
        return FAIL_MEM
    return OK


cdef inline int add_sec(Cluster* c, int n, Inst* x, int pri, bint force, bint any_disk) noexcept nogil:
    """``any_disk``: the disk is on the node already (its primary was there and is down)."""
    cdef Node new = c.node[n]
    cdef int* cell = &c.peer[<size_t>n * c.n + pri]
    cdef int why, peer = cell[0] + (<int>x.mem if x.reserves else 0)
    if not x.forthcoming:
        why = real_sec(c, n, x, peer, force, any_disk, &new)
        if why != OK:
            return why
    take_storage(&new, x, 1, &new.f_dsk_f, &new.i_spn_f, &new.f_spn_f)
    if not force:
        why = forth_sec(&new, x)
        if why != OK:
            return why
    if not x.forthcoming:
        put(c, cell, peer)
        new.load[2] += x.util[2]
        new.sec += 1
    c.node[n] = new
    return OK


cdef inline int migration(Cluster* c, int source, int target) noexcept nogil:
    if c.may_migrate == NULL or c.may_migrate[source * c.n + target]:
        return OK
    return FAIL_MIGRATION
