// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest's kernel last said: the host reads its log in QEMU's memory (printk.py), which is gone when a panic has
 * ended QEMU. So the log is copied then. The copying is the host kernel's: memory that QEMU has given back by now is an
 * error of pwrite(), and no fault.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <unistd.h>

void log_keep(qemu_plugin_id_t id, void *data)
{
	uint64_t room = shared->log_room, done = 0;
	const uint8_t *to = shared_part(shared->log_at, room, 1);

	(void)id;
	(void)data;
	for (int part = 0; to && part < LOG_PARTS; part++) {
		uint64_t length = shared->log_length[part];
		const uint8_t *from = ram_part(shared->log_from[part], length);

		if (!from || length > room - done)
			return;
		if (pwrite(shared_file(), from, length, shared->log_at + done) != (ssize_t)length)
			return;
		done += length;
	}
	shared->log_copied = done;
}
