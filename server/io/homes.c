#include "server/io/homes.h"

#include "base/err.h"
#include "base/log.h"
#include "server/io/xmpp_conn.h"

/* Rounds of messages that cause messages within one turn; the rest waits for the next turn. */
#define ROUNDS 16

static const struct ly_log homes_log = { "homes", "" };

struct batch {
	struct ly_loop_msg msg;
	struct ly_list list;
	size_t n;
};

static void enqueue(struct ly_worker *w, struct ly_msg *msg)
{
	if (w->n_queue >= LY_HOME_QUEUE_MAX && !msg->must_run) {
		ly_log(&homes_log, LY_WARN, "queue-full", "home=%u", w->loop->index);
		msg->drop(msg);
		return;
	}
	ly_list_add_tail(&w->queue, &msg->link);
	w->n_queue++;
}

static void run_batch(struct ly_loop *loop, struct ly_loop_msg *msg)
{
	struct batch *b = LY_CONTAINER_OF(msg, struct batch, msg);

	LY_LIST_EACH (it, tmp, &b->list) {
		ly_list_del(it);
		enqueue(loop->user, LY_LIST_ENTRY(it, struct ly_msg, link));
	}
	ly_free(b, LY_MEM_QUEUE);
}

static void drop_list(struct ly_list *list)
{
	LY_LIST_EACH (it, tmp, list) {
		struct ly_msg *m = LY_LIST_ENTRY(it, struct ly_msg, link);

		ly_list_del(it);
		m->drop(m);
	}
}

/* Hands a whole list over by one message; without memory for it the list is lost, loudly. */
static void send_batch(struct ly_server *s, unsigned home, struct ly_list *list)
{
	struct batch *b = ly_alloc(sizeof(*b), LY_MEM_QUEUE);

	if (b == NULL) {
		ly_log(&homes_log, LY_ERROR, "messages-lost", "home=%u reason=memory", home);
		drop_list(list);
		return;
	}
	b->msg.run = run_batch;
	b->list = *list;
	b->list.next->prev = &b->list;
	b->list.prev->next = &b->list;
	ly_list_init(list);
	ly_loop_post(&s->loops.loops[home], &b->msg);
}

void ly_homes_post(void *ctx, unsigned home, struct ly_msg *msg)
{
	struct ly_server *s = ctx;
	struct ly_loop *cur = ly_loop_current();

	if (s->is_down) {
		msg->drop(msg);
	} else if (cur != NULL && cur->group == &s->loops) {
		struct ly_worker *w = cur->user;

		if (cur->index == home)
			enqueue(w, msg);
		else
			ly_list_add_tail(&w->out[home], &msg->link);
	} else {
		struct ly_list one;

		ly_list_init(&one);
		ly_list_add_tail(&one, &msg->link);
		send_batch(s, home, &one);
	}
}

static void to_store(void *ctx, struct ly_store_req *req)
{
	struct ly_server *s = ctx;

	if (s->db != NULL) {
		ly_db_submit(s->db, req);
		return;
	}
	req->err = -EIO;
	ly_homes_post(s, req->home, &req->msg);
}

void ly_homes_init_env(struct ly_server *s)
{
	s->env = (struct ly_home_env) {
		.ctx = s,
		.n_homes = s->loops.n,
		.post = ly_homes_post,
		.store = to_store,
		.send = ly_xmpp_send,
		.close = ly_xmpp_close,
	};
}

void ly_homes_touch(struct ly_worker *w)
{
	ly_usec now = ly_loop_now(w->loop);

	if (w->ticked == now)
		return;
	w->ticked = now;
	ly_home_tick(w->home, now, ly_clock_wall());
}

static void end_turn(struct ly_loop *loop, struct ly_loop_turn *turn)
{
	struct ly_worker *w = LY_CONTAINER_OF(turn, struct ly_worker, turn);

	if (ly_home_deadline(w->home) <= ly_loop_now(loop))
		ly_homes_touch(w);
	for (int i = 0; i < ROUNDS && !ly_list_is_empty(&w->queue); i++) {
		struct ly_list now = w->queue;

		now.next->prev = &now;
		now.prev->next = &now;
		ly_list_init(&w->queue);
		w->n_queue = 0;
		w->ticked = ly_loop_now(loop);
		ly_home_run(w->home, w->ticked, ly_clock_wall(), &now);
	}
	if (!ly_list_is_empty(&w->queue))
		loop->again = true;
	for (unsigned i = 0; i < loop->group->n; i++)
		if (!ly_list_is_empty(&w->out[i]))
			send_batch(w->server, i, &w->out[i]);
	if (w->tick.t.at != ly_home_deadline(w->home) || w->tick.t.pos == 0)
		ly_loop_timer_set(loop, &w->tick, ly_home_deadline(w->home));
}

static void on_tick(struct ly_loop *loop, struct ly_loop_timer *timer)
{
	(void)loop;
	(void)timer; /* the end of this turn asks for the deadline anyway */
}

int ly_homes_init_worker(struct ly_worker *w)
{
	struct ly_server *s = w->server;
	const struct ly_config *c = s->conf;
	struct ly_home_conf conf = {
		.index = w->loop->index,
		.hosts = s->hosts,
		.n_hosts = s->n_hosts,
		.limits = {
			.resources = c->limits.resources_per_user,
			.roster = c->limits.roster_items,
			.offline = c->limits.offline_messages,
			.unacked = c->limits.unacked_stanzas,
			.unacked_bytes = c->limits.stream_queue,
			.resume = c->limits.resume_timeout ? c->limits.resume_timeout : -1,
		},
		.rand = &w->rand.rand,
		.version = LY_VERSION,
		.server = w,
		.features = w->server->features,
	};

	ly_list_init(&w->queue);
	w->out = ly_alloc(s->loops.n * sizeof(*w->out), LY_MEM_QUEUE);
	if (w->out == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < s->loops.n; i++)
		ly_list_init(&w->out[i]);
	w->turn.end = end_turn;
	w->tick.fire = on_tick;
	ly_loop_add_turn(w->loop, &w->turn);
	return ly_home_create(&w->home, &conf, &s->env, ly_loop_now(w->loop));
}

void ly_homes_fini_worker(struct ly_worker *w)
{
	if (w->out == NULL)
		return;
	drop_list(&w->queue);
	for (unsigned i = 0; i < w->server->env.n_homes; i++)
		drop_list(&w->out[i]);
	ly_home_destroy(w->home);
	drop_list(&w->queue);
	ly_free(w->out, LY_MEM_QUEUE);
}
