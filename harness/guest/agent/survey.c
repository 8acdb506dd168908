// SPDX-License-Identifier: GPL-2.0-only
/*
 * survey: what user space sees of the USB devices that are plugged in. The directories of a device are
 * walked for class devices, each of which is an item. They are asked one after the other, as the order in which a
 * device is asked may decide what it answers; one that does not answer in time is given up.
 */
#define _GNU_SOURCE
#include "survey.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_BYTES (1u << 20)
#define CUT_BYTES    128		/* room for the line that says that it was cut */
#define QUIET_MS     2000	/* longer than usb-storage waits before it looks for disks (delay_use) */
#define QUIET_MAX_MS 20000
#define STEP_MS	     50
#define ITEM_MS	     20000	/* four control transfers without an answer */
#define ITEMS_MS     90000	/* for all of them: what is left then is not asked */
#define SURVEY_MS    120000	/* with the events */

/* What is asked how; the first row that matches the subsystem and the beginning of the name. */
static const struct row {
	const char *subsystem, *prefix;
	survey_fn *run;
} rows[] = {
	{ "input",        "event",    survey_input },
	{ "sound",        "controlC", survey_sound },
	{ "video4linux",  "v4l-",     survey_named },
	{ "video4linux",  "",         survey_video },
	{ "net",          "",         survey_net },
	{ "block",        "",         survey_block },
	{ "scsi",         "",         survey_scsi },
	{ "tty",          "",         survey_tty },
	{ "leds",         "",         survey_led },
	{ "power_supply", "",         survey_power },
	{ "hwmon",        "",         survey_hwmon },
	{ "iio",          "",         survey_iio },
	{ "i2c",          "",         survey_adapter },
	{ "i2c-dev",      "",         survey_adapter },
	{ "usb",          "",         survey_interface },
	{ "hid",          "",         survey_bound },
	{ "usb-serial",   "",         survey_bound },
	{ "",             "",         survey_named },
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

static survey_fn *asker_of(const struct node *node)
{
	const struct row *row = rows;

	while (*row->subsystem && (strcmp(row->subsystem, node->subsystem) || !begins(node->name, row->prefix)))
		row++;
	return row->run;
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

/* Whether RUN has returned in MS. When not, its thread hangs on, and ITEM and ASKING are its own from now on. */
static bool ask(struct item *item, survey_fn *run, int ms)
{
	struct asking *asking = ms > 0 ? calloc(1, sizeof(*asking)) : NULL;
	struct timespec end = in_ms(ms);
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
	if (pthread_create(&thread, NULL, ask_thread, asking)) {
		free(asking);
		return false;
	}
	pthread_mutex_lock(&asking->lock);
	while (!asking->done && !pthread_cond_timedwait(&asking->ended, &asking->lock, &end))
		;
	done = asking->done;
	pthread_mutex_unlock(&asking->lock);
	if (done && !pthread_join(thread, NULL))
		free(asking);
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

/* A line for each note. An item without notes is present, which goes without saying of an interface. */
static void print(FILE *out, const struct item *item, const char *notes)
{
	if (!*notes && strcmp(item->node.subsystem, "usb"))
		fprintf(out, "%s %s\tpresent\n", item->place, item->label);
	while (*notes) {
		size_t len = strcspn(notes, "\n");

		fprintf(out, "%s %s%s%.*s\n", item->place, item->label, *notes == '\t' ? "" : " ", (int)len, notes);
		notes += len + (notes[len] == '\n');
	}
}

static void survey_item(FILE *out, size_t index, int64_t end)
{
	int64_t left = end - now_ms();
	struct item *item = items[index], *given_up = malloc(sizeof(*given_up));
	survey_fn *run = asker_of(&item->node);
	char *notes = NULL;
	size_t len = 0;

	item->out = open_memstream(&notes, &len);
	if (!item->out || !given_up)
		return;
	*given_up = *item;
	if (!ask(item, run, left < ITEM_MS ? left : ITEM_MS)) {
		items[index] = given_up;
		number_label(given_up, index);
		print(out, given_up, "\tno answer\n");
		return;
	}
	free(given_up);
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
				listeners[i].endless ? "without end" : listeners[i].text);
}

/* The length of a survey that has filled TEXT, once its last line says so; what devices can make of it is not bounded. */
static size_t cut(char *text)
{
	size_t len = ANSWER_BYTES - CUT_BYTES;

	while (len && text[len - 1] != '\n')
		len--;
	return len + snprintf(text + len, CUT_BYTES, "%s survey\tcut\n", items[0]->place);
}

static int survey_child(const void *arg)
{
	const struct survey *survey = arg;
	FILE *out = fmemopen(survey->text, ANSWER_BYTES, "w");
	int64_t end = now_ms() + ITEMS_MS;

	if (!out)
		return -1;
	items_find(survey->buses);
	for (size_t i = 0; i < item_count; i++)
		survey_item(out, i, end);
	survey_events(out);
	*survey->len = fflush(out) || ferror(out) ? cut(survey->text) : (size_t)ftell(out);
	return 0;
}

/* Until no uevent of these buses has come for a while: disks are looked for, and other work is put off, after a probe. */
static void wait_until_quiet(uint64_t buses)
{
	int64_t end = now_ms() + QUIET_MAX_MS, quiet_since = now_ms();
	unsigned int seen = uevent_drain(buses), now;

	while (items_devices(buses) && now_ms() < end && now_ms() < quiet_since + QUIET_MS) {
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
