// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole plugin with a hostile guest: RAM, page tables, structures of the kernel, stacks, registers and code are
 * random, half of them such that they nearly make sense; so are the words of the header. What the header says of the
 * guest's RAM is true: nobody but the host knows it. A sanitizer ends the program when the plugin leaves its memory.
 *
 * Arguments SEED LIVES STEPS: so many processes, each a plugin that sees so many steps. Prints what they did.
 */
#include "hostile_guest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 64

struct totals {
	uint64_t steps, callbacks, allocations, frees, reports, compared, kept, lives;
};

static struct qemu_plugin_tb *blocks[BLOCKS];
static struct totals *totals;

/* Code that the plugin looks at, or anything. */
static size_t make_code(uint8_t bytes[INSN_BYTES], uint64_t at)
{
	static const char *const LIKELY[] = {
		"\xc3", "\xc3", "\x39\xc8", "\x48\x3b\x03", "\x83\x7b\x08\x01", "\xa6", "\xf3\xa6", "\x48\x0f\xa3\x33",
		"\x65\x48\x83\x3c\x25\x08\x01\x01\x01\x05", "\x89\x43\x08", "\xff\xd0", "\x85\xc0", "\x74\x05", "\xf3\xa4",
	};
	struct insn insn;
	int length;

	for (int i = 0; i < INSN_BYTES; i++)
		bytes[i] = any() >> 20;
	if (one_in(4)) {
		int32_t to = START_KERNEL_MAP + TEXT + 0x10000 + 64 * below(CALLEES) - at - 5;

		bytes[0] = 0xe8;
		memcpy(bytes + 1, &to, 4);
		return 5;
	}
	if (!one_in(3)) {
		const char *code = LIKELY[below(ARRAY_SIZE(LIKELY))];

		memcpy(bytes, code, strlen(code));
	}
	length = insn_decode(&insn, bytes, INSN_BYTES, at);
	return length && !one_in(50) ? (size_t)length : 1 + below(INSN_BYTES);
}

static struct qemu_plugin_tb *make_block(void)
{
	struct qemu_plugin_tb *tb = malloc(sizeof(*tb));
	uint64_t at;

	switch (below(5)) {
	case 0:
		at = START_KERNEL_MAP + TEXT + 256 * below(HOOKS + 1);
		break;
	case 1:
		at = START_KERNEL_MAP + TEXT + below(TEXT_BYTES);
		break;
	case 2: case 3:
		at = MODULES + below(1 << 14);
		break;
	default:
		at = one_in(4) ? any() : 0;
	}
	tb->count = at ? 1 + below(TB_INSNS) : 0;
	for (size_t i = 0; i < tb->count; i++) {
		struct qemu_plugin_insn *each = &tb->insns[i];
		uint64_t offset = at - START_KERNEL_MAP;

		*each = (struct qemu_plugin_insn){ .vaddr = at };
		each->size = make_code(each->bytes, at);
		if (offset < RAM - INSN_BYTES) {
			each->haddr = ram + offset;
			memcpy(one_in(20) ? each->bytes : each->haddr, each->bytes, each->size);
		}
		at += each->size;
	}
	return tb;
}

static void set_registers(void)
{
	for (int i = 0; i < ALL_REGISTERS; i++)
		if (one_in(2))
			fake_registers[i] = hostile();
	if (!one_in(8))
		fake_registers[RSP] = direct_map + 0x80000 + 8 * below(16);
	if (one_in(2))
		fake_registers[RDI] = below(600);
}

static void execute(const struct qemu_plugin_tb *tb)
{
	for (size_t i = 0; tb && i < tb->count; i++) {
		struct qemu_plugin_insn *each = (struct qemu_plugin_insn *)&tb->insns[i];

		if (!each->count)
			continue;
		set_registers();
		fake_execute(each, below(6) | below(2) << 3, hostile());
		totals->callbacks += each->count;
	}
}

/* What the host may write at any time, and words that only the plugin writes, were they damaged. */
static void control(void)
{
	header->frozen = one_in(4);
	header->generation += one_in(2);
	header->stopped = 0;
	if (one_in(8))
		header->used_blocks = any();
	if (one_in(8))
		header->reported = any();
	if (one_in(8))
		header->skew = header->features = any();
	if (one_in(4)) {
		header->features |= FEATURE_COVERAGE;
		header->stopped = any();
	}
}

static void step(void)
{
	unsigned int number = below(BLOCKS);

	switch (below(16)) {
	case 0: case 1: case 2: case 3:
		free(blocks[number]);
		blocks[number] = make_block();
		fake_translate(blocks[number]);
		break;
	case 4:
		control();
		break;
	case 5:
		for (int i = 0; i < 16; i++)
			put(below(RAM) & ~7ull, hostile(), 8);
		break;
	case 6:
		if (!one_in(40))
			break;
		for (int i = 0; i < BLOCKS; i++) {
			free(blocks[i]);
			blocks[i] = NULL;
		}
		fake_flush();
		break;
	default:
		execute(blocks[number]);
	}
}

static void live(uint64_t seed, unsigned long steps)
{
	const struct compared *compared;
	int fd, report, resume;
	uint64_t reports = 0;

	make_ram(seed);
	fd = make_header();
	resume = one_in(2) ? -1 : eventfd(1 << 30, EFD_SEMAPHORE);
	report = eventfd(0, EFD_NONBLOCK);
	if (!fake_start(fd, report, resume))
		return;
	for (unsigned long i = 0; i < steps; i++)
		step();
	totals->lives++;
	totals->steps += steps;
	totals->allocations += header->allocations;
	totals->frees += header->frees;
	totals->reports += read(report, &reports, sizeof(reports)) > 0 ? reports : 0;
	log_keep(1, NULL);
	totals->kept += header->log_copied;
	compared = shared_part(header->compares_at, COMPARES, sizeof(*compared));
	for (int i = 0; compared && i < COMPARES; i++)
		totals->compared += compared[i].count <= PAIRS ? compared[i].count : 0;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, lives = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned long steps = argc > 3 ? strtoul(argv[3], NULL, 10) : 1000;

	totals = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)!freopen("/dev/null", "w", stdin);
	for (uint64_t i = 0; i < lives; i++) {
		int status;
		pid_t child = fork();

		if (!child) {
			live(seed + i, steps);
			_exit(0);
		}
		waitpid(child, &status, 0);
		if (status) {
			fprintf(stderr, "seed %" PRIu64 ": status %x\n", seed + i, status);
			return 1;
		}
	}
	printf("lives %" PRIu64 " steps %" PRIu64 " callbacks %" PRIu64 " allocations %" PRIu64 " frees %" PRIu64
	       " reports %" PRIu64 " compared %" PRIu64 " kept %" PRIu64 "\n",
	       totals->lives, totals->steps, totals->callbacks, totals->allocations, totals->frees, totals->reports,
	       totals->compared, totals->kept);
	return 0;
}
