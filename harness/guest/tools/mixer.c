// SPDX-License-Identifier: GPL-2.0-only
/*
 * mixer NODE		lists the controls of a card, one "NAME=VALUE,VALUE..." a line
 * mixer NODE NAME VALUE	sets all channels of a control
 *
 * NODE is /dev/snd/controlC0. Switches and numbers only.
 */
#include "tools.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <sound/asound.h>

#define CONTROLS 64

static unsigned int list(int fd, struct snd_ctl_elem_id *ids)
{
	struct snd_ctl_elem_list l = { .space = CONTROLS, .pids = ids };

	DO_IOCTL(fd, SNDRV_CTL_IOCTL_ELEM_LIST, &l);
	return l.used;
}

static unsigned int values(int fd, const struct snd_ctl_elem_id *id)
{
	struct snd_ctl_elem_info info = { .id = *id };

	DO_IOCTL(fd, SNDRV_CTL_IOCTL_ELEM_INFO, &info);
	if (info.type != SNDRV_CTL_ELEM_TYPE_BOOLEAN && info.type != SNDRV_CTL_ELEM_TYPE_INTEGER)
		return 0;
	return info.count < 128 ? info.count : 128;
}

static void print(int fd, const struct snd_ctl_elem_id *id)
{
	struct snd_ctl_elem_value value = { .id = *id };
	unsigned int count = values(fd, id);

	if (!count)
		return;
	DO_IOCTL(fd, SNDRV_CTL_IOCTL_ELEM_READ, &value);
	printf("%.44s", id->name);
	for (unsigned int i = 0; i < count; i++)
		printf("%c%ld", i ? ',' : '=', value.value.integer.value[i]);
	printf("\n");
}

static void set(int fd, const struct snd_ctl_elem_id *id, long wanted)
{
	struct snd_ctl_elem_value value = { .id = *id };
	unsigned int count = values(fd, id);

	for (unsigned int i = 0; i < count; i++)
		value.value.integer.value[i] = wanted;
	DO_IOCTL(fd, SNDRV_CTL_IOCTL_ELEM_WRITE, &value);
}

int mixer_main(int argc, char **argv)
{
	struct snd_ctl_elem_id ids[CONTROLS] = { 0 };
	unsigned int count;
	int fd;

	if (argc != 2 && argc != 4)
		fail("usage: mixer NODE [NAME VALUE]");
	fd = open_node(argv[1], O_RDWR);
	count = list(fd, ids);
	for (unsigned int i = 0; i < count; i++) {
		if (argc == 2) {
			print(fd, &ids[i]);
		} else if (!strncmp((char *)ids[i].name, argv[2], sizeof(ids[i].name))) {
			set(fd, &ids[i], number(argv[3], -(1L << 31), 1L << 31));
			return 0;
		}
	}
	if (argc == 4)
		fail("%s: no control of that name", argv[2]);
	return 0;
}
