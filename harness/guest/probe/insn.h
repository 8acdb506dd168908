/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the probe needs to know of an instruction: where it may go, what memory it may touch, what it compares.
 * No disassembler: nothing here allocates, and any bytes at all may be given.
 *
 * Sources: Intel SDM volume 2 (chapter 2, appendix A), AMD APM volume 3. 64-bit mode only.
 */
#ifndef USBFUZZ_PROBE_INSN_H
#define USBFUZZ_PROBE_INSN_H

#include "layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_BYTES 15		/* the longest instruction */

/* General registers have the numbers that instructions give them: rax 0, rcx 1, rdx 2, rbx 3, rsp 4, rbp 5, rsi 6,
 * rdi 7, r8 to r15. */
enum {
	REG_NONE = -1,
	REG_RAX = 0,
	REG_RCX = 1,
	REG_RDX = 2,
	REG_RSP = 4,
	REG_RSI = 6,
	REG_RDI = 7,
	REG_FS_BASE = 16,	/* what a segment override adds to an address */
	REG_GS_BASE = 17,
};

enum insn_flow {
	FLOW_NONE,		/* goes on behind itself */
	FLOW_JCC,		/* jcc, loop, jrcxz, xbegin: to the target, or on behind itself */
	FLOW_JMP,		/* to the target */
	FLOW_CALL,		/* to the target, and back */
	FLOW_RET,		/* near return */
	FLOW_INDIRECT_JMP,
	FLOW_INDIRECT_CALL,
	FLOW_OTHER,		/* interrupts, system calls, far branches, hlt, ud2: ends the block, target unknown */
};

/* What memory it touches; several may be set. */
enum insn_access {
	ACCESS_OPERAND = 1,	/* the memory operand that base, index, scale, displacement and segment describe */
	ACCESS_STACK = 2,	/* push, pop, call, ret, enter, leave ... */
	ACCESS_STRING = 4,	/* [rsi], [rdi]: movs, stos, lods, cmps, scas, ins, outs, with or without rep */
	ACCESS_OTHER = 8,	/* at registers it does not name (xlat, maskmovdqu, clzero ...), or of many addresses (vgather) */
	ACCESS_UNKNOWN = 16,	/* the bytes are no instruction known here */
};

enum operand_kind {
	OPERAND_NONE,
	OPERAND_REGISTER,	/* the low `width` bytes of reg */
	OPERAND_HIGH_BYTE,	/* bits 8 to 15 of reg: ah, ch, dh, bh */
	OPERAND_MEMORY,		/* the instruction's memory operand */
	OPERAND_POINTED,	/* memory at the address in reg: string instructions */
	OPERAND_IMMEDIATE,	/* value */
};

struct insn_operand {
	int64_t value;		/* sign-extended */
	uint8_t kind;
	int8_t reg;
};

struct insn {
	uint64_t target;	/* of FLOW_JCC, FLOW_JMP, FLOW_CALL */
	int64_t displacement;	/* sign-extended; of a rip-relative operand the address itself; of EVEX as encoded, not scaled */
	struct insn_operand left, right;
	uint8_t width;		/* of both operands of the comparison, in bytes: 1, 2, 4, 8 */
	uint8_t length;		/* in bytes, prefixes included; 0 when it is not known */
	uint8_t flow, access, compare;
	int8_t base, index;	/* of the memory operand, or REG_NONE */
	uint8_t scale;		/* 1, 2, 4, 8 */
	int8_t segment;		/* REG_FS_BASE, REG_GS_BASE or REG_NONE */
	uint8_t address_size;	/* 8, or 4: the address is cut to 32 bits before the segment is added */
	bool rip_relative;
	bool repeated;		/* a comparison of strings with a rep prefix: none takes place when rcx is 0 */
	uint8_t called;		/* what a function that it calls compares (CALLEE_COMPARES_*); not told by its bytes */
	bool limited;		/* the same: rdx says how many bytes at most */
};

/*
 * Describes the first instruction of BYTES, of which LEN are readable, at address PC.
 *
 * Returns its length. When the bytes are no whole instruction, or none that is known here, returns 0, and *INSN says
 * so: FLOW_OTHER, ACCESS_UNKNOWN. Who knows the length otherwise treats a different one returned here in the same way.
 */
int insn_decode(struct insn *insn, const uint8_t *bytes, size_t len, uint64_t pc);

/* Makes *INSN one of which nothing is known. */
void insn_unknown(struct insn *insn);

/*
 * Whether it may load from or store to objects on the heap. Not: the stack (base rsp), constant addresses, per-CPU
 * data (gs, fs). An operand with base rbp may be anywhere, kernels are compiled without frame pointers.
 */
bool insn_may_touch_heap(const struct insn *insn);

#endif
