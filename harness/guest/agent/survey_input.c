// SPDX-License-Identifier: GPL-2.0-only
/* Input devices: who they are, and every key, axis, light and effect they have. */
#include "survey.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* One note for each axis: a driver that changes one does not change the others. */
static void note_axis(struct item *item, unsigned int code)
{
	struct input_absinfo axis;
	char buffer[CODE_BYTES];

	if (ioctl(item->fd, EVIOCGABS(code), &axis))
		return;
	note_begin(item, "%s", code_name(EV_ABS, code, buffer));
	note_add(item, "%d to %d", axis.minimum, axis.maximum);
	if (axis.fuzz)
		note_add(item, "fuzz %d", axis.fuzz);
	if (axis.flat)
		note_add(item, "flat %d", axis.flat);
	if (axis.resolution)
		note_add(item, "resolution %d", axis.resolution);
	note_end(item);
}

/* What is a list of codes; axes have more to say. */
static const struct group {
	unsigned int type;
	const char *property;
} groups[] = {
	{ INPUT_PROPERTIES, "properties" }, { EV_KEY, "keys" }, { EV_REL, "rel" }, { EV_MSC, "msc" },
	{ EV_SW, "sw" }, { EV_LED, "led" }, { EV_SND, "snd" }, { EV_FF, "effects" },
};

static void note_group(struct item *item, const struct group *group)
{
	unsigned char bits[(KEY_MAX + 8) / 8] = { 0 };
	char buffer[CODE_BYTES];
	int size = ioctl(item->fd, group->type == INPUT_PROPERTIES ? EVIOCGPROP(sizeof(bits)) :
			 EVIOCGBIT(group->type, sizeof(bits)), bits);

	if (size < 0)
		return;
	note_begin(item, "%s", group->property);
	for (unsigned int code = 0; code < 8u * size && code <= KEY_MAX; code++)
		if (bits[code / 8] & 1 << code % 8)
			note_add(item, "%s", code_name(group->type, code, buffer));
	note_end(item);
}

static void note_axes(struct item *item)
{
	unsigned char bits[(ABS_MAX + 8) / 8] = { 0 };

	if (ioctl(item->fd, EVIOCGBIT(EV_ABS, sizeof(bits)), bits) < 0)
		return;
	for (unsigned int code = 0; code <= ABS_MAX; code++)
		if (bits[code / 8] & 1 << code % 8)
			note_axis(item, code);
}

/* The other nodes of the input device: js where it counts as a joystick, mouse where as a pointer. */
static void note_nodes(struct item *item, const char *input)
{
	bool joystick = false, mouse = false;
	DIR *dir = opendir(input);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		joystick |= !strncmp(e->d_name, "js", 2);
		mouse |= !strncmp(e->d_name, "mouse", 5);
	}
	if (dir)
		closedir(dir);
	note(item, "nodes", "event%s%s", joystick ? " js" : "", mouse ? " mouse" : "");
}

/* The node stays open, so that survey_listen() hears what the device sends from now on. */
void survey_input(struct item *item)
{
	char name[128] = "", unique[128] = "", input[PATH_BYTES];
	unsigned int repeat[2];
	struct input_id id;
	int effects;

	snprintf(input, sizeof(input), "%s", item->path);
	*strrchr(input, '/') = '\0';
	item->fd = node_open(&item->node, O_RDWR);
	if (item->fd < 0 || ioctl(item->fd, EVIOCGNAME(sizeof(name) - 1), name) < 0) {
		note(item, "open", "%m");
		return;
	}
	label(item, "input '%s'", name);
	if (!ioctl(item->fd, EVIOCGID, &id))
		note(item, "id", "bus %04x vendor %04x product %04x version %04x", id.bustype, id.vendor, id.product,
		     id.version);
	if (ioctl(item->fd, EVIOCGUNIQ(sizeof(unique) - 1), unique) > 0)
		note(item, "uniq", "%s", unique);
	note_nodes(item, input);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		note_group(item, &groups[i]);
	note_axes(item);
	if (!ioctl(item->fd, EVIOCGEFFECTS, &effects) && effects)
		note(item, "effects at once", "%d", effects);
	if (!ioctl(item->fd, EVIOCGREP, repeat))
		note(item, "repeat", "after %u ms every %u ms", repeat[0], repeat[1]);
}
