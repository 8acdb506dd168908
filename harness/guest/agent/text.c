// SPDX-License-Identifier: GPL-2.0-only
/* Text: small files of the kernel, its command line, words of a line. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A whole file, malloc'ed and NUL-terminated; NULL with errno. */
char *slurp(const char *path, size_t *len)
{
	size_t size = 4096, used = 0;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char *text = fd < 0 ? NULL : malloc(size);
	ssize_t n = 0;

	while (text && (n = read(fd, text + used, size - used - 1)) > 0) {
		char *bigger;

		used += n;
		if (size - used > 1)
			continue;
		size *= 2;
		bigger = size <= READ_BYTES ? realloc(text, size) : NULL;
		if (!bigger) {
			errno = EFBIG;
			n = -1;
			break;
		}
		text = bigger;
	}
	if (text && n < 0) {
		free(text);
		text = NULL;
	}
	if (fd >= 0) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	if (text) {
		text[used] = '\0';
		*len = used;
	}
	return text;
}

/* Writes TEXT to a file that exists, in one go: 0, or -1 with errno. */
int spill(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, len);
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return n == (ssize_t)len ? 0 : -1;
}

/* Value of KEY=VALUE on the kernel command line, the last one wins. */
bool cmdline_value(const char *key, char *value, size_t size)
{
	size_t len, key_len = strlen(key);
	char *text = slurp("/proc/cmdline", &len), *save, *w;
	bool found = false;

	for (w = text ? strtok_r(text, " \n", &save) : NULL; w; w = strtok_r(NULL, " \n", &save)) {
		if (strncmp(w, key, key_len) || w[key_len] != '=')
			continue;
		snprintf(value, size, "%s", w + key_len + 1);
		found = true;
	}
	free(text);
	return found;
}

/* Cuts the next word off REST. */
char *word(char **rest)
{
	char *w = *rest;

	*rest += strcspn(*rest, " ");
	if (**rest)
		*(*rest)++ = '\0';
	return w;
}

/* The buses named in WORDS, all of them when there are none; 0 when a word is no bus. */
uint64_t buses_of(char *words)
{
	uint64_t buses = 0;

	while (*words) {
		char *end;
		unsigned long bus = strtoul(words, &end, 10);

		if (end == words || (*end && *end != ' ') || bus < 1 || bus >= BUSES)
			return 0;
		buses |= BUS_BIT(bus);
		words = end + strspn(end, " ");
	}
	return buses ? buses : ALL_BUSES;
}
