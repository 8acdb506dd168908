/* SPDX-License-Identifier: GPL-2.0-only */
/* Between insn.c, which takes an instruction apart, and insn_meaning.c, which knows what the opcodes do. */
#ifndef USBFUZZ_PROBE_INSN_CODE_H
#define USBFUZZ_PROBE_INSN_CODE_H

#include "insn.h"

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

/* An instruction's pieces. */
struct code {
	const uint8_t *bytes;
	size_t len, at;		/* readable; taken */
	bool bad;		/* too few bytes, or no instruction */
	bool operand16, address32, lock;
	uint8_t repeat;		/* f2, f3 or 0 */
	int8_t segment;
	uint8_t rex;		/* 0 when there is none; of VEX the same bits */
	uint8_t vex;		/* c4, c5, 62 or 0 */
	uint8_t map;		/* 0 one byte, 1 0f, 2 0f 38, 3 0f 3a, 5 and 6 of EVEX */
	uint8_t opcode, modrm;
	bool memory;		/* ModRM, or an address in the instruction, names memory */
	int64_t immediate;
};

/* Whether the index of its memory operand is a vector register. */
bool code_is_gather(const struct code *c);

void code_flow(const struct code *c, struct insn *insn, uint64_t next);
void code_access(const struct code *c, struct insn *insn);
void code_compare(const struct code *c, struct insn *insn);

#endif
