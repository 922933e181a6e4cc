#include "sfu/speaker.h"

/* A voice counts from here: 127 - 77, i.e. louder than -77 dBov (a quiet room is -90 to -80). */
#define SPEECH 50.0F
/* A challenger must be this much louder over the slow window … */
#define MARGIN 5.0F
/* … in so many evaluations in a row: 0.5 s. */
#define ROUNDS 5
/* Packets come every 20 ms; without them a voice fades after this. */
#define QUIET_AFTER LY_MS(150)

void ly_voice_level(struct ly_voice *v, uint8_t level, ly_usec now)
{
	float db = 127.0F - (float)(level & 127);

	v->level = level & 127;
	v->heard_at = now;
	v->quick += (db - v->quick) * 0.1F;
	v->slow += (db - v->slow) * 0.0133F;
}

void ly_voice_fade(struct ly_voice *v, ly_usec now)
{
	if (now - v->heard_at < QUIET_AFTER)
		return;
	v->level = 127;
	v->quick *= 0.6F;
	v->slow *= 0.93F;
}

bool ly_voice_takes_over(struct ly_voice *v, const struct ly_voice *speaker)
{
	bool louder = v->quick >= SPEECH;

	/* A speaker who has fallen silent is beaten by anyone who speaks, after the same half
	 * second. */
	if (louder && speaker && speaker->quick >= SPEECH)
		louder = v->slow >= speaker->slow + MARGIN && v->quick > speaker->quick;
	v->ahead = louder ? (uint8_t)(v->ahead < ROUNDS ? v->ahead + 1 : ROUNDS) : 0;
	return speaker ? v->ahead >= ROUNDS : v->ahead > 0;
}
