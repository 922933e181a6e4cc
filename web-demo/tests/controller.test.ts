import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Room } from '../src/app/rooms';
import { CallController } from '../src/call/controller';
import type { CallHost } from '../src/call/host';
import { StanzaError } from '../src/xmpp/client';
import { parseXml, serialize, type XmlNode } from '../src/xmpp/xml';
import { OFFER } from './offer';

/** A camera or microphone that remembers whether it was stopped. */
class FakeTrack {
	enabled = true;
	readyState = 'live';
	onended: (() => void) | null = null;
	label = '';
	constructor(readonly kind: string) {}
	stop() {
		this.readyState = 'ended';
	}
}

/** As much of a peer connection as a negotiation touches. */
class FakePc {
	static last: FakePc;
	connectionState = 'new';
	onconnectionstatechange: (() => void) | null = null;
	localDescription: { sdp: string } | null = null;
	closed = false;
	private transceivers: Record<string, unknown>[] = [];
	constructor() {
		FakePc.last = this;
	}
	async setRemoteDescription({ sdp }: { sdp: string }) {
		const mids = [...sdp.matchAll(/^a=mid:(\d+)/gm)].map((m) => m[1]!);
		while (this.transceivers.length < mids.length) {
			const sender = { track: null as unknown, replaceTrack: async (t: unknown) => void (sender.track = t), getParameters: () => ({ encodings: [{}] }), setParameters: async () => undefined };
			this.transceivers.push({ mid: mids[this.transceivers.length], direction: 'recvonly', sender, receiver: { track: new FakeTrack('x') } });
		}
	}
	async createAnswer() {
		const lines = ['v=0', 'a=fingerprint:sha-256 AA', ...this.transceivers.flatMap((t, i) => [
			`m=${i % 2 ? 'video' : 'audio'} 9 X 111 100 96`, `a=mid:${t.mid}`, `a=${t.direction}`, 'a=ice-ufrag:u', 'a=ice-pwd:p', 'a=setup:active', `a=ssrc:${500 + i} cname:c`])];
		return { sdp: lines.join('\r\n') };
	}
	async setLocalDescription(d: { sdp: string }) {
		this.localDescription = d;
	}
	getTransceivers() {
		return this.transceivers;
	}
	async getStats() {
		return new Map();
	}
	close() {
		this.closed = true;
	}
	become(state: string) {
		this.connectionState = state;
		this.onconnectionstatechange?.();
	}
}

const ROOM = 'algebra@conference.localhost';
const granted = () => parseXml("<iq><conference xmlns='http://jitsi.org/protocol/focus' ready='true' focusjid='focus@focus.localhost'/></iq>");
const conflict = (jid: string) => new StanzaError('conflict', undefined, parseXml(`<iq type='error'><error type='cancel'>
	<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><active-call xmlns='urn:lyceum:calls:0' id='c7' room='physics@m' device='Firefox on Linux' jid='${jid}'/></error></iq>`));
const settle = () => new Promise((r) => setTimeout(r, 5));

function setUp(answers: (Element | Error)[]) {
	const asked: string[] = [];
	const sent: string[] = [];
	const room = new Room(ROOM, 'Algebra');
	let extra: XmlNode | undefined;
	const host: CallHost = {
		config: { domain: 'localhost', muc: 'conference.localhost', focus: 'focus.localhost', websocket: '/x', version: '1' },
		jid: 'student1@localhost/web-1',
		online: true,
		iq: async (_type, to, payload) => {
			asked.push(`${to} ${serialize(payload)}`);
			if (to !== 'focus.localhost') return parseXml('<iq/>');
			const answer = answers.shift() ?? granted();
			if (answer instanceof Error) throw answer;
			return answer;
		},
		send: (n) => sent.push(serialize(n)) > 0,
		reply: (iq) => sent.push(`result ${iq.getAttribute('id')}`),
		refuse: (iq, condition) => sent.push(`${condition} ${iq.getAttribute('id')}`),
		newId: () => 'id',
		room: () => room,
		enterRoom: (_jid, nick) => {
			room.nick = nick;
			room.joined = true;
		},
		leaveRoom: () => sent.push('left the room'),
		setCallPresence: (_room, e) => {
			extra = e;
		},
		callEnded: () => undefined,
	};
	const call = new CallController(host);
	const jingle = (xml: string, from = `${ROOM}/focus`) => call.jingle(parseXml(`<iq xmlns='jabber:client' type='set' id='j' from='${from}'>${xml}</iq>`));
	return { call, asked, sent, room, jingle, presence: () => (extra ? serialize(extra) : '') };
}

async function live(answers: (Element | Error)[] = []) {
	const all = setUp(answers);
	await all.call.open(ROOM);
	await all.call.join(ROOM);
	expect(all.jingle(OFFER)).toBe(true);
	await settle();
	FakePc.last.become('connected');
	await settle();
	expect(all.call.state.phase).toBe('live');
	return all;
}

beforeEach(() => {
	sessionStorage.clear();
	vi.stubGlobal('RTCPeerConnection', FakePc);
	vi.stubGlobal('MediaStream', class {});
	vi.stubGlobal('WebSocket', class {
		close() {}
		send() {}
	});
	vi.stubGlobal('Audio', class {
		srcObject = null;
		async play() {}
	});
	Object.defineProperty(navigator, 'mediaDevices', {
		configurable: true,
		value: { getUserMedia: async (c: MediaStreamConstraints) => ({ getTracks: () => [new FakeTrack(c.audio ? 'audio' : 'video')] }) },
	});
});

const stopped = (call: CallController) => call.media.opened.length > 0 && call.media.opened.every((t) => t.readyState === 'ended');

describe('joining', () => {
	it('claims, answers the offer and tells the room', async () => {
		const { asked, presence, call } = await live();
		expect(asked[0]).toContain(`room="${ROOM}"`);
		expect(asked[1]).toContain('session-accept');
		expect(asked[1]).toContain(`name="${call.endpointId}-a0"`);
		expect(presence()).toContain('&quot;muted&quot;:false');
		expect(JSON.parse(sessionStorage.getItem('lyceum.call')!)).toEqual({ room: ROOM, mic: true, camera: true });
	});
	it('shows the running call, and moves it when told to', async () => {
		const { call, asked } = setUp([conflict('student1@localhost/other'), granted()]);
		await call.open(ROOM);
		await call.join(ROOM);
		expect(call.state).toMatchObject({ phase: 'busy', busy: { device: 'Firefox on Linux', room: 'physics@m' } });
		await call.move();
		expect(asked[1]).toContain('<move xmlns="urn:lyceum:calls:0" id="c7"/>');
		expect(call.state.phase).toBe('connecting');
	});
	it('takes over the call of another device in one step', async () => {
		const { call, asked } = setUp([granted()]);
		await call.takeOver({ callId: 'c7', room: ROOM, device: 'Phone', jid: 'student1@localhost/other', since: '' });
		expect(asked[0]).toContain('<move xmlns="urn:lyceum:calls:0" id="c7"/>');
		expect(call.state.phase).toBe('connecting');
	});
	it('replaces its own past without a question', async () => {
		const { call } = setUp([conflict('student1@localhost/web-1'), granted()]);
		await call.rejoin(ROOM, true, true);
		expect(call.state.phase).toBe('connecting');
	});
	it('releases the devices when the user thinks better of it', async () => {
		const { call } = setUp([conflict('student1@localhost/other')]);
		await call.open(ROOM);
		await call.join(ROOM);
		call.cancel();
		expect(stopped(call)).toBe(true);
	});
	it('releases them when it is refused', async () => {
		const { call } = setUp([new StanzaError('forbidden', undefined, parseXml('<iq/>'))]);
		await call.open(ROOM);
		await call.join(ROOM);
		expect(call.state).toMatchObject({ phase: 'ended', kind: 'refused' });
		expect(stopped(call)).toBe(true);
	});
	it('takes no offer from anybody but the focus of its room', async () => {
		const { call, jingle, sent } = setUp([]);
		await call.open(ROOM);
		await call.join(ROOM);
		jingle(OFFER, `${ROOM}/mallory`);
		jingle(OFFER, 'physics@conference.localhost/focus');
		expect(sent).toEqual(['not-allowed j', 'not-allowed j']);
		expect(call.session).toBeUndefined();
	});
});

describe('every end stops every track at once', () => {
	const terminate = (inner: string, sid = 's1') => `<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='${sid}'>${inner}</jingle>`;
	const ends: [string, string, (t: Awaited<ReturnType<typeof live>>) => unknown][] = [
		['leave', 'left', (t) => t.call.leave()],
		['moved', 'moved', (t) => t.jingle(terminate("<reason><gone/></reason><moved xmlns='urn:lyceum:calls:0' device='Phone'/>"))],
		['ended by the server', 'ended', (t) => t.jingle(terminate('<reason><gone/></reason>'))],
		['kicked', 'kicked', (t) => t.call.selfLeft(t.room, 'You were removed from this classroom.')],
		['another device is active', 'moved', (t) => t.call.onNotice({ state: 'active', id: 'n', room: 'r', device: 'Phone', jid: 'student1@localhost/x', reason: '' })],
		['idle', 'lost', (t) => {
			t.call.onNotice({ state: 'active', id: 'c9', room: ROOM, device: '', jid: 'student1@localhost/web-1', reason: '' });
			t.call.onNotice({ state: 'idle', id: 'c9', room: ROOM, device: '', jid: '', reason: 'lost' });
		}],
	];
	it.each(ends)('%s', async (_name, kind, end) => {
		const t = await live();
		const pc = FakePc.last;
		end(t);
		expect(stopped(t.call)).toBe(true);
		expect(pc.closed).toBe(true);
		expect(t.call.state).toMatchObject({ phase: 'ended', kind });
		expect(t.presence()).toBe('');
		expect(sessionStorage.getItem('lyceum.call')).toBeNull();
	});
	it('but not the end of an older call or session', async () => {
		const t = await live();
		t.call.onNotice({ state: 'active', id: 'c9', room: ROOM, device: '', jid: 'student1@localhost/web-1', reason: '' });
		t.call.onNotice({ state: 'idle', id: 'old', room: ROOM, device: '', jid: 'student1@localhost/web-1', reason: 'left' });
		t.jingle(terminate('<reason><gone/></reason>', 'older'));
		expect(t.call.state.phase).toBe('live');
		expect(t.sent.at(-1)).toBe('item-not-found j');
	});
	it('also a camera that opens only after the end', async () => {
		const { call } = setUp([]);
		let give: (s: unknown) => void = () => undefined;
		navigator.mediaDevices.getUserMedia = () => new Promise((r) => {
			give = r as (s: unknown) => void;
		});
		const opening = call.open(ROOM);
		call.closePrejoin();
		const late = new FakeTrack('video');
		give({ getTracks: () => [late] });
		await Promise.race([opening, settle()]);
		expect(late.readyState).toBe('ended');
	});
	it('and media that stay away, however often the session is set up anew', async () => {
		const t = await live();
		vi.useFakeTimers();
		for (let i = 0; i < 5 && t.call.state.phase !== 'ended'; i++) {
			FakePc.last.become('failed');
			await vi.advanceTimersByTimeAsync(5_000);
		}
		vi.useRealTimers();
		expect(t.call.state).toMatchObject({ phase: 'ended', kind: 'lost' });
		expect(stopped(t.call)).toBe(true);
	});
	it('and a server that stays away', async () => {
		const t = await live();
		vi.useFakeTimers();
		t.call.linkLost();
		expect(t.call.state.phase).toBe('recovering');
		vi.advanceTimersByTime(30_000);
		vi.useRealTimers();
		expect(t.call.state).toMatchObject({ phase: 'ended', kind: 'server' });
		expect(stopped(t.call)).toBe(true);
	});
});

describe('coming back', () => {
	it('claims the call again with the devices still open', async () => {
		const t = await live();
		t.call.linkLost();
		await t.call.linkBack();
		expect(t.call.state.phase).toBe('connecting');
		expect(t.call.media.opened.every((x) => x.readyState === 'live')).toBe(true);
	});
	it('asks for an ICE restart first', async () => {
		const t = await live();
		FakePc.last.become('failed');
		await settle();
		expect(t.call.state.phase).toBe('recovering');
		expect(t.asked.at(-1)).toContain('ice-restart="true"');
		FakePc.last.become('connected');
		expect(t.call.state.phase).toBe('live');
	});
});
