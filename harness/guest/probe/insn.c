// SPDX-License-Identifier: GPL-2.0-only
/* The instruction decoder of insn.h: prefixes, opcode, ModRM, displacement, immediate; then what they mean. */
#include "insn.h"
#include "insn_code.h"

#include <string.h>

/*
 * What follows an opcode, a letter for each: '.' nothing, 'm' ModRM, 'b' imm8, 'w' imm16, 'z' imm16 or imm32, 'v' imm of
 * the operand's size, 'B' and 'Z' ModRM and then b or z, 'j' and 'J' branch of 8 and 32 bits, 'e' imm16 and imm8 (enter),
 * 'o' an address, 'g' ModRM and an immediate if it is test (groups 3), 'r' ModRM that always names registers,
 * 'x' no instruction.
 */
static const char ONE_BYTE[] =
	"mmmmbzxx" "mmmmbzxx"	/* 00 */
	"mmmmbzxx" "mmmmbzxx"	/* 10 */
	"mmmmbzxx" "mmmmbzxx"	/* 20 */
	"mmmmbzxx" "mmmmbzxx"	/* 30 */
	"xxxxxxxx" "xxxxxxxx"	/* 40: REX */
	"........" "........"	/* 50 */
	"xxxmxxxx" "zZbB...."	/* 60 */
	"jjjjjjjj" "jjjjjjjj"	/* 70 */
	"BZxBmmmm" "mmmmmmmm"	/* 80 */
	"........" "..x....."	/* 90 */
	"oooo...." "bz......"	/* a0 */
	"bbbbbbbb" "vvvvvvvv"	/* b0 */
	"BBw.xxBZ" "e.w..bx."	/* c0 */
	"mmmmxxx." "mmmmmmmm"	/* d0 */
	"jjjjbbbb" "JJxj...."	/* e0 */
	"x.xx..gg" "......mm";	/* f0 */

static const char TWO_BYTES[] =	/* behind 0f; the VEX and EVEX map 1 too */
	"mmmmx..." "..x.xm.B"	/* 00 */
	"mmmmmmmm" "mmmmmmmm"	/* 10 */
	"rrrrxxxx" "mmmmmmmm"	/* 20 */
	"......x." "xxxxxxxx"	/* 30 */
	"mmmmmmmm" "mmmmmmmm"	/* 40 */
	"mmmmmmmm" "mmmmmmmm"	/* 50 */
	"mmmmmmmm" "mmmmmmmm"	/* 60 */
	"BBBBmmm." "mmxxmmmm"	/* 70 */
	"JJJJJJJJ" "JJJJJJJJ"	/* 80 */
	"mmmmmmmm" "mmmmmmmm"	/* 90 */
	"...mBmxm" "...mBmmm"	/* a0 */
	"mmmmmmmm" "mmBmmmmm"	/* b0 */
	"mmBmBBBm" "........"	/* c0 */
	"mmmmmmmm" "mmmmmmmm"	/* d0 */
	"mmmmmmmm" "mmmmmmmm"	/* e0 */
	"mmmmmmmm" "mmmmmmmm";	/* f0 */

_Static_assert(sizeof(ONE_BYTE) == 257 && sizeof(TWO_BYTES) == 257, "a letter for each opcode");

static uint64_t take(struct code *c, unsigned int count)
{
	uint64_t value = 0;

	if (c->len - c->at < count) {
		c->bad = true;
		return 0;
	}
	for (unsigned int i = 0; i < count; i++)
		value |= (uint64_t)c->bytes[c->at++] << (8 * i);
	return value;
}

/* COUNT bytes, sign-extended. */
static int64_t take_signed(struct code *c, unsigned int count)
{
	uint64_t value = take(c, count), sign = 1ull << (8 * count - 1);

	return (int64_t)((value ^ sign) - sign);
}

/* Takes the legacy prefixes and REX; returns the byte behind them. A REX that a prefix follows has no effect. */
static uint8_t take_prefixes(struct code *c)
{
	while (!c->bad) {
		uint8_t byte = take(c, 1);

		switch (byte) {
		case 0x26: case 0x2e: case 0x36: case 0x3e:	/* of no effect, but QEMU takes the last one */
			c->segment = REG_NONE;
			break;
		case 0x64:
			c->segment = REG_FS_BASE;
			break;
		case 0x65:
			c->segment = REG_GS_BASE;
			break;
		case 0x66:
			c->operand16 = true;
			break;
		case 0x67:
			c->address32 = true;
			break;
		case 0xf0:
			c->lock = true;
			break;
		case 0xf2: case 0xf3:
			c->repeat = byte;
			break;
		default:
			if ((byte & 0xf0) != 0x40)
				return byte;
			c->rex = byte;
			continue;
		}
		c->rex = 0;
	}
	return 0;
}

/* VEX (c4, c5) and EVEX (62). No other prefix but segment and address size may stand before them. */
static void take_vex(struct code *c, uint8_t first)
{
	uint8_t p0 = take(c, 1);

	c->vex = first;
	if (c->rex || c->operand16 || c->repeat || c->lock)
		c->bad = true;
	c->map = 1;
	c->rex = ~p0 >> 5 & REX_R;
	if (first != 0xc5) {
		c->rex = ~p0 >> 5 & (REX_R | REX_X | REX_B);
		c->map = p0 & (first == 0x62 ? 7 : 31);
		take(c, first == 0x62 ? 2 : 1);
	}
	if (c->map < 1 || c->map > 6 || c->map == 4 || (first != 0x62 && c->map > 3))
		c->bad = true;
	c->opcode = take(c, 1);
}

static void take_opcode(struct code *c)
{
	uint8_t byte = take_prefixes(c);

	if (byte == 0xc4 || byte == 0xc5 || byte == 0x62) {
		take_vex(c, byte);
		return;
	}
	c->opcode = byte;
	if (byte != 0x0f)
		return;
	c->opcode = take(c, 1);
	c->map = 1;
	if (c->opcode == 0x38 || c->opcode == 0x3a) {
		c->map = c->opcode == 0x38 ? 2 : 3;
		c->opcode = take(c, 1);
	}
}

/* Of map 1: immediates where 0f has them, ModRM always but in vzeroupper. */
static char form_of_vex(const struct code *c)
{
	if (c->opcode == 0x77)
		return c->vex == 0x62 ? 'x' : '.';
	return TWO_BYTES[c->opcode] == 'B' ? 'B' : 'm';
}

/* SSE4a's 0f 78, which has two immediates, is not known. */
static char form_of(const struct code *c)
{
	switch (c->map) {
	case 0:
		return ONE_BYTE[c->opcode];
	case 1:
		return c->vex ? form_of_vex(c) : c->opcode == 0x78 && (c->operand16 || c->repeat) ? 'x' : TWO_BYTES[c->opcode];
	case 3:
		return 'B';
	default:
		return 'm';
	}
}

static void take_sib(struct code *c, struct insn *insn, uint8_t mod)
{
	uint8_t sib = take(c, 1);
	int8_t index = (sib >> 3 & 7) | (c->rex & REX_X ? 8 : 0);

	insn->scale = 1 << (sib >> 6);
	if (code_is_gather(c))
		insn->access |= ACCESS_OTHER;		/* the index is a vector */
	else if (index != REG_RSP)
		insn->index = index;
	if ((sib & 7) == 5 && mod == 0)
		insn->displacement = take_signed(c, 4);
	else
		insn->base = (sib & 7) | (c->rex & REX_B ? 8 : 0);
}

static void take_modrm(struct code *c, struct insn *insn, char form)
{
	uint8_t mod, rm;

	c->modrm = take(c, 1);
	mod = c->modrm >> 6;
	rm = c->modrm & 7;
	if (mod == 3 || form == 'r')
		return;
	c->memory = true;
	if (rm == 4) {
		take_sib(c, insn, mod);
	} else if (rm == 5 && mod == 0) {
		insn->rip_relative = true;
		insn->displacement = take_signed(c, 4);
	} else {
		insn->base = rm | (c->rex & REX_B ? 8 : 0);
	}
	if (mod)
		insn->displacement = take_signed(c, mod == 1 ? 1 : 4);
}

static void take_immediate(struct code *c, struct insn *insn, char form)
{
	unsigned int wide = c->operand16 && !(c->rex & REX_W) ? 2 : 4;

	switch (form) {
	case 'g':
		if ((c->modrm >> 3 & 7) < 2)
			c->immediate = take_signed(c, c->opcode & 1 ? wide : 1);
		break;
	case 'b': case 'B': case 'j':
		c->immediate = take_signed(c, 1);
		break;
	case 'z': case 'Z':
		c->immediate = take_signed(c, wide);
		break;
	case 'v':
		c->immediate = take_signed(c, c->rex & REX_W ? 8 : wide);
		break;
	case 'J':
		c->immediate = take_signed(c, 4);	/* Intel: the operand size prefix has no effect */
		break;
	case 'w':
		take(c, 2);
		break;
	case 'e':
		take(c, 3);
		break;
	case 'o':
		c->memory = true;
		insn->displacement = take(c, c->address32 ? 4 : 8);
		break;
	case 'x':
		c->bad = true;
		break;
	}
}

/* Opcodes that only some values of ModRM make instructions. */
static bool is_undefined(const struct code *c)
{
	uint8_t field = c->modrm >> 3 & 7;

	if (c->map || c->vex)
		return false;
	switch (c->opcode) {
	case 0x8f:					/* the others are AMD's XOP */
		return field != 0;
	case 0xc6: case 0xc7:				/* f8 is xabort, xbegin */
		return field != 0 && c->modrm != 0xf8;
	case 0xfe:
		return field > 1;
	case 0xff:
		return field == 7;
	default:
		return false;
	}
}

static void parse(struct code *c, struct insn *insn)
{
	char form;

	take_opcode(c);
	form = form_of(c);
	if (strchr("mBZgr", form))
		take_modrm(c, insn, form);
	take_immediate(c, insn, form);
	c->bad |= is_undefined(c);
	insn->segment = c->segment;
	insn->address_size = c->address32 ? 4 : 8;
	insn->length = c->at;
}

void insn_unknown(struct insn *insn)
{
	*insn = (struct insn){
		.flow = FLOW_OTHER, .access = ACCESS_UNKNOWN, .base = REG_NONE, .index = REG_NONE, .scale = 1,
		.segment = REG_NONE, .address_size = 8,
		.left = { .reg = REG_NONE }, .right = { .reg = REG_NONE },
	};
}

int insn_decode(struct insn *insn, const uint8_t *bytes, size_t len, uint64_t pc)
{
	struct code c = { .bytes = bytes, .len = len < INSN_BYTES ? len : INSN_BYTES, .segment = REG_NONE };

	insn_unknown(insn);
	insn->flow = FLOW_NONE;
	insn->access = 0;
	parse(&c, insn);
	if (c.bad) {
		insn_unknown(insn);
		return 0;
	}
	code_flow(&c, insn, pc + c.at);
	code_access(&c, insn);
	code_compare(&c, insn);
	if (insn->rip_relative)
		insn->displacement = (int64_t)((uint64_t)insn->displacement + pc + c.at);
	return insn->length;
}

bool insn_may_touch_heap(const struct insn *insn)
{
	if (insn->access & (ACCESS_STRING | ACCESS_OTHER | ACCESS_UNKNOWN))
		return true;
	if (!(insn->access & ACCESS_OPERAND) || insn->segment != REG_NONE)
		return false;
	if (insn->address_size != 8)
		return true;
	return insn->base != REG_RSP && (insn->base != REG_NONE || insn->index != REG_NONE);
}
