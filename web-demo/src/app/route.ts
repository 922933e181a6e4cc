/** What the page shows, kept in the address so that a reload shows it again. */
export type Route =
	| { view: 'home' }
	| { view: 'chat'; jid: string }
	| { view: 'room'; jid: string };

export function parseRoute(hash: string): Route {
	const match = /^#\/(chat|room)\/(.+)$/.exec(hash);
	if (!match) return { view: 'home' };
	let jid: string;
	try {
		jid = decodeURIComponent(match[2]!).toLowerCase();
	} catch {
		return { view: 'home' };
	}
	return /^[^@/\s]+@[^@/\s]+$/.test(jid) ? { view: match[1] as 'chat' | 'room', jid } : { view: 'home' };
}

export function routeHash(route: Route): string {
	return route.view === 'home' ? '#/' : `#/${route.view}/${encodeURIComponent(route.jid)}`;
}
