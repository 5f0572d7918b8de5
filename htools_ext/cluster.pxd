# cython: language_level=3, cdivision=True
"""The cluster as C structs, and the undo log that makes trying a move cheap.

Sizes are MiB, kept as doubles: exact up to 2**53, and what the score divides anyway.  A field that
ends in ``_f`` counts forthcoming instances, too.  Indices are positions in the loaded lists; -1 is
no node.
"""

from libc.stdlib cimport realloc


cdef enum:
    # why a node refuses an instance, in the reference's order (hspace counts them)
    OK = -1
    FAIL_MEM = 0
    FAIL_DISK = 1
    FAIL_CPU = 2
    FAIL_N1 = 3
    FAIL_TAGS = 4
    FAIL_MIGRATION = 5
    FAIL_DISK_COUNT = 6
    FAIL_SPINDLES = 7
    FAIL_INTERNAL = 8


cdef enum:
    # moves: failover, replace secondary, replace+failover, replace primary, failover+replace,
    # failover to any (shared storage)
    MOVE_F = 0
    MOVE_R = 1
    MOVE_RF = 2
    MOVE_FRF = 3
    MOVE_FR = 4
    MOVE_FA = 5


cdef enum:
    KEPT = 12  # nodes that one try may touch


cdef enum:
    NO_MIRROR = 0
    INTERNAL = 1
    EXTERNAL = 2
    NOTHING = 3  # no disks: runs anywhere


ctypedef struct Node:
    double t_mem, n_mem, f_mem, x_mem  # total, the node's own, reported free, unaccounted
    double t_dsk, lo_dsk, t_cpu, speed, ratio, t_spn, hi_spn
    int offline, excl, group, fail_n1
    double i_mem, u_mem  # used by instances, free after that and what is missing
    double f_dsk, u_cpu, i_spn, f_spn, r_mem  # r_mem: reserved for the worst primary's failure
    double outside  # r_mem's part for primaries that are not among the nodes
    double load[4]  # cpu, memory, disk, network
    double pri, sec  # counts of real instances
    double loc, tag_extra  # location score; exclusion tags shared by primaries, beyond the first
    double f_mem_f, f_dsk_f, u_cpu_f, i_spn_f, f_spn_f


ctypedef struct Inst:
    double mem, dsk, cpu, su, spindles  # spindles: -1 unknown
    double util[4]
    int pri, sec, loc
    int uses_mem, online, reserves, local, mirror, forthcoming, movable
    int anew  # when its node is lost it is made anew elsewhere
    int tag0, tagn  # exclusion tags: a slice of Cluster.tags
    int want0, wantn, wants  # desired locations: slice of Cluster.wants; how many in all


ctypedef struct Change:
    int* cell
    int old


ctypedef struct Cluster:
    int n, ni, cap  # nodes, instances, room for instances
    int forthcoming  # whether any instance is
    int cut  # whether nodes hold something for instances that are not among these
    long long cut_reserved
    Node* node
    Inst* inst
    int* peer  # [secondary * n + primary]: memory to start if the primary dies
    int ntags
    int* tags
    int* tag_count  # [node * ntags + tag]
    int nlocs
    int* wants
    unsigned char* member  # [node * nlocs + location]
    int* common  # [node * n + node]: locations both are in; NULL without location tags
    int* loc_count  # [location * ntags + tag]: primaries on online nodes
    int loc_extra
    unsigned char* may_migrate  # [from * n + to]; NULL: everywhere
    Change* log
    int log_n, log_cap
    Node saved[KEPT]
    int saved_at[KEPT]
    int saved_n
    int saved_inst
    long version  # counts changes of places made from Python
    Inst saved_i


cdef inline void put(Cluster* c, int* cell, int value) noexcept nogil:
    """Set a cell and remember what was there."""
    if c.log_n == c.log_cap:
        c.log_cap = c.log_cap * 2 + 64
        c.log = <Change*>realloc(c.log, c.log_cap * sizeof(Change))
    c.log[c.log_n].cell = cell
    c.log[c.log_n].old = cell[0]
    c.log_n += 1
    cell[0] = value


cdef inline void keep(Cluster* c, int n) noexcept nogil:
    """Remember a node until the next rollback; -1 and repetitions are ignored."""
    cdef int k
    if n < 0:
        return
    for k in range(c.saved_n):
        if c.saved_at[k] == n:
            return
    c.saved[c.saved_n] = c.node[n]
    c.saved_at[c.saved_n] = n
    c.saved_n += 1


cdef inline void begin(Cluster* c, int i, int third) noexcept nogil:
    """Start trying a move of instance ``i`` that may also touch the node ``third``."""
    c.log_n = 0
    c.saved_n = 0
    c.saved_inst = i
    c.saved_i = c.inst[i]
    keep(c, c.inst[i].pri)
    keep(c, c.inst[i].sec)
    keep(c, third)


cdef inline void rollback(Cluster* c) noexcept nogil:
    """Undo everything since ``begin``."""
    cdef int k
    for k in range(c.log_n - 1, -1, -1):
        c.log[k].cell[0] = c.log[k].old
    c.log_n = 0
    for k in range(c.saved_n):
        c.node[c.saved_at[k]] = c.saved[k]
    c.inst[c.saved_inst] = c.saved_i
