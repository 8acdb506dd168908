// SPDX-License-Identifier: GPL-2.0-only
/* What the functions of the allocators mean for the shadow. */
#include "probe.h"

#include <stdlib.h>

#define LARGE	 8192		/* bytes; kmalloc takes whole pages for more */
#define ORDERS	 11		/* of pages */
#define DEEP	 2048		/* bytes of stack between two functions that free the same object */
#define MOST	 4096		/* objects in one bulk call */
#define VCPUS	 16		/* of a guest, at most */

/* For each page frame: 1 + the order of the pages that begin there, until an object is allocated in them. */
static uint8_t *fresh;
/* Whether an object was ever allocated there. */
static uint8_t *used;

bool heap_start(void)
{
	uint64_t frames = shared->memory / PAGE;

	fresh = calloc(frames + 1, 1);
	used = calloc(frames + 1, 1);
	return fresh && used;
}

bool heap_has_result(const struct hook *hook)
{
	return hook->kind <= HOOK_PAGES_BULK;
}

/* Bytes that an object of a kmalloc cache has at least, where the kernel does not say which cache it is of. */
static uint32_t kmalloc_room(uint64_t size)
{
	uint32_t room = 8;

	if (size > 64 && size <= 96)
		return 96;
	if (size > 128 && size <= 192)
		return 192;
	while (room < size)
		room *= 2;
	return room;
}

/* Fills 'slot' for an object of a size, 0: as large as its cache has them. */
static bool find_slot(uint64_t start, uint64_t size, struct slot *slot)
{
	if (size > LARGE) {
		*slot = (struct slot){ .size = size, .room = (size + PAGE - 1) & -(uint64_t)PAGE };
		return true;
	}
	if (slab_slot(start, slot) && slot->size >= size)
		return true;
	*slot = (struct slot){ .size = size, .room = kmalloc_room(size) };
	return size;
}

static uint64_t frame_of(uint64_t address)
{
	return (address - direct_map) / PAGE;
}

/* The first object of a slab was allocated: the others are none yet. */
static void open_slab(uint64_t start, const struct slot *slot)
{
	for (uint64_t order = 0; order < ORDERS; order++) {
		uint64_t frame = frame_of(start) & ~((1ull << order) - 1);

		if (fresh[frame] != order + 1)
			continue;
		fresh[frame] = 0;
		if (slot->cache && !slot->constructed)
			shadow_poison(direct_map + frame * PAGE, (uint64_t)PAGE << order, REDZONE);
		return;
	}
}

static void allocated(uint64_t start, uint64_t size, uint32_t stack)
{
	struct object *object;
	struct slot slot;

	if (start & 7 || !in_direct_map(start, size ? size : 8) || size > UINT32_MAX)
		return;
	if (!find_slot(start, size, &slot)) {
		shadow_allow(start, PAGE - (start & (PAGE - 1)));	/* whatever it is, it is in use */
		return;
	}
	size = size ? size : slot.size;
	shared->allocations++;
	alive_begin(start, size, stack);
	used[frame_of(start)] = 1;
	if (size <= LARGE)
		open_slab(start, &slot);
	shadow_poison(start - slot.before, slot.before + slot.room, REDZONE);
	shadow_allow(start, size);
	object = object_new(start);
	object->cache = slot.cache;
	object->size = size;
	object->room = slot.room;
	object->allocated = stack;
}

/* Whether an address lies in the middle of an object that is in use. */
static bool inside_another(uint64_t address)
{
	uint64_t frame = frame_of(address);
	const struct object *object;

	if (!used[frame] && !(frame && used[frame - 1]) && !(frame > 1 && used[frame - 2]))
		return false;
	object = object_near(address);
	return object && shadow_of(object->start) < FREED && address > object->start && address - object->start < object->size;
}

/*
 * Whether this is a function that frees for another one: deeper on the same stack than the last of them that this
 * virtual CPU entered, which has marked its objects already, and not more often than that one has objects.
 */
static bool frees_for_another(unsigned int vcpu, uint64_t rsp, uint64_t objects)
{
	static struct {
		uint64_t outer, left;
	} last[VCPUS], *mine;

	mine = &last[vcpu % VCPUS];
	if (mine->left && rsp < mine->outer && mine->outer - rsp < DEEP) {
		mine->left--;
		return true;
	}
	mine->outer = rsp;
	mine->left = objects;
	return false;
}

static void freed(const struct hook *hook, uint64_t start, bool inner)
{
	struct object *object;
	struct slot slot;
	uint8_t state = shadow_of(start);

	if (!in_direct_map(start, 8))
		return;		/* NULL, ZERO_SIZE_PTR, an address of vmalloc */
	shared->frees++;
	alive_end(start);
	object = object_at(start);
	if (state == FREED || (!object && inside_another(start))) {
		if (!inner)
			report(&(struct found){ .kind = state == FREED ? REPORT_DOUBLE_FREE : REPORT_INVALID_FREE,
					.registers = true, .pc = guest_u64(reg(RSP)), .callee = hook->start,
					.address = start, .bad = start });
		return;
	}
	if (object && object->size > LARGE)
		return;		/* its pages are freed in a moment */
	if (!find_slot(start, object ? object->size : 0, &slot) || slot.reused || start & 7)
		return;
	if (!object) {
		object = object_new(start);
		object->cache = slot.cache;
		object->size = slot.size;
		object->room = slot.room;
		used[frame_of(start)] = 1;
	}
	object->freed = stack_here();
	shadow_poison(start, slot.size + 7, FREED);
}

/* How many of the pointers in an array of the guest's are looked at, and one of them. */
static uint64_t bulk_count(uint64_t count)
{
	return count < MOST ? count : MOST;
}

static uint64_t bulk_item(uint64_t array, uint64_t i)
{
	return guest_u64(array + 8 * i);
}

static void allocated_bulk(uint64_t array, uint64_t count, uint32_t stack)
{
	for (uint64_t i = 0; i < bulk_count(count); i++)
		allocated(bulk_item(array, i), 0, stack);
}

static void freed_bulk(const struct hook *hook, uint64_t array, uint64_t count, bool inner)
{
	for (uint64_t i = 0; i < bulk_count(count); i++)
		freed(hook, bulk_item(array, i), inner);
}

/* Some of an object's slot that was not asked for may be used from now on. */
static void grown(uint64_t start, uint64_t size)
{
	struct object *object = object_at(start);

	if (!object || shadow_of(start) == FREED || size > object->room)
		return;
	object->size = size;
	shadow_poison(start, object->room, REDZONE);
	shadow_allow(start, size);
}

static uint64_t page_address(uint64_t page)
{
	return direct_map + (page - vmemmap) / (shared->page_size ? shared->page_size : 64) * PAGE;
}

/* The pages have a new owner: what was allocated in them is history. */
static void forget(uint64_t start, uint64_t length)
{
	alive_pages(start, length);
	for (uint64_t page = start; page < start + length; page += PAGE) {
		objects_forget(page);
		used[frame_of(page)] = fresh[frame_of(page)] = 0;
	}
	/* They may be a part of a larger piece, which was given back. */
	for (uint64_t order = 1; order < ORDERS; order++) {
		uint64_t head = frame_of(start) & ~((1ull << order) - 1);

		if (fresh[head] > order)
			fresh[head] = 0;
	}
}

/* Where the pages begin, and how many bytes they are; false when there are none. */
static bool page_range(uint64_t page, uint64_t order, uint64_t *start, uint64_t *length)
{
	if (page < vmemmap || order >= ORDERS)
		return false;
	*start = page_address(page);
	*length = (uint64_t)PAGE << order;
	return in_direct_map(*start, *length);
}

static void pages_taken(uint64_t page, uint64_t order)
{
	uint64_t start, length;

	if (!page_range(page, order, &start, &length))
		return;
	shadow_allow(start, length);
	forget(start, length);
	fresh[frame_of(start)] = order + 1;
}

static void pages_freed(uint64_t page, uint64_t order)
{
	struct object *object;
	uint64_t start, length;

	if (!page_range(page, order, &start, &length))
		return;
	alive_pages(start, length);
	object = object_new(start);
	fresh[frame_of(start)] = 0;
	shadow_poison(start, length, FREED_PAGE);
	object->size = object->room = length;
	object->freed = stack_here();
}

/* The order of the pages that a hooked function is given; without an argument for it, one page. */
static uint64_t order_of(const struct hook *hook, uint64_t b)
{
	return hook->b == NO_ARGUMENT ? 0 : (uint32_t)b;
}

void heap_entered(unsigned int vcpu, const struct hook *hook, uint64_t a, uint64_t b)
{
	bool frees = hook->kind == HOOK_FREE || hook->kind == HOOK_FREE_BULK;
	bool inner = frees && frees_for_another(vcpu, reg(RSP), hook->kind == HOOK_FREE ? 1 : a);

	switch (hook->kind) {
	case HOOK_FREE:
		freed(hook, a, inner);
		break;
	case HOOK_FREE_BULK:
		freed_bulk(hook, b, a, inner);
		break;
	case HOOK_PAGES_READY:
		pages_taken(a, order_of(hook, b));
		break;
	case HOOK_FREE_PAGES:
		pages_freed(a, order_of(hook, b));
		break;
	case HOOK_URB:
		check_urb(a);
		break;
	}
}

void heap_result(const struct hook *hook, uint64_t a, uint64_t b, uint32_t stack, uint64_t result)
{
	switch (hook->kind) {
	case HOOK_ALLOC:
		if (a)
			allocated(result, a, stack);
		break;
	case HOOK_CACHE:
		allocated(result, 0, stack);
		break;
	case HOOK_BULK:
		if ((uint32_t)result) /* all of them or none; how many, or true */
			allocated_bulk(b, a, stack);
		break;
	case HOOK_REALLOC:
		if (result == a)
			grown(a, b);
		break;
	case HOOK_KSIZE:
		grown(a, result);
		break;
	case HOOK_PAGES:
		pages_taken(result, (uint32_t)a);
		break;
	case HOOK_PAGES_BULK:
		for (uint64_t i = 0; i < bulk_count((uint32_t)a); i++)
			pages_taken(bulk_item(b, i), 0);
		break;
	}
}
