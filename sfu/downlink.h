/* The last resort when a receiver's link is too narrow for what it wants: video is held back,
 * source by source, while its reports tell of heavy loss. It works by trying: loss that does not
 * fall when less is sent is not congestion, and then everything goes on; what was held back comes
 * again once the link has been clean for a while, and after a failure only after twice that.
 *
 * Pure state, fed with one number a second. */
#ifndef LY_SFU_DOWNLINK_H
#define LY_SFU_DOWNLINK_H

#include <stdbool.h>

#include "base/time.h"

struct ly_downlink {
	unsigned held; /* sources held back now */
	unsigned bad;  /* reports of heavy loss in a row */
	unsigned futile;
	double loss;          /* smoothed */
	double loss_before;   /* when the last one was held back */
	ly_usec judge_at;     /* when it is looked at whether that helped; 0 = nothing to judge */
	ly_usec blind_until;  /* the loss was not congestion: no tries until then */
	ly_usec clean_since;  /* 0 = not clean */
	ly_usec resumed_at;   /* 0 = not on trial */
	ly_usec clean_needed; /* before the next one may come back; 0 = the shortest */
};

/** Takes the loss (0 to 1) of the last interval. @p wanted is how many video sources the receiver
 * would be sent; one is always left. @return true if @c held has changed */
bool ly_downlink_report(struct ly_downlink *d, double loss, unsigned wanted, ly_usec now);

#endif
