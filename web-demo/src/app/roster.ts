import { bareJid, displayName, resourceOf } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { attr, child, children, childText, numAttr, x, type XmlNode } from '../xmpp/xml';
import { Store } from './store';

export type Show = 'offline' | 'away' | 'busy' | 'online';

export interface Contact {
	jid: string;
	name: string;
	subscription: string;
	/** we asked to see their presence and wait for the answer */
	pending: boolean;
	resources: Map<string, { show: Show; status: string; priority: number }>;
}

export function showOf(presence: Element): Show {
	switch (childText(presence, 'show')) {
	case 'away':
	case 'xa':
		return 'away';
	case 'dnd':
		return 'busy';
	default:
		return 'online';
	}
}

/** Contacts, their presence, and requests to become one (RFC 6121 §2 and §3). */
export class Roster extends Store {
	contacts = new Map<string, Contact>();
	/** bare JIDs that ask to see our presence */
	requests = new Set<string>();
	loaded = false;

	constructor(
		private readonly iq: (type: 'get' | 'set', payload: XmlNode) => Promise<Element>,
		private readonly send: (node: XmlNode) => void,
	) {
		super();
	}

	async fetch(): Promise<void> {
		const result = await this.iq('get', x('query', { xmlns: NS.ROSTER }));
		const old = this.contacts;
		this.contacts = new Map();
		for (const item of children(child(result, 'query') ?? result, 'item')) this.setItem(item);
		for (const [jid, contact] of this.contacts) {
			contact.resources = old.get(jid)?.resources ?? contact.resources;
		}
		this.loaded = true;
		this.changed();
	}

	private setItem(item: Element): void {
		const jid = bareJid(attr(item, 'jid') ?? '');
		const subscription = attr(item, 'subscription') ?? 'none';
		if (!jid) return;
		if (subscription === 'remove') {
			this.contacts.delete(jid);
			return;
		}
		this.contacts.set(jid, {
			jid,
			name: attr(item, 'name') || displayName(jid),
			subscription,
			pending: attr(item, 'ask') === 'subscribe',
			resources: this.contacts.get(jid)?.resources ?? new Map(),
		});
	}

	/** A roster push; the caller has checked that our own account sent it. */
	push(iq: Element): void {
		for (const item of children(child(iq, 'query') ?? iq, 'item')) this.setItem(item);
		this.changed();
	}

	/** True when the presence was about a contact or a subscription. */
	presence(stanza: Element): boolean {
		const from = attr(stanza, 'from') ?? '';
		const jid = bareJid(from);
		const type = attr(stanza, 'type');
		if (type === 'subscribe') {
			// A contact we asked ourselves, or know already, is accepted without a question.
			if (this.contacts.get(jid)?.pending || this.contacts.get(jid)?.subscription === 'to') this.accept(jid);
			else this.requests.add(jid);
			this.changed();
			return true;
		}
		if (type === 'unsubscribe') this.requests.delete(jid);
		const contact = this.contacts.get(jid);
		if (!contact || (type && type !== 'unavailable')) return !!type && type !== 'unavailable';
		if (type === 'unavailable') contact.resources.delete(resourceOf(from));
		else {
			contact.resources.set(resourceOf(from), {
				show: showOf(stanza),
				status: childText(stanza, 'status') ?? '',
				priority: numAttr(child(stanza, 'priority'), 'value') ?? Number(childText(stanza, 'priority') ?? 0),
			});
		}
		this.changed();
		return true;
	}

	/** Of several devices the best one counts. */
	showOf(jid: string): Show {
		const order: Show[] = ['offline', 'away', 'busy', 'online'];
		let best: Show = 'offline';
		for (const r of this.contacts.get(jid)?.resources.values() ?? []) {
			if (order.indexOf(r.show) > order.indexOf(best)) best = r.show;
		}
		return best;
	}

	nameOf(jid: string): string {
		return this.contacts.get(jid)?.name ?? displayName(jid);
	}

	async add(jid: string, name: string): Promise<void> {
		await this.iq('set', x('query', { xmlns: NS.ROSTER }, x('item', { jid, name: name || undefined })));
		this.send(x('presence', { to: jid, type: 'subscribe' }));
	}

	async remove(jid: string): Promise<void> {
		await this.iq('set', x('query', { xmlns: NS.ROSTER }, x('item', { jid, subscription: 'remove' })));
	}

	/** Lets them see our presence, and asks for theirs. */
	accept(jid: string): void {
		this.requests.delete(jid);
		this.send(x('presence', { to: jid, type: 'subscribed' }));
		const known = this.contacts.get(jid);
		if (!known || (!known.pending && known.subscription !== 'to' && known.subscription !== 'both')) {
			this.send(x('presence', { to: jid, type: 'subscribe' }));
		}
		this.changed();
	}

	refuse(jid: string): void {
		this.requests.delete(jid);
		this.send(x('presence', { to: jid, type: 'unsubscribed' }));
		this.changed();
	}

	offline(): void {
		for (const c of this.contacts.values()) c.resources.clear();
		this.changed();
	}

	sorted(): Contact[] {
		const rank = (c: Contact) => (this.showOf(c.jid) === 'offline' ? 1 : 0);
		return [...this.contacts.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
	}
}
