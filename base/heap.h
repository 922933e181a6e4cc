/* The process's allocations, accounted by kind; failure can be injected by tests.
 * (The heap of deadlines is base/timers.h.) */
#ifndef LY_BASE_HEAP_H
#define LY_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ly_mem {
	LY_MEM_MISC,
	LY_MEM_CONN,    /* sockets, framing, TLS glue */
	LY_MEM_XML,     /* parsers, stanza arenas */
	LY_MEM_SESSION, /* sessions, rosters, presence */
	LY_MEM_ROOM,
	LY_MEM_STORE,
	LY_MEM_QUEUE, /* messages between homes, blobs waiting to be written */
	LY_MEM_CALL,
	LY_MEM_MEDIA, /* ICE, DTLS, SRTP, packet buffers */
	LY_MEM_SFU,
	LY_MEM_CONFIG,
	LY_N_MEM
};

/** Allocates @p len zeroed bytes; NULL when out of memory (len 0 gives a valid pointer). */
void *ly_alloc(size_t len, enum ly_mem kind);

/** Resizes; new bytes are not zeroed. On NULL the old block is kept. @p ptr may be NULL. */
void *ly_realloc(void *ptr, size_t len, enum ly_mem kind);

/** Frees what ly_alloc gave with the same kind; NULL is fine. */
void ly_free(void *ptr, enum ly_mem kind);

/** Copies @p len bytes and adds a zero; NULL when out of memory. */
char *ly_strndup(const char *s, size_t len, enum ly_mem kind);
char *ly_strdup(const char *s, enum ly_mem kind);

/** Bytes now allocated of one kind (malloc's usable sizes). */
int64_t ly_heap_used(enum ly_mem kind);
const char *ly_mem_name(enum ly_mem kind);

/** For tests: the nth allocation from now on fails (1 = the next), 0 switches it off. */
void ly_heap_fail_at(uint64_t nth);
/** True if the injected failure has happened since ly_heap_fail_at(). */
bool ly_heap_failed(void);

/** Overwrites keys so that the compiler cannot leave it out. */
void ly_wipe(void *ptr, size_t len);
/** Compares in constant time. */
bool ly_equal_ct(const void *a, const void *b, size_t len);

#endif
