/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usbfuzz guest agent: PID 1 of the guest, and its /sbin/modprobe.
 *
 * One thread polls the virtio port and a short list of timers. Verbs that may
 * block on a device, on a kernel lock or on memory run in a worker thread
 * (pool.c); those that open device nodes do so in a child process (child.c).
 *
 * The files in the order in which they stand below: each uses only what is
 * declared before it, and a test holds them to it.
 *
 *   clock.c     the time                    base.c      power off, die
 *   text.c      small files, words          child.c     a child with a deadline
 *   reply.c     lines to the host           pool.c      jobs, worker threads
 *   live.c      what devices have brought   uevent.c    kobject uevents
 *   heard.c     what follows from them
 *   nodes.c     a device node, held open    nodes_*.c   one function per kind of node
 *   exercise.c  which node gets which       settle.c    the hub barrier
 *   files.c     read, write, kmsg, ...      modules.c   finit_module, modprobe
 *   run.c       programs of the image       use_program.c  calls as they are sent
 *   use_play.c  threads of calls            use_child.c   them in a child
 *   use.c       their verbs
 *   notes.c     lines of a survey
 *   items.c     class devices in sysfs      codes.c     names of input events
 *   pcm.c       settings of sound streams   survey_*.c  one for each subsystem
 *   survey.c    what user space sees        verbs.c     the table of verbs, timers
 *   port.c      lines of the host, loop     boot.c      PID 1 duties
 *   main.c      entry
 */
#ifndef USBFUZZ_AGENT_H
#define USBFUZZ_AGENT_H

#include "live.h"

#define PROTOCOL_VERSION 5
#define LINE_BYTES	 4096		/* longest line, newline included */
#define ID_BYTES	 21		/* a decimal 64-bit number and NUL */
#define READ_BYTES	 (32u << 20)	/* largest file `read` returns */

/* base.c */
_Noreturn void power_off(void);

/* text.c */
char *slurp(const char *path, size_t *len);
int spill(const char *path, const char *text, size_t len);
bool cmdline_value(const char *key, char *value, size_t size);
char *word(char **rest);
uint64_t buses_of(char *words);

/* child.c */
typedef int child_fn(const void *arg);
#define CHILD_TIMEOUT (-1000)
int child_run(child_fn *fn, const void *arg, int timeout_ms);

/* reply.c */
int reply_open(int fd);
void reply_send(const char *data, size_t len);
void reply(const char *id, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void reply_data(const char *id, const char *data, size_t len);
bool reply_queued(void);
void reply_flush(void);
void reply_drop(void);

/* pool.c */
struct job {
	struct job *next;
	void (*run)(struct job *job);
	int64_t due;			/* guest ms; used by timers only */
	char id[ID_BYTES];
	char args[];			/* NUL-terminated, may be written to */
};

struct pool;
extern struct pool workers;		/* general */
extern struct pool barriers;		/* SCHED_IDLE: runs when the kernel has nothing runnable */
bool pool_submit(struct pool *pool, struct job *job);
struct job *job_new(const char *id, void (*run)(struct job *), const char *args);

/* heard.c */
#define USB_NAME_BYTES 32
struct usb_device {
	char name[USB_NAME_BYTES];	/* usb3, 3-1.4 */
	int fd;				/* its bConfigurationValue, -1 = not open; settle.c's */
	bool live;
};

#define USB_DEVICES 256
extern struct usb_device usb_devices[USB_DEVICES];	/* under uevent.c's lock */
extern unsigned int usb_device_count;

void heard_open(void);
char *heard_take(size_t *len, size_t room);
size_t heard_new_nodes(struct node *nodes, size_t max, uint64_t buses);

/* nodes.c, then nodes_*.c: one per kind of node, in a thread of the child, until the deadline (guest ms) */
typedef void exercise_fn(const struct node *node, int64_t deadline);
int node_open(const struct node *node, int flags);
void node_hold(int fd, int64_t deadline);
exercise_fn exercise_plain;		/* the others are declared in kinds.h */

/* run.c */
int input_take(const char *key);

/* exercise.c, settle.c, files.c, modules.c, run.c, use.c, survey.c: verbs, each replies by itself */
void exercise_run(struct job *job);
void settle_run(struct job *job);
void validate_run(struct job *job);
void reset_run(struct job *job);
void write_run(struct job *job);
void read_run(struct job *job);
void kmsg_run(struct job *job);
void lsusb_run(struct job *job);
void mark_run(struct job *job);
void load_run(struct job *job);
void unload_run(struct job *job);
void modules_boot(void);
int modprobe_main(int argc, char **argv);
void feed_run(struct job *job);
void run_run(struct job *job);
void use_run(struct job *job);
void used_run(struct job *job);
void survey_run(struct job *job);

/* verbs.c */
void verbs_dispatch(char *line);
int verbs_timeout(void);
void verbs_expire(void);

/* port.c */
void port_attach(int fd, bool exits);
void port_find(void);
_Noreturn void port_loop(void);

/* boot.c */
void boot(void);

#endif
