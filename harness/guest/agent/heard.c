// SPDX-License-Identifier: GPL-2.0-only
/* What follows from uevents: lines for the host, USB devices that settle locks, nodes that can be opened. */
#include "agent.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_BYTES  (1u << 20)
#define NEW_NODES     64

struct usb_device usb_devices[USB_DEVICES];
unsigned int usb_device_count;

static char *events;		/* lines for the host */
static size_t events_len, events_size;
static bool events_lost;
static struct node new_nodes[NEW_NODES];
static size_t new_node_count;

static void emit(const struct uevent *e)
{
	const char *detail = e->driver ? e->driver : e->devname;
	char line[512];
	int len;

	if (e->add || e->remove)
		detail = e->devname;
	if (detail)
		len = snprintf(line, sizeof(line), "* %s %s %s %s\n", e->action, e->subsystem, e->name, detail);
	else
		len = snprintf(line, sizeof(line), "* %s %s %s\n", e->action, e->subsystem, e->name);
	if (len >= (int)sizeof(line) || events_len + len > EVENTS_BYTES) {
		events_lost = true;
		return;
	}
	if (events_len + len > events_size) {
		size_t size = (events_len + len) * 2 + 4096;
		char *bigger = realloc(events, size);

		if (!bigger) {
			events_lost = true;
			return;
		}
		events = bigger;
		events_size = size;
	}
	memcpy(events + events_len, line, len);
	events_len += len;
}

static void usb_track(const char *name, bool live)
{
	unsigned int i;

	if (strlen(name) >= USB_NAME_BYTES)
		return;
	for (i = 0; i < usb_device_count; i++)
		if (!strcmp(usb_devices[i].name, name))
			break;
	if (i == usb_device_count) {
		if (!live || i == USB_DEVICES)
			return;
		strcpy(usb_devices[i].name, name);
		usb_devices[i].fd = -1;
		usb_device_count++;
	}
	usb_devices[i].live = live;
}

static void usb_scan(void)
{
	DIR *dir = opendir("/sys/bus/usb/devices");
	struct dirent *e;

	for (unsigned int i = 0; i < usb_device_count; i++)
		usb_devices[i].live = false;
	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.' && !strchr(e->d_name, ':'))
			usb_track(e->d_name, true);
	if (dir)
		closedir(dir);
}

static void node_track(const struct node *node, bool live)
{
	size_t i;

	for (i = 0; i < new_node_count; i++)
		if (!strcmp(new_nodes[i].name, node->name) && !strcmp(new_nodes[i].subsystem, node->subsystem))
			break;
	if (!live && i < new_node_count)
		memmove(&new_nodes[i], &new_nodes[i + 1], (--new_node_count - i) * sizeof(*new_nodes));
	if (!live || i == NEW_NODES)
		return;
	if (i == new_node_count)
		new_node_count++;
	new_nodes[i] = *node;
}

static void heard(const struct uevent *e, const struct node *node)
{
	emit(e);
	if (!e->add && !e->remove)
		return;
	if (!strcmp(e->subsystem, "usb") && e->devtype && !strcmp(e->devtype, "usb_device"))
		usb_track(e->name, e->add);
	else if (*node->name)
		node_track(node, e->add);
}

static void lost(void)
{
	events_lost = true;
	usb_scan();
}

/* The lines collected so far, malloc'ed with ROOM bytes to spare after them; NULL without memory. */
char *heard_take(size_t *len, size_t room)
{
	static const char lost[] = "* lost\n";
	char *text;

	uevent_lock();
	text = malloc(events_len + sizeof(lost) + room);
	if (text) {
		*len = events_len;
		if (events_len)
			memcpy(text, events, events_len);
		if (events_lost) {
			memcpy(text + *len, lost, sizeof(lost) - 1);
			*len += sizeof(lost) - 1;
		}
		events_lost = false;
		events_len = 0;
	}
	uevent_unlock();
	return text;
}

/* Moves the nodes of BUSES, or of none, that appeared since the last call, and still exist, to NODES. */
size_t heard_new_nodes(struct node *nodes, size_t max, uint64_t buses)
{
	size_t n = 0, kept = 0;

	uevent_lock();
	for (size_t i = 0; i < new_node_count; i++)
		if (n < max && (!new_nodes[i].bus || buses & BUS_BIT(new_nodes[i].bus)))
			nodes[n++] = new_nodes[i];
		else
			new_nodes[kept++] = new_nodes[i];
	new_node_count = kept;
	uevent_unlock();
	return n;
}

void heard_open(void)
{
	static const struct uevent_listener listener = { heard, lost };

	uevent_open(&listener);
	uevent_lock();
	usb_scan();
	uevent_unlock();
}
