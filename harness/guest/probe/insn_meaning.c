// SPDX-License-Identifier: GPL-2.0-only
/* What opcodes do: flow, memory, comparisons. */
#include "insn_code.h"

static uint8_t reg_field(const struct code *c)
{
	return c->modrm >> 3 & 7;
}

bool code_is_gather(const struct code *c)
{
	if (!c->vex || c->map != 2)
		return false;
	return (c->opcode >= 0x90 && c->opcode <= 0x93) ||
	       (c->vex == 0x62 && ((c->opcode >= 0xa0 && c->opcode <= 0xa3) || c->opcode == 0xc6 || c->opcode == 0xc7));
}

static uint8_t flow_of_0f01(const struct code *c)
{
	switch (c->memory ? 0 : c->modrm) {
	case 0xc0: case 0xc1: case 0xc2: case 0xc3: case 0xc4:	/* enclv, vmcall, vmlaunch, vmresume, vmxoff */
	case 0xd4: case 0xd7:					/* vmfunc, enclu */
	case 0xd8: case 0xd9:					/* vmrun, vmmcall */
		return FLOW_OTHER;
	case 0xca: case 0xec:					/* clac, erets, eretu; uiret */
		return c->repeat ? FLOW_OTHER : FLOW_NONE;
	default:
		return FLOW_NONE;
	}
}

static uint8_t flow_of_0f(const struct code *c)
{
	switch (c->opcode) {
	case 0x01:
		return flow_of_0f01(c);
	case 0x05: case 0x07: case 0x34: case 0x35:		/* syscall, sysret, sysenter, sysexit */
	case 0x0b: case 0xb9: case 0xff:			/* ud2, ud1, ud0 */
	case 0x37: case 0xaa:					/* getsec, rsm */
		return FLOW_OTHER;
	default:
		return c->opcode >> 4 == 8 ? FLOW_JCC : FLOW_NONE;
	}
}

static uint8_t flow_of_group5(const struct code *c)
{
	switch (reg_field(c)) {
	case 2:
		return FLOW_INDIRECT_CALL;
	case 4:
		return FLOW_INDIRECT_JMP;
	case 3: case 5:						/* far */
		return FLOW_OTHER;
	default:
		return FLOW_NONE;
	}
}

static uint8_t flow_of_one_byte(const struct code *c)
{
	switch (c->opcode) {
	case 0x70 ... 0x7f: case 0xe0 ... 0xe3:
		return FLOW_JCC;
	case 0xe9: case 0xeb:
		return FLOW_JMP;
	case 0xe8:
		return FLOW_CALL;
	case 0xc2: case 0xc3:
		return FLOW_RET;
	case 0xca: case 0xcb: case 0xcf:			/* far returns */
	case 0xcc: case 0xcd: case 0xf1: case 0xf4:		/* int3, int, int1, hlt */
		return FLOW_OTHER;
	case 0xc6:						/* xabort */
		return c->modrm == 0xf8 ? FLOW_OTHER : FLOW_NONE;
	case 0xc7:						/* xbegin */
		return c->modrm == 0xf8 ? FLOW_JCC : FLOW_NONE;
	case 0xff:
		return flow_of_group5(c);
	default:
		return FLOW_NONE;
	}
}

/* NEXT is the address behind the instruction. */
void code_flow(const struct code *c, struct insn *insn, uint64_t next)
{
	if (c->vex || c->map > 1)
		return;
	insn->flow = c->map ? flow_of_0f(c) : flow_of_one_byte(c);
	if (insn->flow == FLOW_JCC || insn->flow == FLOW_JMP || insn->flow == FLOW_CALL)
		insn->target = next + (uint64_t)c->immediate;
}

/* Whether its memory operand is only named, or a hint. */
static bool touches_nothing(const struct code *c)
{
	if (c->vex)
		return false;
	if (c->map == 0)
		return c->opcode == 0x8d;			/* lea */
	if (c->map != 1)
		return false;
	switch (c->opcode) {
	case 0x01:
		return reg_field(c) == 7;			/* invlpg */
	case 0x0d: case 0x18: case 0x19: case 0x1c ... 0x1f:	/* prefetches, nops */
	case 0xb9: case 0xff:					/* ud1, ud0 */
		return true;
	default:
		return false;
	}
}

static uint8_t implicit_of_one_byte(const struct code *c)
{
	switch (c->opcode) {
	case 0x50 ... 0x5f: case 0x68: case 0x6a: case 0x8f: case 0x9c: case 0x9d:	/* push, pop */
	case 0xc2: case 0xc3: case 0xca: case 0xcb: case 0xcf: case 0xe8:		/* returns, call */
	case 0xc8: case 0xc9:								/* enter, leave */
		return ACCESS_STACK;
	case 0xff:
		return reg_field(c) == 2 || reg_field(c) == 3 || reg_field(c) == 6 ? ACCESS_STACK : 0;
	case 0x6c ... 0x6f: case 0xa4 ... 0xa7: case 0xaa ... 0xaf:
		return ACCESS_STRING;
	case 0xd7:						/* xlat */
		return ACCESS_OTHER;
	default:
		return 0;
	}
}

static uint8_t implicit_of_0f(const struct code *c)
{
	switch (c->opcode) {
	case 0x01:						/* vmrun, vmload, vmsave, clzero */
		if (c->memory)
			return 0;
		return (c->modrm >= 0xd8 && c->modrm <= 0xdb && c->modrm != 0xd9) || c->modrm == 0xfc ? ACCESS_OTHER : 0;
	case 0xa0: case 0xa1: case 0xa8: case 0xa9:		/* push, pop of fs, gs */
		return ACCESS_STACK;
	case 0xa6: case 0xa7: case 0xf7:			/* VIA's padlock; maskmovq, maskmovdqu */
		return ACCESS_OTHER;
	default:
		return 0;
	}
}

void code_access(const struct code *c, struct insn *insn)
{
	if (c->memory && !touches_nothing(c))
		insn->access |= ACCESS_OPERAND;
	if (c->map == 0 && !c->vex)
		insn->access |= implicit_of_one_byte(c);
	else if (c->map == 1 && (!c->vex || c->opcode == 0xf7))
		insn->access |= implicit_of_0f(c);
	else if (c->map == 2 && !c->vex && c->opcode == 0xf8)	/* movdir64b, enqcmd: the register operand is an address */
		insn->access |= ACCESS_OTHER;
}

static struct insn_operand immediate(int64_t value)
{
	return (struct insn_operand){ .kind = OPERAND_IMMEDIATE, .value = value, .reg = REG_NONE };
}

static struct insn_operand pointed(int8_t reg)
{
	return (struct insn_operand){ .kind = OPERAND_POINTED, .reg = reg };
}

/* Without REX the byte registers 4 to 7 are ah, ch, dh, bh. */
static struct insn_operand reg_operand(const struct code *c, const struct insn *insn, int8_t reg)
{
	bool high = insn->width == 1 && !c->rex && reg >= 4;

	return (struct insn_operand){ .kind = high ? OPERAND_HIGH_BYTE : OPERAND_REGISTER, .reg = high ? reg - 4 : reg };
}

static struct insn_operand reg_of(const struct code *c, const struct insn *insn)
{
	return reg_operand(c, insn, reg_field(c) | (c->rex & REX_R ? 8 : 0));
}

static struct insn_operand rm_of(const struct code *c, const struct insn *insn)
{
	if (c->memory)
		return (struct insn_operand){ .kind = OPERAND_MEMORY, .reg = REG_NONE };
	return reg_operand(c, insn, (c->modrm & 7) | (c->rex & REX_B ? 8 : 0));
}

static void compares(struct insn *insn, uint8_t how, struct insn_operand left, struct insn_operand right)
{
	insn->compare = how;
	insn->left = left;
	insn->right = right;
}

/* 80, 81, 83: cmp and sub with an immediate. */
static void compare_group1(const struct code *c, struct insn *insn)
{
	struct insn_operand left = rm_of(c, insn);

	if (reg_field(c) == 7)
		compares(insn, COMPARE_CMP, left, immediate(c->immediate));
	else if (reg_field(c) == 5 && !(left.kind == OPERAND_REGISTER && left.reg == REG_RSP))
		compares(insn, COMPARE_SUB, left, immediate(c->immediate));
}

/* 84, 85. Of a register with itself, which is how compilers compare with 0. */
static void compare_test(const struct code *c, struct insn *insn)
{
	struct insn_operand left = rm_of(c, insn), right = reg_of(c, insn);

	if (left.kind == right.kind && left.reg == right.reg)
		compares(insn, COMPARE_ZERO, left, immediate(0));
	else
		compares(insn, COMPARE_TEST, left, right);
}

/* cmps, scas: not from a segment, nor with 32-bit addresses, which nobody uses. */
static void compare_strings(const struct code *c, struct insn *insn)
{
	if (c->address32 || (c->segment != REG_NONE && c->opcode < 0xa8))
		return;
	insn->repeated = c->repeat;
	compares(insn, COMPARE_CMP, c->opcode < 0xa8 ? pointed(REG_RSI) : reg_operand(c, insn, REG_RAX), pointed(REG_RDI));
}

static void compare_one_byte(const struct code *c, struct insn *insn)
{
	switch (c->opcode) {
	case 0x38: case 0x39:
		compares(insn, COMPARE_CMP, rm_of(c, insn), reg_of(c, insn));
		break;
	case 0x3a: case 0x3b:
		compares(insn, COMPARE_CMP, reg_of(c, insn), rm_of(c, insn));
		break;
	case 0x3c: case 0x3d:
		compares(insn, COMPARE_CMP, reg_operand(c, insn, REG_RAX), immediate(c->immediate));
		break;
	case 0x2c: case 0x2d:
		compares(insn, COMPARE_SUB, reg_operand(c, insn, REG_RAX), immediate(c->immediate));
		break;
	case 0xa8: case 0xa9:
		compares(insn, COMPARE_TEST, reg_operand(c, insn, REG_RAX), immediate(c->immediate));
		break;
	case 0x80: case 0x81: case 0x83:
		compare_group1(c, insn);
		break;
	case 0x84: case 0x85:
		compare_test(c, insn);
		break;
	case 0xf6: case 0xf7:
		if (reg_field(c) < 2)
			compares(insn, COMPARE_TEST, rm_of(c, insn), immediate(c->immediate));
		break;
	case 0xa6: case 0xa7: case 0xae: case 0xaf:
		compare_strings(c, insn);
		break;
	}
}

void code_compare(const struct code *c, struct insn *insn)
{
	uint8_t width = c->rex & REX_W ? 8 : c->operand16 ? 2 : 4;

	if (c->vex)
		return;
	if (c->map == 0) {
		insn->width = c->opcode & 1 || c->opcode == 0x83 ? width : 1;
		compare_one_byte(c, insn);
	} else if (c->map == 1) {
		insn->width = width;
		if (c->opcode == 0xa3)
			compares(insn, COMPARE_BT, rm_of(c, insn), reg_of(c, insn));
		else if (c->opcode == 0xba && reg_field(c) == 4)
			compares(insn, COMPARE_BT, rm_of(c, insn), immediate(c->immediate & (8 * width - 1)));
	}
	if (insn->compare == COMPARE_NONE)
		insn->width = 0;
}
