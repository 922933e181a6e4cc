/* Jingle as participants send it: any XML stanza through the focus's readers. */
#include "server/focus/jingle.h"
#include "signaling/stanza.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ly_focus_sources s, all = { .n = 0 };
	struct ly_sfu_remote remote;
	struct ly_stanza *st;
	const char *why;

	if (ly_stanza_parse(&st, ly_span(data, size)))
		return 0;
	if (st->kind == LY_IQ && ly_iq_payload(st) != NULL) {
		const struct ly_xml *jingle = ly_iq_payload(st);

		if (ly_focus_sources_parse(&s, jingle, "ab", &why) == 0 &&
		    ly_focus_sources_add(&all, &s) == 0)
			ly_focus_sources_remove(&all, &s);
		(void)ly_focus_remote_parse(&remote, jingle, &why);
	}
	ly_stanza_free(st);
	return 0;
}
