/* The least score of a small cluster, proven: every placement is looked at or ruled out by a bound.
 *
 * Reads: nodes, instances, a score that is known to be reachable (below 0.7, with instances
 * divisible by nodes: then every node has equally many primaries and secondaries in any better
 * placement, for one too many costs 0.7); per node: total and usable memory, disk, CPUs, own CPUs,
 * allowed spindles; per instance: memory, disk, CPUs.  Prints the optimum. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES 8
#define INSTANCES 24

typedef struct {
  double cost;
  signed char at[INSTANCES];
} Primaries;

static int n, ni, each, pri[INSTANCES], count[NODES];
static double total[NODES], room[NODES], disk[NODES], cpus[NODES], own[NODES], spindles[NODES];
static double mem[INSTANCES], dsk[INSTANCES], cpu[INSTANCES];
static double used[NODES], busy[NODES], full[NODES], peer[NODES][NODES], best, fixed, widest;
static Primaries *list;
static size_t many, space;

static double deviation(const double *x) {
  double mean = 0, sum = 0;
  for (int k = 0; k < n; k++) mean += x[k] / n;
  for (int k = 0; k < n; k++) sum += (x[k] - mean) * (x[k] - mean);
  return sqrt(sum / n);
}

/* Whatever a node runs is reserved for on the others. */
static double most_run(void) {
  double most = 0;
  for (int k = 0; k < n; k++) most = used[k] > most ? used[k] : most;
  return most / widest / 4;
}

static void keep(void) {
  double m[NODES], c[NODES], cost;
  for (int k = 0; k < n; k++) {
    if (used[k] >= room[k]) return;
    m[k] = (room[k] - used[k]) / total[k];
    c[k] = (own[k] + busy[k]) / cpus[k];
  }
  cost = deviation(m) + deviation(c) + fixed;
  if (cost + most_run() >= best) return;
  if (many == space && !(list = realloc(list, (space = 2 * space + 1024) * sizeof *list))) exit(1);
  list[many].cost = cost + most_run();
  for (int i = 0; i < ni; i++) list[many].at[i] = (signed char)pri[i];
  many++;
}

static void primaries(int i) {
  if (i == ni) {
    keep();
    return;
  }
  for (int k = 0; k < n; k++) {
    if (count[k] == each) continue;
    count[k]++, used[k] += mem[i], busy[k] += cpu[i], pri[i] = k;
    primaries(i + 1);
    count[k]--, used[k] -= mem[i], busy[k] -= cpu[i];
  }
}

static double reserved(int k) {
  double most = 0;
  for (int p = 0; p < n; p++) most = peer[k][p] > most ? peer[k][p] : most;
  return most;
}

static void secondaries(int i, double cost) {
  double r[NODES], d[NODES], sum = 0;
  for (int k = 0; k < n; k++) {
    double most = reserved(k);
    if (used[k] + most >= room[k]) return;
    r[k] = most / total[k];
    d[k] = (disk[k] - full[k]) / disk[k];
    sum += r[k] / 4;
  }
  if (cost + sum >= best) return; /* reservations only grow */
  if (i == ni) {
    double score = cost + sum + deviation(r) + deviation(d);
    best = score < best ? score : best;
    return;
  }
  for (int k = 0; k < n; k++) {
    if (k == pri[i] || count[k] == each) continue;
    count[k]++, full[k] += dsk[i], peer[k][pri[i]] += mem[i];
    secondaries(i + 1, cost);
    count[k]--, full[k] -= dsk[i], peer[k][pri[i]] -= mem[i];
  }
}

static int cheaper(const void *a, const void *b) {
  double x = ((const Primaries *)a)->cost, y = ((const Primaries *)b)->cost;
  return (x > y) - (x < y);
}

int main(void) {
  double s[NODES];
  if (scanf("%d %d %lf", &n, &ni, &best) != 3 || n > NODES || ni > INSTANCES || ni % n) return 1;
  each = ni / n;
  best += 1e-9;
  for (int k = 0; k < n; k++) {
    if (scanf("%lf %lf %lf %lf %lf %lf", &total[k], &room[k], &disk[k], &cpus[k], &own[k], &spindles[k]) != 6)
      return 1;
    s[k] = 2.0 * each / spindles[k];
    widest = total[k] > widest ? total[k] : widest;
  }
  for (int i = 0; i < ni; i++)
    if (scanf("%lf %lf %lf", &mem[i], &dsk[i], &cpu[i]) != 3) return 1;
  fixed = deviation(s);
  primaries(0);
  qsort(list, many, sizeof *list, cheaper);
  for (size_t q = 0; q < many && list[q].cost < best; q++) {
    memset(used, 0, sizeof used), memset(full, 0, sizeof full), memset(peer, 0, sizeof peer);
    memset(count, 0, sizeof count);
    for (int i = 0; i < ni; i++) {
      pri[i] = list[q].at[i];
      used[pri[i]] += mem[i];
      full[pri[i]] += dsk[i];
    }
    secondaries(0, list[q].cost - most_run());
  }
  printf("%.9f\n", best);
  return 0;
}
