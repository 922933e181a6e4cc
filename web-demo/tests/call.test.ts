import { describe, expect, it } from 'vitest';
import { SpeakingDetector } from '../src/call/audio';
import { endingOfNotice, endingOfTermination } from '../src/call/endings';
import { conferenceRequest, parseBusy, parseCallNotice, parseConference } from '../src/call/focus';
import { holdsMedia, inCall, step, type CallEvent, type CallState } from '../src/call/state';
import { parseXml, serialize } from '../src/xmpp/xml';

const busy = { callId: 'c', room: 'r', device: 'd', jid: 'j', since: '' };
const run = (...events: CallEvent[]) => events.reduce(step, { phase: 'idle' } as CallState);

describe('the call state', () => {
	it('goes the straight way', () => {
		expect(run({ type: 'open', room: 'r' }, { type: 'join', room: 'r' }, { type: 'granted' }, { type: 'connected' }))
			.toEqual({ phase: 'live', room: 'r' });
	});
	it('is refused and moves', () => {
		const refused = run({ type: 'join', room: 'r' }, { type: 'conflict', busy });
		expect(refused.phase).toBe('busy');
		expect(step(refused, { type: 'move' })).toEqual({ phase: 'claiming', room: 'r', move: busy });
	});
	it('recovers into the same room only', () => {
		const lost = run({ type: 'join', room: 'r' }, { type: 'granted' }, { type: 'trouble', why: 'w' });
		expect(step(lost, { type: 'join', room: 'other' })).toEqual({ phase: 'claiming', room: 'r' });
	});
	it('ignores what does not fit', () => {
		const live = run({ type: 'join', room: 'r' }, { type: 'granted' }, { type: 'connected' });
		for (const e of [{ type: 'open', room: 'x' }, { type: 'join', room: 'x' }, { type: 'granted' }, { type: 'move' },
			{ type: 'conflict', busy }, { type: 'close' }] as CallEvent[]) {
			expect(step(live, e)).toBe(live);
		}
	});
	it('holds media in every state of a call and in none after its end, whatever happened', () => {
		const events: CallEvent[] = [
			{ type: 'open', room: 'r' }, { type: 'join', room: 'r' }, { type: 'conflict', busy }, { type: 'move' }, { type: 'granted' },
			{ type: 'connected' }, { type: 'trouble', why: '' }, { type: 'end', kind: 'ended', text: '' }, { type: 'close' },
		];
		let seed = 1;
		let state: CallState = { phase: 'idle' };
		for (let i = 0; i < 5000; i++) {
			seed = (seed * 1103515245 + 12345) & 0x7fffffff;
			const event = events[(seed >> 8) % events.length]!;
			const before: CallState = state;
			state = step(state, event);
			if (inCall(state)) expect(holdsMedia(state)).toBe(true);
			if (event.type === 'end' && (inCall(before) || before.phase === 'busy')) expect(holdsMedia(state)).toBe(false);
		}
	});
});

describe('the focus', () => {
	it('is asked with device and, to move, the call', () => {
		const el = parseXml(serialize(conferenceRequest('r@m', 'Chromium on Linux', 'u', 'c9')));
		expect(el.getAttribute('room')).toBe('r@m');
		expect(el.querySelector('property')!.getAttribute('value')).toBe('Chromium on Linux');
		expect(el.querySelector('move')!.getAttribute('id')).toBe('c9');
	});
	const error = (inner: string) => parseXml(`<iq xmlns='jabber:client' type='error'><error type='cancel'>${inner}</error></iq>`);
	const conflict = "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>";
	it('names the running call', () => {
		expect(parseBusy(error(`${conflict}<active-call xmlns='urn:lyceum:calls:0' id='7' room='p@m' device='Firefox' jid='a@b/c' since='2026-01-01T00:00:00Z'/>`)))
			.toEqual({ callId: '7', room: 'p@m', device: 'Firefox', jid: 'a@b/c', since: '2026-01-01T00:00:00Z' });
		expect(parseBusy(error(conflict))).toBeUndefined();
		expect(parseBusy(error("<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"))).toBeUndefined();
	});
	it('grants', () => {
		expect(parseConference(parseXml("<iq><conference xmlns='http://jitsi.org/protocol/focus' ready='true' focusjid='f@d'/></iq>")))
			.toEqual({ ready: true, focusJid: 'f@d' });
		expect(parseConference(parseXml('<iq/>')).ready).toBe(false);
	});
	it('reads call states', () => {
		expect(parseCallNotice(parseXml("<message><call xmlns='urn:lyceum:calls:0' state='idle' id='7' reason='lost'/></message>")))
			.toMatchObject({ state: 'idle', id: '7', reason: 'lost' });
		expect(parseCallNotice(parseXml("<message><call xmlns='urn:lyceum:calls:0' state='odd'/></message>"))).toBeUndefined();
	});
});

describe('endings', () => {
	it.each([
		[{ condition: 'gone', movedTo: 'Firefox on Linux' }, 'moved', 'Firefox on Linux'],
		[{ condition: 'gone' }, 'ended', 'ended'],
		[{ condition: 'expired' }, 'lost', 'lost'],
		[{ condition: 'odd-thing', text: 'because.' }, 'ended', 'because'],
	])('says why: %o', (t, kind, words) => {
		const e = endingOfTermination(t);
		expect(e.kind).toBe(kind);
		expect(e.text).toContain(words);
	});
	it('says why by notice', () => {
		expect(endingOfNotice('revoked').kind).toBe('kicked');
		expect(endingOfNotice('').kind).toBe('ended');
	});
});

describe('SpeakingDetector', () => {
	it('holds a speaker for a moment, and forgets who left', () => {
		const d = new SpeakingDetector(0.1, 500);
		expect(d.update(new Map([['a', 0.5]]), 1000)).toBe(true);
		expect([...d.speakers(1400)]).toEqual(['a']);
		d.update(new Map([['a', 0]]), 1600);
		expect([...d.speakers(1600)]).toEqual([]);
		d.update(new Map([['a', 0.5]]), 2000);
		d.update(new Map(), 2001);
		expect([...d.speakers(2001)]).toEqual([]);
	});
});
