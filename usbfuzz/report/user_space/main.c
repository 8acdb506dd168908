/* When programs begin and end: what the harness knows, and this has to learn from uevents. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS	    3
#define WAIT_S	    60		/* for the devices, unless an argument says otherwise */
#define LEAST_MS    2000	/* for a program to end, or only hold, before the next one begins */
#define CALM_MS	    500		/* without a uevent, a device counts as settled */
#define PATIENCE_MS 10000	/* for a program to find a node that its driver has not made yet */
#define AFTER_MS    5000	/* for a program to end after its device has left, before it is killed */

enum { ENDED, NOT_ENDED, CANNOT, NOTHING_CAME };	/* exit statuses */

/* Where devices come: a host controller, known once the first has come. */
static struct place {
	char controller[PATH_MAX];
	uint64_t buses;
	unsigned int came, left, heard;	/* the last: uevents of all kinds */
	int64_t came_ms, heard_ms;	/* when there was the last of them */
} places[PLACES + 1];		/* and one for what has no place */
static unsigned int place_count;

static struct running {
	struct player player;
	struct program *program;
	const char *how;	/* NULL: it has not ended */
	int64_t begun_ms;
} running[ARRAY_SIZE(uses)];

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(CANNOT);
}

/* The directory of a bus's controller, which its USB 2 and its USB 3 bus have in common. */
static bool controller_of(unsigned int bus, char *path)
{
	char name[64], *slash;

	snprintf(name, sizeof(name), "/sys/bus/usb/devices/usb%u", bus);
	slash = realpath(name, path) ? strrchr(path, '/') : NULL;
	if (slash)
		*slash = '\0';
	return slash;
}

static struct place *place_of(unsigned int bus)
{
	char controller[PATH_MAX];
	struct place *place = places;

	if (!controller_of(bus, controller))
		return NULL;
	while (place < places + place_count && strcmp(place->controller, controller))
		place++;
	if (place == places + place_count) {
		if (place_count == PLACES)
			return NULL;
		place_count++;
		strcpy(place->controller, controller);
		for (unsigned int other = 1; other < BUSES; other++)
			if (controller_of(other, controller) && !strcmp(place->controller, controller))
				place->buses |= BUS_BIT(other);
	}
	return place;
}

/* Counts what comes to the first port of a root hub, and leaves it: there repro.c and repro.py plug devices in. */
static void device_heard(const struct uevent *e, const struct node *node)
{
	char first[32];
	struct place *place;

	(void)node;
	snprintf(first, sizeof(first), "%lu-1", e->bus);
	if (strcmp(e->subsystem, "usb") || !e->devtype || strcmp(e->devtype, "usb_device") || strcmp(e->name, first))
		return;
	place = place_of(e->bus);
	if (!place)
		return;
	place->came += e->add;
	place->left += e->remove;
	if (e->add)
		place->came_ms = now_ms();
	if (e->add || e->remove)
		printf("%s has %s\n", e->name, e->add ? "come" : "left");
}

static void some_lost(void)
{
	fprintf(stderr, "some uevents were lost\n");
}

static void listen_to_all(void)
{
	uevent_drain(ALL_BUSES);
	for (struct place *place = places; place < places + place_count; place++) {
		unsigned int heard = uevent_drain(place->buses);

		if (heard != place->heard)
			place->heard_ms = now_ms();
		place->heard = heard;
	}
}

static struct place *place_for(const struct use *use)
{
	return &places[use->place < 0 ? PLACES : use->place];
}

static bool has_come(const struct use *use)
{
	return place_for(use)->came >= use->plugs;
}

/* Whether the time of a program has come; BEFORE is when the next one needed not wait for the one before any more. */
static bool its_time(const struct use *use, int64_t before)
{
	const struct place *place = place_for(use);
	int64_t since = place->came_ms > before ? place->came_ms : before;

	if (!has_come(use))
		return false;
	if (use->after_ms == SETTLED)
		return now_ms() >= (place->heard_ms > since ? place->heard_ms : since) + CALM_MS;
	return now_ms() >= since + use->after_ms;
}

static void begin(const struct use *use, struct running *r)
{
	struct play play = { .buses = place_for(use)->buses };

	r->program = program_read(use->raw, use->len);
	play.program = r->program;
	play.patient_until = now_ms() + (play.buses ? PATIENCE_MS : 0);
	if (!r->program || !player_start(&r->player, &play))
		die("program %u cannot be begun: %s", use->number, strerror(errno));
	r->begun_ms = now_ms();
}

/* Whether its device has left, or never could come, and it goes on for too long. */
static bool overdue(const struct use *use, const struct running *r)
{
	const struct place *place = place_for(use);

	if (use->place < 0)
		return now_ms() > r->begun_ms + AFTER_MS;
	return place->came && place->left >= place->came && now_ms() > place->heard_ms + AFTER_MS;
}

/* Whether the next program need not wait for this one any more. */
static bool is_through(const struct use *use, const struct running *r)
{
	return use->beside || r->how || !atomic_load(&r->player.progress->busy) || now_ms() > r->begun_ms + LEAST_MS;
}

/* Ends the programs that have ended, or should have; how many of the first COUNT are over. */
static size_t count_over(size_t count)
{
	size_t over = 0;

	for (size_t i = 0; i < count; i++) {
		struct running *r = &running[i];

		if (!r->how && (player_ended(&r->player, now_ms() + 1) || overdue(&uses[i], r)))
			r->how = player_end(&r->player, now_ms() + 1);
		over += r->how != NULL;
	}
	return over;
}

/* Plays all programs; false when the devices of some have not come in time. */
static bool play_all(int64_t wait_ms)
{
	int64_t before = now_ms(), idle_since = before;
	bool waits = false;	/* for the one that was begun last */
	size_t next = 0, over = 0;

	while (over < ARRAY_SIZE(uses)) {
		if (waits && is_through(&uses[next - 1], &running[next - 1])) {
			waits = false;
			before = now_ms();
		}
		if (!waits && next < ARRAY_SIZE(uses) && its_time(&uses[next], before)) {
			begin(&uses[next], &running[next]);
			next++;
			waits = true;
		}
		over = count_over(next);
		if (over < next)
			idle_since = now_ms();
		else if (next < ARRAY_SIZE(uses) && !has_come(&uses[next]) && now_ms() > idle_since + wait_ms)
			return false;
		poll(NULL, 0, TICK_MS);
		listen_to_all();
	}
	return true;
}

/* A line for each step: what it returned last, or why it returned nothing. */
static void say_steps(const struct use *use, const struct running *r)
{
	static const char *const states[] = { "not reached", "has not returned", "", "passed over" };

	for (unsigned int i = 0; i < r->program->count; i++) {
		struct reached *at = &r->player.progress->steps[i];
		unsigned int state = atomic_load(&at->state) & 3, runs = atomic_load(&at->runs);
		long long result = atomic_load(&at->result);

		printf("    %s: ", use->lines[i]);
		if (state != DONE)
			printf("%s", states[state]);
		else if (result < 0)
			printf("%s", strerror(-result));
		else
			printf("%lld", result);
		printf(runs > 1 ? ", %u times\n" : "\n", runs);
	}
}

static int say(const struct use *use, const struct running *r, bool in_full)
{
	unsigned int worked = 0, failed = 0, passed = 0, looked = 0, found = 0;

	printf("program %u on port %u: ", use->number, use->port);
	if (!r->how) {
		printf("no device came\n");
		return NOTHING_CAME;
	}
	printf("%s: ", r->how);
	for (unsigned int i = 0; i < r->program->count; i++) {
		struct reached *at = &r->player.progress->steps[i];
		unsigned int state = atomic_load(&at->state), op = r->program->steps[i].op;
		bool looks = op == USE_OPEN || op == USE_NODE;

		worked += state == DONE && atomic_load(&at->result) >= 0;
		failed += state == DONE && atomic_load(&at->result) < 0;
		passed += state == SKIPPED;
		looked += looks && state != UNREACHED;
		found += looks && state == DONE;
		if (state == RUNNING && op != USE_HOLD && op != USE_REPEAT)
			printf("blocked in %s; ", use->lines[i]);
	}
	printf("%u calls worked, %u failed, %u passed over%s\n", worked, failed, passed,
	       looked && !found ? "; no node came" : "");
	if (in_full)
		say_steps(use, r);
	if (looked && !found)
		return NOTHING_CAME;
	return strcmp(r->how, "ended") ? NOT_ENDED : ENDED;
}

int main(int argc, char **argv)
{
	static const struct uevent_listener listener = { device_heard, some_lost };
	bool in_full = argc > 1 && !strcmp(argv[1], "-v");
	const char *seconds = argc > 1 + in_full ? argv[1 + in_full] : NULL;
	char *end = "";
	long wait = seconds ? strtol(seconds, &end, 10) : WAIT_S;
	int status = ENDED;

	if (argc > 2 + in_full || *end || wait < 0 || wait > 86400) {
		fprintf(stderr, "usage: %s [-v] [SECONDS TO WAIT FOR THE DEVICE]\n", argv[0]);
		return CANNOT;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);	/* children are reaped by the kernel */
	uevent_open(&listener);
	printf("listening: the device may be plugged in now\n");
	if (!play_all(wait * 1000))
		printf("nothing came in %ld s: begin this first, then plug the device in\n", wait);
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		int what = say(&uses[i], &running[i], in_full);

		status = what > status ? what : status;
	}
	return status;
}
