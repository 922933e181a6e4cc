import { bareJid, displayName, resourceOf } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { attr, child, children, childText, x, type XmlNode } from '../xmpp/xml';
import { bodyOf, Conversation, stampOf } from './chat';
import { Store } from './store';

export interface SourceState {
	muted: boolean;
	videoType?: string;
}

export interface Occupant {
	nick: string;
	name: string;
	/** the real JID: classrooms are not anonymous */
	jid: string;
	role: string;
	affiliation: string;
	/** by source name; empty for those who only chat */
	sources: Map<string, SourceState>;
}

export class Room {
	readonly conversation = new Conversation();
	occupants = new Map<string, Occupant>();
	/** nick names seen here, so that old messages keep their author's name */
	names = new Map<string, string>();
	joined = false;
	nick = '';
	subject = '';
	/** why we are not in it any more, or could not enter */
	error = '';
	/** the call's part of the presence last sent */
	announced: string | undefined;

	constructor(readonly jid: string, public title: string) {}

	people(): Occupant[] {
		return [...this.occupants.values()]
			.filter((o) => o.nick !== FOCUS_NICK)
			.sort((a, b) => a.name.localeCompare(b.name) || a.nick.localeCompare(b.nick));
	}

	inCall(): Occupant[] {
		return this.people().filter((o) => o.sources.size > 0);
	}
}

export const FOCUS_NICK = 'focus';

export interface RoomItem {
	jid: string;
	name: string;
}

/** SourceInfo is JSON text in a presence; a source must carry its sender's nick as prefix. */
export function parseSourceInfo(presence: Element, nick: string): Map<string, SourceState> {
	const out = new Map<string, SourceState>();
	const text = childText(presence, 'SourceInfo');
	if (!text) return out;
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch {
		return out;
	}
	if (typeof json !== 'object' || json === null) return out;
	for (const [name, info] of Object.entries(json as Record<string, unknown>)) {
		if (!name.startsWith(`${nick}-`) || typeof info !== 'object' || info === null) continue;
		const { muted, videoType } = info as { muted?: unknown; videoType?: unknown };
		out.set(name, { muted: muted === true, videoType: typeof videoType === 'string' ? videoType : undefined });
	}
	return out;
}

export function parseOccupant(presence: Element): Occupant | undefined {
	const nick = resourceOf(attr(presence, 'from') ?? '');
	const item = child(child(presence, 'x', NS.MUC_USER), 'item');
	if (!nick || !item) return undefined;
	const jid = attr(item, 'jid') ?? '';
	const shown = childText(presence, 'nick', NS.NICK)?.trim();
	return {
		nick,
		jid,
		name: shown || (jid ? displayName(jid) : nick),
		role: attr(item, 'role') ?? 'none',
		affiliation: attr(item, 'affiliation') ?? 'none',
		sources: parseSourceInfo(presence, nick),
	};
}

export function statusCodes(presence: Element): Set<string> {
	const info = child(presence, 'x', NS.MUC_USER);
	return new Set(info ? children(info, 'status').map((s) => attr(s, 'code') ?? '') : []);
}

/** Why an unavailable self-presence came (XEP-0045 §9 and §10). */
export function leaveReason(presence: Element): string {
	const codes = statusCodes(presence);
	if (codes.has('301')) return 'You were banned from this classroom.';
	if (codes.has('307')) return 'You were removed from this classroom.';
	if (codes.has('332')) return 'The server is shutting down.';
	if (child(child(presence, 'x', NS.MUC_USER), 'destroy')) return 'This classroom was closed.';
	return '';
}

const JOIN_ERRORS: Record<string, string> = {
	forbidden: 'You are banned from this classroom.',
	'registration-required': 'This classroom is for its members only.',
	'not-authorized': 'This classroom needs a password.',
	'service-unavailable': 'This classroom is full.',
	'item-not-found': 'This classroom does not exist.',
	'not-allowed': 'You may not create a classroom here.',
	conflict: 'This name is taken in the classroom.',
};

export interface RoomsOut {
	iq(type: 'get' | 'set', to: string, payload: XmlNode): Promise<Element>;
	send(node: XmlNode): boolean;
	newId(): string;
	/** the name shown to others */
	myName(): string;
	/** the user reads this room now */
	reading(jid: string): boolean;
	occupantLeft(room: Room, nick: string): void;
	/** own presence ended: kicked, banned, destroyed, or left */
	selfLeft(room: Room, reason: string): void;
}

export class Rooms extends Store {
	list: RoomItem[] = [];
	listError = '';
	rooms = new Map<string, Room>();
	/** presence children for the room in which this page is in a call */
	private callExtra = new Map<string, XmlNode>();

	constructor(readonly service: string, private readonly out: RoomsOut) {
		super();
	}

	async refresh(): Promise<void> {
		try {
			const result = await this.out.iq('get', this.service, x('query', { xmlns: NS.DISCO_ITEMS }));
			const query = child(result, 'query', NS.DISCO_ITEMS);
			this.list = (query ? children(query, 'item') : [])
				.map((i) => ({ jid: bareJid(attr(i, 'jid') ?? ''), name: attr(i, 'name') ?? '' }))
				.filter((i) => i.jid)
				.map((i) => ({ jid: i.jid, name: i.name && i.name !== i.jid.split('@')[0] ? i.name : displayName(i.jid) }))
				.sort((a, b) => a.name.localeCompare(b.name));
			this.listError = '';
		} catch (e) {
			this.listError = e instanceof Error ? e.message : String(e);
		}
		this.changed();
	}

	get(jid: string): Room {
		let room = this.rooms.get(jid);
		if (!room) {
			room = new Room(jid, this.list.find((r) => r.jid === jid)?.name ?? displayName(jid));
			this.rooms.set(jid, room);
		}
		return room;
	}

	/** Enters with this nick, or changes nothing when inside already. */
	join(jid: string, nick: string): Room {
		const room = this.get(jid);
		if (room.joined || room.nick) return room;
		room.nick = nick;
		room.error = '';
		this.sendPresence(room, x('x', { xmlns: NS.MUC }, x('history', { maxstanzas: 50 })));
		this.changed();
		return room;
	}

	/** Sets or clears what the room's call needs in our presence, and tells the room. */
	setCallPresence(jid: string, extra: XmlNode | undefined): void {
		if (extra) this.callExtra.set(jid, extra);
		else this.callExtra.delete(jid);
		const room = this.rooms.get(jid);
		if (room?.joined && room.announced !== JSON.stringify(extra)) this.sendPresence(room);
	}

	private sendPresence(room: Room, ...children_: XmlNode[]): void {
		room.announced = JSON.stringify(this.callExtra.get(room.jid));
		this.out.send(x('presence', { to: `${room.jid}/${room.nick}` },
			...children_,
			x('nick', { xmlns: NS.NICK }, this.out.myName()),
			this.callExtra.get(room.jid)));
	}

	/** The shown name changed: tell all rooms. */
	announceName(): void {
		for (const room of this.rooms.values()) if (room.joined) this.sendPresence(room);
	}

	leave(jid: string): void {
		const room = this.rooms.get(jid);
		if (!room?.nick) return;
		this.out.send(x('presence', { to: `${jid}/${room.nick}`, type: 'unavailable' }));
		this.reset(room);
		this.changed();
	}

	private reset(room: Room): void {
		room.joined = false;
		room.nick = '';
		room.occupants.clear();
		room.announced = undefined;
		this.callExtra.delete(room.jid);
	}

	/** The connection is gone: nobody is known to be anywhere; callers join again. */
	offline(): string[] {
		const were = [...this.rooms.values()].filter((r) => r.joined || r.nick).map((r) => r.jid);
		for (const jid of were) this.reset(this.get(jid));
		this.changed();
		return were;
	}

	presence(stanza: Element): boolean {
		const from = attr(stanza, 'from') ?? '';
		const room = this.rooms.get(bareJid(from));
		if (!room) return bareJid(from).endsWith(`@${this.service}`);
		const type = attr(stanza, 'type');
		const nick = resourceOf(from);
		if (type === 'error') this.joinError(room, stanza);
		else if (type === 'unavailable') this.unavailable(room, nick, stanza);
		else this.available(room, nick, stanza);
		this.changed();
		return true;
	}

	private joinError(room: Room, stanza: Element): void {
		if (room.joined) return;
		const error = child(stanza, 'error');
		const condition = error && Array.from(error.children).find((c) => c.namespaceURI === NS.STANZAS && c.localName !== 'text');
		const text = error && childText(error, 'text', NS.STANZAS);
		this.reset(room);
		room.error = text || JOIN_ERRORS[condition?.localName ?? ''] || 'The classroom could not be entered.';
		this.out.selfLeft(room, room.error);
	}

	private unavailable(room: Room, nick: string, stanza: Element): void {
		const self = nick === room.nick || statusCodes(stanza).has('110');
		room.occupants.delete(nick);
		if (!self) {
			this.out.occupantLeft(room, nick);
			return;
		}
		const reason = leaveReason(stanza);
		this.reset(room);
		room.error = reason;
		this.out.selfLeft(room, reason);
	}

	private available(room: Room, nick: string, stanza: Element): void {
		const occupant = parseOccupant(stanza);
		if (!occupant) return;
		room.occupants.set(nick, occupant);
		room.names.set(nick, occupant.name);
		const codes = statusCodes(stanza);
		if (!codes.has('110') && nick !== room.nick) return;
		room.nick = nick;
		const entering = !room.joined;
		room.joined = true;
		room.error = '';
		// The call may have begun while the room had not let us in yet.
		if (entering) this.setCallPresence(room.jid, this.callExtra.get(room.jid));
		if (codes.has('201')) void this.configure(room);
	}

	/** A new room is locked until its owner sent a form (XEP-0045 §10.1). */
	private async configure(room: Room): Promise<void> {
		const field = (name: string, value: string) => x('field', { var: name }, x('value', {}, value));
		const form = (...fields: XmlNode[]) => x('query', { xmlns: NS.MUC_OWNER },
			x('x', { xmlns: NS.XDATA, type: 'submit' },
				x('field', { var: 'FORM_TYPE', type: 'hidden' }, x('value', {}, `${NS.MUC}#roomconfig`)), ...fields));
		const wanted = form(
			field('muc#roomconfig_roomname', room.title),
			field('muc#roomconfig_persistentroom', '1'),
			field('muc#roomconfig_publicroom', '1'),
			field('muc#roomconfig_whois', 'anyone'));
		try {
			await this.out.iq('set', room.jid, wanted);
		} catch {
			await this.out.iq('set', room.jid, x('query', { xmlns: NS.MUC_OWNER },
				x('x', { xmlns: NS.XDATA, type: 'submit' }))).catch(() => undefined);
		}
		await this.refresh();
	}

	message(stanza: Element): boolean {
		const from = attr(stanza, 'from') ?? '';
		const jid = bareJid(from);
		const room = this.rooms.get(jid);
		if (!room) return jid.endsWith(`@${this.service}`);
		const nick = resourceOf(from);
		if (attr(stanza, 'type') === 'error') {
			room.conversation.fail(attr(stanza, 'id') ?? '');
			this.changed();
			return true;
		}
		const body = bodyOf(stanza);
		const subject = childText(stanza, 'subject');
		if (subject !== undefined && body === undefined) room.subject = subject;
		if (body !== undefined) this.addMessage(room, nick, stanza, body);
		this.changed();
		return true;
	}

	private addMessage(room: Room, nick: string, stanza: Element, body: string): void {
		const delayed = stampOf(stanza);
		const name = childText(stanza, 'nick', NS.NICK) || room.names.get(nick) || nick;
		const mine = nick === room.nick || (delayed !== undefined && name === this.out.myName());
		room.conversation.add({
			id: attr(stanza, 'id') ?? '',
			from: nick,
			name: nick ? name : room.title,
			mine,
			body,
			at: delayed ?? Date.now(),
			system: !nick,
		}, delayed !== undefined || this.out.reading(room.jid));
	}

	/** Moderators may remove somebody (XEP-0045 §8.2). */
	async remove(jid: string, nick: string): Promise<void> {
		await this.out.iq('set', jid, x('query', { xmlns: NS.MUC_ADMIN }, x('item', { nick, role: 'none' })));
	}

	say(jid: string, body: string): void {
		const room = this.rooms.get(jid);
		if (!room?.joined) return;
		const id = this.out.newId();
		const at = Date.now();
		room.conversation.add({ id, from: room.nick, name: this.out.myName(), mine: true, body, at }, true);
		const sent = this.out.send(x('message', { to: jid, type: 'groupchat', id },
			x('body', {}, body), x('nick', { xmlns: NS.NICK }, this.out.myName())));
		if (!sent) room.conversation.fail(id);
		this.changed();
	}
}
