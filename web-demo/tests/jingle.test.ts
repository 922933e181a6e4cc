import { describe, expect, it } from 'vitest';
import {
	parseSessionInitiate, parseTermination, sessionAccept, sourceChange, sourcesOf, transportOf,
} from '../src/rtc/jingle';
import type { Source } from '../src/rtc/types';
import { parseXml, serialize } from '../src/xmpp/xml';
import { OFFER } from './offer';

const offer = () => parseSessionInitiate(parseXml(OFFER));

describe('session-initiate', () => {
	it('reads transport, codecs and bridge', () => {
		const init = offer();
		expect(init.sid).toBe('s1');
		expect(init.bridgeSessionId).toBe('b7');
		expect(init.transport).toMatchObject({ ufrag: 'uf', webSocket: 'wss://example.net/colibri-ws/default/c1/aaaa?pwd=x' });
		expect(init.transport.candidates[0]).toMatchObject({ ip: '192.0.2.2', port: '10000', type: 'host' });
		expect(init.contents.map((c) => c.media)).toEqual(['audio', 'video']);
		expect(init.contents[1]!.payloadTypes.map((p) => p.id)).toEqual([100, 96]);
		expect(init.contents[1]!.payloadTypes[0]!.feedback).toContainEqual({ type: 'nack', subtype: 'pli' });
	});
	it('folds retransmission SSRCs into their source and drops impossible SSRCs', () => {
		const video = offer().contents[1]!.sources;
		expect(video.map((s) => s.name)).toEqual(['jvb-v0', 'aaaa0001-v0']);
		expect(video[1]).toMatchObject({ ssrc: 3001, rtx: 3002, owner: 'aaaa0001', videoType: 'camera' });
	});
	it.each([
		['no audio', OFFER.replaceAll("media='audio'", "media='application'").replace("content name='audio' creator", "content name='x' creator")],
		['no ICE transport', OFFER.replaceAll('ufrag=', 'x-ufrag=')],
		['no DTLS fingerprint', OFFER.replace(/<fingerprint.*<\/fingerprint>/, '')],
	])('refuses an offer with %s', (what, xml) => {
		expect(() => parseSessionInitiate(parseXml(xml))).toThrow(what);
	});
});

describe('own stanzas', () => {
	const sources: Source[] = [
		{ name: 'bbbb0002-a0', owner: 'bbbb0002', media: 'audio', ssrc: 5, cname: 'c', msid: 'bbbb0002 bbbb0002-a0' },
		{ name: 'bbbb0002-v0', owner: 'bbbb0002', media: 'video', ssrc: 6, rtx: 7, videoType: 'camera' },
	];
	it('a session-accept reads back as what it was made of', () => {
		const init = offer();
		const contents = init.contents.map((c) => ({ ...c, sources: sources.filter((s) => s.media === c.media) }));
		const el = parseXml(serialize(sessionAccept(init, 'me@localhost/web', contents, init.transport)));
		expect(el.getAttribute('action')).toBe('session-accept');
		const back = parseSessionInitiate(el);
		expect(back.contents.flatMap((c) => c.sources).map((s) => [s.name, s.ssrc, s.rtx])).toEqual(
			[['bbbb0002-a0', 5, undefined], ['bbbb0002-v0', 6, 7]]);
		expect(back.contents[0]!.payloadTypes).toEqual(init.contents[0]!.payloadTypes);
		expect(back.transport.fingerprints).toEqual(init.transport.fingerprints);
	});
	it('source-add names only the media concerned', () => {
		const el = parseXml(serialize(sourceChange('s1', 'source-add', [sources[1]!])));
		expect(el.children).toHaveLength(1);
		expect(sourcesOf(el)).toMatchObject([{ name: 'bbbb0002-v0', ssrc: 6, rtx: 7 }]);
	});
	it('escapes what others chose', () => {
		const nasty = { ...sources[0]!, name: 'a<b>&"\'\u0001-a0' };
		expect(sourcesOf(parseXml(serialize(sourceChange('s', 'source-add', [nasty]))))[0]!.name).toBe('a<b>&"\'-a0');
	});
});

describe('the rest', () => {
	it('finds the transport of a transport-info', () => {
		const t = transportOf(parseXml(`<jingle xmlns='urn:xmpp:jingle:1'><content name='audio'>
			<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='n' pwd='p' ice-generation='2'/></content></jingle>`));
		expect(t).toMatchObject({ ufrag: 'n', generation: '2' });
	});
	it.each([
		["<reason><gone/><text>x</text></reason>", { condition: 'gone', text: 'x', movedTo: undefined }],
		["<reason><gone/></reason><moved xmlns='urn:lyceum:calls:0' device='Firefox on Linux'/>", { condition: 'gone', movedTo: 'Firefox on Linux' }],
		["<reason><gone/><moved xmlns='urn:lyceum:calls:0' device='D'/></reason>", { condition: 'gone', movedTo: 'D' }],
		['', { condition: 'success', movedTo: undefined }],
	])('reads the reason %s', (xml, expected) => {
		expect(parseTermination(parseXml(`<jingle xmlns='urn:xmpp:jingle:1'>${xml}</jingle>`))).toMatchObject(expected);
	});
});
