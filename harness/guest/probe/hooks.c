// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions of the kernel that are watched: called with what arguments, and what they return. A call is matched to its
 * return by the stack pointer, which is the same at a function's entry and at its `ret`: not by a stack of calls,
 * because tasks switch in between. A function that ends by jumping to another one returns there.
 */
#include "insn.h"
#include "probe.h"

#define SETS 256	/* of calls that have not returned, of all tasks */
#define WAYS 8

struct call {
	const struct hook *hook;
	uint64_t rsp, a, b;
	uint32_t stack;
};

static struct call pending[SETS][WAYS];

/* The call with that stack pointer, else a free place for one; of eight calls that share a set the oldest gives way. */
static struct call *call_at(uint64_t rsp)
{
	static unsigned int oldest;
	struct call *set = pending[(rsp >> 3) * 0x9e3779b97f4a7c15ull >> 56], *empty = NULL;

	for (int way = 0; way < WAYS; way++) {
		if (set[way].rsp == rsp)
			return &set[way];
		if (!set[way].hook && !empty)
			empty = &set[way];
	}
	return empty ? empty : &set[oldest++ % WAYS];
}

static void called(unsigned int vcpu, const struct hook *hook)
{
	uint64_t a, b;

	a = argument(hook->a);
	b = argument(hook->b);
	if (heap_has_result(hook)) {
		uint64_t rsp = reg(RSP);

		*call_at(rsp) = (struct call){ hook, rsp, a, b, stack_here() };
	}
	heap_entered(vcpu, hook, a, b);
}

static void returns(const struct hook *hook)
{
	uint64_t rsp = reg(RSP);
	struct call *call = call_at(rsp);

	if (call->hook != hook || call->rsp != rsp)
		return;
	call->hook = NULL;
	heap_result(hook, call->a, call->b, call->stack, reg(RAX));
}

static void entered(unsigned int vcpu, void *data)
{
	probe_lock();
	registers_changed();
	if (tracking())
		called(vcpu, data);
	probe_unlock();
}

static void returned(unsigned int vcpu, void *data)
{
	(void)vcpu;
	probe_lock();
	registers_changed();
	if (tracking())
		returns(data);
	probe_unlock();
}

/* The watched function that an address is in. */
static const struct hook *hook_of(uint64_t address)
{
	const struct hook *hooks = shared_part(shared->hooks_at, shared->hooks, sizeof(*hooks));
	uint32_t low = 0, high = hooks ? shared->hooks : 0;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (address >= hooks[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	return hooks && low < shared->hooks && address >= hooks[low].start ? &hooks[low] : NULL;
}

void hooks_block(struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);
	const struct hook *hook;

	if (!hook_of(qemu_plugin_tb_vaddr(tb)) &&
	    !hook_of(qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, count - 1))))
		return;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *each = qemu_plugin_tb_get_insn(tb, i);
		uint64_t at = qemu_plugin_insn_vaddr(each);
		struct insn insn;
		uint8_t copy[16];

		hook = hook_of(at);
		if (!hook)
			continue;
		if (at == hook->start)
			qemu_plugin_register_vcpu_insn_exec_cb(each, entered, QEMU_PLUGIN_CB_R_REGS, (void *)hook);
		insn_decode(&insn, insn_bytes(each, copy), qemu_plugin_insn_size(each), at);
		if (insn.flow == FLOW_RET && heap_has_result(hook))
			qemu_plugin_register_vcpu_insn_exec_cb(each, returned, QEMU_PLUGIN_CB_R_REGS, (void *)hook);
	}
}
