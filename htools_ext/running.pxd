# cython: language_level=3, cdivision=True
"""The reference's running statistics: what its score of a pair of nodes is rounded from.

It keeps sums and variances, and follows a change of a node by an update formula.
"""

from libc.math cimport sqrt

from gnt.htools_ext.cluster cimport Cluster, Node
from gnt.htools_ext.score cimport (
    SPREADS, TERMS, Plain, add_plain, arrange, node_values, spread_weights, weigh,
)
from gnt.htools_ext.stats cimport Stats


cdef struct Reference:
    double n  # nodes
    double s[SPREADS]  # sums
    double var[SPREADS]
    Plain plain


cdef inline void measure(const Cluster* c, const double* values, int group, Reference* r, Stats* st) noexcept nogil:
    """Both statistics from the nodes' values, added up in the reference's order; ``group`` -1: of
    all nodes."""
    cdef const double* v
    cdef double d
    cdef int k, n
    r.n = 0
    r.plain.n1 = r.plain.off_all = r.plain.off_pri = r.plain.tags = r.plain.loc = 0
    r.plain.reserved = 0
    for k in range(SPREADS):
        r.s[k] = r.var[k] = st.s[k] = 0
    for n in range(c.n):
        if group >= 0 and c.node[n].group != group:
            continue
        add_plain(&c.node[n], &r.plain, 1)
        if not c.node[n].offline:
            r.n += 1
            v = values + n * SPREADS
            for k in range(SPREADS):
                r.s[k] += v[k]
    for k in range(SPREADS):
        st.centre[k] = r.s[k] / r.n if r.n > 0 else 0
    for n in range(c.n):
        if not c.node[n].offline and (group < 0 or c.node[n].group == group):
            v = values + n * SPREADS
            for k in range(SPREADS):
                d = v[k] - st.centre[k]
                st.s[k] += d
                r.var[k] += d * d
    st.plain = r.plain
    st.inv = 1 / r.n if r.n > 0 else 0
    spread_weights(st.w)
    for k in range(SPREADS):
        st.q[k] = r.var[k]
        r.var[k] /= r.n


cdef inline void replaced(Reference* r, const Node* old, const Node* new) noexcept nogil:
    """One node's values replaced, by the reference's formula."""
    cdef double a[SPREADS]
    cdef double b[SPREADS]
    cdef double ds, dss, change
    cdef int k
    node_values(old, a)
    node_values(new, b)
    for k in range(SPREADS):
        ds = b[k] - a[k]
        dss = b[k] * b[k] - a[k] * a[k]
        change = (r.n * dss - 2 * r.s[k] * ds) - ds * ds
        r.s[k] += ds
        r.var[k] += change / (r.n * r.n)
        if not r.var[k] >= 0:  # what is no number becomes 0, too
            r.var[k] = 0
    r.plain.reserved = r.plain.reserved + new.r_mem / new.t_mem - old.r_mem / old.t_mem
    r.plain.n1 += (new.pri + new.sec if new.fail_n1 else 0) - (old.pri + old.sec if old.fail_n1 else 0)
    r.plain.tags += new.tag_extra - old.tag_extra
    r.plain.loc += new.loc - old.loc


cdef inline double reference_score(const Reference* r, double shared) noexcept nogil:
    cdef double sd[SPREADS]
    cdef double out[TERMS]
    cdef int k
    for k in range(SPREADS):
        sd[k] = sqrt(r.var[k])
    arrange(sd, &r.plain, shared, out)
    return weigh(out)
