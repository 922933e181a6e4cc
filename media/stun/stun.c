#include "media/stun/stun.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include "base/err.h"
#include "base/heap.h"

/* The agent's list of outstanding requests (200 at most) is not used: each request is forgotten
 * when it is built and known again while its response is checked, so that any number can be
 * under way and no password has to outlive the call. */
struct ly_stun {
	StunAgent agent;
};

/* Others that must be understood get a 420. ICE-CONTROLLING and -CONTROLLED may be ignored. */
static const uint16_t known_attributes[] = {
	STUN_ATTRIBUTE_MAPPED_ADDRESS,
	STUN_ATTRIBUTE_USERNAME,
	STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
	STUN_ATTRIBUTE_ERROR_CODE,
	STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES,
	STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
	STUN_ATTRIBUTE_PRIORITY,
	STUN_ATTRIBUTE_USE_CANDIDATE,
	0,
};

int ly_stun_create(struct ly_stun **out)
{
	struct ly_stun *s = ly_alloc(sizeof(*s), LY_MEM_MEDIA);

	if (s == NULL)
		return -ENOMEM;
	stun_agent_init(&s->agent, known_attributes, STUN_COMPATIBILITY_RFC5389,
			STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
	*out = s;
	return 0;
}

void ly_stun_destroy(struct ly_stun *stun)
{
	ly_free(stun, LY_MEM_MEDIA);
}

static socklen_t to_sockaddr(struct sockaddr_storage *ss, const struct ly_addr *a)
{
	memset(ss, 0, sizeof(*ss));
	if (a->family == 6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		memcpy(&in6->sin6_addr, a->ip, 16);
		return sizeof(*in6);
	}
	struct sockaddr_in *in4 = (struct sockaddr_in *)ss;

	in4->sin_family = AF_INET;
	in4->sin_port = htons(a->port);
	memcpy(&in4->sin_addr, a->ip, 4);
	return sizeof(*in4);
}

static void from_sockaddr(struct ly_addr *a, const struct sockaddr_storage *ss)
{
	*a = (struct ly_addr) { 0 };
	if (ss->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;

		a->family = 6;
		a->port = ntohs(in6->sin6_port);
		memcpy(a->ip, &in6->sin6_addr, 16);
	} else if (ss->ss_family == AF_INET) {
		const struct sockaddr_in *in4 = (const struct sockaddr_in *)ss;

		a->family = 4;
		a->port = ntohs(in4->sin_port);
		memcpy(a->ip, &in4->sin_addr, 4);
	}
}

/* Starts a Binding request with our own transaction id: magic cookie and 12 bytes. */
static bool begin_request(struct ly_stun *s, StunMessage *msg, uint8_t *out, size_t cap,
			  const uint8_t *id)
{
	static const uint8_t cookie[] = { 0x21, 0x12, 0xa4, 0x42 };
	StunTransactionId full;

	memcpy(full, cookie, sizeof(cookie));
	memcpy(full + sizeof(cookie), id, LY_STUN_ID_LEN);
	return stun_agent_init_request(&s->agent, msg, out, cap, STUN_BINDING) &&
	       stun_message_init(msg, STUN_REQUEST, STUN_BINDING, full);
}

static void forget(struct ly_stun *s, const StunMessage *msg)
{
	StunTransactionId id;

	stun_message_id(msg, id);
	stun_agent_forget_transaction(&s->agent, id);
}

int ly_stun_build_check(struct ly_stun *stun, uint8_t *out, size_t cap,
			const struct ly_stun_check *c)
{
	StunMessage msg;
	bool ok = begin_request(stun, &msg, out, cap, c->id);
	StunAttribute role =
		c->controlling ? STUN_ATTRIBUTE_ICE_CONTROLLING : STUN_ATTRIBUTE_ICE_CONTROLLED;
	size_t len;

	if (ok && c->use_candidate)
		ok = stun_message_append_flag(&msg, STUN_ATTRIBUTE_USE_CANDIDATE) == 0;
	ok = ok && stun_message_append32(&msg, STUN_ATTRIBUTE_PRIORITY, c->priority) == 0 &&
	     stun_message_append64(&msg, role, c->tie_breaker) == 0 &&
	     stun_message_append_bytes(&msg, STUN_ATTRIBUTE_USERNAME, c->cred.username.ptr,
				       c->cred.username.len) == 0;
	if (!ok)
		return -ENOSPC;
	len = stun_agent_finish_message(&stun->agent, &msg, c->cred.pwd.ptr, c->cred.pwd.len);
	if (len == 0)
		return -ENOSPC;
	forget(stun, &msg);
	return (int)len;
}

struct own_cred {
	struct ly_span ufrag, pwd;
};

/* RFC 8445 s. 7.2.2: the username of a check that reaches us is "ours:theirs". */
static bool check_user(StunAgent *agent, StunMessage *msg, uint8_t *username, uint16_t username_len,
		       uint8_t **password, size_t *password_len, void *ctx)
{
	const struct own_cred *own = ctx;

	(void)agent;
	(void)msg;
	if (username_len <= own->ufrag.len || username[own->ufrag.len] != ':' ||
	    memcmp(username, own->ufrag.ptr, own->ufrag.len) != 0)
		return false;
	*password = (uint8_t *)own->pwd.ptr;
	*password_len = own->pwd.len;
	return true;
}

static size_t refuse(struct ly_stun *s, StunMessage *request, uint8_t *out, size_t cap,
		     StunError code)
{
	StunMessage msg;

	if (stun_message_get_class(request) != STUN_REQUEST ||
	    !stun_agent_init_error(&s->agent, &msg, out, cap, request, code))
		return 0;
	return stun_agent_finish_message(&s->agent, &msg, NULL, 0);
}

/* What to answer to a request that did not pass; @return the error for the caller. */
static int answer_refused(struct ly_stun *s, StunValidationStatus status, StunMessage *request,
			  uint8_t *out, size_t cap, struct ly_stun_request *req)
{
	StunMessage msg;

	switch (status) {
	case STUN_VALIDATION_UNAUTHORIZED:
		req->reply_len = refuse(s, request, out, cap, STUN_ERROR_UNAUTHORIZED);
		return -EACCES;
	case STUN_VALIDATION_UNAUTHORIZED_BAD_REQUEST:
	case STUN_VALIDATION_BAD_REQUEST:
		req->reply_len = refuse(s, request, out, cap, STUN_ERROR_BAD_REQUEST);
		return -EBADMSG;
	case STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE:
		req->reply_len = stun_agent_build_unknown_attributes_error(&s->agent, &msg, out,
									   cap, request);
		return -EBADMSG;
	default:
		return -EBADMSG;
	}
}

int ly_stun_answer(struct ly_stun *stun, struct ly_span pkt, struct ly_span ufrag,
		   struct ly_span pwd, uint64_t tie_breaker, const struct ly_addr *src,
		   uint8_t *out, size_t cap, struct ly_stun_request *req)
{
	struct own_cred own = { ufrag, pwd };
	struct sockaddr_storage ss;
	socklen_t ss_len = to_sockaddr(&ss, src);
	StunMessage request, reply;
	StunValidationStatus status;
	StunUsageIceReturn result;

	req->reply_len = 0;
	req->role_conflict = false;
	status = stun_agent_validate(&stun->agent, &request, pkt.ptr, pkt.len, check_user, &own);
	if (status != STUN_VALIDATION_SUCCESS)
		return answer_refused(stun, status, &request, out, cap, req);
	if (stun_message_get_class(&request) != STUN_REQUEST ||
	    stun_message_get_method(&request) != STUN_BINDING)
		return -EPROTO;
	req->priority = stun_usage_ice_conncheck_priority(&request);
	req->use_candidate = stun_usage_ice_conncheck_use_candidate(&request);
	req->reply_len = cap;
	/* our role flips when we lose a tie; when we win, the reply is a 487 and the peer flips */
	result = stun_usage_ice_conncheck_create_reply(
		&stun->agent, &request, &reply, out, &req->reply_len, &ss, ss_len,
		&req->controlling, tie_breaker, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
	if (result == STUN_USAGE_ICE_RETURN_ROLE_CONFLICT)
		req->role_conflict = stun_message_get_class(&reply) == STUN_ERROR;
	else if (result != STUN_USAGE_ICE_RETURN_SUCCESS)
		return -EBADMSG;
	return 0;
}

int ly_stun_response(struct ly_stun *stun, struct ly_span pkt, const uint8_t *id,
		     struct ly_span pwd, struct ly_stun_response *out)
{
	uint8_t scratch[128];
	struct sockaddr_storage ss;
	socklen_t ss_len = sizeof(ss);
	StunMessage request, msg;
	StunValidationStatus status;

	if (!begin_request(stun, &request, scratch, sizeof(scratch), id) ||
	    stun_agent_finish_message(&stun->agent, &request, pwd.ptr, pwd.len) == 0)
		return -EBADMSG;
	status = stun_agent_validate(&stun->agent, &msg, pkt.ptr, pkt.len, NULL, NULL);
	forget(stun, &request);
	if (status == STUN_VALIDATION_UNAUTHORIZED ||
	    status == STUN_VALIDATION_UNAUTHORIZED_BAD_REQUEST)
		return -EACCES;
	if (status != STUN_VALIDATION_SUCCESS)
		return -EBADMSG;
	memset(out, 0, sizeof(*out));
	if (stun_message_get_class(&msg) == STUN_ERROR)
		return stun_message_find_error(&msg, &out->code) == 0 ? 0 : -EBADMSG;
	if (stun_message_get_class(&msg) != STUN_RESPONSE ||
	    stun_message_find_xor_addr(&msg, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &ss, &ss_len) != 0)
		return -EBADMSG;
	from_sockaddr(&out->mapped, &ss);
	return 0;
}
