// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines "ADDRESS BYTES" (hex) in, a line out that says what insn.c makes of each:
 *
 *	LENGTH FLOW TARGET ACCESS MEMORY COMPARE WIDTH LEFT RIGHT HEAP
 *
 * With arguments SEED and COUNT: that many random instructions, each at the end of a block of memory of its own.
 */
#include "insn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const FLOWS[] = { "none", "jcc", "jmp", "call", "ret", "indirect-jmp", "indirect-call", "other" };
static const char *const COMPARES[] = { "none", "cmp", "zero", "test", "sub", "bt" };
static const char *const REGISTERS[] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "fs", "gs",
};

static const char *name(int reg)
{
	return reg == REG_NONE ? "-" : REGISTERS[reg];
}

static void print_access(const struct insn *insn)
{
	static const char *const WORDS[] = { "operand", "stack", "string", "other", "unknown" };
	const char *between = "";

	putchar(' ');
	for (int i = 0; i < 5; i++)
		if (insn->access & 1 << i) {
			printf("%s%s", between, WORDS[i]);
			between = "+";
		}
	printf("%s", *between ? "" : "-");
}

static void print_memory(const struct insn *insn)
{
	if (!(insn->access & ACCESS_OPERAND)) {
		printf(" -");
		return;
	}
	printf(" %s:%s,%s,%d,%" PRIx64 ",%d", name(insn->segment), insn->rip_relative ? "rip" : name(insn->base),
	       name(insn->index), insn->index == REG_NONE ? 1 : insn->scale, (uint64_t)insn->displacement,
	       insn->address_size);
}

static void print_operand(const struct insn_operand *operand, unsigned int width)
{
	uint64_t mask = width == 8 ? ~0ull : (1ull << (8 * width)) - 1;

	switch (operand->kind) {
	case OPERAND_NONE:
		printf(" -");
		break;
	case OPERAND_REGISTER:
		printf(" %s", name(operand->reg));
		break;
	case OPERAND_HIGH_BYTE:
		printf(" high-%s", name(operand->reg));
		break;
	case OPERAND_MEMORY:
		printf(" memory");
		break;
	case OPERAND_POINTED:
		printf(" [%s]", name(operand->reg));
		break;
	case OPERAND_IMMEDIATE:
		printf(" %" PRIx64, (uint64_t)operand->value & mask);
		break;
	}
}

static void print_insn(const struct insn *insn)
{
	printf("%d %s %" PRIx64, insn->length, FLOWS[insn->flow], insn->target);
	print_access(insn);
	print_memory(insn);
	printf(" %s %d", COMPARES[insn->compare], insn->width);
	print_operand(&insn->left, insn->width);
	print_operand(&insn->right, insn->width);
	puts(insn_may_touch_heap(insn) ? " heap" : " elsewhere");
}

static size_t read_hex(const char *text, uint8_t *bytes, size_t size)
{
	size_t count = 0;
	unsigned int byte;

	while (count < size && sscanf(text + 2 * count, "%2x", &byte) == 1)
		bytes[count++] = byte;
	return count;
}

static int describe_lines(void)
{
	uint64_t address;
	char hex[64];
	uint8_t bytes[INSN_BYTES + 1];
	struct insn insn;

	while (scanf("%" SCNx64 " %63s", &address, hex) == 2) {
		insn_decode(&insn, bytes, read_hex(hex, bytes, sizeof(bytes)), address);
		print_insn(&insn);
	}
	return 0;
}

/* Half of them begin with what prefixes and escapes are made of. */
static uint8_t random_byte(unsigned int *seed)
{
	static const uint8_t LIKELY[] = { 0x0f, 0x38, 0x3a, 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x48, 0x41, 0xc4, 0xc5, 0x62, 0x64, 0x65, 0x04 };
	unsigned int number = rand_r(seed) >> 4;

	return number & 0x100 ? number : LIKELY[number % sizeof(LIKELY)];
}

static int describe_random(unsigned int seed, unsigned long count)
{
	unsigned long known = 0;

	while (count--) {
		size_t len = rand_r(&seed) % 18;
		uint8_t *bytes = malloc(len ? len : 1);
		struct insn insn;
		int length;

		for (size_t i = 0; i < len; i++)
			bytes[i] = random_byte(&seed);
		length = insn_decode(&insn, len ? bytes : NULL, len, ~0ull - 4);
		if (length < 0 || (size_t)length > len || length != insn.length)
			abort();
		if (!length && (!insn_may_touch_heap(&insn) || insn.flow != FLOW_OTHER || insn.compare))
			abort();
		if (insn.base < REG_NONE || insn.base > 15 || insn.index < REG_NONE || insn.index > 15 || insn.left.reg > 15)
			abort();
		known += length > 0;
		free(bytes);
	}
	printf("%lu\n", known);
	return 0;
}

int main(int argc, char **argv)
{
	return argc == 3 ? describe_random(atoi(argv[1]), strtoul(argv[2], NULL, 10)) : describe_lines();
}
