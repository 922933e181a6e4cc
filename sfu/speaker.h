/* Who speaks: from the audio levels senders put in their packets (RFC 6464), with hysteresis so
 * that a cough or a word thrown in does not take the picture away from the speaker. */
#ifndef LY_SFU_SPEAKER_H
#define LY_SFU_SPEAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/** How often ly_speaker_pick() wants to be called. */
#define LY_SPEAKER_INTERVAL LY_MS(100)

/** One participant's voice. */
struct ly_voice {
	float quick; /* smoothed loudness in dB above silence (0 to 127), about 0.2 s */
	float slow;  /* the same, about 1.5 s */
	ly_usec heard_at;
	uint8_t level; /* newest, as received: 0 loudest, 127 silence */
	uint8_t ahead; /* evaluations in a row in which it was louder than the speaker */
};

/** Takes one packet's level, 0 to 127 -dBov. */
void ly_voice_level(struct ly_voice *v, uint8_t level, ly_usec now);
/** Lets a voice that sends nothing (muted, DTX) fade. Once per interval. */
void ly_voice_fade(struct ly_voice *v, ly_usec now);
/** True when @p v should take over from @p speaker (NULL: nobody speaks yet). Once per
 *  interval. */
bool ly_voice_takes_over(struct ly_voice *v, const struct ly_voice *speaker);

#endif
