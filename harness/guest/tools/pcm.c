// SPDX-License-Identifier: GPL-2.0-only
/*
 * pcm play   NODE RATE CHANNELS BITS		plays stdin to its end
 * pcm record NODE RATE CHANNELS BITS FRAMES	writes so many frames to stdout
 *
 * NODE is /dev/snd/pcmC0D0p or ...c; BITS is 16 or 32, interleaved, little-endian. The
 * sound goes through as it is: there is no library in between that would convert it.
 */
#include "tools.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sound/asound.h>

#define MAX_BYTES (1u << 20)
#define PERIOD_US 20000
#define PAD_MS	  50		/* silence after the sound: snd-usb-audio ends a stream with its last packets unsent */

static struct snd_interval *interval(struct snd_pcm_hw_params *p, int param)
{
	return &p->intervals[param - SNDRV_PCM_HW_PARAM_FIRST_INTERVAL];
}

static void allow(struct snd_pcm_hw_params *p, int param, unsigned int min, unsigned int max)
{
	interval(p, param)->min = min;
	interval(p, param)->max = max;
	interval(p, param)->integer = min == max;
}

static void choose(struct snd_pcm_hw_params *p, int param, unsigned int bit)
{
	struct snd_mask *mask = &p->masks[param - SNDRV_PCM_HW_PARAM_FIRST_MASK];

	memset(mask, 0, sizeof(*mask));
	mask->bits[bit / 32] = 1u << bit % 32;
}

/* Sets the format; the kernel takes the longest buffer it has. Its size in frames. */
static snd_pcm_uframes_t configure(int fd, unsigned int rate, unsigned int channels, unsigned int bits)
{
	struct snd_pcm_hw_params p = { .rmask = ~0u, .info = ~0u };

	memset(p.masks, 0xff, sizeof(p.masks));
	for (size_t i = 0; i < ARRAY_SIZE(p.intervals); i++)
		p.intervals[i].max = ~0u;
	choose(&p, SNDRV_PCM_HW_PARAM_ACCESS, (int)SNDRV_PCM_ACCESS_RW_INTERLEAVED);
	choose(&p, SNDRV_PCM_HW_PARAM_FORMAT, (int)(bits == 16 ? SNDRV_PCM_FORMAT_S16_LE : SNDRV_PCM_FORMAT_S32_LE));
	allow(&p, SNDRV_PCM_HW_PARAM_RATE, rate, rate);
	allow(&p, SNDRV_PCM_HW_PARAM_CHANNELS, channels, channels);
	allow(&p, SNDRV_PCM_HW_PARAM_PERIOD_TIME, PERIOD_US, 2 * PERIOD_US);
	DO_IOCTL(fd, SNDRV_PCM_IOCTL_HW_PARAMS, &p);
	return interval(&p, SNDRV_PCM_HW_PARAM_BUFFER_SIZE)->min;
}

/* The stream starts by itself once START frames are there, and stops when the buffer has run dry or over. */
static void set_thresholds(int fd, snd_pcm_uframes_t start, snd_pcm_uframes_t size)
{
	struct snd_pcm_sw_params p = { .period_step = 1, .avail_min = 1, .start_threshold = start, .stop_threshold = size };

	DO_IOCTL(fd, SNDRV_PCM_IOCTL_SW_PARAMS, &p);
	DO_IOCTL(fd, SNDRV_PCM_IOCTL_PREPARE, NULL);
}

/* Moves FRAMES frames by REQUEST, which takes as many as it can at a time. */
static void move(int fd, unsigned long request, char *data, snd_pcm_uframes_t frames, size_t frame)
{
	while (frames) {
		struct snd_xferi x = { .buf = data, .frames = frames };

		if (ioctl(fd, request, &x) < 0)
			fail("transfer, %lu frames left: %m", frames);
		data += x.result * frame;
		frames -= x.result;
	}
}

int pcm_main(int argc, char **argv)
{
	bool play = argc == 6 && !strcmp(argv[1], "play");
	unsigned int rate, channels, bits;
	snd_pcm_uframes_t size, frames;
	size_t frame;
	char *data = NULL;
	int fd;

	if (!play && (argc != 7 || strcmp(argv[1], "record")))
		fail("usage: pcm play|record NODE RATE CHANNELS 16|32 [FRAMES]");
	rate = number(argv[3], 1, 1000000);
	channels = number(argv[4], 1, 32);
	bits = number(argv[5], 16, 32);
	frame = channels * bits / 8;
	data = calloc(1, MAX_BYTES + rate * PAD_MS / 1000 * frame);
	if (!data)
		fail("no memory");
	fd = open_node(argv[2], O_RDWR);
	size = configure(fd, rate, channels, bits);
	if (play) {
		frames = read_all(0, data, MAX_BYTES) / frame + rate * PAD_MS / 1000;
		set_thresholds(fd, frames < size ? frames : size, size);
		move(fd, SNDRV_PCM_IOCTL_WRITEI_FRAMES, data, frames, frame);
		DO_IOCTL(fd, SNDRV_PCM_IOCTL_DRAIN, NULL);
	} else {
		frames = number(argv[6], 1, MAX_BYTES / frame);
		set_thresholds(fd, 1, size);
		move(fd, SNDRV_PCM_IOCTL_READI_FRAMES, data, frames, frame);
		write_all(1, data, frames * frame);
	}
	return 0;
}
