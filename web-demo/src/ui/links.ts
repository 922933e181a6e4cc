/** Finds http(s) addresses in a message; a full stop or bracket after one is not part of it. */
export function splitLinks(text: string): { text: string; link: boolean }[] {
	const parts: { text: string; link: boolean }[] = [];
	let at = 0;
	for (const match of text.matchAll(/\bhttps?:\/\/[^\s<>"']+/g)) {
		const address = match[0].replace(/[.,;:!?)\]}]+$/, '');
		if (!URL.canParse(address)) continue;
		if (match.index > at) parts.push({ text: text.slice(at, match.index), link: false });
		parts.push({ text: address, link: true });
		at = match.index + address.length;
	}
	if (at < text.length) parts.push({ text: text.slice(at), link: false });
	return parts;
}
