/* The inner loop of placing a mirrored instance: one primary, every secondary.
 *
 * See scan.h for the figures and for why results do not depend on the vector width. */
#ifndef GNT_PAIRS_H
#define GNT_PAIRS_H

#include "scan.h"

/* The spreads' sum if one node takes what is asked. */
static inline double taken_by(const Spread *f, const double *c, int node, double inv) {
  double sum = 0;
  for (int k = 0; k < f->count; k++)
    sum += spread_of(f->w[k], f->s[k] + c[k] * f->per[k][node],
                     f->q[k] + gain(f, k, node, c[k]), inv);
  return sum;
}

/* May a node be the primary?  Only the strict checks that the mirror knows. */
static inline int takes_primary(const Mirror *m, const Query *q, int t) {
  double left = m->u_mem[t] - q->used, d = m->dsk[t] - q->dsk;
  return m->bad[t] == 0 && left > 0 && m->mem_f[t] - q->mem > 0 && d > 0 && d >= m->lo_dsk[t] &&
         m->spn[t] + q->su <= m->hi_spn[t] && !(left <= m->r_mem[t] && m->flag[t] == 0) &&
         m->cpu[t] + q->cpu <= m->hi_cpu[t];
}

/* Fills out[s] for the primary q->a; returns the smallest. */
WIDE static double scan_pairs(Mirror *m, const Query *q, double *out) {
  const int p = q->a;
  const double inv = m->inv, reserve = q->reserve, dsk = q->dsk, su = q->su;
  const Spread *rs = &m->res;
  const Reserve R = {inv, rs->w[0], rs->s[0], rs->q[0]};
  const double left = m->u_mem[p] - q->used;
  const double add = m->base + 0.25 * m->reserved + m->n1 - m->flag[p] * m->cnt[p] +
                     (left <= m->r_mem[p] ? m->cnt[p] + 1 : 0) + taken_by(&m->pri, q->cp, p, inv);
  double best[LANES], both[LANES], o[LANES];
  const double was = m->bad[p];
  for (int j = 0; j < LANES; j++) best[j] = NEVER;
  m->bad[p] = NEVER;
  for (int t0 = 0; t0 < m->np; t0 += LANES) {
    const double *u_mem = m->u_mem + t0, *mem_f = m->mem_f + t0, *r_mem = m->r_mem + t0,
                 *free_dsk = m->dsk + t0, *lo_dsk = m->lo_dsk + t0, *spn = m->spn + t0,
                 *hi_spn = m->hi_spn + t0, *flag = m->flag + t0, *cnt = m->cnt + t0,
                 *bad = m->bad + t0, *ir = rs->per[0] + t0, *xr = rs->x[0] + t0;
    const int *peer = m->peer_t + (long)p * m->np + t0;
    for (int j = 0; j < LANES; j++) both[j] = 0;
    for (int k = 0; k < m->both.count; k++) {
      const Spread *f = &m->both;
      const double w = f->w[k], c = q->cb[k], s = f->s[k] + c * f->per[k][p],
                   qk = f->q[k] + gain(f, k, p, c);
      const double *x = f->x[k] + t0, *per = f->per[k] + t0;
      for (int j = 0; j < LANES; j++) {
        double d = c * per[j], mean = (s + d) * inv, v = (qk + (2 * x[j] + d) * d) * inv - mean * mean;
        both[j] += w * sqrt(v > 0 ? v : 0);
      }
    }
    for (int j = 0; j < LANES; j++) {
      const double rt = r_mem[j], e = peer[j] + reserve, r = larger(e, rt), d = (r - rt) * ir[j];
      const double dt = free_dsk[j] - dsk, happy = pick(flag[j] > 0, 0, NEVER);
      double v = add + bad[j] - flag[j] * cnt[j] + both[j];
      v += pick(dt > 0, 0, NEVER);
      v += pick(dt >= lo_dsk[j], 0, NEVER);
      v += pick(spn[j] + su <= hi_spn[j], 0, NEVER);
      v += pick(reserve < u_mem[j], 0, NEVER);
      v += pick(reserve < mem_f[j], 0, NEVER);
      v += pick(u_mem[j] <= r, happy + (cnt[j] + 1), 0);
      o[j] = v + reserve_of(R, d, (2 * xr[j] + d) * d);
    }
    for (int j = 0; j < LANES; j++) out[t0 + j] = o[j];
    for (int j = 0; j < LANES; j++) best[j] = o[j] < best[j] ? o[j] : best[j];
  }
  m->bad[p] = was;
  for (int j = 1; j < LANES; j++) best[0] = best[j] < best[0] ? best[j] : best[0];
  return best[0];
}
#endif
