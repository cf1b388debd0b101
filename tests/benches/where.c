/* Where the instructions of the counting guest go: a plugin of QEMU that counts by kernel function.
 *
 * Built and used as root, from the root of the repository (QEMU's own header is not needed: what is
 * declared here is version 1 of its interface, which QEMU has since 4.2):
 *
 *   cc -O2 -shared -fPIC -o target/where.so tests/benches/where.c
 *   cargo xtask vm --kernel 6.12 -- cat /proc/kallsyms > target/symbols
 *   cargo xtask bench --quick --guest --only overhead \
 *     --qemu=-plugin --qemu=file=target/where.so,symbols=target/symbols,out=target/where.tsv
 *
 * The bench wakes the process that takes idle time before each interval and stops it behind it, by
 * kill(2), which nothing else of it calls meanwhile: all that was executed between two calls is one interval. Of
 * each that looks like a batch of `--quick` (25 programs executed, 50 connects, 250 opens or 250 sends)
 * the output has a line for each function: number of the interval, executed programs, connects, opens,
 * sends, function, instructions. They come in the order of the bench (variants, operations,
 * places, five each). What is no function of the kernel's image, so modules, BPF programs and
 * trampolines, goes by its address; programs of user space, the one that takes idle time among them, are
 * `user`. A block of instructions that is left early, by a fault, is counted whole.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
enum { INLINE_ADD_U64 = 0, CB_NO_REGS = 0 };
int qemu_plugin_version = 1;
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*cb)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned, void *), int flags, void *data);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *counter, uint64_t by);

/* The kernel's image without randomisation of its address, and its end. */
#define IMAGE 0xffffffff81000000ull
#define IMAGE_END 0xffffffffa0000000ull
#define CHUNK 65536
#define CHUNKS 4096
#define SYMBOLS 400000

struct symbol { uint64_t address; char *name; };
struct block { uint64_t address, executed, before; size_t instructions; };

static struct symbol symbols[SYMBOLS];
static uint64_t sums[SYMBOLS];
static size_t known;
static struct block *chunks[CHUNKS];
static size_t blocks;
static FILE *out;
static unsigned long interval;

/* Where intervals end, and what tells of which operation they are. */
static const char *const MARKS[] = {"__x64_sys_kill", "__x64_sys_execve", "__x64_sys_connect", "do_sys_openat2", "__x64_sys_sendto"};
enum { MARK_COUNT = 5 };
static const uint64_t EXPECTED[MARK_COUNT] = {0, 25, 50, 250, 250};
static uint64_t marks[MARK_COUNT], hits[MARK_COUNT], hits_before[MARK_COUNT];

static int by_address(const void *a, const void *b) {
  const struct symbol *x = a, *y = b;
  return x->address < y->address ? -1 : x->address > y->address;
}

/* The last symbol that is not behind an address. */
static size_t find(uint64_t address) {
  size_t low = 0, high = known;
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (symbols[middle].address <= address) low = middle; else high = middle;
  }
  return low;
}

static void at_kill(unsigned cpu, void *data) {
  uint64_t done[MARK_COUNT], user = 0;
  int is_batch = 0, mark;
  (void)cpu; (void)data;
  for (mark = 1; mark < MARK_COUNT; mark++) {
    done[mark] = hits[mark] - hits_before[mark];
    hits_before[mark] = hits[mark];
    is_batch |= done[mark] >= EXPECTED[mark] && done[mark] <= EXPECTED[mark] + 6;
  }
  memset(sums, 0, sizeof sums[0] * known);
  for (size_t at = 0; at < blocks; at++) {
    struct block *block = &chunks[at / CHUNK][at % CHUNK];
    uint64_t executed = (block->executed - block->before) * block->instructions;
    block->before = block->executed;
    if (!is_batch || executed == 0) continue;
    if (!(block->address >> 63)) user += executed;
    else if (block->address >= IMAGE && block->address < IMAGE_END) sums[find(block->address)] += executed;
    else fprintf(out, "%lu\t%lu\t%lu\t%lu\t%lu\t%#lx\t%lu\n", interval, done[1], done[2], done[3], done[4], block->address, executed);
  }
  for (size_t at = 0; is_batch && at < known; at++)
    if (sums[at])
      fprintf(out, "%lu\t%lu\t%lu\t%lu\t%lu\t%s\t%lu\n", interval, done[1], done[2], done[3], done[4], symbols[at].name, sums[at]);
  if (is_batch) {
    fprintf(out, "%lu\t%lu\t%lu\t%lu\t%lu\tuser\t%lu\n", interval, done[1], done[2], done[3], done[4], user);
    fflush(out);
  }
  interval++;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  if (blocks % CHUNK == 0) {
    struct block *chunk = blocks / CHUNK < CHUNKS ? calloc(CHUNK, sizeof *chunk) : NULL;
    if (!chunk) { fprintf(stderr, "where: too many blocks\n"); exit(1); }
    chunks[blocks / CHUNK] = chunk;
  }
  struct block *block = &chunks[blocks / CHUNK][blocks % CHUNK];
  blocks++;
  block->address = qemu_plugin_tb_vaddr(tb);
  block->instructions = qemu_plugin_tb_n_insns(tb);
  qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &block->executed, 1);
  if (block->address == marks[0]) qemu_plugin_register_vcpu_tb_exec_cb(tb, at_kill, CB_NO_REGS, NULL);
  for (int mark = 1; mark < MARK_COUNT; mark++)
    if (block->address == marks[mark]) qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &hits[mark], 1);
}

static int read_symbols(const char *path) {
  char line[1024], name[512], kind;
  uint64_t address, moved = 0;
  FILE *file = fopen(path, "r");
  if (!file) { perror(path); return -1; }
  while (fgets(line, sizeof line, file)) {
    /* Symbols of modules have a third word behind them, in brackets. */
    if (sscanf(line, "%16lx %c %511s", &address, &kind, name) != 3 || strchr(line, '[') || !strchr("tTwW", kind)) continue;
    if (known == SYMBOLS) { fprintf(stderr, "where: too many symbols\n"); return -1; }
    if (!strcmp(name, "_text")) moved = address - IMAGE;
    symbols[known++] = (struct symbol){address, strdup(name)};
  }
  fclose(file);
  for (size_t at = 0; at < known; at++) symbols[at].address -= moved;
  qsort(symbols, known, sizeof symbols[0], by_address);
  for (int mark = 0; mark < MARK_COUNT; mark++) {
    for (size_t at = 0; at < known; at++)
      if (!strcmp(symbols[at].name, MARKS[mark])) marks[mark] = symbols[at].address;
    if (!marks[mark]) { fprintf(stderr, "where: %s has no %s\n", path, MARKS[mark]); return -1; }
  }
  return 0;
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
  const char *path = NULL;
  (void)info;
  for (int at = 0; at < argc; at++) {
    if (!strncmp(argv[at], "symbols=", 8)) path = argv[at] + 8;
    else if (!strncmp(argv[at], "out=", 4)) out = fopen(argv[at] + 4, "w");
  }
  if (!path || !out) { fprintf(stderr, "where: symbols=FILE and out=FILE are needed\n"); return -1; }
  if (read_symbols(path)) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
