// SPDX-License-Identifier: GPL-2.0-only
/* Sound cards, through their control node: who they are, their mixer elements, MIDI ports and streams. */
#include "survey.h"

#include <fcntl.h>
#include <sound/asound.h>
#include <sound/tlv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ELEMENTS  512
#define VALUES	  16		/* of an element that are shown */
#define CHOICES	  64		/* of an enumerated element */
#define TLV_WORDS 64

static const char *const interface_names[] = { "card", "hwdep", "mixer", "pcm", "rawmidi", "timer", "sequencer" };

/* A long name ends in "at usb-0000:00:05.0-1, full speed": the speed is the device's, the rest the machine's. */
static void note_card(struct item *item)
{
	struct snd_ctl_card_info card = { 0 };
	char *at, *speed;

	if (ioctl(item->fd, SNDRV_CTL_IOCTL_CARD_INFO, &card))
		return;
	note(item, "id", "%.*s", (int)sizeof(card.id), card.id);
	note(item, "driver", "%.*s", (int)sizeof(card.driver), card.driver);
	note(item, "name", "%.*s", (int)sizeof(card.name), card.name);
	card.longname[sizeof(card.longname) - 1] = '\0';
	at = strstr((char *)card.longname, " at usb-");
	speed = at ? strchr(at, ',') : NULL;
	if (at)
		*at = '\0';
	note(item, "longname", "%s%s", (char *)card.longname, speed ? speed : "");
	note(item, "mixername", "%.*s", (int)sizeof(card.mixername), card.mixername);
	note(item, "components", "%.*s", (int)sizeof(card.components), card.components);
}

/* "-60.00 dB to 0.00 dB", from the TLV data of an element; nothing when it has none that says so. */
static void add_decibels(struct item *item, const struct snd_ctl_elem_info *info)
{
	unsigned int room[TLV_WORDS + 2] = { 0 };
	struct snd_ctl_tlv *tlv = (struct snd_ctl_tlv *)room;
	const unsigned int *data = tlv->tlv;
	int min, max;

	if (!(info->access & SNDRV_CTL_ELEM_ACCESS_TLV_READ))
		return;
	tlv->numid = info->id.numid;
	tlv->length = TLV_WORDS * sizeof(unsigned int);
	if (ioctl(item->fd, SNDRV_CTL_IOCTL_TLV_READ, tlv))
		return;
	switch (data[SNDRV_CTL_TLVO_TYPE]) {
	case SNDRV_CTL_TLVT_DB_SCALE:
		min = data[SNDRV_CTL_TLVO_DB_SCALE_MIN];
		max = min + (int)(data[SNDRV_CTL_TLVO_DB_SCALE_MUTE_AND_STEP] & 0xffff) *
			(int)(info->value.integer.max - info->value.integer.min);
		break;
	case SNDRV_CTL_TLVT_DB_LINEAR:
	case SNDRV_CTL_TLVT_DB_MINMAX:
	case SNDRV_CTL_TLVT_DB_MINMAX_MUTE:
		min = data[SNDRV_CTL_TLVO_DB_MINMAX_MIN];
		max = data[SNDRV_CTL_TLVO_DB_MINMAX_MAX];
		break;
	default:
		return;
	}
	note_add(item, "(%.2f dB to %.2f dB)", min / 100.0, max / 100.0);
}

/* Where the loudspeaker or microphone of each channel is, in order: SNDRV_CTL_TLVT_CHMAP_* of each number of channels. */
static void add_maps(struct item *item, const struct snd_ctl_elem_info *info)
{
	static const char *const places[] = {
		"?", "N/A", "MONO", "FL", "FR", "RL", "RR", "FC", "LFE", "SL", "SR", "RC", "FLC", "FRC", "RLC", "RRC", "FLW",
		"FRW", "FLH", "FCH", "FRH", "TC", "TFL", "TFR", "TFC", "TRL", "TRR", "TRC", "TFLC", "TFRC", "TSL", "TSR",
		"LLFE", "RLFE", "BC", "BLC", "BRC",
	};
	unsigned int room[TLV_WORDS + 2] = { info->id.numid, TLV_WORDS * sizeof(unsigned int) };
	struct snd_ctl_tlv *tlv = (struct snd_ctl_tlv *)room;
	const unsigned int *at = tlv->tlv + 2, *end;

	if (ioctl(item->fd, SNDRV_CTL_IOCTL_TLV_READ, tlv) || tlv->tlv[0] != SNDRV_CTL_TLVT_CONTAINER)
		return;
	end = at + (tlv->tlv[1] / sizeof(*at) < TLV_WORDS - 2 ? tlv->tlv[1] / sizeof(*at) : TLV_WORDS - 2);
	for (; at + 2 <= end && at[1] / sizeof(*at) <= (size_t)(end - at - 2); at += 2 + at[1] / sizeof(*at)) {
		note_add(item, "map");
		for (unsigned int i = 0; i < at[1] / sizeof(*at); i++)
			note_add(item, "%s", (at[2 + i] & 0xffff) < ARRAY_SIZE(places) ? places[at[2 + i] & 0xffff] : "?");
	}
}

static void add_choices(struct item *item, const struct snd_ctl_elem_info *info)
{
	struct snd_ctl_elem_info choice = { .id = info->id };

	for (unsigned int i = 0; i < info->value.enumerated.items && i < CHOICES; i++) {
		choice.value.enumerated.item = i;
		if (ioctl(item->fd, SNDRV_CTL_IOCTL_ELEM_INFO, &choice))
			break;
		note_add(item, "'%.*s'", (int)sizeof(choice.value.enumerated.name), choice.value.enumerated.name);
	}
}

static void add_range(struct item *item, const struct snd_ctl_elem_info *info)
{
	switch ((int)info->type) {
	case SNDRV_CTL_ELEM_TYPE_BOOLEAN:
		note_add(item, "switch");
		break;
	case SNDRV_CTL_ELEM_TYPE_INTEGER:
		note_add(item, "%ld to %ld", info->value.integer.min, info->value.integer.max);
		if (info->value.integer.step)
			note_add(item, "step %ld", info->value.integer.step);
		add_decibels(item, info);
		break;
	case SNDRV_CTL_ELEM_TYPE_ENUMERATED:
		note_add(item, "one of");
		add_choices(item, info);
		break;
	default:
		note_add(item, info->type == SNDRV_CTL_ELEM_TYPE_BYTES ? "bytes" : "type %d", (int)info->type);
	}
	if (info->count != 1)
		note_add(item, "x %u", info->count);
	if (info->access & SNDRV_CTL_ELEM_ACCESS_TLV_READ && strstr((const char *)info->id.name, "Channel Map"))
		add_maps(item, info);
}

static void add_values(struct item *item, const struct snd_ctl_elem_info *info)
{
	struct snd_ctl_elem_value value = { .id = info->id };

	if (!(info->access & SNDRV_CTL_ELEM_ACCESS_READ))
		note_add(item, "unreadable");
	else if (info->type == SNDRV_CTL_ELEM_TYPE_BYTES || info->access & SNDRV_CTL_ELEM_ACCESS_VOLATILE)
		return;
	else if (ioctl(item->fd, SNDRV_CTL_IOCTL_ELEM_READ, &value))
		note_add(item, "cannot be read: %m");
	else
		for (unsigned int i = 0; i < info->count && i < VALUES; i++)
			note_add(item, "%s%ld", i ? "" : "= ", info->type == SNDRV_CTL_ELEM_TYPE_ENUMERATED ?
				 (long)value.value.enumerated.item[i] : value.value.integer.value[i]);
}

/* "control 'PCM Playback Volume'", which of several by its index, and where it is not the mixer's what it belongs to. */
static void note_element(struct item *item, const struct snd_ctl_elem_id *id)
{
	struct snd_ctl_elem_info info = { .id = *id };
	unsigned int interface = (int)id->iface;
	char where[64] = "";

	if (interface != (int)SNDRV_CTL_ELEM_IFACE_MIXER)
		snprintf(where, sizeof(where), " %s %u,%u", interface < ARRAY_SIZE(interface_names) ?
			 interface_names[interface] : "?", id->device, id->subdevice);
	if (id->index)
		snprintf(where + strlen(where), sizeof(where) - strlen(where), " index %u", id->index);
	note_begin(item, "control '%.*s'%s", (int)sizeof(id->name), id->name, where);
	if (ioctl(item->fd, SNDRV_CTL_IOCTL_ELEM_INFO, &info)) {
		note_add(item, "no information: %m");
	} else {
		add_range(item, &info);
		if (!(info.access & SNDRV_CTL_ELEM_ACCESS_WRITE))
			note_add(item, "read-only");
		add_values(item, &info);
	}
	note_end(item);
}

static void note_elements(struct item *item)
{
	struct snd_ctl_elem_list list = { 0 };

	list.space = ELEMENTS;
	list.pids = calloc(ELEMENTS, sizeof(*list.pids));
	if (list.pids && !ioctl(item->fd, SNDRV_CTL_IOCTL_ELEM_LIST, &list))
		for (unsigned int i = 0; i < list.used && i < ELEMENTS; i++)
			note_element(item, &list.pids[i]);
	free(list.pids);
}

static void note_midi(struct item *item, int device)
{
	for (int stream = 0; stream <= SNDRV_RAWMIDI_STREAM_INPUT; stream++) {
		struct snd_rawmidi_info info = { .device = device, .stream = stream };
		unsigned int count = 1;

		for (info.subdevice = 0; info.subdevice < count; info.subdevice++) {
			if (ioctl(item->fd, SNDRV_CTL_IOCTL_RAWMIDI_INFO, &info))
				break;
			count = info.subdevices_count < 64 ? info.subdevices_count : 64;
			note_begin(item, "midi %d %s %u", device, stream ? "in" : "out", info.subdevice);
			note_add(item, "'%.*s' '%.*s'", (int)sizeof(info.name), info.name, (int)sizeof(info.subname),
				 info.subname);
			note_end(item);
		}
	}
}

void survey_sound(struct item *item)
{
	unsigned int card = strtoul(item->node.name + strlen("controlC"), NULL, 10);
	int device;

	label(item, "sound");
	item->fd = node_open(&item->node, O_RDWR);
	if (item->fd < 0) {
		note(item, "open", "%m");
		return;
	}
	note_card(item);
	note_elements(item);
	for (device = -1; !ioctl(item->fd, SNDRV_CTL_IOCTL_RAWMIDI_NEXT_DEVICE, &device) && device >= 0;)
		note_midi(item, device);
	for (device = -1; !ioctl(item->fd, SNDRV_CTL_IOCTL_PCM_NEXT_DEVICE, &device) && device >= 0;)
		for (int stream = 0; stream <= SNDRV_PCM_STREAM_CAPTURE; stream++)
			survey_pcm(item, card, device, stream == SNDRV_PCM_STREAM_CAPTURE);
	close(item->fd);
	item->fd = -1;
}
