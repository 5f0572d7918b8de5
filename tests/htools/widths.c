/* The vector loops on made-up figures; prints the bits of every result.  Compiled for one width. */
#define WIDE
#include "pairs.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t dice = 88172645463325252ull;

static double roll(void) {
  dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
  return (double)(dice >> 11) / 9007199254740992.0;
}

static double *column(int np, double from, double to) {
  double *made = calloc((size_t)np, sizeof *made);
  for (int k = 0; k < np; k++) made[k] = from + (to - from) * roll();
  return made;
}

static Spread spread(int count, int np) {
  Spread f = {.count = count};
  for (int k = 0; k < count; k++) {
    f.w[k] = 0.5 + roll(), f.s[k] = roll() - 0.5, f.q[k] = 5 + 20 * roll();
    f.x[k] = column(np, -0.4, 0.4), f.per[k] = column(np, 1e-6, 1e-4);
  }
  return f;
}

static Mirror mirror(int n) {
  const int np = (n + LANES - 1) / LANES * LANES;
  Mirror m = {.n = n, .np = np, .inv = 1.0 / n, .base = roll(), .n1 = 3, .reserved = roll()};
  m.pri = spread(3, np), m.both = spread(3, np), m.res = spread(1, np);
  m.u_mem = column(np, 1e3, 1e5), m.mem_f = column(np, 1e3, 1e5), m.r_mem = column(np, 0, 6e4);
  m.dsk = column(np, 0, 1e6), m.lo_dsk = column(np, 0, 1e5), m.spn = column(np, 0, 90);
  m.hi_spn = column(np, 60, 130), m.cpu = column(np, 0, 90), m.hi_cpu = column(np, 60, 130);
  m.flag = column(np, 0, 0), m.cnt = column(np, 1, 40), m.bad = column(np, 0, 0);
  m.peer = calloc((size_t)np * np, sizeof(int)), m.peer_t = calloc((size_t)np * np, sizeof(int));
  for (int s = 0; s < n; s++)
    for (int p = 0; p < n; p++) m.peer[s * np + p] = m.peer_t[p * np + s] = (int)(2e4 * roll());
  for (int k = 0; k < np; k++) {
    m.flag[k] = roll() < 0.1;
    m.bad[k] = k >= n || roll() < 0.05 ? NEVER : 0;
  }
  return m;
}

static void show(const double *out, int count, double best) {
  uint64_t bits, sum = 0;
  for (int k = 0; k < count; k++) {
    memcpy(&bits, &out[k], sizeof bits);
    sum = sum * 0x9E3779B97F4A7C15ull + bits;
  }
  memcpy(&bits, &best, sizeof bits);
  printf("%016llx %016llx\n", (unsigned long long)sum, (unsigned long long)bits);
}

int main(void) {
  for (int turn = 0; turn < 300; turn++) {
    Mirror m = mirror(3 + (int)(60 * roll()));
    double *out = calloc(5 * (size_t)m.np, sizeof *out);
    const int a = (int)(m.n * roll()), b = (a + 1) % m.n;
    Query q = {.a = a, .b = b, .used = 4096, .mem = 4096, .reserve = 4096, .dsk = 5e4 * roll(),
               .su = 1, .cpu = 2, .refuse = turn % 3 ? NEVER : 0};
    for (int k = 0; k < MOST_PRI; k++) q.cp[k] = turn % 5 ? 4096 * roll() : 0;
    for (int k = 0; k < MOST_BOTH; k++) q.cb[k] = turn % 7 ? 1e4 * roll() : 0;
    m.bad[a] = m.bad[b] = 0;
    double best = scan_mirrored(&m, &q, out);
    show(out, 4 * m.np, best);
    best = scan_shared(&m, &q, out);
    show(out + 4 * m.np, m.np, best);
    best = scan_pairs(&m, &q, out);
    show(out, m.np, best);
  }
  return 0;
}
