/** The operator API, as scripts use it. */
import { PASSWORD, URL_ } from './server.mjs';

export async function operatorToken() {
	const r = await fetch(`${URL_}/api/v1/login`, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify({ jid: 'operator@localhost', password: PASSWORD }),
	});
	if (!r.ok) throw new Error(`operator log-in: status ${r.status}`);
	return (await r.json()).token;
}

export async function calls(token) {
	const r = await fetch(`${URL_}/api/v1/calls`, { headers: { Authorization: `Bearer ${token}` } });
	if (!r.ok) throw new Error(`calls: status ${r.status}`);
	return r.json();
}

/** One user's place in a running call. */
export async function participant(token, user) {
	const all = (await calls(token)).calls.flatMap((c) => c.participants);
	return all.find((p) => p.user === `${user}@localhost`);
}
