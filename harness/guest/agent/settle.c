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
 *
 * Asked for some buses only, it waits for these alone: what is slow on one bus
 * need not hold up who waits for another.
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

/* Serializes passes over a bus. One that hangs on a hub makes the next ones wait too, as they would on that hub. */
static pthread_mutex_t bus_locks[BUSES] = { [0 ... BUSES - 1] = PTHREAD_MUTEX_INITIALIZER };

static void lock_buses(uint64_t buses)
{
	for (unsigned int i = 0; i < BUSES; i++)	/* always in this order */
		if (buses & BUS_BIT(i))
			pthread_mutex_lock(&bus_locks[i]);
}

static void unlock_buses(uint64_t buses)
{
	for (unsigned int i = 0; i < BUSES; i++)
		if (buses & BUS_BIT(i))
			pthread_mutex_unlock(&bus_locks[i]);
}

/* usb3 is on bus 3, and so is 3-1.4. */
static bool is_on(const struct usb_device *device, uint64_t buses)
{
	unsigned long bus = strtoul(device->name + (strncmp(device->name, "usb", 3) ? 0 : 3), NULL, 10);

	return buses & BUS_BIT(bus);
}

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

/* Forgets devices that are gone. Holds the uevent lock, and those of the buses. */
static void compact(uint64_t buses)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < usb_device_count; i++) {
		if (usb_devices[i].live || !is_on(&usb_devices[i], buses))
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
static void pass(uint64_t buses, bool roots)
{
	struct usb_device found[USB_DEVICES];
	unsigned int count = 0;

	uevent_lock();
	compact(buses);
	for (unsigned int i = 0; i < usb_device_count; i++)
		if ((strncmp(usb_devices[i].name, "usb", 3) == 0) == roots && is_on(&usb_devices[i], buses))
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
	unsigned int passes = 0, seen;
	uint64_t buses = buses_of(job->args);
	size_t len = 0;
	char *text;

	if (!buses) {
		reply(job->id, "error bad bus");
		return;
	}
	lock_buses(buses);
	do {
		pass(buses, true);
		seen = uevent_drain(buses);
		pass(buses, false);
	} while (uevent_drain(buses) != seen && ++passes < PASSES);
	unlock_buses(buses);

	text = heard_take(&len, ID_BYTES + sizeof(" ok\n"));
	if (!text) {
		reply(job->id, "error out of memory");
		return;
	}
	len += sprintf(text + len, "%s ok\n", job->id);
	reply_send(text, len);
	free(text);
}
