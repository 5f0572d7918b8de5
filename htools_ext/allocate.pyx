# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -ffp-contract=off -fno-math-errno -fno-trapping-math
# distutils: depends = htools_ext/scan.h htools_ext/pairs.h
"""Placing new instances: the best node, or the best pair of nodes, by the score after it.

As in :mod:`balance`, candidates are compared roughly, and those near the best scored as the
reference does: for pairs by its update formula for variances, for single nodes afresh.  Of equal
candidates the last one wins.
"""

from libc.math cimport isfinite
from libc.stdlib cimport free, malloc, realloc

from gnt.htools_ext.cluster cimport FAIL_N1, INTERNAL, OK, Cluster, Inst, Node, begin, keep, rollback
from gnt.htools_ext.loaded cimport fill_inst
from gnt.htools_ext.mirror cimport Mirror, Mirrored, Query
from gnt.htools_ext.ops cimport add_pri, add_sec
from gnt.htools_ext.running cimport Reference, measure, reference_score, replaced
from gnt.htools_ext.score cimport SPREADS, exact_score, node_values, shared_in
from gnt.htools_ext.state cimport State, check_row
from gnt.htools_ext.stats cimport Stats, tried_score

cdef extern from "pairs.h" nogil:
    int takes_primary(const Mirror* m, const Query* q, int t)
    double scan_pairs(Mirror* m, const Query* q, double* out)

cdef double NEAR = 1e-7
cdef double NONE = 1e300
cdef int MOST_TRIED = 100000


cdef class Allocator:
    """Looks for places in a State, and puts instances there.

    ``found``: after ``find``, how many places fit; ``failures``: why the others do not, by number
    of the reason (``FAIL_`` in :mod:`cluster`).
    """

    cdef State state
    cdef Cluster* c
    cdef Mirrored mirror
    cdef Stats st
    cdef Reference ref
    cdef double* out
    cdef double* values  # [node]: score.node_values
    cdef bint loops
    cdef long valued  # the state's version when they were made
    cdef long seen  # the state's version when the mirror got its reservations
    cdef char* open  # nodes that may be used
    cdef int within  # the group that is scored; -1: all nodes
    cdef readonly int found
    cdef readonly list failures

    def __cinit__(self, State state):
        self.state, self.c = state, &state.c
        self.mirror = Mirrored(state)
        self.seen = self.valued = self.within = -1
        self.out = <double*>malloc(5 * <size_t>self.mirror.m.np * sizeof(double))
        self.open = <char*>malloc(self.c.n + 1)
        self.values = <double*>malloc((self.c.n + 1) * SPREADS * sizeof(double))
        if self.out == NULL or self.open == NULL or self.values == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.out)
        free(self.open)
        free(self.values)

    cdef int adopt(self, tuple row) except -1:
        """A new instance at the end of the list, on no node yet."""
        cdef Cluster* c = self.c
        cdef int i = self.state.room(), tags = 0, wants = 0, k
        cdef list excl = list(row[18]), places = list(row[19])
        check_row(c, row)
        if i:  # slices follow one another
            tags = c.inst[i - 1].tag0 + c.inst[i - 1].tagn
            wants = c.inst[i - 1].want0 + c.inst[i - 1].wantn
        if excl:
            c.tags = <int*>realloc(c.tags, (tags + len(excl) + 1) * sizeof(int))
        if places:
            c.wants = <int*>realloc(c.wants, (wants + len(places) + 1) * sizeof(int))
        if (excl and c.tags == NULL) or (places and c.wants == NULL):
            raise MemoryError
        fill_inst(&c.inst[i], row, tags, wants)
        c.inst[i].pri = c.inst[i].sec = -1
        for k in range(len(excl)):
            c.tags[tags + k] = excl[k]
        for k in range(len(places)):
            c.wants[wants + k] = places[k]
        return i

    cdef int enter(self, int i, int p, int s, bint force) noexcept nogil:
        """Put an instance that is nowhere on its nodes, after ``begin``; why not, or OK."""
        cdef Inst* x = &self.c.inst[i]
        cdef int why
        keep(self.c, p)
        keep(self.c, s)
        if self.c.common != NULL:
            x.loc = self.c.common[p * self.c.n + s] if s >= 0 else 0
        why = add_pri(self.c, p, x, force)
        if why == OK and s >= 0:
            why = add_sec(self.c, s, x, p, False, False)
        x.pri, x.sec = p, s
        return why

    cdef double exact(self, int i, int p, int s, bint force) noexcept nogil:
        """The score with the instance there, as the reference rounds it; NONE if refused."""
        cdef Reference r
        cdef double found = NONE
        begin(self.c, i, -1)
        if self.enter(i, p, s, force) == OK:
            if s < 0:
                found = exact_score(self.c, self.within)
            else:
                r = self.ref
                replaced(&r, &self.c.saved[0], &self.c.node[p])
                replaced(&r, &self.c.saved[1], &self.c.node[s])
                found = reference_score(&r, shared_in(self.c, self.within))
        rollback(self.c)
        return found

    cdef double approx(self, int i, int p, int s, bint force, int* why) noexcept nogil:
        cdef double found = NONE
        begin(self.c, i, -1)
        why[0] = self.enter(i, p, s, force)
        if why[0] == OK:
            found = tried_score(self.c, &self.st)
            if self.within >= 0 and self.c.nlocs:
                found += shared_in(self.c, self.within) - self.c.loc_extra
        rollback(self.c)
        return found

    cdef int refused(self, int i, int p, bint force) noexcept nogil:
        """Why a node cannot be the primary, or OK."""
        cdef int why
        begin(self.c, i, -1)
        why = self.enter(i, p, -1, force)
        rollback(self.c)
        return why

    def find(self, tuple row, list nodes, list policy, bint pairs, bint force=False, check=None,
             bint count=True, list primaries=None, int within=-1):
        """The best place: (primary, secondary or -1, score), or None.

        ``nodes``: the allowed ones in order; ``policy``: per node of the state, -1 or the number
        of the failure by which its policy refuses the instance.  ``check(primary, secondary)``
        may refuse a place for other reasons (capacity); each primary then gets its best that
        passes.  Without ``count`` neither ``found`` nor ``failures`` are made.
        ``primaries`` are those of the nodes that may be one (default: all).  ``within``: only this
        group's nodes are scored (then ``nodes`` are its).
        """
        cdef int i = self.adopt(row), p, k, why
        cdef Query q
        for p in nodes if primaries is None else nodes + primaries:
            self.state.has_node(p)
        if len(policy) != self.c.n:
            raise ValueError("policy needs a number for every node")
        cdef double low = NONE, best
        cdef list chosen = []
        self.found = 0
        self.failures = [0] * 9
        self.within = within
        self.prepare(nodes)
        if not isfinite(self.ref.plain.reserved if pairs else exact_score(self.c, within)):
            return self.unscored(i, nodes if primaries is None else primaries, policy, pairs, force, check)
        self.loops = (pairs and self.mirror.understands(i) and not force)
        if self.loops:
            self.mirror.refresh(&self.st)
            if self.seen != self.c.version:
                self.mirror.refresh_peers()
                self.seen = self.c.version
            self.mirror.ask(i, &q)
        for p in nodes if primaries is None else primaries:
            why = policy[p]
            if why < 0 and not (self.loops and takes_primary(&self.mirror.m, &q, p)):
                why = self.refused(i, p, force)
            if why >= 0:
                if count:
                    self.failures[why] += self.seconds(p) if pairs else 1
                continue
            best = self.look(i, p, pairs, force)
            if count and pairs:
                self.tally(i, p, force)
            elif count:
                self.found += 1
            if check is None and best > low + NEAR:
                continue
            low = best if best < low else low
            chosen.append((best, p, self.near(p, best) if pairs else [-1]))
        if check is not None and not pairs:
            return self.choose_single(i, [p for _, p, _ in chosen], force, check)
        return self.choose(i, chosen, low, pairs, force, check)

    cdef void prepare(self, list nodes):
        cdef int n
        if self.valued != self.c.version:
            self.valued = self.c.version
            for n in range(self.c.n):
                self.value(n)
        measure(self.c, self.values, self.within, &self.ref, &self.st)
        for n in range(self.c.n):
            self.open[n] = 0
        for n in nodes:
            self.open[n] = 1

    cdef void value(self, int n) noexcept nogil:
        if not self.c.node[n].offline:
            node_values(&self.c.node[n], self.values + n * SPREADS)

    cdef inline bint partner(self, int p, int s) noexcept nogil:
        return self.open[s] and s != p and self.c.node[s].group == self.c.node[p].group

    cdef int seconds(self, int p) noexcept nogil:
        cdef int s, many = 0
        for s in range(self.c.n):
            many += self.partner(p, s)
        return many

    cdef double look(self, int i, int p, bint pairs, bint force) noexcept nogil:
        """The best rough score with this primary; ``out`` has every secondary's."""
        cdef double best = NONE
        cdef int s, why = OK
        if not pairs:
            return self.approx(i, p, -1, force, &why)
        if self.loops:
            self.scan(i, p)
        for s in range(self.c.n):
            if not self.partner(p, s):
                self.out[s] = NONE
                continue
            if not self.loops:
                self.out[s] = self.approx(i, p, s, force, &why)
            if self.out[s] < best:
                best = self.out[s]
        return best

    cdef void tally(self, int i, int p, bint force):
        """Count what fits and why the rest does not."""
        cdef int s, why, found = 0
        cdef int[9] failed
        for s in range(9):
            failed[s] = 0
        for s in range(self.c.n):
            if self.out[s] < 1e299:
                found += 1
            elif self.partner(p, s):
                why = self.second_refused(i, p, s, force)
                if why >= 0:
                    failed[why] += 1
        self.found += found
        for s in range(9):
            self.failures[s] += failed[s]

    cdef int second_refused(self, int i, int p, int s, bint force) noexcept nogil:
        """Why a node cannot be the secondary of a primary that can."""
        cdef Inst* x = &self.c.inst[i]
        cdef int why
        begin(self.c, i, s)
        why = add_sec(self.c, s, x, p, False, False)
        rollback(self.c)
        return why

    cdef object unscored(self, int i, list primaries, list policy, bint pairs, bint force, check):
        """A node without memory or CPUs makes every score no number: then what the reference's
        sorting leaves on top is taken, the first node, or the last primary's first secondary."""
        cdef object chosen = None, good
        cdef list single = [], fits
        cdef int p, s, why
        for p in primaries:
            fits = []
            for s in [s for s in range(self.c.n) if self.partner(p, s)] if pairs else [-1]:
                why = policy[p]
                if why < 0:
                    self.approx(i, p, s, force, &why)
                if why >= 0:
                    self.failures[why] += 1
                else:
                    fits.append((p, s))
            if pairs:
                good = self.passing(fits, check)
                chosen = chosen if good is None else good
            single += fits
        if not pairs:
            chosen = self.passing(single, check)
        return None if chosen is None else (*chosen, float("nan"))

    cdef object passing(self, list fits, check):
        """The first that passes the check; the others count as failures."""
        self.found += len(fits)
        for place in fits:
            if check is None or check(*place):
                return place
            self.found -= 1
            self.failures[FAIL_N1] += 1
        return None

    cdef list near(self, int p, double best):
        cdef int s
        return [s for s in range(self.c.n) if self.out[s] <= best + NEAR and self.out[s] < 1e299]

    cdef double scan(self, int i, int p) noexcept nogil:
        cdef Query q
        self.mirror.ask(i, &q)
        q.a = p
        return scan_pairs(&self.mirror.m, &q, self.out)

    cdef object choose(self, int i, list best, double low, bint pairs, bint force, check):
        """Score exactly what may be best, in the reference's order; of equals the last wins."""
        cdef object chosen = None
        cdef double v
        cdef int p, s
        for rough, p, seconds in best:
            if check is None and rough > low + NEAR:
                continue
            ranked = self.rank(i, p, seconds, force)
            if check is not None:
                ranked = self.first_good(i, p, ranked, force, check)
            for v, _, s in ranked[:1]:
                if chosen is None or not chosen[2] < v:
                    chosen = (p, s, v)
        return chosen

    cdef object choose_single(self, int i, list nodes, bint force, check):
        """The best node that passes the check; better ones that do not count as failures."""
        cdef int p
        for score, _, p in sorted((self.exact(i, p, -1, force), -p, p) for p in nodes):
            if check(p, -1):
                return p, -1, score
            self.found -= 1
            self.failures[FAIL_N1] += 1
        return None

    cdef list rank(self, int i, int p, list seconds, bint force):
        return sorted(e for e in ((self.exact(i, p, s, force), -s, s) for s in seconds) if e[0] < 1e299)

    cdef list first_good(self, int i, int p, list ranked, bint force, check):
        cdef int dropped = 0
        if ranked and check(p, ranked[0][2]):
            return ranked
        self.look(i, p, True, force)
        ranked = self.rank(i, p, [s for s in range(self.c.n) if self.out[s] < 1e299], force)
        for entry in ranked:
            if check(p, entry[2]):
                break
            dropped += 1
        self.found -= dropped
        self.failures[FAIL_N1] += dropped
        return ranked[dropped:]

    cdef int room_for(self, int n, tuple row) except -1:
        """How many instances like this one the node takes as primary, one after the other."""
        cdef Node kept = self.c.node[n]
        cdef Inst x
        cdef int many = 0
        check_row(self.c, row)
        fill_inst(&x, row, 0, 0)
        x.tagn = x.wantn = 0
        while many < MOST_TRIED and add_pri(self.c, n, &x, False) == OK:
            many += 1
        self.c.node[n] = kept
        return many

    def lost(self, tuple row, int p, int s, list tests, bint force=False):
        """What placing a new instance costs: how many of each test instance (without tags) its
        nodes can no longer take, and the disk left there; or the number of the failure."""
        cdef int i = self.adopt(row), n, why
        cdef list nodes = [p, s] if s >= 0 else [p]
        self.state.has_pair(p, s)
        before = [[self.room_for(n, test) for test in tests] for n in nodes]
        begin(self.c, i, -1)
        why = self.enter(i, p, s, force)
        if why != OK:
            rollback(self.c)
            return why
        after = [[self.room_for(n, test) for test in tests] for n in nodes]
        left = sum(int(self.c.node[n].f_dsk) for n in nodes)
        rollback(self.c)
        return [sum(b[k] - a[k] for b, a in zip(before, after, strict=True)) for k in range(len(tests))], left

    def refusals(self, tuple row):
        """Per node why it cannot be the primary of a new instance; -1: it can."""
        cdef int i = self.adopt(row), p
        return [self.refused(i, p, False) for p in range(self.c.n)]

    def place(self, tuple row, int p, int s, bint force=False):
        """Put a new instance there for good; returns its index, or -1 - the failure's number."""
        cdef int i = self.adopt(row), why
        self.state.has_pair(p, s)
        begin(self.c, i, -1)
        why = self.enter(i, p, s, force)
        if why != OK:
            rollback(self.c)
            return -1 - why
        self.c.ni += 1
        self.value(p)
        if s >= 0:
            self.value(s)
            self.mirror.m.peer[s * self.mirror.m.np + p] = self.c.peer[s * self.c.n + p]
            self.mirror.m.peer_t[p * self.mirror.m.np + s] = self.c.peer[s * self.c.n + p]
        return i
