# cython: language_level=3, cdivision=True
"""The score after a tried move, from running sums: no pass over the nodes.

Values are kept less a centre (their mean when the sums were made), so that little is lost to
rounding; the result may differ from the exact score by about 1e-9 and only ever chooses what is
then scored exactly.
"""

from libc.math cimport sqrt

from gnt.htools_ext.cluster cimport Cluster, Node
from gnt.htools_ext.score cimport SPREADS, Plain, add_plain, node_values, spread_weights


ctypedef struct Stats:
    double centre[SPREADS]
    double s[SPREADS]
    double q[SPREADS]
    double w[SPREADS]
    double inv
    Plain plain


cdef inline void fill_stats(const Cluster* c, Stats* st) noexcept nogil:
    cdef double v[SPREADS]
    cdef double d, online = 0
    cdef int k, n
    spread_weights(st.w)
    st.plain.n1 = st.plain.off_all = st.plain.off_pri = 0
    st.plain.tags = st.plain.loc = st.plain.reserved = 0
    for k in range(SPREADS):
        st.centre[k] = st.s[k] = st.q[k] = v[k] = 0
    for n in range(c.n):
        add_plain(&c.node[n], &st.plain, 1)
        if not c.node[n].offline:
            online += 1
            node_values(&c.node[n], v)
            for k in range(SPREADS):
                st.centre[k] += v[k]
    st.inv = 1.0 / online if online > 0 else 0
    for k in range(SPREADS):
        st.centre[k] *= st.inv
    for n in range(c.n):
        if c.node[n].offline:
            continue
        node_values(&c.node[n], v)
        for k in range(SPREADS):
            d = v[k] - st.centre[k]
            st.s[k] += d
            st.q[k] += d * d


cdef inline void follow_stats(const Cluster* c, Stats* st) noexcept nogil:
    """Bring the sums up to date with the nodes that were kept since ``begin``."""
    cdef double a[SPREADS]
    cdef double b[SPREADS]
    cdef int j, k
    for j in range(c.saved_n):
        add_plain(&c.saved[j], &st.plain, -1)
        add_plain(&c.node[c.saved_at[j]], &st.plain, 1)
        if c.saved[j].offline:
            continue
        node_values(&c.saved[j], a)
        node_values(&c.node[c.saved_at[j]], b)
        for k in range(SPREADS):
            a[k] -= st.centre[k]
            b[k] -= st.centre[k]
            st.s[k] += b[k] - a[k]
            st.q[k] += (b[k] - a[k]) * (b[k] + a[k])


cdef inline double plain_sum(const Plain* p, double shared) noexcept nogil:
    return (p.n1 + 4 * p.off_all + 16 * p.off_pri + 2 * p.tags + p.loc + shared
            + 0.25 * p.reserved)


cdef inline double spread_sum(const double* s, const double* q, const double* w, double inv) noexcept nogil:
    cdef double total = 0, m, v
    cdef int k
    for k in range(SPREADS):
        m = s[k] * inv
        v = q[k] * inv - m * m
        total += w[k] * sqrt(v if v > 0 else 0)
    return total


cdef inline double tried_score(const Cluster* c, const Stats* st) noexcept nogil:
    """The score now, given the sums from before ``begin`` and the nodes kept since."""
    cdef double s[SPREADS]
    cdef double q[SPREADS]
    cdef double a[SPREADS]
    cdef double b[SPREADS]
    cdef Plain p = st.plain
    cdef const Node* old
    cdef const Node* new
    cdef int j, k
    for k in range(SPREADS):
        s[k], q[k] = st.s[k], st.q[k]
        a[k] = b[k] = 0
    for j in range(c.saved_n):
        old, new = &c.saved[j], &c.node[c.saved_at[j]]
        add_plain(old, &p, -1)
        add_plain(new, &p, 1)
        if old.offline:
            continue
        node_values(old, a)
        node_values(new, b)
        for k in range(SPREADS):
            a[k] -= st.centre[k]
            b[k] -= st.centre[k]
            s[k] += b[k] - a[k]
            q[k] += (b[k] - a[k]) * (b[k] + a[k])
    return spread_sum(s, q, st.w, st.inv) + plain_sum(&p, c.loc_extra)
