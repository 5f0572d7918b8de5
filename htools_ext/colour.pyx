# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Fewer colours for a graph: tabu search for one colour less, again and again.

The smallest class is given up and its nodes join others; then, one node at a time, the change of
colour that leaves the fewest edges within classes is made (the best that was not undone lately),
until no edge is left or the tries are used up.  The same seed gives the same colours.
"""

from libc.stdlib cimport calloc, free
from libc.string cimport memset

cdef int LAPSE = 7  # changes for which a node keeps its colour, at least


cdef class Colouring:
    cdef int n, k, conflicts
    cdef int* block
    cdef int* colour  # [node]
    cdef int* near  # [node * n + colour]: neighbours of that colour
    cdef int* until  # [node * n + colour]: the change before which it may not come back
    cdef unsigned char* edge  # [node * n + node]
    cdef bytes owner
    cdef unsigned long long dice

    def __cinit__(self, int n, bytes edges, list colours, unsigned long long seed=1):
        """``edges``: a byte per pair of nodes; ``colours``: 0, 1, … of every node, valid."""
        cdef int v
        if len(edges) != n * n or len(colours) != n or not all(0 <= c < n for c in colours):
            raise ValueError("a colouring needs n * n edges and n colours below n")
        self.n, self.owner, self.edge = n, edges, edges
        self.k = max(colours, default=-1) + 1
        self.block = <int*>calloc(<size_t>n * (2 * n + 1) + 1, sizeof(int))
        if self.block == NULL:
            raise MemoryError
        self.colour, self.near = self.block, self.block + n
        self.until = self.near + <size_t>n * n
        for v in range(n):
            self.colour[v] = colours[v]
        self.dice = seed * 0x9E3779B97F4A7C15ULL + 88172645463325252ULL

    def __dealloc__(self):
        free(self.block)

    cdef inline unsigned long long roll(self) noexcept nogil:
        self.dice ^= self.dice << 13
        self.dice ^= self.dice >> 7
        self.dice ^= self.dice << 17
        return self.dice >> 33

    cdef void give_up_one(self) noexcept nogil:
        """Spread the nodes of the smallest class over the others, and count."""
        cdef int v, u, c, n = self.n, least = 0
        cdef int* size = self.until
        memset(size, 0, n * sizeof(int))
        for v in range(n):
            size[self.colour[v]] += 1
        for c in range(self.k):
            if size[c] < size[least]:
                least = c
        self.k -= 1
        for v in range(n):
            if self.colour[v] == least:
                self.colour[v] = <int>(self.roll() % <unsigned long long>self.k)
            elif self.colour[v] == self.k:
                self.colour[v] = least
        memset(self.near, 0, 2 * <size_t>n * n * sizeof(int))
        self.conflicts = 0
        for v in range(n):
            for u in range(n):
                if u != v and self.edge[v * n + u]:
                    self.near[v * n + self.colour[u]] += 1
                    self.conflicts += u < v and self.colour[u] == self.colour[v]

    cdef bint step(self, int now, int best) noexcept nogil:
        """The best change of one node's colour; False if all are barred."""
        cdef int v, c, delta, own, n = self.n, node = -1, to = 0, low = 1 << 30
        cdef int* near
        cdef unsigned long long equal = 0
        for v in range(n):
            near = self.near + <size_t>v * n
            own = near[self.colour[v]]
            if not own:
                continue
            for c in range(self.k):
                delta = near[c] - own
                if delta > low or c == self.colour[v]:
                    continue
                if self.until[v * n + c] > now and self.conflicts + delta >= best:
                    continue
                equal = 1 if delta < low else equal + 1
                if equal == 1 or self.roll() % equal == 0:
                    node, to = v, c
                low = delta
        if node < 0:
            return False
        self.until[node * n + self.colour[node]] = (
            now + LAPSE + self.conflicts // 2 + <int>(self.roll() % 10))
        self.recolour(node, to)
        self.conflicts += low
        return True

    cdef void recolour(self, int v, int to) noexcept nogil:
        cdef int u, n = self.n, old = self.colour[v]
        for u in range(n):
            if self.edge[v * n + u] and u != v:
                self.near[u * n + old] -= 1
                self.near[u * n + to] += 1
        self.colour[v] = to

    cdef long long one_less(self, long long tries) noexcept nogil:
        """Look for a colour less; returns the tries left, below 0 if there is none."""
        cdef int now = 0, best
        self.give_up_one()
        best = self.conflicts
        while self.conflicts and tries > 0:
            tries -= 1
            now += 1
            if self.step(now, best) and self.conflicts < best:
                best = self.conflicts
        return tries if not self.conflicts else -1

    def run(self, long long tries):
        """The colours found; ``tries``: changes of colour in all."""
        cdef list best = [self.colour[v] for v in range(self.n)]
        while self.k > 1:
            with nogil:
                tries = self.one_less(tries)
            if tries < 0:
                break
            best = [self.colour[v] for v in range(self.n)]
        return best
