// SPDX-License-Identifier: GPL-2.0-only
/*
 * What code of modules accesses: each load and store, what functions of the kernel access for it (memcpy, strlen,
 * copy_from_user ...), and the buffers it gives to the host controller. Loads and stores that can only reach the stack,
 * globals or per-CPU data are left alone.
 */
#include "insn.h"
#include "probe.h"

#define STRING_BYTES 4096	/* of a string without a limit */

bool tracking(void)
{
	return memory_known() && !shared->stopped;
}

static bool checking(void)
{
	return tracking() && !shared->frozen;
}

static void check_range(uint64_t pc, uint64_t callee, bool write, uint64_t address, uint64_t size)
{
	uint64_t bad = shadow_bad(address, size);

	if (bad)
		report_access(&(struct found){ .write = write, .registers = true, .pc = pc, .callee = callee,
					       .address = address, .size = size, .bad = bad });
}

static void loaded_or_stored(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *pc)
{
	uint64_t offset = address - direct_map, size, bad;

	(void)vcpu;
	if (offset >= ram_bytes || !(shadow[offset >> 3] | shadow[(offset + 15) >> 3]))
		return;
	size = 1ull << qemu_plugin_mem_size_shift(info);
	if (!shadow_bad(address, size))
		return;
	probe_lock();	/* whoever has it may be about to allow the access */
	bad = shadow_bad(address, size);
	if (bad && checking())
		report_access(&(struct found){ .write = qemu_plugin_mem_is_store(info), .pc = (uint64_t)pc,
					       .address = address, .size = size, .bad = bad });
	probe_unlock();
}

/* Bytes of a string, NUL included, at most 'limit'. Reads on over bytes that may not be accessed: they are the find. */
static uint64_t string_bytes(uint64_t address, uint64_t limit)
{
	uint64_t length = 0;
	char byte;

	limit = limit < STRING_BYTES ? limit : STRING_BYTES;
	while (length < limit && guest_read(address + length, &byte, 1)) {
		length++;
		if (!byte || shadow_bad(address + length - 1, 1))
			break;
	}
	return length;
}

static const struct callee *callee_at(uint64_t address)
{
	const struct callee *callees = shared_part(shared->callees_at, shared->callees, sizeof(*callees));
	uint32_t low = 0, high = callees ? shared->callees : 0;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (callees[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return callees && low < shared->callees && callees[low].address == address ? &callees[low] : NULL;
}

/* The function of the kernel that an instruction calls, or ends in, if it is one of those in the table. */
const struct callee *access_callee(const struct insn *insn)
{
	return insn->flow == FLOW_CALL || insn->flow == FLOW_JMP ? callee_at(insn->target) : NULL;
}

struct call_site {
	uint64_t pc;
	const struct callee *callee;
};

static void check_call(const struct call_site *site)
{
	for (int i = 0; i < CHECKS && site->callee->checks[i].kind; i++) {
		const struct check *check = &site->callee->checks[i];
		uint64_t address = argument(check->pointer);
		uint64_t length = check->length == NO_ARGUMENT ? STRING_BYTES : argument(check->length);

		if (!in_direct_map(address, 1))
			continue;
		if (check->kind == CHECK_STRING)
			length = string_bytes(address, length);
		check_range(site->pc, site->callee->address, check->kind == CHECK_WRITE, address, length);
	}
}

static void calls(unsigned int vcpu, void *data)
{
	(void)vcpu;
	probe_lock();
	registers_changed();
	if (checking())
		check_call(data);
	probe_unlock();
}

/* Call sites live as long as QEMU: code is translated anew, but the same sites come again. */
static struct call_site *call_site(uint64_t pc, const struct callee *callee)
{
	static struct call_site sites[1 << 14];
	uint32_t at = pc * 0x9e3779b97f4a7c15ull >> 50;

	for (size_t i = 0; i < ARRAY_SIZE(sites); i++) {
		struct call_site *site = &sites[(at + i) % ARRAY_SIZE(sites)];

		if (!site->pc)
			*site = (struct call_site){ pc, callee };
		if (site->pc == pc && site->callee == callee)
			return site;
	}
	return NULL;
}

/* An instruction of a module is translated: has it checked when it runs, if there is something to check. */
void access_insn(struct qemu_plugin_insn *each, const struct insn *insn, const struct callee *callee, uint64_t at)
{
	struct call_site *site;

	if (insn_may_touch_heap(insn))
		qemu_plugin_register_vcpu_mem_cb(each, loaded_or_stored, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
						 (void *)at);
	site = callee && callee->checks[0].kind ? call_site(at, callee) : NULL;
	if (site)
		qemu_plugin_register_vcpu_insn_exec_cb(each, calls, QEMU_PLUGIN_CB_R_REGS, site);
}

/* A URB that is submitted: the host controller will access its whole buffer, which no code does. */
void check_urb(uint64_t urb)
{
	uint64_t buffer, bad;
	uint32_t length;

	if (!checking() || shared->urb_buffer == NOWHERE || shared->urb_length == NOWHERE)
		return;
	if (shared->urb_sgs != NOWHERE && guest_u32(urb + shared->urb_sgs))
		return;		/* its data are scattered */
	buffer = guest_u64(urb + shared->urb_buffer);
	length = guest_u32(urb + shared->urb_length);
	bad = length ? shadow_bad(buffer, length) : 0;
	if (bad)
		report(&(struct found){ .kind = REPORT_URB, .registers = true, .pc = guest_u64(reg(RSP)),
					.address = buffer, .size = length, .bad = bad });
}
