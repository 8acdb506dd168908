/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the verb `survey` share. Each class device below a USB device is an item; the function for
 * its subsystem says what user space sees of it, as notes. It runs in a thread of a child, which is given up
 * when the device does not answer, so it uses nothing but its own item.
 */
#ifndef USBFUZZ_SURVEY_H
#define USBFUZZ_SURVEY_H

#include "agent.h"

#include <dirent.h>
#include <stdio.h>

#define PATH_BYTES  320
#define LABEL_BYTES 200

struct item {
	char place[2 * USB_NAME_BYTES];	/* 3-1, or 3-1:1.0 */
	char path[PATH_BYTES];		/* its directory in sysfs */
	struct node node;
	char label[LABEL_BYTES];	/* "input 'Product 1'"; the same one for several items, which are numbered later */
	int fd;				/* an event node that stays open to be listened to, -1 = none */
	FILE *out;			/* a line for each note: PROPERTY, a tab, what it is */
	char *list;			/* the note that is being written */
	size_t list_len;
	FILE *list_out;
	char property[LABEL_BYTES];
};

/* notes.c */
void note(struct item *item, const char *property, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void note_begin(struct item *item, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void note_add(struct item *item, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void note_end(struct item *item);
void label(struct item *item, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool attribute(const struct item *item, const char *name, char *text, size_t size);
void note_attribute(struct item *item, const char *name);
bool link_name(const char *path, const char *link, char *name, size_t size);
void note_driver(struct item *item, const char *link);
void plain_name(const struct item *item, char *name, size_t size);
typedef void entry_fn(struct item *item, const char *directory, const struct dirent *entry);
void each_entry(struct item *item, const char *directory, int (*wanted)(const struct dirent *), entry_fn *take);

/* items.c */
#define ITEMS 512
extern struct item *items[ITEMS];
extern size_t item_count;
bool begins(const char *text, const char *prefix);
void items_find(uint64_t buses);
unsigned int items_devices(uint64_t buses);

/* codes.c */
#define INPUT_PROPERTIES 0x20	/* EV_CNT, no event type: what EVIOCGPROP tells */
#define CODE_BYTES	 32
const char *code_name(unsigned int type, unsigned int code, char buffer[CODE_BYTES]);

/* pcm.c */
void survey_pcm(struct item *item, unsigned int card, unsigned int device, bool capture);

/* survey_events.c */
struct listener {
	const struct item *item;
	FILE *out;
	char *text;			/* the events so far, once `out` is closed */
	size_t len;
	unsigned int count;
	int64_t last;			/* guest ms, when it heard something */
	bool inside;			/* a frame has begun */
	bool unasked;			/* the device spoke before it was told that it is heard */
	bool endless;			/* it does not stop, or went on: what was heard of it is chance */
};
void survey_listen(struct listener *listeners, size_t count);

/* survey_*.c: what there is to say of an item, and its label when there is a better one than its name */
typedef void survey_fn(struct item *item);
survey_fn survey_input, survey_sound, survey_video;
survey_fn survey_net, survey_block, survey_scsi, survey_tty, survey_led, survey_power, survey_hwmon, survey_iio;
survey_fn survey_adapter, survey_named;
survey_fn survey_interface, survey_bound;

#endif
