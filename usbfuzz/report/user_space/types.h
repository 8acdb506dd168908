/* The programs of a case, and when each of them runs. */

#define SETTLED (-1)		/* of after_ms: once the devices are calm */

struct use {
	unsigned int number, port;	/* as the case has them */
	int place;		/* which of the places where devices come, in the order in which they are first used; -1: none */
	unsigned int plugs;	/* how many devices have come there by then */
	int after_ms;		/* after that, or after the program before this one */
	bool beside;		/* the next one does not wait for it */
	const unsigned char *raw;
	size_t len;
	const char *const *lines;	/* of each step */
};
