# cython: language_level=3, cdivision=True
"""The cluster's score, as the reference computes it (its 3.0 series; measured equal to 8 digits).

score = sum of weight * value, over the nodes that are online unless said otherwise; ``sd`` is the
population standard deviation, in two passes, in the order of the nodes:

    0.5  sd free memory / total              0.5  sd free disk / total (free spindles / spindles
    1    instances on nodes failing N+1           on exclusive storage; 1 without disk)
    1    sd reserved memory / total          4    instances on offline nodes
    16   primaries on offline nodes          0.5  sd used vCPUs / CPUs / speed
    1    sd CPU load, 1 sd memory load, 1 sd disk load, 1 sd network load
    2    exclusion tags shared by primaries  0.5  sd used spindles / allowed spindles
    0.5  sd of free memory, free disk, vCPUs and spindles again with forthcoming instances
    1    location score: common locations of primary and secondary, desired locations not met
    1    exclusion tags shared within a location
    0.25 sum of reserved memory / total

Products are added left to right in the order of ``TERMS``; no reassociation and no fused
multiply-add is allowed in here (``-ffp-contract=off``), so that equal clusters have equal scores.
"""

from libc.math cimport sqrt

from gnt.htools_ext.cluster cimport Cluster, Inst, Node


cdef enum:
    SPREADS = 13  # components that are standard deviations
    TERMS = 20
    V_MEM = 0
    V_DSK = 1
    V_RES = 2
    V_CPU = 3
    V_LOAD = 4  # cpu, memory, disk, network: 4 to 7
    V_SPN = 8
    V_MEM_F = 9
    V_DSK_F = 10
    V_CPU_F = 11
    V_SPN_F = 12


cdef inline void spread_weights(double* w) noexcept nogil:
    w[V_MEM] = w[V_DSK] = w[V_CPU] = w[V_SPN] = 0.5
    w[V_MEM_F] = w[V_DSK_F] = w[V_CPU_F] = w[V_SPN_F] = 0.5
    w[V_RES] = w[V_LOAD] = w[V_LOAD + 1] = w[V_LOAD + 2] = w[V_LOAD + 3] = 1.0


cdef inline double part(double free, double total) noexcept nogil:
    return free / total if total != 0 else 1.0


cdef inline void node_values(const Node* t, double* v) noexcept nogil:
    """What one node contributes to each spread."""
    cdef int k
    v[V_MEM] = t.u_mem / t.t_mem
    v[V_RES] = t.r_mem / t.t_mem
    v[V_MEM_F] = t.f_mem_f / t.t_mem
    if t.excl:
        v[V_DSK] = part(t.f_spn, t.t_spn)
        v[V_DSK_F] = part(t.f_spn_f, t.t_spn)
    else:
        v[V_DSK] = part(t.f_dsk, t.t_dsk)
        v[V_DSK_F] = part(t.f_dsk_f, t.t_dsk)
    v[V_CPU] = t.u_cpu / t.t_cpu / t.speed
    v[V_CPU_F] = t.u_cpu_f / t.t_cpu / t.speed
    for k in range(4):
        v[V_LOAD + k] = t.load[k]
    v[V_SPN] = t.i_spn / t.hi_spn
    v[V_SPN_F] = t.i_spn_f / t.hi_spn


ctypedef struct Plain:
    # the components that are sums; exact, being counts, but for ``reserved``
    double n1, off_all, off_pri, tags, loc, reserved


cdef inline void add_plain(const Node* t, Plain* p, double sign) noexcept nogil:
    if t.offline:
        p.off_all += sign * (t.pri + t.sec)
        p.off_pri += sign * t.pri
        return
    if t.fail_n1:
        p.n1 += sign * (t.pri + t.sec)
    p.tags += sign * t.tag_extra
    p.loc += sign * t.loc
    p.reserved += sign * (t.r_mem / t.t_mem)


cdef inline void components(const Cluster* c, int group, double* out) noexcept nogil:
    """All 20 values, in the order of the docstring's reference; ``group`` -1: every node."""
    cdef double mean[SPREADS]
    cdef double var[SPREADS]
    cdef double v[SPREADS]
    cdef Plain p
    cdef int k, n
    cdef double online = 0, d
    p.n1 = p.off_all = p.off_pri = p.tags = p.loc = p.reserved = 0
    for k in range(SPREADS):
        mean[k] = var[k] = 0
    for n in range(c.n):
        if group >= 0 and c.node[n].group != group:
            continue
        add_plain(&c.node[n], &p, 1)
        if c.node[n].offline:
            continue
        online += 1
        node_values(&c.node[n], v)
        for k in range(SPREADS):
            mean[k] += v[k]
    if online == 0:  # nothing to compare: the reference calls it balanced
        for k in range(TERMS):
            out[k] = 0
        return
    for k in range(SPREADS):
        mean[k] /= online
    for n in range(c.n):
        if c.node[n].offline or (group >= 0 and c.node[n].group != group):
            continue
        node_values(&c.node[n], v)
        for k in range(SPREADS):
            d = v[k] - mean[k]
            var[k] += d * d
    for k in range(SPREADS):
        var[k] = sqrt(var[k] / online)
    arrange(var, &p, shared_in(c, group), out)


cdef inline int coming(const Cluster* c, int group, int place, int tag) noexcept nogil:
    """How many forthcoming primaries of a group have the tag in a location."""
    cdef const Inst* x
    cdef int i, k, many = 0
    for i in range(c.ni if c.forthcoming else 0):
        x = &c.inst[i]
        if (x.forthcoming and x.pri >= 0 and c.node[x.pri].group == group and not c.node[x.pri].offline
                and c.member[x.pri * c.nlocs + place]):
            for k in range(x.tagn):
                many += c.tags[x.tag0 + k] == tag
    return many


cdef inline double shared_in(const Cluster* c, int group) noexcept nogil:
    """Exclusion tags shared within locations, of one group's nodes or of all."""
    cdef int n, place, tag, many
    cdef double extra = 0
    if group < 0 or not c.nlocs:
        return c.loc_extra
    for place in range(c.nlocs):
        for tag in range(c.ntags):
            many = -coming(c, group, place, tag)
            for n in range(c.n):
                if (c.node[n].group == group and not c.node[n].offline
                        and c.member[n * c.nlocs + place]):
                    many += c.tag_count[n * c.ntags + tag]
            extra += many - 1 if many > 1 else 0
    return extra


cdef inline void arrange(const double* sd, const Plain* p, double shared, double* out) noexcept nogil:
    out[0], out[1], out[2], out[3] = sd[V_MEM], sd[V_DSK], p.n1, sd[V_RES]
    out[4], out[5], out[6] = p.off_all, p.off_pri, sd[V_CPU]
    out[7], out[8], out[9], out[10] = sd[V_LOAD], sd[V_LOAD + 1], sd[V_LOAD + 2], sd[V_LOAD + 3]
    out[11], out[12] = p.tags, sd[V_SPN]
    out[13], out[14], out[15], out[16] = sd[V_MEM_F], sd[V_DSK_F], sd[V_CPU_F], sd[V_SPN_F]
    out[17], out[18], out[19] = p.loc, shared, p.reserved


cdef inline double weigh(const double* out) noexcept nogil:
    """The sum, left to right."""
    cdef double total = 0.0
    total = out[0] * 0.5
    total += out[1] * 0.5
    total += out[2] * 1.0
    total += out[3] * 1.0
    total += out[4] * 4.0
    total += out[5] * 16.0
    total += out[6] * 0.5
    total += out[7] * 1.0
    total += out[8] * 1.0
    total += out[9] * 1.0
    total += out[10] * 1.0
    total += out[11] * 2.0
    total += out[12] * 0.5
    total += out[13] * 0.5
    total += out[14] * 0.5
    total += out[15] * 0.5
    total += out[16] * 0.5
    total += out[17] * 1.0
    total += out[18] * 1.0
    total += out[19] * 0.25
    return total


cdef inline double exact_score(const Cluster* c, int group) noexcept nogil:
    cdef double out[TERMS]
    components(c, group, out)
    return weigh(out)
