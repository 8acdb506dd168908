// SPDX-License-Identifier: GPL-2.0-only
/*
 * settle: return when the USB work that was pending is done.
 *
 * hub_event() holds the hub's device lock from the port status to the end of
 * probe() or disconnect(), and bConfigurationValue_show() takes that lock
 * (usb_lock_device_interruptible, drivers/usb/core/sysfs.c), so reading the
 * attribute of every hub waits for it. Other devices follow for what happens
 * outside hub_event(): queued resets, late driver registration. The thread
 * runs at SCHED_IDLE: a hub work item that is queued but has not yet taken the
 * lock goes first, because it is runnable and we only run when nothing is.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PASSES 8

/* Serializes passes. A pass that hangs on a hub makes the next ones wait too, as they would on that hub. */
static pthread_mutex_t pass_lock = PTHREAD_MUTEX_INITIALIZER;

static int attribute_open(const char *device)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/usb/devices/%.31s/bConfigurationValue", device);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Waits for the device lock. The descriptor is kept; one of an earlier device of that name is replaced. */
static int attribute_wait(const char *device, int fd)
{
	char value[8];

	if (fd < 0)
		fd = attribute_open(device);
	if (fd >= 0 && pread(fd, value, sizeof(value), 0) < 0 && errno == ENODEV) {
		close(fd);
		fd = attribute_open(device);
		if (fd >= 0 && pread(fd, value, sizeof(value), 0) < 0) {
			close(fd);
			fd = -1;
		}
	}
	return fd;
}

/* Forgets devices that are gone. Holds the uevent lock. */
static void compact(void)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < usb_device_count; i++) {
		if (usb_devices[i].live)
			usb_devices[kept++] = usb_devices[i];
		else if (usb_devices[i].fd >= 0)
			close(usb_devices[i].fd);
	}
	usb_device_count = kept;
}

static void remember(const char *name, int fd)
{
	for (unsigned int i = 0; i < usb_device_count; i++)
		if (!strcmp(usb_devices[i].name, name)) {
			usb_devices[i].fd = fd;
			return;
		}
	if (fd >= 0)
		close(fd);
}

/* Root hubs first: what their work adds is in the table by the time the caller looks again. */
static void pass(bool roots)
{
	static struct usb_device found[USB_DEVICES];
	unsigned int count = 0;

	uevent_lock();
	compact();
	for (unsigned int i = 0; i < usb_device_count; i++)
		if ((strncmp(usb_devices[i].name, "usb", 3) == 0) == roots)
			found[count++] = usb_devices[i];
	uevent_unlock();
	for (unsigned int i = 0; i < count; i++) {
		int fd = attribute_wait(found[i].name, found[i].fd);

		if (fd == found[i].fd)
			continue;
		uevent_lock();
		remember(found[i].name, fd);
		uevent_unlock();
	}
}

void settle_run(struct job *job)
{
	unsigned int passes = 0;
	size_t len = 0;
	char *text;

	pthread_mutex_lock(&pass_lock);
	do {
		pass(true);
		uevent_drain();
		pass(false);
	} while (uevent_drain() && ++passes < PASSES);
	pthread_mutex_unlock(&pass_lock);

	text = uevent_take(&len, ID_BYTES + sizeof(" ok\n"));
	if (!text) {
		reply(job->id, "error out of memory");
		return;
	}
	len += sprintf(text + len, "%s ok\n", job->id);
	port_send(text, len);
	free(text);
}
