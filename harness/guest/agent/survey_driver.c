// SPDX-License-Identifier: GPL-2.0-only
/* The attributes that a driver adds to the interface, the HID device or the port that it is bound to. */
#define _GNU_SOURCE
#include "survey.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN_BYTES 128		/* the longest text that is shown; tables and reports are only named */

/* What usb core (drivers/usb/core/sysfs.c), hid core and the driver core give to each. */
static const char *const standard[] = {
	"uevent", "modalias", "authorized", "bAlternateSetting", "bInterfaceClass", "bInterfaceNumber", "bInterfaceProtocol",
	"bInterfaceSubClass", "bNumEndpoints", "iad_bFirstInterface", "iad_bFunctionClass", "iad_bFunctionProtocol",
	"iad_bFunctionSubClass", "iad_bInterfaceCount", "interface", "supports_autosuspend", "wireless_status",
	"report_descriptor", "country", "waiting_for_supplier", "driver_override", "dev",
};

static bool is_standard(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(standard); i++)
		if (!strcmp(name, standard[i]))
			return true;
	return false;
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.' && (e->d_type == DT_DIR || (e->d_type == DT_REG && !is_standard(e->d_name)));
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
			return false;
	return true;
}

/* Its text, when that is one short line and the same when it is read again: what the kernel counts is not. */
static void note_own(struct item *item, const char *name)
{
	char text[SHOWN_BYTES + 2], again[SHOWN_BYTES + 2], path[PATH_BYTES + 300], property[320];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", item->path, name);
	snprintf(property, sizeof(property), "attribute %s", name);
	if (stat(path, &st))
		return;
	if (!(st.st_mode & 0444))
		note(item, property, "write-only");
	else if (!attribute(item, name, text, sizeof(text)))
		note(item, property, "cannot be read: %m");
	else if (!*text || strlen(text) > SHOWN_BYTES || !is_printable(text) ||
		 !attribute(item, name, again, sizeof(again)) || strcmp(text, again))
		note(item, property, "present");
	else
		note(item, property, "%s", text);
}

/* An attribute, or a group of them: a directory that is no device. */
static void note_entry(struct item *item, const char *directory, const struct dirent *entry)
{
	char name[300], device[PATH_BYTES + 620];

	snprintf(name, sizeof(name), "%s%s%.*s", directory, *directory ? "/" : "", 120, entry->d_name);
	snprintf(device, sizeof(device), "%s/%s/uevent", item->path, name);
	if (entry->d_type == DT_REG)
		note_own(item, name);
	else if (!*directory && access(device, F_OK) && strcmp(name, "power") && strcmp(name, "physical_location"))
		each_entry(item, name, visible, note_entry);
}

/* Devices on the hid and usb-serial buses. */
void survey_bound(struct item *item)
{
	note_driver(item, ".");
	each_entry(item, "", visible, note_entry);
}

/* An interface, of which the driver is recorded elsewhere. */
void survey_interface(struct item *item)
{
	label(item, "usb");
	each_entry(item, "", visible, note_entry);
}
