/** JID helpers for display and routing; the server does the real checking (RFC 7622). */
export function bareJid(jid: string): string {
	const slash = jid.indexOf('/');
	return slash < 0 ? jid : jid.slice(0, slash);
}

export function resourceOf(jid: string): string {
	const slash = jid.indexOf('/');
	return slash < 0 ? '' : jid.slice(slash + 1);
}

export function localPart(jid: string): string {
	const bare = bareJid(jid);
	const at = bare.indexOf('@');
	return at < 0 ? bare : bare.slice(0, at);
}

export function domainPart(jid: string): string {
	const bare = bareJid(jid);
	return bare.slice(bare.indexOf('@') + 1);
}

/** What the user typed in the log-in form: "teacher" or "teacher@school.example". */
export function completeJid(typed: string, domain: string): string {
	const text = typed.trim().toLowerCase();
	return text.includes('@') ? bareJid(text) : `${text}@${domain}`;
}

/** "student1" → "Student 1", "ada.lovelace" → "Ada Lovelace". */
export function displayName(jid: string): string {
	return localPart(jid)
		.replace(/[._-]+/g, ' ')
		.replace(/([a-z])(\d)/gi, '$1 $2')
		.replace(/(^|\s)\S/g, (c) => c.toUpperCase())
		.trim();
}

/** A room name typed by a user → the local part of its JID. */
export function roomLocalPart(name: string): string {
	return name
		.trim()
		.toLowerCase()
		.normalize('NFKD')
		.replace(/[\u0300-\u036f]/g, '')
		.replace(/[^a-z0-9]+/g, '-')
		.replace(/^-+|-+$/g, '')
		.slice(0, 60);
}

export function initials(name: string): string {
	const words = name.trim().split(/\s+/).filter(Boolean);
	if (words.length === 0) return '?';
	const first = words[0]!.charAt(0);
	const second = words.length > 1 ? words[words.length - 1]!.charAt(0) : '';
	return (first + second).toUpperCase();
}
