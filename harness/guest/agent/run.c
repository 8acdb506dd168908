// SPDX-License-Identifier: GPL-2.0-only
/*
 * run: a program of the image, in a session of its own, until it ends or its time is over.
 *
 * SIGCHLD is ignored in the agent, so it cannot learn how a child ended. A supervisor
 * between agent and program waits for it, and says so on a pipe.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_BYTES (1u << 20)		/* what comes after is dropped */
#define INPUT_BYTES  (1u << 20)
#define INPUTS	     8			/* fed and not taken yet; one more replaces the oldest */
#define MAX_MS	     600000
#define HEAD_BYTES   16			/* "-64\n", before the output */

static struct input {
	char key[ID_BYTES];
	int fd;				/* a memory file */
	size_t len;
} inputs[INPUTS];
static unsigned int next_input;
static pthread_mutex_t input_lock = PTHREAD_MUTEX_INITIALIZER;

/* Decodes hex digits in place: the number of bytes, or -1. */
static ssize_t unhex(char *text)
{
	size_t len = strlen(text);

	if (len % 2 || strspn(text, "0123456789abcdef") != len)
		return -1;
	for (size_t i = 0; i < len / 2; i++) {
		char digits[3] = { text[2 * i], text[2 * i + 1] };

		text[i] = strtoul(digits, NULL, 16);
	}
	return len / 2;
}

static struct input *input_find(const char *key)
{
	for (size_t i = 0; i < INPUTS; i++)
		if (*key && !strcmp(inputs[i].key, key))
			return &inputs[i];
	return NULL;
}

static struct input *input_new(const char *key)
{
	struct input *in = &inputs[next_input++ % INPUTS];

	if (*in->key)
		close(in->fd);
	in->len = 0;
	in->fd = memfd_create("input", MFD_CLOEXEC);
	snprintf(in->key, sizeof(in->key), "%s", in->fd < 0 ? "" : key);
	return in->fd < 0 ? NULL : in;
}

/* feed KEY HEX: appends to what a `run` with that key will read. In the loop: the pieces stay in order. */
void feed_run(struct job *job)
{
	char *rest = job->args, *key = word(&rest);
	ssize_t len = unhex(rest);
	struct input *in;
	bool fed;

	if (!isdigit((unsigned char)*key) || strlen(key) >= ID_BYTES || len < 0) {
		reply(job->id, "error feed: not a key and hex digits");
		return;
	}
	pthread_mutex_lock(&input_lock);
	in = input_find(key);
	if (!in)
		in = input_new(key);
	fed = in && in->len + len <= INPUT_BYTES && pwrite(in->fd, rest, len, in->len) == len;
	if (fed)
		in->len += len;
	pthread_mutex_unlock(&input_lock);
	reply(job->id, fed ? "ok" : "error feed: more than %u bytes, or no memory", INPUT_BYTES);
}

/* The descriptor a program reads, its caller's to close; -1 when nothing was fed under that key. */
int input_take(const char *key)
{
	struct input *in;
	int fd = -1;

	if (!strcmp(key, "-"))
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	pthread_mutex_lock(&input_lock);
	in = input_find(key);
	if (in) {
		fd = in->fd;
		*in->key = '\0';
	}
	pthread_mutex_unlock(&input_lock);
	return fd;
}

struct program {
	char **argv;
	int input;
	int output[2], status[2];	/* pipes */
	pid_t supervisor;		/* its group is the program's */
	int pidfd;			/* the supervisor's */
};

static _Noreturn void become(const struct program *p)
{
	static char *environment[] = { "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/", "TERM=linux", NULL };

	dup2(p->input, 0);
	dup2(p->output[1], 1);
	dup2(p->output[1], 2);
	execvpe(p->argv[0], p->argv, environment);
	dprintf(2, "%s: %m\n", p->argv[0]);
	_exit(errno == ENOENT ? 127 : 126);
}

static _Noreturn void supervise(const struct program *p)
{
	static const unsigned long by_default[4];	/* the kernel's struct sigaction */
	int status = 0;
	pid_t pid;

	setsid();
	for (int number = 1; number < NSIG; number++)	/* also those that the C library reserves, which signal() refuses */
		syscall(SYS_rt_sigaction, number, by_default, NULL, sizeof(unsigned long));
	pid = fork();
	if (!pid)
		become(p);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		_exit(1);
	status = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
	_exit(write(p->status[1], &status, sizeof(status)) < 0);
}

static bool start(struct program *p)
{
	if (pipe2(p->output, O_CLOEXEC | O_NONBLOCK))
		return false;
	if (pipe2(p->status, O_CLOEXEC | O_NONBLOCK)) {
		close(p->output[0]);
		close(p->output[1]);
		return false;
	}
	fcntl(p->output[1], F_SETFL, 0);	/* the program's: programs expect to block */
	p->supervisor = fork();
	if (!p->supervisor)
		supervise(p);
	p->pidfd = p->supervisor < 0 ? -1 : syscall(SYS_pidfd_open, p->supervisor, 0);
	close(p->output[1]);
	close(p->status[1]);
	return p->supervisor > 0;
}

/* Takes what there is into TEXT, as long as there is room: false at the end of the pipe. */
static bool take_output(int fd, char *text, size_t *len)
{
	char rest[4096];

	for (;;) {
		size_t room = OUTPUT_BYTES - *len;
		ssize_t n = read(fd, room ? text + *len : rest, room ? room : sizeof(rest));

		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR);
		if (room)
			*len += n;
	}
}

/* Until the program ends or the deadline; what it left running in its group ends with it. */
static int finish(struct program *p, int64_t deadline, char *text, size_t *len)
{
	struct pollfd fds[2] = { { .fd = p->output[0], .events = POLLIN }, { .fd = p->pidfd, .events = POLLIN } };
	int status = -SIGKILL;
	int64_t left;

	while (p->pidfd >= 0 && (left = deadline - now_ms()) > 0) {
		if (poll(fds, ARRAY_SIZE(fds), left) < 0 && errno != EINTR)
			break;
		if (fds[0].revents && !take_output(p->output[0], text, len))
			fds[0].fd = -1;
		if (fds[1].revents)
			break;
	}
	kill(-p->supervisor, SIGKILL);
	if (p->pidfd >= 0) {		/* it may have had no time to lead a group */
		syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
		close(p->pidfd);
	}
	if (read(p->status[0], &status, sizeof(status)) != sizeof(status))
		status = -SIGKILL;
	take_output(p->output[0], text, len);
	close(p->output[0]);
	close(p->status[0]);
	return status;
}

/* ARGS as NUL-terminated strings, LEN bytes of them, to a vector; NULL when they are not. */
static char **split(char *args, ssize_t len)
{
	size_t count = 0;
	char **argv;

	if (len < 1 || args[len - 1])
		return NULL;
	for (ssize_t i = 0; i < len; i++)
		count += !args[i];
	argv = calloc(count + 1, sizeof(*argv));
	for (size_t i = 0; argv && i < count; i++, args += strlen(args) + 1)
		argv[i] = args;
	return argv;
}

/* run MS KEY|- HEX: the argument strings, each with its NUL; KEY names the input that was fed. */
void run_run(struct job *job)
{
	char *rest = job->args, *end, *time = word(&rest), *key = word(&rest);
	char *text = malloc(HEAD_BYTES + OUTPUT_BYTES);
	long ms = strtol(time, &end, 10);
	struct program p = { .input = input_take(key), .argv = split(rest, unhex(rest)) };
	size_t len = 0;

	if (end == time || *end || ms < 0 || ms > MAX_MS) {
		reply(job->id, "error bad milliseconds");
	} else if (!p.argv || p.input < 0) {
		reply(job->id, "error run: no arguments, or nothing was fed");
	} else if (!text || !start(&p)) {
		reply(job->id, "error run: %m");
	} else {
		char head[HEAD_BYTES];
		int status = finish(&p, now_ms() + ms, text + HEAD_BYTES, &len);
		size_t n = snprintf(head, sizeof(head), "%d\n", status);

		memcpy(text + HEAD_BYTES - n, head, n);
		reply_data(job->id, text + HEAD_BYTES - n, n + len);
	}
	if (p.input >= 0)
		close(p.input);
	free(p.argv);
	free(text);
}
