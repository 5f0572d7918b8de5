# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -ffp-contract=off -fno-math-errno -fno-trapping-math
"""Emptying nodes: best single moves within a group, and whether a node could be lost at all.

Global N+1: a node can be evacuated if all its mirrored primaries can fail over at once, those on
shared storage can run on other nodes of the group, and the rest (block devices, too, as the
reference has it) could be made anew there; soft
checks are ignored, as they would be in an emergency.
"""

from gnt.htools_ext.cluster cimport (
    INTERNAL, MOVE_FA, OK, Cluster, Inst, Node, begin, keep, rollback,
)
from gnt.htools_ext.moves cimport do_move
from gnt.htools_ext.ops cimport add_pri, migration, remove_pri
from gnt.htools_ext.score cimport exact_score
from gnt.htools_ext.state cimport State

cdef double NONE = 1e300


cdef bint failover_fits(Cluster* c, int n, double* need) noexcept nogil:
    """Could all mirrored primaries of a node start on their secondaries together?"""
    cdef int i, b
    cdef const Inst* x
    cdef const Node* t
    for b in range(c.n):
        need[b] = 0
    for i in range(c.ni):
        x = &c.inst[i]
        if x.pri != n or x.mirror != INTERNAL or x.forthcoming:
            continue
        b = x.sec
        if b < 0:
            continue  # its secondary is in another group
        t = &c.node[b]
        need[b] += x.mem if x.uses_mem else 0
        if migration(c, n, b) != OK or t.u_mem - need[b] <= 0:
            return False
        if t.f_dsk <= 0 or (c.node[n].f_dsk <= 0 and not c.node[n].offline):
            return False
        if (t.excl or c.node[n].excl) and x.spindles < 0:
            return False
        if (t.excl and t.f_spn < 0) or (c.node[n].excl and c.node[n].f_spn < 0):
            return False  # they change their roles, not what they need
    return True


def best_move(State state, int i, int kind, list targets, int group, bint force):
    """The target with the best score of its group: (target, score) and the refusals.

    Of equal ones the last; the state is as before.  Refusals: [(target, number of the failure)].
    """
    cdef Cluster* c = &state.c
    cdef int t, why, best = -1
    cdef double score, low = NONE
    cdef list refused = []
    state.has_inst(i)
    if not 0 <= kind <= MOVE_FA:
        raise IndexError(f"there is no move {kind}")
    for t in targets:
        if t != -1 or kind:  # a failover has no target
            state.has_node(t)
        begin(c, i, t)
        why = do_move(c, i, kind, t, force)
        score = exact_score(c, group) if why == OK else NONE
        rollback(c)
        if why != OK:
            refused.append((t, why))
        elif best < 0 or not low < score:
            best, low = t, score
    return best, low, refused


cdef int walk(Cluster* c, int i, int p, int s, bint force, int* stage) noexcept nogil:
    """Move a mirrored instance to any two nodes by single steps; ``stage`` is how far it got."""
    cdef int why = OK
    stage[0] = 0
    if c.node[c.inst[i].pri].offline:
        why = do_move(c, i, 0, -1, force)
    if why == OK:
        stage[0] = 1
        why = do_move(c, i, 1, p, force)
    if why == OK:
        stage[0] = 2
        why = do_move(c, i, 0, -1, force)
    if why == OK:
        stage[0] = 3
        why = do_move(c, i, 1, s, force)
    return why


def best_pair(State state, int i, list nodes, int group, bint force):
    """The new primary and secondary with the best score of their group, or the last refusal.

    (primary, secondary, score), or (-1, stage, number of the failure); the state is as before.
    """
    cdef Cluster* c = &state.c
    cdef int p, s, why = OK, stage = 0, best = -1, other = -1
    cdef double score, low = NONE
    state.has_inst(i)
    for p in nodes:
        state.has_node(p)
    for p in nodes:
        for s in nodes:
            if p == s:
                continue
            begin(c, i, p)
            keep(c, s)
            why = walk(c, i, p, s, force, &stage)
            score = exact_score(c, group) if why == OK else NONE
            rollback(c)
            if why == OK and (best < 0 or not low < score):
                best, other, low = p, s, score
    if best < 0:
        return -1, stage, why
    return best, other, low


cdef int recreate(State state, int i, list targets, policy) except -2:
    """Where an instance could be made anew best, after doing so; -1: nowhere."""
    cdef Cluster* c = &state.c
    cdef Inst* x = &c.inst[i]
    cdef int t, best = -1, home = x.pri, why
    cdef double score, low = NONE
    for t in targets:
        if policy[t][i] >= 0:
            continue
        c.log_n = c.saved_n = 0
        c.saved_inst, c.saved_i = i, c.inst[i]
        keep(c, t)
        why = add_pri(c, t, x, True)
        score = exact_score(c, -1)
        rollback(c)
        if why == OK and (best < 0 or score <= low):  # what is no number leaves the first
            best, low = t, score
    if best >= 0:
        c.log_n = 0
        add_pri(c, best, x, True)
    return best


def can_evacuate(State state, int n, policy):
    """``policy[node][instance]``: -1 or why the node's policy refuses the instance."""
    cdef Cluster* c = &state.c
    cdef list shared = [], fixed = [], escape
    cdef int i, t
    cdef State trial
    state.has_node(n)
    need = bytearray(8 * max(c.n, 1))
    cdef unsigned char[:] view = need
    if not failover_fits(c, n, <double*>&view[0]):
        return False
    for i in range(c.ni):
        if c.inst[i].pri == n and not c.inst[i].forthcoming and c.inst[i].mirror != INTERNAL:
            (fixed if c.inst[i].anew else shared).append(i)
    if not shared and not fixed:
        return True
    trial = state.copy()
    fail_over(&trial.c, n)
    escape = [t for t in range(c.n) if t != n and c.node[t].group == c.node[n].group]
    for i in reversed(shared):
        t = best_move(trial, i, MOVE_FA, escape, c.node[n].group, True)[0]
        if t < 0:
            return False
        trial.move(i, MOVE_FA, t, True)
    fixed.reverse()
    fixed.sort(key=lambda k: -trial_mem(trial, k))
    for i in fixed:
        if recreate(trial, i, escape, policy) < 0:
            return False
    return True


cdef double trial_mem(State state, int i):
    return state.c.inst[i].mem


cdef void fail_over(Cluster* c, int n) noexcept:
    cdef int i
    for i in range(c.ni):
        if c.inst[i].pri == n and c.inst[i].mirror == INTERNAL and not c.inst[i].forthcoming:
            begin(c, i, -1)
            do_move(c, i, 0, -1, True)


def evacuable(State state, policy):
    """For every node whether it can be evacuated; ``policy``: as for ``can_evacuate``."""
    return [can_evacuate(state, n, policy) for n in range(state.c.n)]
