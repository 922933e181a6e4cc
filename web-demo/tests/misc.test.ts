import { describe, expect, it } from 'vitest';
import { chatState, Conversation, stampOf } from '../src/app/chat';
import { leaveReason, parseOccupant, parseSourceInfo } from '../src/app/rooms';
import { Roster } from '../src/app/roster';
import { parseRoute, routeHash } from '../src/app/route';
import { channelUrl, parseBridgeMessage } from '../src/rtc/bridge';
import { deviceName, mediaErrorText } from '../src/rtc/devices';
import { Serial } from '../src/rtc/queue';
import { gradeOf, inboundQuality, summarize, worst } from '../src/rtc/stats';
import { bestColumns, columnStart, stageTile, type TileInfo } from '../src/ui/layout';
import { splitLinks } from '../src/ui/links';
import { completeJid, displayName, initials, roomLocalPart } from '../src/xmpp/jid';
import { escapeXml, parseXml, serialize, x } from '../src/xmpp/xml';

describe('xml', () => {
	it('escapes and reads back', () => {
		const text = 'a < b & "c" \'d\' > e\n\u0000';
		expect(parseXml(serialize(x('m', { a: text }, text))).textContent).toBe(text.replace('\u0000', ''));
		expect(escapeXml('\u0000\u0008x')).toBe('x');
	});
	it('refuses what is not well-formed', () => expect(() => parseXml('<a>')).toThrow(SyntaxError));
});

describe('jids and names', () => {
	it.each([['Teacher ', 'teacher@school.example'], ['a@b.c/res', 'a@b.c']])('%s → %s', (typed, jid) => {
		expect(completeJid(typed, 'school.example')).toBe(jid);
	});
	it('makes names', () => {
		expect(displayName('student1@localhost/web')).toBe('Student 1');
		expect(initials('Student 1')).toBe('S1');
		expect(initials('')).toBe('?');
		expect(roomLocalPart(' Algèbre & Géométrie! ')).toBe('algebre-geometrie');
		expect(roomLocalPart('!!!')).toBe('');
	});
});

describe('routes', () => {
	it.each(['#/chat/a%40b', '#/room/algebra%40conference.localhost'])('%s keeps', (hash) => {
		expect(routeHash(parseRoute(hash))).toBe(hash);
	});
	it.each(['', '#/room/', '#/room/%', '#/chat/no-at', '#/x/a@b'])('%s is home', (hash) => {
		expect(parseRoute(hash)).toEqual({ view: 'home' });
	});
});

describe('rooms', () => {
	const presence = (inner: string) => parseXml(`<presence xmlns='jabber:client' from='r@m/aaaa0001'>${inner}</presence>`);
	const item = "<x xmlns='http://jabber.org/protocol/muc#user'><item jid='student1@localhost/w' role='participant' affiliation='none'/></x>";
	it('reads an occupant', () => {
		const o = parseOccupant(presence(`${item}<nick xmlns='http://jabber.org/protocol/nick'>Shown</nick>
			<SourceInfo>{"aaaa0001-a0":{"muted":true},"aaaa0001-v0":{"muted":false,"videoType":"camera"},"other-v0":{"muted":false}}</SourceInfo>`))!;
		expect(o).toMatchObject({ nick: 'aaaa0001', name: 'Shown', role: 'participant' });
		expect([...o.sources.keys()]).toEqual(['aaaa0001-a0', 'aaaa0001-v0']);
		expect(o.sources.get('aaaa0001-a0')!.muted).toBe(true);
		expect(parseOccupant(presence(item))!.name).toBe('Student 1');
		expect(parseOccupant(presence(''))).toBeUndefined();
	});
	it.each(['', 'x', '[]', '1', 'null', '{"aaaa0001-a0":3}'])('bad SourceInfo %s is none', (text) => {
		expect(parseSourceInfo(presence(`<SourceInfo>${text}</SourceInfo>`), 'aaaa0001').size).toBe(0);
	});
	it('says why one is out', () => {
		expect(leaveReason(presence("<x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/><status code='307'/></x>"))).toContain('removed');
		expect(leaveReason(presence("<x xmlns='http://jabber.org/protocol/muc#user'><destroy/></x>"))).toContain('closed');
		expect(leaveReason(presence(''))).toBe('');
	});
});

describe('roster', () => {
	const sent: string[] = [];
	const roster = new Roster(async () => parseXml(
		"<iq><query xmlns='jabber:iq:roster'><item jid='b@h' subscription='both' name='Bee'/><item jid='a@h' subscription='none' ask='subscribe'/></query></iq>"),
	(n) => sent.push(serialize(n)));
	const presence = (from: string, type = '', inner = '') =>
		roster.presence(parseXml(`<presence from='${from}'${type ? ` type='${type}'` : ''}>${inner}</presence>`));
	it('follows presence of several devices', async () => {
		await roster.fetch();
		expect(roster.nameOf('b@h')).toBe('Bee');
		presence('b@h/1', '', '<show>away</show>');
		presence('b@h/2', '', '<show>dnd</show>');
		expect(roster.showOf('b@h')).toBe('busy');
		presence('b@h/2', 'unavailable');
		expect(roster.showOf('b@h')).toBe('away');
		expect(roster.sorted().map((c) => c.jid)).toEqual(['b@h', 'a@h']);
	});
	it('asks about strangers, accepts whom we asked', () => {
		presence('stranger@h', 'subscribe');
		expect([...roster.requests]).toEqual(['stranger@h']);
		roster.accept('stranger@h');
		expect(sent.splice(0)).toEqual(['<presence to="stranger@h" type="subscribed"/>', '<presence to="stranger@h" type="subscribe"/>']);
		presence('a@h', 'subscribe');
		expect(sent).toEqual(['<presence to="a@h" type="subscribed"/>']);
	});
});

describe('conversations', () => {
	const message = (id: string, at: number) => ({ id, from: 'a', name: 'A', mine: false, body: 'x', at });
	it('counts unread, ignores echoes, sorts late ones', () => {
		const c = new Conversation();
		expect(c.add(message('1', 10), false)).toBe(true);
		expect(c.add(message('1', 10), false)).toBe(false);
		c.add(message('2', 5), true);
		expect(c.unread).toBe(1);
		expect(c.messages.map((m) => m.id)).toEqual(['2', '1']);
	});
	it('keeps the newest 500', () => {
		const c = new Conversation();
		for (let i = 0; i < 600; i++) c.add(message(String(i), i), true);
		expect(c.messages).toHaveLength(500);
		expect(c.messages[499]!.id).toBe('599');
	});
	it('reads stamps and typing', () => {
		expect(stampOf(parseXml("<message><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>"))).toBe(Date.UTC(2026, 0));
		expect(stampOf(parseXml("<message><delay xmlns='urn:xmpp:delay' stamp='never'/></message>"))).toBeUndefined();
		expect(chatState(parseXml("<message><composing xmlns='http://jabber.org/protocol/chatstates'/></message>"))).toBe(true);
		expect(chatState(parseXml('<message/>'))).toBeUndefined();
	});
});

describe('bridge channel', () => {
	it.each(['', '{', '[]', '1', 'null', '{"colibriClass":1}'])('%s is no message', (text) => {
		expect(parseBridgeMessage(text)).toBeUndefined();
	});
	it('reads messages', () => {
		expect(parseBridgeMessage('{"colibriClass":"DominantSpeakerEndpointChangeEvent","dominantSpeakerEndpoint":"a"}'))
			.toEqual({ kind: 'speaker', endpoint: 'a' });
		expect(parseBridgeMessage('{"colibriClass":"ForwardedSources","forwardedSources":["a-v0",3]}')).toEqual({ kind: 'forwarded', sources: ['a-v0'] });
		expect(parseBridgeMessage('{"colibriClass":"New"}')).toEqual({ kind: 'other', name: 'New' });
	});
	it("uses the page's own host", () => {
		expect(channelUrl('wss://elsewhere.example/colibri-ws/d/c/e?pwd=1', 'http://localhost:8080')).toBe('ws://localhost:8080/colibri-ws/d/c/e?pwd=1');
		expect(channelUrl('ws://h/p', 'https://school.example')).toBe('wss://school.example/p');
	});
});

describe('statistics', () => {
	const report = (packets: number, lost: number, bytes: number, at: number): [string, unknown][] => [
		['i', { type: 'inbound-rtp', id: 'i', ssrc: 5, kind: 'video', timestamp: at, bytesReceived: bytes, packetsReceived: packets, packetsLost: lost, framesDecoded: 3, jitter: 0.05 }],
		['o', { type: 'outbound-rtp', id: 'o', ssrc: 6, kind: 'audio', timestamp: at, bytesSent: 10, packetsSent: 1 }],
		['r', { type: 'remote-inbound-rtp', id: 'r', ssrc: 6, timestamp: at, fractionLost: 0.1, roundTripTime: 0.02 }],
	];
	it('computes rates between two reports', () => {
		const a = summarize(report(0, 0, 0, 1000)).inbound.get(5)!;
		const now = summarize(report(90, 10, 125_000, 2000));
		const q = inboundQuality(now.inbound.get(5)!, a, now.rttMs);
		expect(now.rttMs).toBe(20);
		expect(now.outbound[0]).toMatchObject({ lossFraction: 0.1, rttMs: 20 });
		expect(q).toMatchObject({ grade: 'poor', loss: 0.1, bps: 1_000_000 });
		expect(q.why).toContain('10.0 %');
		expect(worst({ ...q, grade: 'good' }, q)!.bps).toBe(2_000_000);
		expect(inboundQuality(now.inbound.get(5)!, undefined).grade).toBe('unknown');
	});
	it('grades by the worst value', () => {
		expect(gradeOf(0, 20, 5)).toEqual({ grade: 'good', why: '' });
		expect(gradeOf(0.03, 500, 0)).toMatchObject({ grade: 'poor' });
		expect(gradeOf(0.03, undefined, 0).grade).toBe('fair');
	});
});

describe('devices', () => {
	it('speaks in words', () => {
		expect(mediaErrorText('NotAllowedError', 'camera')).toContain('Allow it');
		expect(mediaErrorText('NotFoundError', 'microphone')).toContain('No microphone');
		expect(mediaErrorText('Odd', 'camera')).toContain('Odd');
	});
	it('names the device', () => {
		expect(deviceName('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0')).toBe('Firefox on Linux');
		expect(deviceName('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36')).toBe('Chromium on Linux');
	});
});

describe('layout', () => {
	const tile = (id: string, more: Partial<TileInfo> = {}): TileInfo => ({ id, endpoint: id, name: id, me: false, screen: false, ...more });
	it.each([
		[1, 1280, 700, 1], [2, 1280, 700, 2], [4, 1280, 700, 2], [5, 1280, 700, 3], [9, 1280, 700, 3],
		[2, 700, 500, 1], [3, 390, 700, 1], [8, 390, 700, 2], [4, 0, 0, 1],
	])('%i tiles in %i × %i take %i columns', (count, width, height, columns) => {
		expect(bestColumns(count, width, height)).toBe(columns);
	});
	it('centres the last row', () => {
		expect([0, 1, 2].map((i) => columnStart(i, 3, 2))).toEqual([undefined, undefined, 2]);
		expect([3, 4].map((i) => columnStart(i, 5, 3))).toEqual([2, undefined]);
		expect(columnStart(2, 4, 2)).toBeUndefined();
	});
	it('chooses what is large', () => {
		const tiles = [tile('me', { me: true }), tile('a'), tile('b'), tile('b-screen', { screen: true })];
		expect(stageTile(tiles, 'a', 'b')!.id).toBe('a');
		expect(stageTile(tiles, undefined, 'a')!.id).toBe('b-screen');
		expect(stageTile(tiles.slice(0, 3), undefined, 'b')!.id).toBe('b');
		expect(stageTile(tiles.slice(0, 1), undefined, null)!.id).toBe('me');
	});
});

describe('links', () => {
	it.each([
		['see https://a.example/b?c=1, please', ['see ', '*https://a.example/b?c=1', ', please']],
		['(http://a.example).', ['(', '*http://a.example', ').']],
		['javascript:alert(1) ftp://x', ['javascript:alert(1) ftp://x']],
		['https://', ['https://']],
	])('%s', (text, parts) => {
		expect(splitLinks(text).map((p) => (p.link ? '*' : '') + p.text)).toEqual(parts);
	});
});

describe('Serial', () => {
	it('runs one after the other, past failures, until closed', async () => {
		const q = new Serial();
		const log: number[] = [];
		const slow = q.run(async () => {
			await new Promise((r) => setTimeout(r, 5));
			log.push(1);
		});
		const bad = q.run(() => Promise.reject(new Error('no'))).catch(() => log.push(2));
		await q.run(async () => { log.push(3); });
		await Promise.all([slow, bad]);
		expect(log).toEqual([1, 2, 3]);
		q.close();
		expect(await q.run(async () => 4)).toBeUndefined();
	});
});
