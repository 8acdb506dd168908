// SPDX-License-Identifier: GPL-2.0-only
/*
 * survey: what user space sees of the USB devices that are plugged in. The directories of a device are
 * walked for class devices, each of which is an item. They are asked one after the other, as the order in which a
 * device is asked may decide what it answers; one that does not answer in time is given up.
 */
#define _GNU_SOURCE
#include "survey.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ITEMS	     512
#define DEPTH	     16
#define ANSWER_BYTES (1u << 20)
#define QUIET_MS     2000	/* longer than usb-storage waits before it looks for disks (delay_use) */
#define QUIET_MAX_MS 20000
#define STEP_MS	     50
#define ITEM_MS	     20000	/* four control transfers without an answer */
#define SURVEY_MS    120000
#define USB_DEVICES_DIR "/sys/bus/usb/devices"

/* What is asked how; the first row that matches the subsystem and the beginning of the name. */
static const struct {
	const char *subsystem, *prefix;
	survey_fn *run;
} rows[] = {
	{ "input", "event",    survey_input },
	{ "sound", "controlC", survey_sound },
};

/* Subsystems and names that say nothing, or that another item speaks for; OSS nodes are made by the kernel for any card. */
static const struct {
	const char *subsystem, *prefix;
} silent[] = {
	{ "usb", "" }, { "input", "input" }, { "input", "js" }, { "input", "mouse" }, { "sound", "card" },
	{ "sound", "pcmC" }, { "sound", "midiC" }, { "sound", "dsp" }, { "sound", "audio" }, { "sound", "mixer" },
	{ "sound", "adsp" }, { "sound", "midi" }, { "sound", "amidi" }, { "sound", "dmmidi" }, { "bdi", "" }, { "wakeup", "" },
};

struct survey {
	uint64_t buses;
	char *text;			/* ANSWER_BYTES, shared with the child */
	size_t *len;
};

struct asking {
	struct item *item;
	survey_fn *run;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
};

static struct item *items[ITEMS];
static size_t item_count;

static bool begins(const char *text, const char *prefix)
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

static survey_fn *asker_of(const struct node *node)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(node->subsystem, rows[i].subsystem) && begins(node->name, rows[i].prefix))
			return rows[i].run;
	return NULL;
}

static void find_node(struct item *item)
{
	char text[1024], *line;

	if (!attribute(item, "uevent", text, sizeof(text)))
		return;
	line = strstr(text, "DEVNAME=");
	if (line)
		snprintf(item->node.dev, sizeof(item->node.dev), "%.*s", (int)strcspn(line + 8, "\n"), line + 8);
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
	snprintf(item->label, sizeof(item->label), "%s%s%s", item->node.subsystem, *plain ? " " : "", plain);
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
	int all = scandir(USB_DEVICES_DIR, &names, usb_devices_only, versionsort);
	unsigned int count = 0;

	for (int i = 0; i < all; i++) {
		char path[PATH_BYTES];

		snprintf(path, sizeof(path), USB_DEVICES_DIR "/%s", names[i]->d_name);
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

static void *ask_thread(void *arg)
{
	struct asking *asking = arg;

	asking->run(asking->item);
	pthread_mutex_lock(&asking->lock);
	asking->done = true;
	pthread_cond_signal(&asking->ended);
	pthread_mutex_unlock(&asking->lock);
	return NULL;
}

static struct timespec in_ms(int ms)
{
	int64_t end = now_ms() + ms;

	return (struct timespec){ .tv_sec = end / 1000, .tv_nsec = end % 1000 * 1000000 };
}

/* Whether RUN has returned in time. When not, its thread hangs on, and ITEM is its own from now on. */
static bool ask(struct item *item, survey_fn *run)
{
	struct asking *asking = calloc(1, sizeof(*asking));
	struct timespec end = in_ms(ITEM_MS);
	pthread_condattr_t monotonic;
	pthread_t thread;
	bool done;

	if (!asking)
		return false;
	asking->item = item;
	asking->run = run;
	pthread_mutex_init(&asking->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&asking->ended, &monotonic);
	if (pthread_create(&thread, NULL, ask_thread, asking))
		return false;
	pthread_mutex_lock(&asking->lock);
	while (!asking->done && !pthread_cond_timedwait(&asking->ended, &asking->lock, &end))
		;
	done = asking->done;
	pthread_mutex_unlock(&asking->lock);
	return done;
}

/* "input 'Name'", and "input 'Name' #2" for the next of that label in the same place. */
static void number_label(struct item *item, size_t before)
{
	unsigned int number = 1;
	size_t len = strlen(item->label);

	for (size_t i = 0; i < before; i++)
		if (!strcmp(items[i]->place, item->place) && begins(items[i]->label, item->label) &&
		    (!items[i]->label[len] || begins(items[i]->label + len, " #")))
			number++;
	if (number > 1 && len + 8 < sizeof(item->label))
		snprintf(item->label + len, sizeof(item->label) - len, " #%u", number);
}

/* A line for each note; the item's own, without a property, when there is none. */
static void print(FILE *out, const struct item *item, const char *notes)
{
	if (!*notes)
		fprintf(out, "%s %s\tpresent\n", item->place, item->label);
	while (*notes) {
		size_t len = strcspn(notes, "\n");

		fprintf(out, "%s %s%s%.*s\n", item->place, item->label, *notes == '\t' ? "" : " ", (int)len, notes);
		notes += len + (notes[len] == '\n');
	}
}

static void survey_item(FILE *out, size_t index)
{
	struct item *item = items[index], given_up = *item;
	survey_fn *run = asker_of(&item->node);
	char *notes = NULL;
	size_t len = 0;

	item->out = open_memstream(&notes, &len);
	if (!item->out)
		return;
	if (run && !ask(item, run)) {
		items[index] = memcpy(malloc(sizeof(given_up)), &given_up, sizeof(given_up));
		number_label(items[index], index);
		print(out, items[index], "\tno answer\n");
		return;
	}
	fclose(item->out);
	number_label(item, index);
	print(out, item, notes);
	free(notes);
}

static void survey_events(FILE *out)
{
	struct listener *listeners = calloc(ITEMS, sizeof(*listeners));
	size_t count = 0;

	for (size_t i = 0; listeners && i < item_count; i++)
		if (items[i]->fd >= 0)
			listeners[count++].item = items[i];
	if (count)
		survey_listen(listeners, count);
	for (size_t i = 0; i < count; i++)
		if (listeners[i].text && listeners[i].len)
			fprintf(out, "%s %s events\t%s\n", listeners[i].item->place, listeners[i].item->label,
				listeners[i].text);
}

static int survey_child(const void *arg)
{
	const struct survey *survey = arg;
	FILE *out = fmemopen(survey->text, ANSWER_BYTES, "w");

	if (!out)
		return -1;
	each_device(survey->buses, walk);
	for (size_t i = 0; i < item_count; i++)
		survey_item(out, i);
	survey_events(out);
	fflush(out);
	*survey->len = ftell(out);
	return 0;
}

/* Until no uevent of these buses has come for a while: disks are looked for, and other work is put off, after a probe. */
static void wait_until_quiet(uint64_t buses)
{
	int64_t end = now_ms() + QUIET_MAX_MS, quiet_since = now_ms();
	unsigned int seen = uevent_drain(buses), now;

	while (each_device(buses, NULL) && now_ms() < end && now_ms() < quiet_since + QUIET_MS) {
		usleep(STEP_MS * 1000);
		now = uevent_drain(buses);
		if (now != seen)
			quiet_since = now_ms();
		seen = now;
	}
}

/* survey [BUS...] */
void survey_run(struct job *job)
{
	struct survey survey = { .buses = buses_of(job->args) };
	char *shared = mmap(NULL, ANSWER_BYTES + sizeof(size_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (!survey.buses) {
		reply(job->id, "error bad bus");
	} else if (shared == MAP_FAILED) {
		reply(job->id, "error out of memory");
	} else {
		survey.text = shared + sizeof(size_t);
		survey.len = (size_t *)shared;
		wait_until_quiet(survey.buses);
		if (child_run(survey_child, &survey, SURVEY_MS))
			reply(job->id, "error survey: it did not end");
		else
			reply_data(job->id, survey.text, *survey.len);
	}
	if (shared != MAP_FAILED)
		munmap(shared, ANSWER_BYTES + sizeof(size_t));
}
