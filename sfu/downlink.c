#include "sfu/downlink.h"

#include "base/util.h"

/* Retransmission copes with less; audio with its FEC does not suffer yet. */
#define HEAVY 0.15
/* Counts twice. */
#define EXTREME 0.4
#define CLEAN 0.03
/* Holding back has helped when the loss has fallen to this part of what it was. */
#define HELPED 0.75
/* So many heavy reports in a row, i.e. seconds, are no burst. */
#define ROUNDS 4
#define JUDGE_AFTER LY_SEC(3)
#define TRIAL LY_SEC(6)
#define CLEAN_MIN LY_SEC(8)
#define CLEAN_MAX LY_SEC(120)
#define BLIND LY_SEC(60)

static void hold(struct ly_downlink *d, unsigned wanted, ly_usec now)
{
	unsigned left = wanted > d->held ? wanted - d->held : 0;

	if (left <= 1)
		return;
	/* a third of what is left at once: a crowded room would take too long one by one */
	d->held += LY_MIN(LY_MAX(left / 3, 1U), left - 1);
	d->loss_before = d->loss;
	d->judge_at = now + JUDGE_AFTER;
	d->bad = 0;
}

static void judge(struct ly_downlink *d, ly_usec now)
{
	d->judge_at = 0;
	if (d->loss < d->loss_before * HELPED) {
		d->futile = 0;
		return;
	}
	if (++d->futile < 2)
		return;
	d->futile = 0;
	d->held = 0;
	d->blind_until = now + BLIND;
}

static void resume(struct ly_downlink *d, ly_usec now)
{
	d->held--;
	d->resumed_at = now;
	d->clean_since = now;
}

/* Loss soon after one came back: it was too much, and the next try waits longer. */
static void take_back(struct ly_downlink *d, unsigned wanted, ly_usec now)
{
	d->clean_needed = LY_MIN(LY_MAX(d->clean_needed, CLEAN_MIN) * 2, CLEAN_MAX);
	d->resumed_at = 0;
	hold(d, wanted, now);
}

static void on_heavy(struct ly_downlink *d, double loss, unsigned wanted, ly_usec now)
{
	d->bad += loss >= EXTREME ? 2 : 1;
	d->clean_since = 0;
	if (now < d->blind_until || d->judge_at)
		return;
	if (d->resumed_at && now - d->resumed_at < TRIAL)
		take_back(d, wanted, now);
	else if (d->bad >= ROUNDS)
		hold(d, wanted, now);
}

static void on_clean(struct ly_downlink *d, ly_usec now)
{
	d->bad = 0;
	if (d->clean_since == 0)
		d->clean_since = now;
	if (d->resumed_at && now - d->resumed_at >= TRIAL) {
		d->resumed_at = 0; /* it has stood the test */
		if (d->held == 0)
			d->clean_needed = CLEAN_MIN;
	}
	if (d->held > 0 && now - d->clean_since >= LY_MAX(d->clean_needed, CLEAN_MIN))
		resume(d, now);
}

bool ly_downlink_report(struct ly_downlink *d, double loss, unsigned wanted, ly_usec now)
{
	unsigned before = d->held;

	d->held = LY_MIN(d->held, wanted ? wanted - 1 : 0); /* others have left */
	d->loss += (loss - d->loss) / 2;
	if (d->judge_at && now >= d->judge_at)
		judge(d, now);
	if (loss >= HEAVY) {
		on_heavy(d, loss, wanted, now);
	} else if (loss < CLEAN) {
		on_clean(d, now);
	} else {
		d->bad = 0;
		d->clean_since = 0;
	}
	return d->held != before;
}
