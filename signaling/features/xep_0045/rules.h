/* Who may do what in a room: pure decisions with the error that the XEP names for a refusal. */
#ifndef LY_SIGNALING_FEATURES_XEP_0045_RULES_H
#define LY_SIGNALING_FEATURES_XEP_0045_RULES_H

#include "signaling/features/xep_0045/muc.h"

/** A verdict: LY_MUC_OK or the stanza error (enum ly_cond) to answer with. */
#define LY_MUC_OK (-1)

struct ly_muc_join_facts {
	enum ly_muc_affiliation affiliation;
	bool locked; /* waits for its first configuration, and this is not its owner */
	bool members_only;
	bool has_password; /* the room has one */
	bool password_ok;
	bool nick_taken;        /* by an occupant with another bare JID, or registered by one */
	bool too_many_sessions; /* of the same nick */
	unsigned n_occupants, max_occupants;
};

/** XEP-0045 s. 7.2: may this user enter? @return LY_MUC_OK or the condition */
int ly_muc_may_join(const struct ly_muc_join_facts *f);

/** The role on entering (s. 5.1.2). */
enum ly_muc_role ly_muc_default_role(enum ly_muc_affiliation affiliation, bool moderated);

/** Who wants to change somebody, and whom. */
struct ly_muc_party {
	enum ly_muc_role role; /* LY_MUC_NONE when not in the room */
	enum ly_muc_affiliation affiliation;
};

/** s. 8 and 9: kick (to LY_MUC_NONE), voice, moderator status. @return LY_MUC_OK or the condition
 */
int ly_muc_may_set_role(const struct ly_muc_party *actor, const struct ly_muc_party *target,
			enum ly_muc_role to);

/** s. 9 and 10. @p self: actor and target are the same user. @p last_owner: the target is the only
 *  owner. @return LY_MUC_OK or the condition */
int ly_muc_may_set_affiliation(enum ly_muc_affiliation actor, enum ly_muc_affiliation target,
			       enum ly_muc_affiliation to, bool self, bool last_owner);

/** s. 8.5, 9.x, 10.x: may the affiliation list be read? */
int ly_muc_may_list_affiliation(enum ly_muc_affiliation actor, enum ly_muc_affiliation list,
				bool non_anonymous);
int ly_muc_may_list_role(const struct ly_muc_party *actor, enum ly_muc_role list);

/** The role after the affiliation changed to @p to (s. 5.1.3 note); LY_MUC_NONE: must leave. */
enum ly_muc_role ly_muc_role_after(enum ly_muc_role role, enum ly_muc_affiliation from,
				   enum ly_muc_affiliation to, bool members_only, bool moderated);

/** Which of the history a joining client wants (s. 7.2.14); absent limits are the largest value. */
struct ly_muc_history_wish {
	uint64_t max_chars, max_stanzas;
	ly_usec since_wall; /* only messages at or after it; 0 = all */
};

/** Reads <history/> (NULL: no wish). Malformed numbers count as absent. */
struct ly_muc_history_wish ly_muc_history_parse(const struct ly_xml *history, ly_usec wall);

/** @return how many of the newest of @p n messages (sizes and times, oldest first) fit the wish */
size_t ly_muc_history_fit(const struct ly_muc_history_wish *wish, const uint32_t *sizes,
			  const ly_usec *walls, size_t n);

/** True for a room nick that can be shown: not only of spaces and invisible signs. */
bool ly_muc_nick_is_fit(const char *nick);

#endif
