// SPDX-License-Identifier: GPL-2.0-only
/* The guest's registers, by the names that QEMU's gdb stub has for them. */
#include "probe.h"

#include <string.h>

static struct qemu_plugin_register *handles[REGISTERS];
static GByteArray *buffer;
static uint64_t values[REGISTERS];
static uint32_t read_already;	/* a bit for each register: QEMU takes a tenth of a microsecond to read one */

static const char *const names[REGISTERS] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					      "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "fs_base", "gs_base" };
static const uint8_t arguments[] = { RDI, RSI, RDX, RCX, R8, R9 };

bool registers_start(void)
{
	GArray *list = qemu_plugin_get_registers();
	unsigned int found = 0;

	for (unsigned int i = 0; list && i < list->len; i++) {
		const qemu_plugin_reg_descriptor *each = &((qemu_plugin_reg_descriptor *)list->data)[i];

		for (unsigned int number = 0; number < REGISTERS; number++)
			if (!strcmp(each->name, names[number]) && !handles[number]) {
				handles[number] = each->handle;
				found++;
			}
	}
	if (list)
		g_array_free(list, 1);
	buffer = g_byte_array_new();
	return found == REGISTERS;
}

/* A callback begins: what was read in the one before says nothing any more. */
void registers_changed(void)
{
	read_already = 0;
}

uint64_t reg(unsigned int number)
{
	if (!(read_already & 1u << number)) {
		values[number] = 0;
		g_byte_array_set_size(buffer, 0);
		qemu_plugin_read_register(handles[number], buffer);
		memcpy(&values[number], buffer->data, buffer->len < 8 ? buffer->len : 8);
		read_already |= 1u << number;
	}
	return values[number];
}

/* An argument of the function that was just entered (System V ABI); 0 for one that it does not have. */
uint64_t argument(unsigned int number)
{
	return number < ARRAY_SIZE(arguments) ? reg(arguments[number]) : 0;
}
