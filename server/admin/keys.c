#include "server/admin/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

static void to_store(struct ly_store_scram *to, const struct ly_scram_keys *from)
{
	memset(to, 0, sizeof(*to));
	to->iterations = from->iterations;
	to->salt_len = from->salt_len;
	memcpy(to->salt, from->salt, sizeof(from->salt));
	memcpy(to->stored_key, from->stored, sizeof(from->stored));
	memcpy(to->server_key, from->server, sizeof(from->server));
}

static void from_store(struct ly_scram_keys *to, const struct ly_store_scram *from)
{
	memset(to, 0, sizeof(*to));
	to->iterations = from->iterations;
	to->salt_len = from->salt_len;
	memcpy(to->salt, from->salt, sizeof(to->salt));
	memcpy(to->stored, from->stored_key, sizeof(to->stored));
	memcpy(to->server, from->server_key, sizeof(to->server));
}

void ly_keys_to_store(struct ly_store_user *user, const struct ly_credentials *cred)
{
	memset(user->scram, 0, sizeof(user->scram));
	to_store(&user->scram[LY_STORE_SHA1], &cred->sha1);
	to_store(&user->scram[LY_STORE_SHA256], &cred->sha256);
}

void ly_keys_from_store(struct ly_credentials *cred, const struct ly_store_user *user)
{
	from_store(&cred->sha1, &user->scram[LY_STORE_SHA1]);
	from_store(&cred->sha256, &user->scram[LY_STORE_SHA256]);
}

static json_t *key_to_json(const struct ly_scram_keys *k, enum ly_scram_hash hash)
{
	char salt[2 * LY_SCRAM_SALT_MAX + 1], stored[2 * LY_SCRAM_HASH_MAX + 1];
	char server[2 * LY_SCRAM_HASH_MAX + 1];
	size_t len = ly_scram_hash_len(hash);

	if (ly_hex_encode(salt, sizeof(salt), ly_span(k->salt, k->salt_len)) < 0 ||
	    ly_hex_encode(stored, sizeof(stored), ly_span(k->stored, len)) < 0 ||
	    ly_hex_encode(server, sizeof(server), ly_span(k->server, len)) < 0)
		return NULL;
	return json_sprintf("%u:%s:%s:%s", k->iterations, salt, stored, server);
}

json_t *ly_keys_to_json(const struct ly_credentials *cred)
{
	return json_pack("{s:o, s:o}", "sha1", key_to_json(&cred->sha1, LY_SCRAM_SHA1), "sha256",
			 key_to_json(&cred->sha256, LY_SCRAM_SHA256));
}

/* The next part of "a:b:c" in hex; returns its bytes or -1. */
static int part(const char **at, uint8_t *out, size_t cap)
{
	size_t len = strcspn(*at, ":");
	int n = ly_hex_decode(out, cap, *at, len);

	*at += len + ((*at)[len] == ':');
	return n;
}

static int key_from_json(struct ly_scram_keys *k, enum ly_scram_hash hash, const json_t *value)
{
	const char *text = json_string_value(value);
	int len = (int)ly_scram_hash_len(hash);
	unsigned long n;
	char *end = NULL;
	int salt;

	memset(k, 0, sizeof(*k));
	if (text == NULL || text[0] < '0' || text[0] > '9')
		return -EBADMSG;
	n = strtoul(text, &end, 10);
	if (*end != ':' || n < LY_SCRAM_ITERATIONS_MIN || n > 10000000)
		return -EBADMSG;
	text = end + 1;
	salt = part(&text, k->salt, sizeof(k->salt));
	if (salt < 1 || part(&text, k->stored, sizeof(k->stored)) != len ||
	    part(&text, k->server, sizeof(k->server)) != len || *text != '\0')
		return -EBADMSG;
	k->iterations = (uint32_t)n;
	k->salt_len = (uint8_t)salt;
	return 0;
}

int ly_keys_from_json(struct ly_credentials *cred, const json_t *keys)
{
	int err = key_from_json(&cred->sha1, LY_SCRAM_SHA1, json_object_get(keys, "sha1"));

	return err ? err
		   : key_from_json(&cred->sha256, LY_SCRAM_SHA256, json_object_get(keys, "sha256"));
}

static const char *const roles[] = {
	[LY_ROLE_USER] = "student",
	[LY_ROLE_TEACHER] = "teacher",
	[LY_ROLE_OPERATOR] = "operator",
};

int ly_role_parse(const char *name, enum ly_store_role *out)
{
	for (size_t i = 0; i < LY_COUNTOF(roles); i++) {
		if (strcmp(roles[i], name) == 0) {
			*out = (enum ly_store_role)i;
			return 0;
		}
	}
	return -EBADMSG;
}

const char *ly_role_name(enum ly_store_role role)
{
	return (size_t)role < LY_COUNTOF(roles) ? roles[role] : "student";
}
