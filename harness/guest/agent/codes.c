// SPDX-License-Identifier: GPL-2.0-only
/* Names of input event codes. */
#include "survey.h"

#include <linux/input.h>

#include "codes.h"		/* names of codes, written from harness/guest/image/input_codes.py when the agent is built */

static const char *const effect_names[] = {
	[FF_RUMBLE] = "FF_RUMBLE", [FF_PERIODIC] = "FF_PERIODIC", [FF_CONSTANT] = "FF_CONSTANT",
	[FF_SPRING] = "FF_SPRING", [FF_FRICTION] = "FF_FRICTION", [FF_DAMPER] = "FF_DAMPER",
	[FF_INERTIA] = "FF_INERTIA", [FF_RAMP] = "FF_RAMP", [FF_SQUARE] = "FF_SQUARE", [FF_TRIANGLE] = "FF_TRIANGLE",
	[FF_SINE] = "FF_SINE", [FF_SAW_UP] = "FF_SAW_UP", [FF_SAW_DOWN] = "FF_SAW_DOWN", [FF_CUSTOM] = "FF_CUSTOM",
	[FF_GAIN] = "FF_GAIN", [FF_AUTOCENTER] = "FF_AUTOCENTER",
};

static const struct group {
	unsigned int type;
	const char *prefix;
	const char *const *names;
	size_t count;
} groups[] = {
	{ INPUT_PROPERTIES, "INPUT_PROP", input_prop_names, ARRAY_SIZE(input_prop_names) },
	{ EV_KEY, "KEY", key_names,    ARRAY_SIZE(key_names) },
	{ EV_REL, "REL", rel_names,    ARRAY_SIZE(rel_names) },
	{ EV_ABS, "ABS", abs_names,    ARRAY_SIZE(abs_names) },
	{ EV_MSC, "MSC", msc_names,    ARRAY_SIZE(msc_names) },
	{ EV_SW, "SW",  sw_names,     ARRAY_SIZE(sw_names) },
	{ EV_LED, "LED", led_names,    ARRAY_SIZE(led_names) },
	{ EV_SND, "SND", snd_names,    ARRAY_SIZE(snd_names) },
	{ EV_FF, "FF",  effect_names, ARRAY_SIZE(effect_names) },
};

static const char *name_in(const struct group *group, unsigned int code, char buffer[CODE_BYTES])
{
	if (code < group->count && group->names[code])
		return group->names[code];
	snprintf(buffer, CODE_BYTES, "%s_0x%x", group->prefix, code);
	return buffer;
}

/* KEY_A, or KEY_0x2a0 when the table has no name; EV_0x16_0x1 for a type that has no codes of its own. */
const char *code_name(unsigned int type, unsigned int code, char buffer[CODE_BYTES])
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (groups[i].type == type)
			return name_in(&groups[i], code, buffer);
	snprintf(buffer, CODE_BYTES, "EV_0x%x_0x%x", type, code);
	return buffer;
}
