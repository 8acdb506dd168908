// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands, a line each, for compare.c with a table of as many places as the argument says:
 *
 *	reg NUMBER VALUE	a register of the guest; 16 and 17 are the bases of fs and gs
 *	mem ADDRESS VALUE	eight bytes of its memory, all the rest cannot be read
 *	generation NUMBER	begins one
 *	run PC BYTES		the instruction is about to run
 *	called PC KIND LIMITED	a call of a function that compares (CALLEE_COMPARES_*), by rdx bytes at most if LIMITED is 1
 *	show			"PC KIND WIDTH CONSTANT LEFT:RIGHT ..." for each instruction in the table
 *	counts			"READS DROPPED": how often the guest was read, instructions without a place
 */
#include "compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITES 4096

static uint64_t registers[18], memory_at;
static uint8_t memory[8];
static unsigned long reads;
static struct compare_site sites[SITES];
static char codes[SITES][40];
static uint32_t generation, dropped;

static uint64_t read_register(void *data, int number)
{
	(void)data;
	reads++;
	return registers[number];
}

static bool read_memory(void *data, uint64_t address, void *to, size_t bytes)
{
	(void)data;
	reads++;
	if (address < memory_at || address - memory_at > sizeof(memory) - bytes)
		return false;
	memcpy(to, memory + (address - memory_at), bytes);
	return true;
}

/* One translation of an instruction; another one when other bytes are at its address. */
static struct compare_site *site_of(uint64_t pc, const char *hex)
{
	uint8_t bytes[INSN_BYTES];
	size_t count = 0;
	unsigned int byte;

	for (unsigned int i = 0; i < SITES; i++) {
		if (codes[i][0] && (sites[i].pc != pc || strcmp(codes[i], hex)))
			continue;
		if (codes[i][0])
			return &sites[i];
		while (count < sizeof(bytes) && sscanf(hex + 2 * count, "%2x", &byte) == 1)
			bytes[count++] = byte;
		insn_decode(&sites[i].insn, bytes, count, pc);
		sites[i].pc = pc;
		strcpy(codes[i], hex);
		return &sites[i];
	}
	abort();
}

static void show(const struct compare_table *table)
{
	static const char *const KINDS[] = { "none", "cmp", "zero", "test", "sub", "bt" };

	for (uint32_t i = 0; i < table->size; i++) {
		const struct compared *each = &table->places[i];

		if (each->generation != generation || !each->count)
			continue;
		printf("%" PRIx64 " %s %d %d", each->pc, KINDS[each->kind], each->width, each->constant);
		for (unsigned int n = 0; n < each->count; n++)
			printf(" %" PRIx64 ":%" PRIx64, each->pairs[n].left, each->pairs[n].right);
		putchar('\n');
	}
}

static void obey(const struct compare_table *table, const char *line)
{
	const struct compare_guest guest = { .reg = read_register, .mem = read_memory };
	unsigned int number, limited;
	uint64_t value;
	char hex[40];

	if (sscanf(line, "reg %u %" SCNx64, &number, &value) == 2) {
		registers[number % 18] = value;
	} else if (sscanf(line, "mem %" SCNx64 " %" SCNx64, &memory_at, &value) == 2) {
		memcpy(memory, &value, sizeof(memory));
	} else if (sscanf(line, "generation %" SCNu32, &generation) == 1) {
		return;
	} else if (sscanf(line, "run %" SCNx64 " %39s", &value, hex) == 2) {
		struct compare_site *site = site_of(value, hex);

		if (compare_due(table, site))
			compare_keep(table, site, &guest);
	} else if (sscanf(line, "called %" SCNx64 " %u %u", &value, &number, &limited) == 3) {
		struct compare_site *site = site_of(value, "e800000000");

		site->insn.compare = COMPARE_CMP;
		site->insn.width = 1;
		site->insn.called = (uint8_t)number;
		site->insn.limited = limited;
		if (compare_due(table, site))
			compare_keep(table, site, &guest);
	} else if (!strncmp(line, "show", 4)) {
		show(table);
	} else if (!strncmp(line, "counts", 6)) {
		printf("%lu %" PRIu32 "\n", reads, dropped);
	} else {
		abort();
	}
}

int main(int argc, char **argv)
{
	struct compare_table table = { .generation = &generation, .dropped = &dropped };
	char line[128];

	table.size = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
	table.places = calloc(table.size, sizeof(*table.places));
	while (fgets(line, sizeof(line), stdin))
		obey(&table, line);
	free(table.places);
	return 0;
}
