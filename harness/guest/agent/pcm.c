// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a PCM stream can be set to. A device has a list of settings, and ALSA's answer to a question about
 * one parameter depends on the others; so it is asked for each format and number of channels which rates there are.
 */
#include "survey.h"

#include <fcntl.h>
#include <sound/asound.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CHANNELS 64

static const char *const format_names[] = {
	[0] = "S8", "U8", "S16_LE", "S16_BE", "U16_LE", "U16_BE", "S24_LE", "S24_BE", "U24_LE", "U24_BE", "S32_LE", "S32_BE",
	"U32_LE", "U32_BE", "FLOAT_LE", "FLOAT_BE", "FLOAT64_LE", "FLOAT64_BE", "IEC958_SUBFRAME_LE",
	"IEC958_SUBFRAME_BE", "MU_LAW", "A_LAW", "IMA_ADPCM", "MPEG", "GSM", "S20_LE", "S20_BE", "U20_LE", "U20_BE",
	[31] = "SPECIAL", "S24_3LE", "S24_3BE", "U24_3LE", "U24_3BE", "S20_3LE", "S20_3BE", "U20_3LE", "U20_3BE",
	"S18_3LE", "S18_3BE", "U18_3LE", "U18_3BE", "G723_24", "G723_24_1B", "G723_40", "G723_40_1B", "DSD_U8",
	"DSD_U16_LE", "DSD_U32_LE", "DSD_U16_BE", "DSD_U32_BE",
};

static const unsigned int rates[] = {
	5512, 6000, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000, 128000, 176400, 192000,
	352800, 384000, 705600, 768000,
};

static struct snd_interval *interval(struct snd_pcm_hw_params *p, int parameter)
{
	return &p->intervals[parameter - SNDRV_PCM_HW_PARAM_FIRST_INTERVAL];
}

static void any(struct snd_pcm_hw_params *p)
{
	memset(p, 0, sizeof(*p));
	memset(p->masks, 0xff, sizeof(p->masks));
	for (size_t i = 0; i < ARRAY_SIZE(p->intervals); i++)
		p->intervals[i].max = ~0u;
	p->rmask = ~0u;
}

static void choose(struct snd_pcm_hw_params *p, unsigned int format, unsigned int channels)
{
	struct snd_mask *mask = &p->masks[SNDRV_PCM_HW_PARAM_FORMAT - SNDRV_PCM_HW_PARAM_FIRST_MASK];

	any(p);
	memset(mask, 0, sizeof(*mask));
	mask->bits[format / 32] = 1u << format % 32;
	if (channels)
		*interval(p, SNDRV_PCM_HW_PARAM_CHANNELS) = (struct snd_interval){
			.min = channels, .max = channels, .integer = 1,
		};
}

static bool has_rate(int fd, unsigned int format, unsigned int channels, unsigned int rate)
{
	struct snd_pcm_hw_params p;

	choose(&p, format, channels);
	*interval(&p, SNDRV_PCM_HW_PARAM_RATE) = (struct snd_interval){ .min = rate, .max = rate, .integer = 1 };
	return !ioctl(fd, SNDRV_PCM_IOCTL_HW_REFINE, &p);
}

/* "8000 48000", or "8000 to 48000" where a rate that is nobody's custom is taken too. */
static void add_rates(struct item *item, int fd, unsigned int format, unsigned int channels)
{
	struct snd_pcm_hw_params p;
	const struct snd_interval *rate = interval(&p, SNDRV_PCM_HW_PARAM_RATE);
	bool ends = false;

	choose(&p, format, channels);
	if (ioctl(fd, SNDRV_PCM_IOCTL_HW_REFINE, &p))
		return;
	if (rate->max - rate->min > 2 && has_rate(fd, format, channels, rate->min + 1)) {
		note_add(item, "%u to %u", rate->min, rate->max);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
		if (rates[i] >= rate->min && rates[i] <= rate->max && has_rate(fd, format, channels, rates[i])) {
			note_add(item, "%u", rates[i]);
			ends = rates[i] == rate->max;
		}
	if (!ends)
		note_add(item, "%u", rate->max);
}

static void note_format(struct item *item, int fd, const char *stream, unsigned int format)
{
	struct snd_pcm_hw_params p;
	struct snd_interval channels;
	char number[16];
	const char *name = format < ARRAY_SIZE(format_names) ? format_names[format] : NULL;

	snprintf(number, sizeof(number), "format %u", format);
	choose(&p, format, 0);
	if (ioctl(fd, SNDRV_PCM_IOCTL_HW_REFINE, &p))
		return;
	channels = *interval(&p, SNDRV_PCM_HW_PARAM_CHANNELS);
	for (unsigned int n = channels.min; n <= channels.max && n <= CHANNELS; n++) {
		note_begin(item, "%s %s x %u", stream, name ? name : number, n);
		add_rates(item, fd, format, n);
		note_end(item);
	}
}

static void note_settings(struct item *item, int fd, const char *stream)
{
	struct snd_pcm_hw_params p;
	const struct snd_mask *formats = &p.masks[SNDRV_PCM_HW_PARAM_FORMAT - SNDRV_PCM_HW_PARAM_FIRST_MASK];

	any(&p);
	if (ioctl(fd, SNDRV_PCM_IOCTL_HW_REFINE, &p)) {
		note(item, stream, "no setting: %m");
		return;
	}
	for (unsigned int format = 0; format < 64; format++)
		if (formats->bits[format / 32] & 1u << format % 32)
			note_format(item, fd, stream, format);
}

/* One direction of a PCM device, whose name is in the control node's reach; nothing when it does not go there. */
void survey_pcm(struct item *item, unsigned int card, unsigned int device, bool capture)
{
	struct snd_pcm_info info = {
		.device = device, .stream = capture ? SNDRV_PCM_STREAM_CAPTURE : SNDRV_PCM_STREAM_PLAYBACK,
	};
	struct node node = { 0 };
	char stream[32], property[64];
	int fd;

	if (ioctl(item->fd, SNDRV_CTL_IOCTL_PCM_INFO, &info))
		return;
	snprintf(stream, sizeof(stream), "%s %u", capture ? "capture" : "playback", device);
	snprintf(property, sizeof(property), "%s name", stream);
	note(item, property, "'%.*s' '%.*s'%s", (int)sizeof(info.id), info.id, (int)sizeof(info.name), info.name,
	     info.subdevices_count > 1 ? " and more" : "");
	snprintf(node.dev, sizeof(node.dev), "snd/pcmC%uD%u%c", card, device, capture ? 'c' : 'p');
	fd = node_open(&node, capture ? O_RDONLY : O_WRONLY);
	if (fd < 0) {
		note(item, stream, "cannot be opened: %m");
		return;
	}
	note_settings(item, fd, stream);
	close(fd);
}
