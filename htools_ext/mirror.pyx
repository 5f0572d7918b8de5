# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -ffp-contract=off -fno-math-errno -fno-trapping-math
# distutils: depends = htools_ext/scan.h
"""Fills the arrays that ``scan.h`` reads, from a State."""

from libc.math cimport floor
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from gnt.htools_ext.cluster cimport (
    EXTERNAL, INTERNAL, MOVE_FA, MOVE_FR, MOVE_FRF, MOVE_R, MOVE_RF, Cluster, Inst, Node,
)
from gnt.htools_ext.ops cimport clash, unmet
from gnt.htools_ext.score cimport (
    SPREADS, V_CPU, V_CPU_F, V_DSK, V_DSK_F, V_LOAD, V_MEM, V_MEM_F, V_RES, V_SPN, V_SPN_F,
    node_values,
)
from gnt.htools_ext.state cimport State
from gnt.htools_ext.stats cimport Stats, plain_sum

cdef double KIND_NEVER = 1e300
cdef int ARRAYS = 12


cdef double taken(const Inst* x, int value) noexcept nogil:
    """What an instance takes of a value's resource where it runs (or, for disks, lies)."""
    if value == V_MEM:
        return -x.mem if x.uses_mem else 0
    if value == V_MEM_F:
        return -x.mem
    if value == V_CPU or value == V_CPU_F:
        return x.cpu if x.online else 0
    if value == V_DSK or value == V_DSK_F:
        return -x.dsk if x.local else 0
    if value == V_SPN or value == V_SPN_F:
        return x.su if x.local else 0
    return x.util[value - V_LOAD]


cdef double unit_of(const Node* t, int value) noexcept nogil:
    """How much a value changes per unit taken."""
    if value == V_MEM or value == V_MEM_F or value == V_RES:
        return 1 / t.t_mem
    if value == V_CPU or value == V_CPU_F:
        return 1 / t.t_cpu / t.speed
    if value == V_DSK or value == V_DSK_F:
        return 1 / t.t_dsk if t.t_dsk != 0 else 0
    if value == V_SPN or value == V_SPN_F:
        return 1 / t.hi_spn
    return 1


cdef double highest(const Node* t) noexcept nogil:
    """The most vCPUs whose ratio the policy allows, by the same comparison."""
    cdef double most = floor(t.ratio * t.t_cpu) + 2
    if t.ratio < 0:
        return 1e300
    while most > 0 and t.ratio < most / t.t_cpu:
        most -= 1
    return most


cdef class Mirrored:
    def __cinit__(self, State state):
        cdef Cluster* c = &state.c
        cdef Mirror* m = &self.m
        cdef int k, size, np = max((c.n + LANES - 1) // LANES * LANES, LANES)
        cdef double* p
        memset(m, 0, sizeof(Mirror))
        self.c, self.owner = c, state
        m.n, m.np = c.n, np
        size = ARRAYS + 2 * (MOST_PRI + MOST_BOTH + 1) + KINDS
        self.block = <double*>calloc(<size_t>size * np, sizeof(double))
        m.peer = <int*>calloc(<size_t>np * np, sizeof(int))
        m.peer_t = <int*>calloc(<size_t>np * np, sizeof(int))
        if self.block == NULL or m.peer == NULL or m.peer_t == NULL:
            raise MemoryError
        p = self.block
        m.u_mem, m.mem_f, m.r_mem, m.dsk = p, p + np, p + 2 * np, p + 3 * np
        m.lo_dsk, m.spn, m.hi_spn, m.cpu = p + 4 * np, p + 5 * np, p + 6 * np, p + 7 * np
        m.hi_cpu, m.flag, m.cnt, m.bad = p + 8 * np, p + 9 * np, p + 10 * np, p + 11 * np
        p += ARRAYS * np
        for k in range(MOST_PRI):
            m.pri.x[k], m.pri.per[k] = p + 2 * k * np, p + (2 * k + 1) * np
        p += 2 * MOST_PRI * np
        for k in range(MOST_BOTH):
            m.both.x[k], m.both.per[k] = p + 2 * k * np, p + (2 * k + 1) * np
        p += 2 * MOST_BOTH * np
        m.res.x[0], m.res.per[0] = p, p + np
        for k in range(KINDS):
            self.tags[k] = p + (2 + k) * np
        self.plain = not c.ntags and not c.nlocs and c.may_migrate == NULL
        self.choose()

    def __dealloc__(self):
        free(self.block)
        free(self.m.peer)
        free(self.m.peer_t)

    cdef void choose(self) noexcept:
        """Merge spreads that are and will stay equal; find out whether the loops can be used."""
        cdef int i, n
        cdef bint same_mem = True, same_load = True
        cdef Cluster* c = self.c
        cdef const Inst* x
        cdef const Node* t
        self.able = not c.cut
        for i in range(c.ni):
            x = &c.inst[i]
            self.able = self.able and not x.forthcoming
            same_mem = same_mem and x.uses_mem
            same_load = same_load and x.util[0] == x.util[1] and x.util[0] == x.util[3]
        for n in range(c.n):
            t = &c.node[n]
            self.able = self.able and not t.excl and t.f_dsk == t.f_dsk_f and t.u_cpu == t.u_cpu_f
            self.able = self.able and t.i_spn == t.i_spn_f
            if not t.offline:
                same_mem = same_mem and t.u_mem == t.f_mem_f
                same_load = same_load and t.load[0] == t.load[1] and t.load[0] == t.load[3]
                self.able = self.able and t.t_mem > 0 and t.t_cpu > 0 and t.speed > 0 and t.hi_spn > 0
        self.same_mem, self.same_load = same_mem, same_load
        self.pick_spreads(same_mem, same_load)

    cdef bint understands(self, int i) noexcept nogil:
        """May the loops be asked about this (new) instance?"""
        cdef const Inst* x = &self.c.inst[i]
        return (self.able and self.plain and not x.forthcoming
                and (x.uses_mem or not self.same_mem)
                and (not self.same_load or (x.util[0] == x.util[1] and x.util[0] == x.util[3])))

    def pick_spreads(self, bint same_mem, bint same_load):
        """The merged spreads and their weights."""
        pri = [(V_MEM, 1.0), (V_CPU, 1.0), (V_LOAD, 3.0)]
        if not same_mem:
            pri[0:1] = [(V_MEM, 0.5), (V_MEM_F, 0.5)]
        if not same_load:
            pri.pop()
            pri += [(V_LOAD, 1.0), (V_LOAD + 1, 1.0), (V_LOAD + 3, 1.0)]
        self.m.pri.count = len(pri)
        for k, (value, weight) in enumerate(pri):
            self.kp[k], self.m.pri.w[k] = value, weight
        self.m.both.count = 3
        for k, (value, weight) in enumerate([(V_DSK, 1.0), (V_LOAD + 2, 1.0), (V_SPN, 1.0)]):
            self.kb[k], self.m.both.w[k] = value, weight
        self.m.res.count, self.m.res.w[0] = 1, 1.0

    cdef void node(self, int n, const Stats* st) noexcept nogil:
        """Copy one node's figures."""
        cdef Mirror* m = &self.m
        cdef const Node* t = &self.c.node[n]
        cdef double v[SPREADS]
        cdef int k
        m.u_mem[n], m.mem_f[n], m.r_mem[n], m.dsk[n] = t.u_mem, t.f_mem_f, t.r_mem, t.f_dsk
        m.lo_dsk[n], m.spn[n], m.hi_spn[n], m.cpu[n] = t.lo_dsk, t.i_spn, t.hi_spn, t.u_cpu
        m.flag[n], m.cnt[n] = t.fail_n1, t.pri + t.sec
        m.bad[n] = KIND_NEVER if t.offline else 0
        if t.offline:
            self.gone(n)
            return
        m.hi_cpu[n] = highest(t)
        node_values(t, v)
        for k in range(m.pri.count):
            m.pri.x[k][n] = v[self.kp[k]] - st.centre[self.kp[k]]
            m.pri.per[k][n] = unit_of(t, self.kp[k])
        for k in range(m.both.count):
            m.both.x[k][n] = v[self.kb[k]] - st.centre[self.kb[k]]
            m.both.per[k][n] = unit_of(t, self.kb[k])
        m.res.x[0][n] = v[V_RES] - st.centre[V_RES]
        m.res.per[0][n] = unit_of(t, V_RES)

    cdef void gone(self, int n) noexcept nogil:
        """An offline node: nothing of it is in the sums, and nothing fails when something leaves."""
        cdef Mirror* m = &self.m
        cdef int k
        m.flag[n] = m.cnt[n] = 0
        m.r_mem[n] = -KIND_NEVER
        for k in range(m.pri.count):
            m.pri.x[k][n] = m.pri.per[k][n] = 0
        for k in range(m.both.count):
            m.both.x[k][n] = m.both.per[k][n] = 0
        m.res.x[0][n] = m.res.per[0][n] = 0

    cdef void sums(self, const Stats* st) noexcept nogil:
        cdef Mirror* m = &self.m
        cdef int k
        m.inv = st.inv
        for k in range(m.pri.count):
            m.pri.s[k], m.pri.q[k] = st.s[self.kp[k]], st.q[self.kp[k]]
        for k in range(m.both.count):
            m.both.s[k], m.both.q[k] = st.s[self.kb[k]], st.q[self.kb[k]]
        m.res.s[0], m.res.q[0] = st.s[V_RES], st.q[V_RES]
        m.n1, m.reserved = st.plain.n1, st.plain.reserved
        m.base = plain_sum(&st.plain, self.c.loc_extra) - m.n1 - 0.25 * m.reserved

    cdef void refresh(self, const Stats* st) noexcept nogil:
        """Copy the nodes' figures."""
        cdef Mirror* m = &self.m
        cdef int n
        for n in range(m.np):
            if n < m.n:
                self.node(n, st)
            else:
                m.bad[n] = KIND_NEVER
        self.sums(st)

    cdef void refresh_peers(self) noexcept nogil:
        cdef Mirror* m = &self.m
        cdef int n, k
        for n in range(m.n):
            for k in range(m.n):
                m.peer[n * m.np + k] = m.peer_t[k * m.np + n] = self.c.peer[n * m.n + k]

    cdef void moved(self, int i, int pri, int sec) noexcept nogil:
        """Follow the reservations after instance ``i`` came from these nodes."""
        cdef Mirror* m = &self.m
        cdef const Inst* x = &self.c.inst[i]
        cdef int a, b, s, p
        if x.mirror != INTERNAL:
            return
        for a in range(2):
            for b in range(2):
                s = x.sec if a else sec
                p = x.pri if b else pri
                m.peer[s * m.np + p] = m.peer_t[p * m.np + s] = self.c.peer[s * m.n + p]

    cdef void ask(self, int i, Query* q) noexcept nogil:
        """What an instance takes, as a question to the loops."""
        cdef const Inst* x = &self.c.inst[i]
        cdef int k
        q.a, q.b = x.pri, x.sec
        for k in range(self.m.pri.count):
            q.cp[k] = taken(x, self.kp[k])
        for k in range(self.m.both.count):
            q.cb[k] = taken(x, self.kb[k])
        q.used = x.mem if x.uses_mem else 0
        q.mem, q.dsk, q.su = x.mem, x.dsk, x.su
        q.reserve = x.mem if x.reserves else 0
        q.cpu = x.cpu if x.online else 0
        q.refuse = KIND_NEVER
        for k in range(KINDS):
            q.allow[k] = 0
            q.extra[k] = NULL

    cdef double scan(self, int i, int kinds, double* out) noexcept nogil:
        """The best score among the targets; ``kinds``: bit k allows move k + 1."""
        cdef Query q
        cdef int k
        self.ask(i, &q)
        for k in range(KINDS):
            q.allow[k] = 0 if kinds >> k & 1 else KIND_NEVER
        if not self.plain:
            self.tag_extras(i, kinds)
            for k in range(KINDS):
                q.extra[k] = self.tags[k]
        if self.c.inst[i].mirror == INTERNAL:
            return scan_mirrored(&self.m, &q, out)
        if self.c.node[q.a].offline:  # it has to leave: 16 for the primary and 4 for any instance
            q.refuse = 0
            q.allow[4] -= 20
        return scan_shared(&self.m, &q, out)

    cdef void tag_extras(self, int i, int kinds) noexcept nogil:
        """What tags, locations and migration limits add, per kind and target."""
        cdef Cluster* c = self.c
        cdef const Inst* x = &c.inst[i]
        cdef int t, a = x.pri, b = x.sec, n = c.n
        cdef double bad_b = 0, leave_a, on_b = 0, want_a = unmet(c, a, <Inst*>x), want_b = 0, at_t, pri_t
        cdef double[5] e
        leave_a = -shared_tags(c, a, x)
        if b >= 0 and x.mirror == INTERNAL:
            want_b = unmet(c, b, <Inst*>x)
            on_b = leave_a + place_change(c, x, a, b) + want_b - want_a - x.loc
            if (x.tagn and clash(c, b, <Inst*>x)) or not allowed(c, a, b):
                bad_b = KIND_NEVER
        for t in range(n):
            at_t = KIND_NEVER if x.tagn and clash(c, t, <Inst*>x) else 0
            pri_t = at_t + leave_a + place_change(c, x, a, t) + unmet(c, t, <Inst*>x) - want_a - x.loc
            if x.mirror != INTERNAL:
                self.tags[4][t] = pri_t + x.loc + (0 if allowed(c, a, t) else KIND_NEVER)
                continue
            self.tags[0][t] = both_in(c, a, t) - x.loc
            self.tags[1][t] = pri_t + both_in(c, t, a) + (0 if allowed(c, a, t) else KIND_NEVER)
            self.tags[2][t] = pri_t + both_in(c, t, b) + bad_b + (0 if allowed(c, b, t) else KIND_NEVER)
            self.tags[3][t] = on_b + both_in(c, b, t) + bad_b


cdef inline bint allowed(const Cluster* c, int source, int target) noexcept nogil:
    return c.may_migrate == NULL or c.may_migrate[source * c.n + target]


cdef inline double both_in(const Cluster* c, int a, int b) noexcept nogil:
    return c.common[a * c.n + b] if c.common != NULL else 0


cdef double shared_tags(const Cluster* c, int n, const Inst* x) noexcept nogil:
    """Twice the clashes that end when the instance leaves the node."""
    cdef int k, many = 0
    for k in range(x.tagn):
        many += c.tag_count[n * c.ntags + c.tags[x.tag0 + k]] >= 2
    return 2.0 * many


cdef double place_change(const Cluster* c, const Inst* x, int source, int target) noexcept nogil:
    """The change of exclusion tags shared within locations when a primary moves."""
    cdef int k, place, count
    cdef double change = 0
    cdef bint was, will
    if not c.nlocs or not x.tagn:
        return 0
    for place in range(c.nlocs):
        was, will = c.member[source * c.nlocs + place], c.member[target * c.nlocs + place]
        if was == will:
            continue
        for k in range(x.tagn):
            count = c.loc_count[place * c.ntags + c.tags[x.tag0 + k]]
            if will:
                change += count >= 1
            else:
                change -= count >= 2
    return change
