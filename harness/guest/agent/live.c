// SPDX-License-Identifier: GPL-2.0-only
/*
 * What devices on USB buses have brought and not taken away: what programs of user space can open. The table is
 * shared with children, which look into it while the agent reads uevents; a sequence number tells them of changes.
 */
#define _GNU_SOURCE
#include "live.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LIVE 512

static struct table {
	atomic_uint changes;		/* odd while it is written to */
	unsigned int count;
	struct node live[LIVE];
} *table;

void live_open(void)
{
	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (table == MAP_FAILED)
		die("no memory for the table of nodes: %m");
}

/* What is of no USB bus is not the device's, nor are the root hubs (usb3, 3-0:1.0). The caller is the only writer. */
void live_track(const struct node *node, bool add)
{
	unsigned int i;

	if (!node->bus || node->bus >= BUSES || !strncmp(node->name, "usb", 3) || strstr(node->name, "-0:"))
		return;
	for (i = 0; i < table->count; i++)
		if (!strcmp(table->live[i].name, node->name) && !strcmp(table->live[i].subsystem, node->subsystem))
			break;
	atomic_fetch_add(&table->changes, 1);
	if (i < table->count) {		/* one that comes again is the last again */
		table->count--;
		memmove(&table->live[i], &table->live[i + 1], (table->count - i) * sizeof(*table->live));
	}
	if (add && table->count < LIVE)
		table->live[table->count++] = *node;
	atomic_fetch_add(&table->changes, 1);
}

static struct table *copied(void)
{
	struct table *copy = malloc(sizeof(*copy));
	unsigned int before;

	do {
		before = atomic_load(&table->changes);
		if (copy)
			memcpy(copy, table, sizeof(*copy));
	} while (before % 2 || before != atomic_load(&table->changes));
	return copy;
}

/* The part of PATTERN that names a directory of sysfs, and the file in it, which is "" when none is named. */
static const char *split(const char *pattern, char *head, size_t size)
{
	int slashes = strncmp(pattern, "/sys/bus/", 9) ? 5 : 6;
	const char *p = pattern;

	while (*p && (*p != '/' || --slashes))
		p++;
	snprintf(head, size, "%.*s", (int)(p - pattern), pattern);
	return *p ? p + 1 : "";
}

/* The NTH file of a directory that FILE matches; one that names a directory of its own is taken as it is. */
static bool file_of(const char *dir, const char *file, unsigned int *nth, char *path, size_t size)
{
	struct dirent **entries;
	int count;
	bool found = false;

	if (!*file || strchr(file, '/')) {
		snprintf(path, size, *file ? "%s/%s" : "%s", dir, file);
		return !(*nth)--;
	}
	count = scandir(dir, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		if (!found && *entries[i]->d_name != '.' && !fnmatch(file, entries[i]->d_name, 0)) {
			snprintf(path, size, "%s/%s", dir, entries[i]->d_name);
			found = !(*nth)--;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return found;
}

static bool matches(const struct node *node, const char *pattern, unsigned int *nth, char *path, size_t size)
{
	static const char *const forms[] = { "/sys/class/%s/%s", "/sys/bus/%s/devices/%s" };
	char head[LIVE_PATH_BYTES], dir[LIVE_PATH_BYTES];
	const char *file;

	if (!strncmp(pattern, "/dev/", 5)) {
		snprintf(path, size, "/dev/%s", node->dev);
		return *node->dev && !fnmatch(pattern, path, 0) && !(*nth)--;
	}
	file = split(pattern, head, sizeof(head));
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		snprintf(dir, sizeof(dir), forms[i], node->subsystem, node->name);
		if (!fnmatch(head, dir, FNM_PATHNAME))
			return file_of(dir, file, nth, path, size);
	}
	return false;
}

/* Whether there is an NTH (from 0) thing of BUSES that PATTERN matches: its path, and which it is. */
bool live_find(const char *pattern, unsigned int nth, uint64_t buses, char *path, size_t size, struct node *node)
{
	struct table *copy = table ? copied() : NULL;	/* not PID 1: nobody listens to uevents */
	bool found = false;

	for (unsigned int i = 0; copy && !found && i < copy->count && i < LIVE; i++) {
		if (!(buses & BUS_BIT(copy->live[i].bus)))
			continue;
		found = matches(&copy->live[i], pattern, &nth, path, size);
		if (found)
			*node = copy->live[i];
	}
	free(copy);
	return found;
}
