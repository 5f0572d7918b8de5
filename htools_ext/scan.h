/* The inner loop of balancing: the approximate score of every target node for one instance.
 *
 * Compiled three times (AVX-512, AVX2, baseline), chosen when the library is loaded.  Every lane
 * does the same operations in the same order whatever the width, and fused multiply-add is off, so
 * the results are the same bits on every machine.
 *
 * A spread metric k is kept as values less a centre, x[k][node], their sum s[k] and sum of squares
 * q[k]; a node that takes c of something changes its value by c * per[k][node].
 */
#ifndef GNT_SCAN_H
#define GNT_SCAN_H

#include <math.h>

#define LANES 16
#define NEVER 1e300
#define MOST_PRI 7
#define MOST_BOTH 5
#define KINDS 5 /* r, r f, f r f, f r, fa */

#if defined(WIDE) /* chosen by who includes this: tests compile one width at a time */
#elif !defined(__SANITIZE_ADDRESS__) && defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

typedef struct {
  int count;
  double w[MOST_PRI], s[MOST_PRI], q[MOST_PRI];
  double *x[MOST_PRI], *per[MOST_PRI];
} Spread;

typedef struct {
  int n, np; /* np: n rounded up to LANES; what is beyond n never fits */
  double inv; /* 1 / online nodes */
  Spread pri, both, res;
  double *u_mem, *mem_f, *r_mem, *dsk, *lo_dsk, *spn, *hi_spn, *cpu, *hi_cpu, *flag, *cnt, *bad;
  int *peer, *peer_t; /* [secondary * np + primary] and transposed */
  double base, n1, reserved; /* the components that are sums */
} Mirror;

typedef struct {
  int a, b; /* primary, secondary (-1) */
  double cp[MOST_PRI], cb[MOST_PRI]; /* what the instance takes, per metric */
  double used, mem, reserve, dsk, su, cpu; /* used: 0 when it is down */
  double allow[KINDS]; /* 0 or NEVER; for shared storage also what leaving the node changes */
  double refuse; /* NEVER, or 0: soft rules do not count */
  const double *extra[KINDS]; /* tags and locations per target, or NULL */
} Query;

static inline double pick(int yes, double a, double b) { return yes ? a : b; }
static inline double larger(double a, double b) { return a > b ? a : b; }

static inline double spread_of(double w, double s, double q, double inv) {
  double m = s * inv, v = q * inv - m * m;
  return w * sqrt(v > 0 ? v : 0);
}

static inline double gain(const Spread *f, int k, int n, double c) {
  double d = c * f->per[k][n];
  return (2 * f->x[k][n] + d) * d;
}

/* The spreads' present sum. */
static inline double now_of(const Spread *f, double inv) {
  double sum = 0;
  for (int k = 0; k < f->count; k++) sum += spread_of(f->w[k], f->s[k], f->q[k], inv);
  return sum;
}

/* The sum if one node gives up what another, fixed one takes. */
static inline double swapped(const Spread *f, const double *c, int from, int to, double inv) {
  double sum = 0;
  for (int k = 0; k < f->count; k++)
    sum += spread_of(f->w[k], f->s[k] - c[k] * f->per[k][from] + c[k] * f->per[k][to],
                     f->q[k] + gain(f, k, from, -c[k]) + gain(f, k, to, c[k]), inv);
  return sum;
}

/* acc[j] = the sum if `from` gives up what node t0 + j takes. */
static inline __attribute__((always_inline)) void given(const Spread *f, const double *c, int from,
                                                        int t0, double inv, double *acc) {
  for (int j = 0; j < LANES; j++) acc[j] = 0;
  for (int k = 0; k < f->count; k++) {
    const double w = f->w[k], ck = c[k], s = f->s[k] - ck * f->per[k][from],
                 q = f->q[k] + gain(f, k, from, -ck);
    const double *x = f->x[k] + t0, *per = f->per[k] + t0;
    if (ck == 0) { /* nothing of it moves: the same everywhere */
      const double same = spread_of(w, s, q, inv);
      for (int j = 0; j < LANES; j++) acc[j] += same;
      continue;
    }
    for (int j = 0; j < LANES; j++) {
      double d = ck * per[j], m = (s + d) * inv, v = (q + (2 * x[j] + d) * d) * inv - m * m;
      acc[j] += w * sqrt(v > 0 ? v : 0);
    }
  }
}

typedef struct {
  double inv, w, s, q;
} Reserve;

static inline double reserve_of(Reserve r, double ds, double dq) {
  double m = (r.s + ds) * r.inv, v = (r.q + dq) * r.inv - m * m;
  return r.w * sqrt(v > 0 ? v : 0) + 0.25 * ds;
}

/* May the instance run on its present secondary, whose reserve without it is rb? */
static inline int secondary_runs(const Mirror *m, const Query *q, double rb, double ub) {
  int b = q->b;
  double left = ub - q->used;
  return left > 0 && m->mem_f[b] - q->mem > 0 && m->dsk[b] > 0 && m->dsk[b] >= m->lo_dsk[b] &&
         m->spn[b] <= m->hi_spn[b] && !(left <= rb && !(ub <= rb)) && m->cpu[b] + q->cpu <= m->hi_cpu[b];
}

static inline double largest_without(const Mirror *m, const Query *q) {
  const int *row = m->peer + (long)q->b * m->np;
  int most = 0, less = (int)q->reserve;
  for (int k = 0; k < m->n; k++) {
    int v = row[k] - (k == q->a ? less : 0);
    most = v > most ? v : most;
  }
  return most;
}

static inline double extra_at(const Query *q, int kind, int t) {
  return q->extra[kind] ? q->extra[kind][t] : 0;
}

/* Fills out[kind * np + target]; returns the smallest. */
WIDE static double scan_mirrored(Mirror *m, const Query *q, double *out) {
  const int a = q->a, b = q->b;
  const double inv = m->inv, ua = m->u_mem[a], ub = m->u_mem[b], fa = ua + q->used;
  const double ra = m->r_mem[a], rb0 = m->r_mem[b], rb = largest_without(m, q);
  const Spread *rs = &m->res;
  const double *ir = rs->per[0], *xr = rs->x[0];
  const double ia = ir[a], ib = ir[b], xa = xr[a], xb = xr[b], reserve = q->reserve;
  const double lost = (rb - rb0) * ib, lost_q = (2 * xb + lost) * lost;
  const Reserve R = {inv, rs->w[0], rs->s[0], rs->q[0]};
  const int fail_a = ua <= ra, fail_a0 = fa <= ra, fail_b = ub <= rb;
  const int runs = secondary_runs(m, q, rb, ub);
  const double happy_a = fail_a0 ? 0 : NEVER, happy_b = fail_b ? 0 : NEVER;
  const double ca = m->cnt[a], cb = m->cnt[b];
  const double base = m->base + 0.25 * m->reserved + m->n1 - m->flag[a] * ca - m->flag[b] * cb;
  const double now_pri = now_of(&m->pri, inv), on_b = swapped(&m->pri, q->cp, a, b, inv);
  const int keeps_a = m->dsk[a] > 0 && m->dsk[a] >= m->lo_dsk[a] && m->spn[a] <= m->hi_spn[a] &&
                      reserve < fa && reserve < m->mem_f[a] + q->mem;
  const int keeps_b = reserve < ub && reserve < m->mem_f[b] && m->dsk[b] > 0 &&
                      m->dsk[b] >= m->lo_dsk[b] && m->spn[b] <= m->hi_spn[b];
  const double add_r = q->allow[0] + pick(ua > 0 && m->dsk[a] > 0, 0, NEVER) + base + now_pri +
                       pick(fail_a, ca, 0) + pick(fail_b, cb - 1, 0);
  const double add_rf = q->allow[1] + pick(keeps_a, 0, NEVER) + base + pick(fail_b, cb - 1, 0);
  const double add_frf = q->allow[2] + pick(runs && keeps_b, 0, NEVER) + base + pick(fail_a0, ca - 1, 0);
  const double add_fr = q->allow[3] + pick(runs, 0, NEVER) + base + on_b +
                        pick(fail_a0, ca - 1, 0) + pick(ub - q->used <= rb, cb, 0);
  const int *pa = m->peer + (long)a * m->np, *pb = m->peer + (long)b * m->np;
  const int *ta = m->peer_t + (long)a * m->np, *tb = m->peer_t + (long)b * m->np;
  const double was_a = m->bad[a], was_b = m->bad[b];
  const double used = q->used, mem = q->mem, dsk = q->dsk, su = q->su, cpu = q->cpu;
  double best[LANES], pri[LANES], from_a[LANES], from_b[LANES], o[4][LANES];
  for (int j = 0; j < LANES; j++) best[j] = NEVER;
  m->bad[a] = m->bad[b] = NEVER;
  for (int t0 = 0; t0 < m->np; t0 += LANES) {
    const double *u_mem = m->u_mem + t0, *mem_f = m->mem_f + t0, *r_mem = m->r_mem + t0,
                 *free_dsk = m->dsk + t0, *lo_dsk = m->lo_dsk + t0, *spn = m->spn + t0,
                 *hi_spn = m->hi_spn + t0, *cpus = m->cpu + t0, *hi_cpu = m->hi_cpu + t0,
                 *flag = m->flag + t0, *cnt = m->cnt + t0, *bad = m->bad + t0, *irt = ir + t0,
                 *xrt = xr + t0;
    const int *pa0 = pa + t0, *pb0 = pb + t0, *ta0 = ta + t0, *tb0 = tb + t0;
    given(&m->pri, q->cp, a, t0, inv, pri);
    given(&m->both, q->cb, a, t0, inv, from_a);
    given(&m->both, q->cb, b, t0, inv, from_b);
    for (int j = 0; j < LANES; j++) {
      const double ut = u_mem[j], rt = r_mem[j], ct = cnt[j], left = ut - used, it = irt[j];
      const double dt = free_dsk[j] - dsk, x2 = 2 * xrt[j], one_more = ct + 1;
      double fits = bad[j] - flag[j] * ct;
      fits += pick(dt > 0, 0, NEVER);
      fits += pick(dt >= lo_dsk[j], 0, NEVER);
      fits += pick(spn[j] + su <= hi_spn[j], 0, NEVER);
      const double happy = pick(flag[j] > 0, 0, NEVER); /* a node that passes N+1 must go on to */
      double as_pri = fits, as_sec = fits;
      as_pri += pick(left > 0, 0, NEVER);
      as_pri += pick(mem_f[j] - mem > 0, 0, NEVER);
      as_pri += pick(cpus[j] + cpu <= hi_cpu[j], 0, NEVER);
      as_pri += pick(left <= rt, happy + one_more, 0);
      as_sec += pick(reserve < ut, 0, NEVER);
      as_sec += pick(reserve < mem_f[j], 0, NEVER);
      /* r: t becomes a's secondary */
      const double e0 = ta0[j] + reserve, r0 = larger(e0, rt), d0 = (r0 - rt) * it;
      o[0][j] = add_r + as_sec + pick(ut <= r0, happy + one_more, 0) + from_b[j] +
                reserve_of(R, d0 + lost, lost_q + (x2 + d0) * d0);
      /* r f: t becomes the primary of a */
      const double e1 = pa0[j] + reserve, r1 = larger(e1, ra), d1 = (r1 - ra) * ia;
      o[1][j] = add_rf + as_pri + pick(fa <= r1, ca + happy_a, 0) + pri[j] + from_b[j] +
                reserve_of(R, d1 + lost, lost_q + (2 * xa + d1) * d1);
      /* f r f: t becomes the primary of b */
      const double e2 = pb0[j] + reserve, r2 = larger(e2, rb), d2 = (r2 - rb0) * ib;
      o[2][j] = add_frf + as_pri + pick(ub <= r2, cb + happy_b, 0) + pri[j] + from_a[j] +
                reserve_of(R, d2, (2 * xb + d2) * d2);
      /* f r: b becomes the primary of t */
      const double e3 = tb0[j] + reserve, r3 = larger(e3, rt), d3 = (r3 - rt) * it;
      o[3][j] = add_fr + as_sec + pick(ut <= r3, happy + one_more, 0) + from_a[j] +
                reserve_of(R, d3 + lost, lost_q + (x2 + d3) * d3);
    }
    for (int k = 0; k < 4; k++) {
      double *to = out + (long)k * m->np + t0;
      if (q->extra[k]) {
        const double *e = q->extra[k] + t0;
        for (int j = 0; j < LANES; j++) o[k][j] += e[j];
      }
      for (int j = 0; j < LANES; j++) to[j] = o[k][j];
      for (int j = 0; j < LANES; j++) best[j] = o[k][j] < best[j] ? o[k][j] : best[j];
    }
  }
  m->bad[a] = was_a, m->bad[b] = was_b;
  for (int j = 1; j < LANES; j++) best[0] = best[j] < best[0] ? best[j] : best[0];
  return best[0];
}

/* The same for an instance on shared storage: only its primary moves (perhaps off an offline node). */
WIDE static double scan_shared(Mirror *m, const Query *q, double *out) {
  const int a = q->a;
  const double inv = m->inv, fa = m->u_mem[a] + q->used, ca = m->cnt[a], was_a = m->bad[a];
  const double add = q->allow[4] + m->base + 0.25 * m->reserved + m->n1 - m->flag[a] * ca +
                     pick(fa <= m->r_mem[a], ca - 1, 0) + now_of(&m->res, inv);
  const double used = q->used, mem = q->mem, cpu = q->cpu, refuse = q->refuse;
  double best[LANES], pri[LANES], both[LANES], o[LANES];
  for (int j = 0; j < LANES; j++) best[j] = NEVER;
  m->bad[a] = NEVER;
  for (int t0 = 0; t0 < m->np; t0 += LANES) {
    const double *u_mem = m->u_mem + t0, *mem_f = m->mem_f + t0, *r_mem = m->r_mem + t0,
                 *cpus = m->cpu + t0, *hi_cpu = m->hi_cpu + t0, *flag = m->flag + t0,
                 *cnt = m->cnt + t0, *bad = m->bad + t0;
    double *to = out + 4 * (long)m->np + t0;
    given(&m->pri, q->cp, a, t0, inv, pri);
    given(&m->both, q->cb, a, t0, inv, both);
    for (int j = 0; j < LANES; j++) {
      const double left = u_mem[j] - used, ct = cnt[j], happy = pick(flag[j] > 0, 0, refuse);
      double v = add + bad[j] - flag[j] * ct + pri[j] + both[j];
      v += pick(left <= r_mem[j], happy + (ct + 1), 0);
      v += pick(left > 0, 0, NEVER);
      v += pick(mem_f[j] - mem > 0, 0, refuse);
      v += pick(cpus[j] + cpu <= hi_cpu[j], 0, refuse);
      o[j] = v;
    }
    if (q->extra[4]) {
      const double *e = q->extra[4] + t0;
      for (int j = 0; j < LANES; j++) o[j] += e[j];
    }
    for (int j = 0; j < LANES; j++) to[j] = o[j];
    for (int j = 0; j < LANES; j++) best[j] = o[j] < best[j] ? o[j] : best[j];
  }
  m->bad[a] = was_a;
  for (int j = 1; j < LANES; j++) best[0] = best[j] < best[0] ? best[j] : best[0];
  return best[0];
}
#endif
