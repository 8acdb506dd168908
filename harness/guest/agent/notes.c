// SPDX-License-Identifier: GPL-2.0-only
/* Notes of a survey: printable, without what the kernel counts; and small files of sysfs. */
#define _GNU_SOURCE
#include "survey.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTE_BYTES 8000		/* of one note; a keyboard with every key has some 7000 */

/*
 * One line whatever a device puts into its names; what is above ASCII stays, the host decodes it. It ends with " ..."
 * where NOTE_BYTES are written and TEXT goes on.
 */
static void write_printable(FILE *out, const char *text, size_t len)
{
	size_t written = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (written >= NOTE_BYTES) {
			fputs(" ...", out);
			return;
		}
		written += c < ' ' || c == 0x7f ? fprintf(out, "\\x%02x", c) : fputc(c, out) != EOF;
	}
}

/* Begins the note of a property, to which words are added. */
void note_begin(struct item *item, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(item->property, sizeof(item->property), fmt, ap);
	va_end(ap);
	item->list_out = open_memstream(&item->list, &item->list_len);
}

/* Adds words to the note, with a space before them. */
void note_add(struct item *item, const char *fmt, ...)
{
	va_list ap;

	if (!item->list_out)
		return;
	if (ftell(item->list_out) > 0)
		fputc(' ', item->list_out);
	va_start(ap, fmt);
	vfprintf(item->list_out, fmt, ap);
	va_end(ap);
}

/* Writes the note down, unless it is empty. */
void note_end(struct item *item)
{
	if (item->list_out && !fclose(item->list_out) && item->list_len) {
		write_printable(item->out, item->property, strlen(item->property));
		fputc('\t', item->out);
		write_printable(item->out, item->list, item->list_len);
		fputc('\n', item->out);
	}
	free(item->list);
	item->list = NULL;
	item->list_out = NULL;
}

void note(struct item *item, const char *property, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	note_begin(item, "%s", property);
	if (text && *text)
		note_add(item, "%s", text);
	note_end(item);
	free(text);
}

/* What the item is called, on one line whatever the device calls itself. */
void label(struct item *item, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(item->label, sizeof(item->label), fmt, ap);
	va_end(ap);
	for (char *c = item->label; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

/* An attribute's text, its lines joined by spaces; false when there is none, or it cannot be read. */
bool attribute(const struct item *item, const char *name, char *text, size_t size)
{
	char path[PATH_BYTES + 64];
	size_t len;
	char *all;

	snprintf(path, sizeof(path), "%s/%s", item->path, name);
	all = slurp(path, &len);
	if (!all)
		return false;
	while (len && isspace((unsigned char)all[len - 1]))
		all[--len] = '\0';
	for (char *c = all; (c = strchr(c, '\n')); c++)
		*c = ' ';
	snprintf(text, size, "%s", all);
	free(all);
	return true;
}

/* A note with the attribute's name and text, if it has any. */
void note_attribute(struct item *item, const char *name)
{
	char text[256];

	if (attribute(item, name, text, sizeof(text)))
		note(item, name, "%s", text);
}

/* The last part of what a link in the directory PATH points to. */
bool link_name(const char *path, const char *link, char *name, size_t size)
{
	char file[PATH_BYTES + 64], target[PATH_BYTES * 2];
	const char *slash;
	ssize_t n;

	snprintf(file, sizeof(file), "%s/%s", path, link);
	n = readlink(file, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, size, "%s", slash ? slash + 1 : target);
	return true;
}

/* A note with the driver of the device that LINK in the item's directory points to. */
void note_driver(struct item *item, const char *link)
{
	char path[PATH_BYTES + 32], driver[64];

	snprintf(path, sizeof(path), "%s/%s", item->path, link);
	if (link_name(path, "driver", driver, sizeof(driver)))
		note(item, "driver", "%s", driver);
}

static bool is_hex(const char *text, size_t count)
{
	while (count && isxdigit((unsigned char)*text)) {
		text++;
		count--;
	}
	return !count;
}

/* 0003:046D:C52B of 0003:046D:C52B.0002, which counts the HID devices of the guest. */
static bool hid_id(const char *text)
{
	return is_hex(text, 4) && text[4] == ':' && is_hex(text + 5, 4) && text[9] == ':' && is_hex(text + 10, 4) &&
	       text[14] == '.' && is_hex(text + 15, 4);
}

/* Words after which the kernel puts a number that it counts over the whole machine. */
static const char *const counted[] = {
	"input", "event", "mouse", "js", "hidraw", "hiddev", "card", "video", "phy", "mmc", "hci", "dvb", "usb", "eth",
	"wlan", "wwan", "can", "rfkill", "host", "target", "radio", "vbi", "media", "xpad", "led", "wdm", "lp", "hwC",
	"umpC", "comprC",
};

static size_t counted_word(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
		size_t len = strlen(counted[i]);

		if (!strncmp(text, counted[i], len) && isdigit((unsigned char)text[len]))
			return len;
	}
	return 0;
}

/* The item's kernel name without numbers that depend on what else was plugged in, or when. */
void plain_name(const struct item *item, char *name, size_t size)
{
	const char *from = item->node.name;
	size_t used = 0, place = strcspn(item->place, ":");
	bool inside = false;		/* a word has begun */

	while (*from && used + 16 < size) {
		size_t len = inside ? 0 : counted_word(from);

		if (!inside && hid_id(from)) {
			memcpy(name + used, from, 14);
			used += 14;
			from += 19;
		} else if (!inside && !strncmp(from, item->place, place) && !isdigit((unsigned char)from[place])) {
			from += place;
		} else if (len) {
			memcpy(name + used, from, len);
			used += len;
			from += len + strspn(from + len, "0123456789");
		} else {
			inside = isalnum((unsigned char)*from);
			name[used++] = *from++;
		}
	}
	if (!strchr(item->node.name, ':'))	/* ttyUSB0, ptp1: what is left at the end is a counter */
		while (used && isdigit((unsigned char)name[used - 1]))
			used--;
	name[used] = '\0';
}

/* Takes what is `wanted` in a directory of the item's, in the order of the names. */
void each_entry(struct item *item, const char *directory, int (*wanted)(const struct dirent *), entry_fn *take)
{
	char path[PATH_BYTES + 300];
	struct dirent **names;
	int count;

	snprintf(path, sizeof(path), "%s/%s", item->path, directory);
	count = scandir(path, &names, wanted, alphasort);
	for (int i = 0; i < count; i++) {
		take(item, directory, names[i]);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}
