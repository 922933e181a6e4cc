/* A store in memory for tests: answers at once or late, and out of order between owners, as a real
 * one may; can be told to fail. One owner's requests stay in order. */
#ifndef LY_TESTS_SCENARIO_FAKE_STORE_H
#define LY_TESTS_SCENARIO_FAKE_STORE_H

#include "base/rand.h"
#include "signaling/store/store.h"

struct fake_store;

struct fake_store_conf {
	ly_usec max_delay;  /* answers come 0 to this later; 0: at once */
	unsigned fail_each; /* every nth request fails with -EIO; 0: none */
	uint64_t seed;
	/** Takes the answer to the queue of req->home. */
	void (*post)(void *ctx, unsigned home, struct ly_msg *msg);
	void *ctx;
};

struct fake_store *fake_store_create(const struct fake_store_conf *conf);
/** Drops what is still under way. */
void fake_store_free(struct fake_store *fs);
/** Takes a request. */
void fake_store_submit(struct fake_store *fs, struct ly_store_req *req, ly_usec now);
/** Executes and answers what is due. */
void fake_store_tick(struct fake_store *fs, ly_usec now);
ly_usec fake_store_deadline(const struct fake_store *fs);
/** An account without keys. */
void fake_store_add_user(struct fake_store *fs, const char *jid);
/** From now on every nth request of that kind fails with that error; 0: none. */
void fake_store_fail(struct fake_store *fs, unsigned each);
/** Rows of one kind of an owner: roster items, offline messages, ... by the op that writes them. */
size_t fake_store_count(const struct fake_store *fs, enum ly_store_op put_op, const char *owner);

#endif
