/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory that the probe shares with the host: a file that the host makes, fills and maps (memory.py), and whose
 * descriptor QEMU inherits. Little endian; each part starts on a page. What the host writes it writes before QEMU
 * starts, except the words marked "control". layout.py reads this file: keep to one field a line.
 */
#ifndef PROBE_LAYOUT_H
#define PROBE_LAYOUT_H

#include <stdint.h>

#define PROBE_MAGIC  0x65626f7270627375ull	/* "usbprobe" */
#define PROBE_LAYOUT 2
#define PAGE	     4096

#define STACK_WORDS  24		/* of an allocation's or a free's call chain: what may be return addresses */
#define NAME_BYTES   32
#define MESSAGE_BYTES 256
#define RANGES	     4
#define CHECKS	     3		/* of memory, by one function */
#define LOG_PARTS    4		/* of the kernel's log: the ring's structure, descriptors, infos, text */

/* What a QEMU offers, and what the plugin found usable. */
enum feature {
	FEATURE_COVERAGE = 1,
	FEATURE_REGISTERS = 2,
	FEATURE_MEMORY = 4,	/* guest memory can be read */
	FEATURE_COMPARES = 8,
};

enum heap_mode {
	HEAP_OFF,
	HEAP_WARN,		/* write the report, go on */
	HEAP_REPORT,		/* write the report, wait for the host, then do nothing more */
};

struct header {
	uint64_t magic;
	uint32_t layout;
	uint32_t slots;		/* capacity, a power of two */
	uint32_t vcpus;
	uint32_t hooks;
	uint32_t callees;
	uint32_t reports;	/* capacity of the ring */
	uint32_t compares;	/* capacity, a power of two */
	uint32_t heap_mode;
	uint32_t sites;		/* capacity, a power of two; 0: who allocated what is alive is not kept */
	uint64_t memory;	/* bytes of the guest's RAM */
	uint64_t blocks_at;	/* offsets in the file */
	uint64_t counts_at;
	uint64_t hooks_at;
	uint64_t callees_at;
	uint64_t reports_at;
	uint64_t compares_at;
	uint64_t armed_at;
	uint64_t sites_at;
	uint64_t log_at;	/* 0: the kernel's log is not wanted */
	uint64_t log_room;	/* bytes there */
	uint64_t cover_start[RANGES];	/* code whose blocks are counted */
	uint64_t cover_end[RANGES];
	uint64_t check_start;	/* code whose loads and stores are checked */
	uint64_t check_end;
	uint64_t text_start;	/* of the kernel itself */
	uint64_t text_end;
	uint64_t phys_base_at;	/* addresses of the kernel's variables of that name; 0: it has none */
	uint64_t page_offset_base_at;
	uint64_t vmemmap_base_at;
	uint64_t page_tables_at;	/* init_top_pgt */
	/* offsets in the kernel's structures, from its BTF; NOWHERE: unknown */
	uint32_t page_size;
	uint32_t page_head;
	uint32_t page_cache;
	uint32_t cache_size;
	uint32_t cache_object_size;
	uint32_t cache_red_left;
	uint32_t cache_flags;
	uint32_t cache_name;
	uint32_t cache_ctor;
	uint32_t rcu_flag;	/* SLAB_TYPESAFE_BY_RCU */
	uint32_t urb_buffer;
	uint32_t urb_length;
	uint32_t urb_sgs;
	/* control */
	uint32_t frozen;	/* 1: nothing is checked */
	uint32_t generation;	/* of the comparisons: a new one empties them */
	uint64_t log_from[LOG_PARTS];	/* offsets in the guest's RAM of what is to be copied to log_at when QEMU ends */
	uint64_t log_length[LOG_PARTS];
	/* the plugin's */
	uint64_t ram_at;	/* where the guest's RAM begins in QEMU; 0: not found */
	uint64_t phys_base;	/* offset in the RAM of the kernel's image, less what its address says */
	uint64_t direct_map;	/* address in the guest at which all of its RAM is mapped */
	uint64_t log_copied;	/* bytes at log_at, the parts one behind the other */
	uint32_t alive;
	uint32_t interface;
	uint32_t features;
	uint32_t used_blocks;
	uint32_t dropped_blocks;
	uint32_t dropped_compares;
	uint32_t skew;		/* counts of slot i are at counts_at + 8 i - skew, of the next vCPU at 8 slots after it */
	uint32_t reported;	/* reports written so far; the ring has the last ones */
	uint32_t untold;	/* objects that no site has for lack of room */
	uint32_t stopped;	/* the first bad access was reported, and nothing is checked any more */
	uint64_t allocations;
	uint64_t frees;
	char message[MESSAGE_BYTES];	/* why something is off */
};

#define NOWHERE 0xffffffffu

/* How a translated block ends. */
enum ending {
	ENDS_CUT,		/* in no branch: the next block is its continuation */
	ENDS_DIRECT,		/* in a jump or call to a fixed address */
	ENDS_BRANCH,		/* in a conditional one */
	ENDS_OTHER,		/* in an indirect one, a return, an interrupt */
};

struct block {
	uint64_t start;
	uint64_t target;	/* of a direct branch, else 0 */
	uint32_t size;		/* bytes, the longest translation of it */
	uint32_t ending;
	uint32_t continues;	/* 1: it was reached first as the rest of a block that was cut */
	uint32_t pad;
};

enum hook_kind {
	HOOK_ALLOC = 1,		/* object of so many bytes; 'a' is the argument with the size */
	HOOK_CACHE,		/* object of a cache */
	HOOK_BULK,		/* many of a cache; 'a' their number, 'b' the array they are written to */
	HOOK_REALLOC,		/* 'a' the old object, 'b' the new size */
	HOOK_KSIZE,		/* 'a' the object: all of its slot may be used from now on */
	HOOK_PAGES,		/* 'a' the order; the result is a struct page */
	HOOK_PAGES_BULK,	/* single ones: 'a' their number, 'b' the array of struct page they are written to */
	/* those below have no result */
	HOOK_FREE,		/* 'a' the object */
	HOOK_FREE_BULK,		/* 'a' their number, 'b' the array */
	HOOK_PAGES_READY,	/* 'a' the struct page, 'b' the order */
	HOOK_FREE_PAGES,	/* the same */
	HOOK_URB,		/* 'a' the struct urb */
};

#define NO_ARGUMENT 0xff

struct hook {
	uint64_t start;
	uint64_t end;
	uint32_t kind;
	uint8_t a;		/* 0 rdi, 1 rsi, 2 rdx, 3 rcx, 4 r8, 5 r9 */
	uint8_t b;
	uint8_t pad[2];
};

enum check_kind {
	CHECK_READ = 1,		/* of a length in bytes */
	CHECK_WRITE,
	CHECK_STRING,		/* a read until NUL, at most the length */
};

struct check {
	uint8_t kind;
	uint8_t pointer;	/* the argument */
	uint8_t length;		/* the argument; NO_ARGUMENT: none (a string without a limit) */
	uint8_t pad;
};

enum callee_compares {
	CALLEE_COMPARES_TEXT = 1,	/* strcmp() and the like: until both end */
	CALLEE_COMPARES_BYTES,		/* memcmp() */
};

/* A function of the kernel that accesses memory for its caller, or compares it. */
struct callee {
	uint64_t address;
	struct check checks[CHECKS];
	uint8_t compares;	/* what arguments 0 and 1 point to; 0: nothing */
	uint8_t limited;	/* by argument 2, in bytes */
	uint8_t pad[2];
};

enum report_kind {
	REPORT_OUT_OF_BOUNDS = 1,
	REPORT_USE_AFTER_FREE,
	REPORT_PAGE_AFTER_FREE,
	REPORT_DOUBLE_FREE,
	REPORT_INVALID_FREE,
	REPORT_URB,
};

enum insn_compare {
	COMPARE_NONE,
	COMPARE_CMP,		/* left - right; string comparisons too, once for each element */
	COMPARE_ZERO,		/* `test` of a register with itself: right is the immediate 0 */
	COMPARE_TEST,		/* left & right */
	COMPARE_SUB,		/* left - right, kept in left; only an immediate from a register other than rsp, or from memory */
	COMPARE_BT,		/* bit number `right` of left; of memory, the bit may lie outside the operand: compare.c */
};

#define PAIRS 24		/* of one instruction, in one generation */

struct pair {
	uint64_t left;		/* operands, zero-extended from the instruction's width */
	uint64_t right;
};

/*
 * One instruction that compares, at most 32 places behind the one that its address hashes to. It counts if its
 * generation is the present one and it has pairs. A pair is written before the count that covers it.
 */
struct compared {
	uint64_t pc;
	uint32_t generation;
	uint8_t kind;		/* enum insn_compare */
	uint8_t width;		/* in bytes: 1, 2, 4, 8 */
	uint8_t constant;	/* 1: right is an immediate */
	uint8_t count;		/* of pairs */
	struct pair pairs[PAIRS];
};

/*
 * Control: a word for each page of code (its address / PAGE % ARMED_PAGES) at armed_at; not 0: what instructions on the
 * page compare is kept. Pages 64 MiB apart share a word.
 */
#define ARMED_PAGES 16384

/* A word of a stack that has a call in front of the place that it points to. */
struct frame {
	uint64_t word;
	uint64_t target;	/* of that call; 0: an indirect one */
};

/* Who allocated objects that are alive, with a module in the call chain. It is in use if it has a stack. */
struct site {
	uint32_t stack;		/* id of the chain, see stacks.c */
	uint32_t size;		/* bytes of the last object */
	uint64_t objects;	/* that are alive */
	uint64_t bytes;		/* of all these */
	struct frame frames[STACK_WORDS];
};

struct report {
	uint32_t kind;
	uint32_t write;		/* 1: a store */
	uint64_t pc;		/* of the access, or the return address of a called function */
	uint64_t callee;	/* the function that accesses; 0: the instruction itself */
	uint64_t address;	/* first byte accessed */
	uint64_t size;		/* bytes accessed */
	uint64_t bad;		/* first bad byte */
	uint64_t object;	/* start; 0: none known */
	uint64_t object_size;	/* as it was asked for */
	char cache[NAME_BYTES];	/* name of its cache; empty: unknown */
	struct frame stack[STACK_WORDS];	/* innermost first; a word of 0 ends them */
	struct frame allocated[STACK_WORDS];
	struct frame freed[STACK_WORDS];
};

#endif
