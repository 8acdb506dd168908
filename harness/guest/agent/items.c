// SPDX-License-Identifier: GPL-2.0-only
/* The items of a survey: the class devices in the directories of USB devices, in an order that each run has. */
#define _GNU_SOURCE
#include "survey.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH	    16
#define DEVICES_DIR "/sys/bus/usb/devices"

/* Subsystems and names that say nothing, or that another item speaks for; OSS nodes are made by the kernel for any card. */
static const struct {
	const char *subsystem, *prefix;
} silent[] = {
	{ "usb", "usb" }, { "input", "input" }, { "input", "js" }, { "input", "mouse" }, { "sound", "card" },
	{ "sound", "pcmC" }, { "sound", "midiC" }, { "sound", "dsp" }, { "sound", "audio" }, { "sound", "mixer" },
	{ "sound", "adsp" }, { "sound", "midi" }, { "sound", "amidi" }, { "sound", "dmmidi" }, { "snd_seq", "" }, { "bdi", "" }, { "wakeup", "" },
	{ "scsi", "host" }, { "scsi", "target" }, { "scsi_host", "" }, { "scsi_disk", "" }, { "scsi_device", "" }, { "bsg", "" },
};

struct item *items[ITEMS];
size_t item_count;

bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool is_silent(const struct node *node)
{
	for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
		if (!strcmp(node->subsystem, silent[i].subsystem) && begins(node->name, silent[i].prefix))
			return true;
	return false;
}

static void find_node(struct item *item)
{
	char text[1024], *line;

	if (!attribute(item, "uevent", text, sizeof(text)))
		return;
	line = strstr(text, "DEVNAME=");
	if (line)
		snprintf(item->node.dev, sizeof(item->node.dev), "%.*s", (int)strcspn(line + 8, " "), line + 8);
}

static void found(const char *place, const char *path, const char *name)
{
	struct item *item = item_count < ITEMS ? calloc(1, sizeof(*item)) : NULL;
	char plain[NODE_BYTES];

	if (!item)
		return;
	item->fd = -1;
	snprintf(item->place, sizeof(item->place), "%.*s", (int)sizeof(item->place) - 1, place);
	snprintf(item->path, sizeof(item->path), "%s", path);
	snprintf(item->node.name, sizeof(item->node.name), "%.*s", NODE_BYTES - 1, name);
	if (!link_name(path, "subsystem", item->node.subsystem, sizeof(item->node.subsystem)) || is_silent(&item->node)) {
		free(item);
		return;
	}
	find_node(item);
	plain_name(item, plain, sizeof(plain));
	label(item, "%s%s%s", item->node.subsystem, *plain ? " " : "", plain);
	items[item_count++] = item;
}

static int directories(const struct dirent *e)
{
	return e->d_type == DT_DIR && e->d_name[0] != '.' && strcmp(e->d_name, "power") && !begins(e->d_name, "ep_");
}

/* Finds items below PATH, in the order of their names, numbers by value; another USB device is not entered. */
static void walk(const char *place, const char *path, unsigned int depth)
{
	struct dirent **names;
	int count = depth < DEPTH ? scandir(path, &names, directories, versionsort) : 0;

	for (int i = 0; i < count; i++) {
		char below[PATH_BYTES], file[PATH_BYTES + 16];
		const char *name = names[i]->d_name;
		bool interface = begins(name, place) && name[strlen(place)] == ':';

		if (snprintf(below, sizeof(below), "%s/%s", path, name) < (int)sizeof(below)) {
			snprintf(file, sizeof(file), "%s/bDeviceClass", below);
			if (access(file, F_OK)) {
				found(interface ? name : place, below, name);
				walk(interface ? name : place, below, depth + 1);
			}
		}
		free(names[i]);
	}
	if (count > 0)
		free(names);
}

static int usb_devices_only(const struct dirent *e)
{
	return isdigit((unsigned char)e->d_name[0]) && !strchr(e->d_name, ':') && strlen(e->d_name) < USB_NAME_BYTES;
}

/* Calls LOOK for each device on BUSES that is no root hub, in order; their number. */
static unsigned int each_device(uint64_t buses, void (*look)(const char *place, const char *path, unsigned int depth))
{
	struct dirent **names;
	int all = scandir(DEVICES_DIR, &names, usb_devices_only, versionsort);
	unsigned int count = 0;

	for (int i = 0; i < all; i++) {
		char path[PATH_BYTES];

		snprintf(path, sizeof(path), DEVICES_DIR "/%s", names[i]->d_name);
		if (buses & BUS_BIT(strtoul(names[i]->d_name, NULL, 10))) {
			count++;
			if (look)
				look(names[i]->d_name, path, 0);
		}
		free(names[i]);
	}
	if (all >= 0)
		free(names);
	return count;
}

/* How many USB devices there are on these buses, root hubs not counted. */
unsigned int items_devices(uint64_t buses)
{
	return each_device(buses, NULL);
}

void items_find(uint64_t buses)
{
	each_device(buses, walk);
}
