# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -ffp-contract=off -fno-math-errno -fno-trapping-math
"""A cluster in flat arrays: made from rows of numbers, changed by moves, scored.

``nodes``: rows of ``NODE_FIELDS``; ``instances``: rows of ``INST_FIELDS``.  Loading follows the
reference: what nodes report is taken as it is; memory that is neither the node's own nor any
instance's is missing, and is kept away from placements.
"""

from libc.math cimport trunc
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

from gnt.htools_ext.cluster cimport INTERNAL, MOVE_F, MOVE_FA, OK, Cluster, Inst, Node, begin, rollback
from gnt.htools_ext.loaded cimport fill_inst, fill_node, hold, settle
from gnt.htools_ext.moves cimport do_move
from gnt.htools_ext.ops cimport (
    add_pri, add_sec, largest_peer, remove_pri, remove_sec, spread_locations,
)
from gnt.htools_ext.score cimport TERMS, components, exact_score, weigh

cdef long long CELLS = 2**31 - 1  # of one table: they are counted in C's int
NODE_FIELDS = (
    "t_mem", "n_mem", "f_mem", "t_dsk", "f_dsk", "t_cpu", "n_cpu", "speed", "offline", "t_spn",
    "f_spn", "excl", "group", "vcpu_ratio", "spindle_ratio", "min_disk", "measured",
    "outside",
)
INST_FIELDS = (
    "mem", "dsk", "cpu", "su", "spindles", "uses_mem", "online", "auto_balance", "local",
    "mirror", "forthcoming", "movable", "pri", "sec", "cpu_load", "mem_load", "dsk_load",
    "net_load", "excl_tags", "wanted", "wants", "shared",
    "anew",
)
STATE_FIELDS = (
    "i_mem", "u_mem", "x_mem", "f_dsk", "u_cpu", "i_spn", "f_spn", "r_mem", "pri", "sec",
    "fail_n1", "cpu_load", "mem_load", "dsk_load", "net_load", "offline", "f_mem_f",
)


cdef void* zeros(size_t count, size_t size) except NULL:
    cdef void* made = calloc(count, size)
    if made == NULL:
        raise MemoryError
    return made


cdef void* twin(const void* block, size_t size) except? NULL:
    """A copy of a block; NULL of NULL."""
    cdef void* made
    if block == NULL:
        return NULL
    made = malloc(max(size, 1))
    if made == NULL:
        raise MemoryError
    memcpy(made, block, size)
    return made


cdef class State:
    """See the module; ``tags`` and ``places`` are how many different ones there are (``places``: 1 at
    least where instances desire any)."""

    def __cinit__(self):
        memset(&self.c, 0, sizeof(Cluster))

    def __dealloc__(self):
        cdef Cluster* c = &self.c
        for block in (<size_t>c.node, <size_t>c.inst, <size_t>c.peer, <size_t>c.tags,
                      <size_t>c.tag_count, <size_t>c.wants, <size_t>c.member, <size_t>c.common,
                      <size_t>c.loc_count, <size_t>c.may_migrate, <size_t>c.log):
            free(<void*><size_t>block)

    def __init__(self, list nodes, list instances, int tags=0, list members=None,
                 bytes migrations=b"", int places=0):
        cdef Cluster* c = &self.c
        cdef int k, n = len(nodes), place
        if c.node != NULL:
            raise RuntimeError("a State is made once")
        c.n, c.ntags = n, tags
        c.nlocs = max(places, 1 + max((m for row in members or () for m in row), default=-1))
        if max(<long long>n * n, <long long>n * tags, <long long>n * c.nlocs,
               <long long>c.nlocs * tags) > CELLS:
            raise OverflowError(f"{n} nodes, {tags} tags and {c.nlocs} locations are too many")
        c.node = <Node*>zeros(max(n, 1), sizeof(Node))
        c.peer = <int*>zeros(<size_t>max(n, 1) * max(n, 1), sizeof(int))
        c.tag_count = <int*>zeros(<size_t>max(n, 1) * max(tags, 1), sizeof(int))
        c.member = <unsigned char*>zeros(<size_t>max(n, 1) * max(c.nlocs, 1), 1)
        c.loc_count = <int*>zeros(<size_t>max(c.nlocs, 1) * max(tags, 1), sizeof(int))
        for k in range(n):
            fill_node(&c.node[k], nodes[k])
        if not all(len(row) == len(NODE_FIELDS) for row in nodes) or len(members or nodes) != n:
            raise ValueError("a row of a node has another length")
        for row in instances:
            check_row(c, row)
            if not 0 <= row[12] < n or not -1 <= row[13] < n or row[12] == row[13]:
                raise IndexError(f"an instance on nodes {row[12]} and {row[13]} of {n}")
        if c.nlocs:
            for k in range(n):
                for place in (members or [()] * n)[k]:
                    c.member[k * c.nlocs + place] = 1
            self.share_locations()
        if migrations:
            if len(migrations) != n * n:
                raise ValueError("migrations needs one byte per pair of nodes")
            c.may_migrate = <unsigned char*>zeros(<size_t>n * n, 1)
            for k in range(n * n):
                c.may_migrate[k] = migrations[k]
        for k in range(n):
            if nodes[k][17] is not None:
                hold(c, &c.node[k], nodes[k][17])
        self.load(instances)
        for k in range(n):
            if nodes[k][16] is not None:  # measured; its instances' shares are a part of it
                c.node[k].load[0] = nodes[k][16]

    cdef int share_locations(self) except -1:
        cdef Cluster* c = &self.c
        cdef int a, b, k, both
        c.common = <int*>zeros(<size_t>c.n * c.n, sizeof(int))
        for a in range(c.n):
            for b in range(c.n):
                both = 0
                for k in range(c.nlocs):
                    both += c.member[a * c.nlocs + k] & c.member[b * c.nlocs + k]
                c.common[a * c.n + b] = both
        return 0

    def load(self, list rows):
        """Put the instances where they are, without checks."""
        cdef Cluster* c = &self.c
        cdef int k, ntags = 0, nwants = 0
        cdef Node* t
        for row in rows:
            ntags += len(row[18])
            nwants += len(row[19])
        c.tags = <int*>zeros(<size_t>ntags + 1, sizeof(int))
        c.wants = <int*>zeros(<size_t>nwants + 1, sizeof(int))
        ntags = nwants = 0
        for row in rows:
            k = self.room()
            fill_inst(&c.inst[k], row, ntags, nwants)
            for tag in row[18]:
                c.tags[ntags] = tag
                ntags += 1
            for place in row[19]:
                c.wants[nwants] = place
                nwants += 1
            c.ni += 1
            settle(c, &c.inst[k])
        for k in range(c.n):
            t = &c.node[k]
            t.r_mem = largest_peer(c, k)
            t.x_mem = trunc(t.t_mem) - t.n_mem - t.i_mem - t.f_mem
            t.u_mem = trunc(t.t_mem) - t.n_mem - t.i_mem - max(0, t.x_mem)
            t.fail_n1 = t.f_mem < t.r_mem

    cdef int room(self) except -1:
        """The index of the next instance, after making room for it."""
        cdef Cluster* c = &self.c
        cdef void* grown
        if c.ni == c.cap:
            grown = realloc(c.inst, (2 * c.cap + 64) * sizeof(Inst))
            if grown == NULL:
                raise MemoryError
            c.inst = <Inst*>grown
            c.cap = 2 * c.cap + 64
        return c.ni

    def copy(self):
        """Another State with the same contents."""
        cdef State other = State.__new__(State)
        cdef Cluster* c = &self.c
        cdef Cluster* d = &other.c
        cdef int tags = 0, wants = 0
        cdef size_t n = max(c.n, 1)
        if c.ni:
            tags = c.inst[c.ni - 1].tag0 + c.inst[c.ni - 1].tagn
            wants = c.inst[c.ni - 1].want0 + c.inst[c.ni - 1].wantn
        d.n, d.ni, d.cap, d.ntags, d.nlocs, d.loc_extra = c.n, c.ni, c.cap, c.ntags, c.nlocs, c.loc_extra
        d.forthcoming, d.cut, d.cut_reserved = c.forthcoming, c.cut, c.cut_reserved
        d.node = <Node*>twin(c.node, n * sizeof(Node))
        d.inst = <Inst*>twin(c.inst, c.cap * sizeof(Inst))
        d.peer = <int*>twin(c.peer, n * n * sizeof(int))
        d.tags = <int*>twin(c.tags, (tags + 1) * sizeof(int))
        d.wants = <int*>twin(c.wants, (wants + 1) * sizeof(int))
        d.tag_count = <int*>twin(c.tag_count, n * max(c.ntags, 1) * sizeof(int))
        d.member = <unsigned char*>twin(c.member, n * max(c.nlocs, 1))
        d.common = <int*>twin(c.common, n * n * sizeof(int))
        d.loc_count = <int*>twin(c.loc_count, <size_t>max(c.nlocs, 1) * max(c.ntags, 1) * sizeof(int))
        d.may_migrate = <unsigned char*>twin(c.may_migrate, n * n)
        return other

    @property
    def size(self):
        return self.c.n, self.c.ni

    def score(self, int group=-1):
        """The cluster's score, or that of the nodes of one group."""
        return exact_score(&self.c, group)

    def parts(self):
        """The 20 components, unweighted, in the reference's order."""
        cdef double out[TERMS]
        components(&self.c, -1, out)
        return [out[k] for k in range(TERMS)]

    cdef int still(self, int many) except -1:
        """What was made for so many instances knows no more."""
        if self.c.ni != many:
            raise RuntimeError("instances came to the state meanwhile")
        return 0

    cdef int has_node(self, int n) except -1:
        if not 0 <= n < self.c.n:
            raise IndexError(f"there is no node {n}")
        return 0

    cdef int has_pair(self, int pri, int sec) except -1:
        if not 0 <= pri < self.c.n or not -1 <= sec < self.c.n or pri == sec:
            raise IndexError(f"nodes {pri} and {sec}")
        return 0

    cdef int has_inst(self, int i) except -1:
        if not 0 <= i < self.c.ni:
            raise IndexError(f"there is no instance {i}")
        return 0

    def place_of(self, int i):
        """The primary and secondary of an instance (-1: none)."""
        self.has_inst(i)
        return self.c.inst[i].pri, self.c.inst[i].sec

    def places(self):
        """The same of all instances."""
        return [(self.c.inst[i].pri, self.c.inst[i].sec) for i in range(self.c.ni)]

    def reserved(self):
        """All memory kept for secondaries."""
        cdef long long total = self.c.cut_reserved
        cdef size_t k
        for k in range(<size_t>self.c.n * self.c.n):
            total += self.c.peer[k]
        return total

    def clashes(self):
        """How many exclusion tags too many each node's primaries have."""
        return [int(self.c.node[k].tag_extra) for k in range(self.c.n)]

    def node(self, int n):
        """The changing figures of a node, by name."""
        self.has_node(n)
        cdef Node* t = &self.c.node[n]
        return dict(zip(STATE_FIELDS, (
            t.i_mem, t.u_mem, t.x_mem, t.f_dsk, t.u_cpu, t.i_spn, t.f_spn, t.r_mem, t.pri, t.sec,
            bool(t.fail_n1), t.load[0], t.load[1], t.load[2], t.load[3], bool(t.offline),
            t.f_mem_f,
        ), strict=True))

    def peers(self, int n):
        """Memory to be started on a node if another dies: {primary: MiB}."""
        cdef int k
        self.has_node(n)
        return {k: self.c.peer[n * self.c.n + k] for k in range(self.c.n) if self.c.peer[n * self.c.n + k]}

    def move(self, int i, int kind, int target=-1, bint force=False):
        """Apply a move; returns -1, or the number of the failure with nothing changed."""
        cdef int why
        if not 0 <= i < self.c.ni or not -1 <= target < self.c.n or not 0 <= kind <= MOVE_FA:
            raise IndexError(f"there is no move {kind} of instance {i} to node {target}")
        if (target < 0) != (kind == MOVE_F):
            raise IndexError("every move but a failover has a target")
        self.c.version += 1
        begin(&self.c, i, target)
        why = do_move(&self.c, i, kind, target, force)
        if why != OK:
            rollback(&self.c)
        return why

    def set_offline(self, int n, bint offline):
        """Change a node's status; loads and reservations stay."""
        cdef Cluster* c = &self.c
        cdef int i
        self.has_node(n)
        if c.node[n].offline == offline:
            return
        for i in range(c.ni):
            if c.inst[i].pri == n and not c.inst[i].forthcoming and c.nlocs:
                if offline:
                    spread_locations(c, n, &c.inst[i], -1)
        c.version += 1
        c.node[n].offline = offline
        for i in range(c.ni):
            if c.inst[i].pri == n and not c.inst[i].forthcoming and c.nlocs:
                if not offline:
                    spread_locations(c, n, &c.inst[i], 1)

    def withdraw(self, int i):
        """Take an instance without secondary off its node for good; its place is then (-1, -1)."""
        cdef Inst* x
        if not 0 <= i < self.c.ni or self.c.inst[i].pri < 0 or self.c.inst[i].sec >= 0:
            raise IndexError(f"instance {i} cannot be withdrawn")
        x = &self.c.inst[i]
        self.c.version += 1
        begin(&self.c, i, -1)
        remove_pri(&self.c, x.pri, x)
        x.pri = -1

    def set_movable(self, int i, bint movable):
        self.has_inst(i)
        self.c.inst[i].movable = movable

    def failing(self):
        """The online nodes that fail N+1."""
        return [k for k in range(self.c.n) if self.c.node[k].fail_n1 and not self.c.node[k].offline]

    def force_place(self, int i, int pri, int sec):
        """Move an instance to any nodes, unchecked: for planners that check the end state."""
        cdef Inst* x
        cdef Cluster* c = &self.c
        self.has_inst(i)
        self.has_pair(pri, sec)
        x = &c.inst[i]
        if x.mirror == INTERNAL and (sec < 0 or x.sec < 0):
            return False
        c.version += 1
        remove_pri(c, x.pri, x)
        if x.mirror == INTERNAL:
            remove_sec(c, x.sec, x)
        if c.common != NULL:
            x.loc = c.common[pri * c.n + sec] if sec >= 0 else 0
        x.pri, x.sec = pri, sec
        if add_pri(c, pri, x, True) != OK:
            return False
        return x.mirror != INTERNAL or add_sec(c, sec, x, pri, True, True) == OK


cdef int check_row(const Cluster* c, tuple row) except -1:
    """Nothing in a row of an instance points outside."""
    if len(row) != len(INST_FIELDS):
        raise ValueError("a row of an instance has another length")
    for tag in row[18]:
        if not 0 <= tag < c.ntags:
            raise IndexError("a tag the state was not made for")
    for place in row[19]:
        if not 0 <= place < c.nlocs:
            raise IndexError("a location the state was not made for")
    return 0
