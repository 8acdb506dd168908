// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading modules: at boot from an ordered list, by name with dependencies, and
 * as the kernel's own helper (/sbin/modprobe is this program). Parameters come
 * from the kernel command line as name.parameter=value, as with kmod's modprobe.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define NAME_BYTES 64

static const char *module_dir(void)
{
	static char dir[128];
	struct utsname u;

	if (!*dir && !uname(&u))
		snprintf(dir, sizeof(dir), "/lib/modules/%.64s", u.release);
	return dir;
}

/* kernel/drivers/hid/hid-generic.ko -> hid_generic */
static void name_of(char name[NAME_BYTES], const char *path)
{
	const char *slash = memrchr(path, '/', strcspn(path, " :\n"));
	size_t i = 0;

	for (path = slash ? slash + 1 : path; *path && !strchr(".: \n", *path) && i < NAME_BYTES - 1; path++)
		name[i++] = *path == '-' ? '_' : *path;
	name[i] = '\0';
}

/* "parameter=value ..." of every NAME.parameter=value on the command line. */
static void parameters(const char *name, char *out, size_t size)
{
	size_t len, used = 0;
	char *text = slurp("/proc/cmdline", &len), *save, *w, *dot;

	*out = '\0';
	for (w = text ? strtok_r(text, " \n", &save) : NULL; w; w = strtok_r(NULL, " \n", &save)) {
		char owner[NAME_BYTES];

		dot = strchr(w, '.');
		if (!dot || dot > w + strcspn(w, "="))
			continue;
		name_of(owner, w);
		if (!strcmp(owner, name) && used < size)
			used += snprintf(out + used, size - used, "%s%s", used ? " " : "", dot + 1);
	}
	free(text);
}

/* PATH is relative to the module directory. 0, or an errno; already loaded is fine. */
static int insert(const char *path)
{
	char full[512], name[NAME_BYTES], options[1024];
	int fd, rc;

	name_of(name, path);
	parameters(name, options, sizeof(options));
	snprintf(full, sizeof(full), "%s/%.*s", module_dir(), (int)strcspn(path, " :\n"), path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	rc = syscall(SYS_finit_module, fd, options, 0) ? errno : 0;
	close(fd);
	return rc == EEXIST ? 0 : rc;
}

/* A module stays loaded for the life of the guest: its file would only fill memory and snapshots. */
static void forget(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", module_dir(), path);
	unlink(full);
}

static char *table(const char *file)
{
	char path[192];
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", module_dir(), file);
	return slurp(path, &len);
}

static bool loaded(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return !access(path, F_OK);
}

/* The line of modules.dep whose module is NAME: "path: dependency dependency". */
static char *dependency_line(char *dep, const char *name)
{
	char *next, this[NAME_BYTES];

	for (char *line = dep; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			next++;
		name_of(this, line);
		if (!strcmp(this, name))
			return line;
	}
	return NULL;
}

/* Loads a module named with - or _; dependencies stand on its line, the deepest last. */
static int load(char *dep, const char *wanted)
{
	char name[NAME_BYTES], *line, *end, *p;
	int rc;

	name_of(name, wanted);
	if (loaded(name))
		return 0;
	line = dependency_line(dep, name);
	if (!line)
		return ENOENT;
	end = line + strcspn(line, "\n");
	for (p = end; p > line; p--) {
		if (p[-1] != ' ')
			continue;
		name_of(name, p);
		if (!loaded(name)) {
			rc = insert(p);
			if (rc)
				return rc;
		}
	}
	return insert(line);
}

void load_run(struct job *job)
{
	char *dep = table("modules.dep"), *save, *name;

	if (!dep) {
		reply(job->id, "error load: no modules.dep in the image");
		return;
	}
	for (name = strtok_r(job->args, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		int rc = load(dep, name);

		if (rc) {
			reply(job->id, "error load %.64s: %s", name, strerror(rc));
			free(dep);
			return;
		}
	}
	free(dep);
	reply(job->id, "ok");
}

void unload_run(struct job *job)
{
	char *save, *name;

	for (name = strtok_r(job->args, " ", &save); name; name = strtok_r(NULL, " ", &save))
		if (syscall(SYS_delete_module, name, O_NONBLOCK)) {
			reply(job->id, "error unload %.64s: %m", name);
			return;
		}
	reply(job->id, "ok");
}

/* The set chosen by usbfuzz.modules=NAME: a list of paths, dependencies first. */
void modules_boot(void)
{
	char set[32] = "base", path[64];
	char *list, *save, *line;
	size_t len;

	cmdline_value("usbfuzz.modules", set, sizeof(set));
	snprintf(path, sizeof(path), "/etc/usbfuzz/modules.%s", set);
	list = strchr(set, '/') ? NULL : slurp(path, &len);
	if (!list)
		die("usbfuzz.modules=%s: the image has no such set", set);
	for (line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int rc = insert(line);

		if (rc)
			dprintf(2, "usbfuzz-agent: module %s: %s\n", line, strerror(rc));
		else
			forget(line);
	}
	free(list);
}

/* modules.alias lines are "alias PATTERN MODULE"; every match is loaded. */
static int load_alias(char *dep, const char *wanted)
{
	static const char head[] = "alias ";
	char *aliases = table("modules.alias"), *next = aliases;
	int rc = ENOENT;

	while (next && *next) {
		char *line = next, *end = next + strcspn(next, "\n"), *pattern = line + strlen(head), *module;

		next = *end ? end + 1 : end;
		*end = '\0';
		/* Most lines end here, without fnmatch(). */
		if (strncmp(line, head, strlen(head)) || strncmp(pattern, wanted, strcspn(pattern, "*?[ ")))
			continue;
		module = strchr(pattern, ' ');
		if (!module)
			continue;
		*module++ = '\0';
		if (!fnmatch(pattern, wanted, 0))
			rc = load(dep, module);
	}
	free(aliases);
	return rc;
}

/* Called by __request_module() as: modprobe -q -- NAME. */
int modprobe_main(int argc, char **argv)
{
	const char *wanted = argc > 1 ? argv[argc - 1] : "";
	char *dep = table("modules.dep");
	int rc;

	if (!dep)
		return 1;
	rc = load(dep, wanted);
	if (rc == ENOENT)
		rc = load_alias(dep, wanted);
	free(dep);
	return rc ? 1 : 0;
}
