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

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
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
  double allow[KINDS]; /* 0 or NEVER */
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
  double best[LANES], pri[LANES], from_a[LANES], from_b[LANES];
  for (int j = 0; j < LANES; j++) best[j] = NEVER;
  m->bad[a] = m->bad[b] = NEVER;
  for (int t0 = 0; t0 < m->np; t0 += LANES) {
    double *o0 = out + t0, *o1 = o0 + m->np, *o2 = o1 + m->np, *o3 = o2 + m->np;
    given(&m->pri, q->cp, a, t0, inv, pri);
    given(&m->both, q->cb, a, t0, inv, from_a);
    given(&m->both, q->cb, b, t0, inv, from_b);
    for (int j = 0; j < LANES; j++) {
      const int t = t0 + j;
      const double ut = m->u_mem[t], rt = m->r_mem[t], ct = m->cnt[t], left = ut - q->used;
      const double was = m->flag[t] * ct, dt = m->dsk[t] - q->dsk;
      const double fits = m->bad[t] + pick((dt > 0) & (dt >= m->lo_dsk[t]) &
                                           (m->spn[t] + q->su <= m->hi_spn[t]), 0, NEVER) - was;
      const int now_fails = m->flag[t] > 0, pri_fails = left <= rt;
      const double as_pri = fits + pick((left > 0) & (m->mem_f[t] - q->mem > 0) &
                                        ((!pri_fails) | now_fails) &
                                        (m->cpu[t] + q->cpu <= m->hi_cpu[t]), 0, NEVER) +
                            pick(pri_fails, ct + 1, 0);
      const double as_sec = fits + pick((reserve < ut) & (reserve < m->mem_f[t]), 0, NEVER);
      double r, d;
      int fails;
      /* r: t becomes a's secondary */
      r = larger(ta[t] + reserve, rt), d = (r - rt) * ir[t], fails = ut <= r;
      o0[j] = add_r + as_sec + pick(fails & !now_fails, NEVER, 0) + pick(fails, ct + 1, 0) +
              from_b[j] + reserve_of(R, d + lost, lost_q + (2 * xr[t] + d) * d);
      /* r f: t becomes the primary of a */
      r = larger(pa[t] + reserve, ra), d = (r - ra) * ia, fails = fa <= r;
      o1[j] = add_rf + as_pri + pick(fails & !fail_a0, NEVER, 0) + pick(fails, ca, 0) + pri[j] +
              from_b[j] + reserve_of(R, d + lost, lost_q + (2 * xa + d) * d);
      /* f r f: t becomes the primary of b */
      r = larger(pb[t] + reserve, rb), d = (r - rb0) * ib, fails = ub <= r;
      o2[j] = add_frf + as_pri + pick(fails & !fail_b, NEVER, 0) + pick(fails, cb, 0) + pri[j] +
              from_a[j] + reserve_of(R, d, (2 * xb + d) * d);
      /* f r: b becomes the primary of t */
      r = larger(tb[t] + reserve, rt), d = (r - rt) * ir[t], fails = ut <= r;
      o3[j] = add_fr + as_sec + pick(fails & !now_fails, NEVER, 0) + pick(fails, ct + 1, 0) +
              from_a[j] + reserve_of(R, d + lost, lost_q + (2 * xr[t] + d) * d);
    }
    for (int k = 0; k < 4; k++)
      if (q->extra[k])
        for (int j = 0; j < LANES; j++) out[(long)k * m->np + t0 + j] += q->extra[k][t0 + j];
    for (int j = 0; j < LANES; j++) {
      double v = o0[j] < o1[j] ? o0[j] : o1[j], u = o2[j] < o3[j] ? o2[j] : o3[j];
      v = v < u ? v : u;
      best[j] = v < best[j] ? v : best[j];
    }
  }
  m->bad[a] = was_a, m->bad[b] = was_b;
  for (int j = 1; j < LANES; j++) best[0] = best[j] < best[0] ? best[j] : best[0];
  return best[0];
}

/* The same for an instance on shared storage: only its primary moves. */
WIDE static double scan_shared(Mirror *m, const Query *q, double *out) {
  const int a = q->a;
  const double inv = m->inv, fa = m->u_mem[a] + q->used, ca = m->cnt[a], was_a = m->bad[a];
  const double add = q->allow[4] + m->base + 0.25 * m->reserved + m->n1 - m->flag[a] * ca +
                     pick(fa <= m->r_mem[a], ca - 1, 0) + now_of(&m->res, inv);
  double best[LANES], pri[LANES], both[LANES];
  for (int j = 0; j < LANES; j++) best[j] = NEVER;
  m->bad[a] = NEVER;
  for (int t0 = 0; t0 < m->np; t0 += LANES) {
    double *o = out + 4 * (long)m->np + t0;
    given(&m->pri, q->cp, a, t0, inv, pri);
    given(&m->both, q->cb, a, t0, inv, both);
    for (int j = 0; j < LANES; j++) {
      const int t = t0 + j;
      const double left = m->u_mem[t] - q->used, ct = m->cnt[t];
      const int now_fails = m->flag[t] > 0, fails = left <= m->r_mem[t];
      o[j] = add + m->bad[t] - m->flag[t] * ct + pick(fails, ct + 1, 0) + pri[j] + both[j] +
             pick((left > 0) & (m->mem_f[t] - q->mem > 0) & ((!fails) | now_fails) &
                  (m->cpu[t] + q->cpu <= m->hi_cpu[t]), 0, NEVER);
    }
    if (q->extra[4])
      for (int j = 0; j < LANES; j++) o[j] += q->extra[4][t0 + j];
    for (int j = 0; j < LANES; j++) best[j] = o[j] < best[j] ? o[j] : best[j];
  }
  m->bad[a] = was_a;
  for (int j = 1; j < LANES; j++) best[0] = best[j] < best[0] ? best[j] : best[0];
  return best[0];
}
#endif
