import { NS } from '../xmpp/ns';
import { attr, child, x, type XmlNode } from '../xmpp/xml';
import type { BusyInfo } from './state';

/** The conference request and the call-state messages (docs/PROTOCOL.md). */

export function conferenceRequest(room: string, device: string, machine: string, moveId?: string): XmlNode {
	return x('conference', { xmlns: NS.FOCUS, room, 'machine-uid': machine },
		x('property', { name: 'device', value: device }),
		moveId ? x('move', { xmlns: NS.CALLS, id: moveId }) : null);
}

/** The running call named in a <conflict/> answer; undefined for any other error. */
export function parseBusy(errorIq: Element): BusyInfo | undefined {
	const error = child(errorIq, 'error');
	const active = child(error, 'active-call', NS.CALLS);
	if (!child(error, 'conflict', NS.STANZAS) || !active) return undefined;
	return {
		callId: attr(active, 'id') ?? '',
		room: attr(active, 'room') ?? '',
		device: attr(active, 'device') || 'another device',
		jid: attr(active, 'jid') ?? '',
		since: attr(active, 'since') ?? '',
	};
}

export interface ConferenceAnswer {
	ready: boolean;
	focusJid: string;
}

export function parseConference(iq: Element): ConferenceAnswer {
	const conference = child(iq, 'conference', NS.FOCUS);
	return { ready: attr(conference, 'ready') === 'true', focusJid: attr(conference, 'focusjid') ?? '' };
}

export interface CallNotice {
	state: 'active' | 'idle';
	id: string;
	room: string;
	device: string;
	jid: string;
	reason: string;
}

export function parseCallNotice(message: Element): CallNotice | undefined {
	const call = child(message, 'call', NS.CALLS);
	if (!call) return undefined;
	const state = attr(call, 'state');
	if (state !== 'active' && state !== 'idle') return undefined;
	return {
		state,
		id: attr(call, 'id') ?? '',
		room: attr(call, 'room') ?? '',
		device: attr(call, 'device') ?? '',
		jid: attr(call, 'jid') ?? '',
		reason: attr(call, 'reason') ?? '',
	};
}
