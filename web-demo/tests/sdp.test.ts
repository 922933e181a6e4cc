import { describe, expect, it } from 'vitest';
import { parseSessionInitiate } from '../src/rtc/jingle';
import { buildOffer, localSource, localTransport, negotiatedContent, splitSdp } from '../src/rtc/sdp';
import { SlotMap } from '../src/rtc/slots';
import type { Source } from '../src/rtc/types';
import { parseXml } from '../src/xmpp/xml';
import { OFFER } from './offer';

const init = () => parseSessionInitiate(parseXml(OFFER));

function offerFor(change?: (slots: SlotMap) => void): string {
	const i = init();
	const primary = (m: string) => i.contents.find((c) => c.media === m)!.sources[0];
	const slots = new SlotMap(primary('audio'), primary('video'));
	slots.add(i.contents.flatMap((c) => c.sources).filter((s) => s.owner !== 'jvb'));
	change?.(slots);
	return buildOffer({ sessionId: '1', version: 1, transport: i.transport, contents: i.contents, slots: slots.slots });
}

describe('buildOffer', () => {
	it('has one m-line per slot in one BUNDLE', () => {
		const { session, sections } = splitSdp(offerFor());
		expect(session).toContain('a=group:BUNDLE 0 1 2 3');
		expect(sections.map((s) => `${s.mid} ${s.media}`)).toEqual(['0 audio', '1 video', '2 audio', '3 video']);
		const directions = sections.map((s) => s.lines.find((l) => /^a=(sendrecv|sendonly|recvonly|inactive)$/.test(l)));
		expect(directions).toEqual(['a=sendrecv', 'a=sendrecv', 'a=sendonly', 'a=sendonly']);
	});
	it('signals remote SSRCs with their retransmission group', () => {
		const lines = splitSdp(offerFor()).sections[3]!.lines;
		expect(lines).toContain('a=ssrc-group:FID 3001 3002');
		expect(lines).toContain('a=ssrc:3002 msid:aaaa0001 aaaa0001-v0');
		expect(lines).toContain('a=fmtp:96 apt=100');
		expect(lines).toContain('a=rtcp-fb:100 nack pli');
	});
	it('gives candidates once, and fingerprints in capitals', () => {
		const { sections } = splitSdp(offerFor());
		expect(sections[0]!.lines).toContain('a=candidate:1 1 udp 2130706431 192.0.2.2 10000 typ host generation 0');
		expect(sections[1]!.lines.some((l) => l.startsWith('a=candidate'))).toBe(false);
		expect(sections[3]!.lines).toContain('a=fingerprint:sha-256 AB:CD');
	});
	it('does not promise MIDs that the server will not send', () => {
		expect(offerFor()).not.toContain('sdes:mid');
		expect(offerFor()).toContain('a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level');
	});
	it('keeps the place of an m-line whose source went', () => {
		const { sections } = splitSdp(offerFor((s) => s.removeOwner('aaaa0001')));
		expect(sections.map((s) => s.mid)).toEqual(['0', '1', '2', '3']);
		expect(sections[3]!.lines).toContain('a=inactive');
		expect(sections[3]!.lines.some((l) => l.startsWith('a=ssrc'))).toBe(false);
	});
	it('offers to receive the screen', () => {
		const { sections } = splitSdp(offerFor((s) => s.openScreen()));
		expect(sections[4]!.lines).toContain('a=recvonly');
	});
});

const ANSWER = [
	'v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0 1', 'a=fingerprint:sha-256 11:22',
	'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', 'a=sendrecv', 'a=ice-ufrag:me', 'a=ice-pwd:secret', 'a=setup:active',
	'a=candidate:7 1 udp 2122260223 192.0.2.9 40000 typ srflx raddr 10.0.0.1 rport 40000 generation 0',
	'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level', 'a=ssrc:77 cname:abc', 'a=ssrc:77 msid:s t',
	'm=video 9 UDP/TLS/RTP/SAVPF 100 96', 'a=mid:1', 'a=sendrecv', 'a=ssrc-group:FID 88 89',
	'a=ssrc:88 cname:abc', 'a=ssrc:89 cname:abc',
	'm=video 9 UDP/TLS/RTP/SAVPF 100 96', 'a=mid:2', 'a=recvonly', '',
].join('\r\n');

describe('reading the answer', () => {
	it('takes the transport, also from the session level', () => {
		const t = localTransport(ANSWER);
		expect(t).toMatchObject({ ufrag: 'me', pwd: 'secret', fingerprints: [{ hash: 'sha-256', value: '11:22', setup: 'active' }] });
		expect(t.candidates[0]).toMatchObject({ ip: '192.0.2.9', type: 'srflx', relAddr: '10.0.0.1', relPort: '40000' });
	});
	it('takes own SSRCs', () => {
		expect(localSource(ANSWER, '0', 'me-a0')).toMatchObject({ ssrc: 77, rtx: undefined, cname: 'abc', media: 'audio', owner: 'me' });
		expect(localSource(ANSWER, '1', 'me-v0', 'camera')).toMatchObject({ ssrc: 88, rtx: 89, videoType: 'camera' });
		expect(localSource(ANSWER, '2', 'me-v1')).toBeUndefined();
		expect(localSource(ANSWER, '9', 'me-v1')).toBeUndefined();
	});
	it('keeps only the codecs and extensions that survived', () => {
		const offered = init().contents;
		expect(negotiatedContent(offered[0]!, ANSWER, '0', []).extensions.map((e) => e.id)).toEqual([1]);
		expect(negotiatedContent(offered[1]!, ANSWER.replace('SAVPF 100 96\r\na=mid:1', 'SAVPF 100\r\na=mid:1'), '1', [])
			.payloadTypes.map((p) => p.id)).toEqual([100]);
	});
});

describe('SlotMap', () => {
	const source = (name: string, ssrc: number): Source => ({ name, owner: name.split('-')[0]!, media: 'video', ssrc });
	const fresh = () => new SlotMap(undefined, undefined);
	it('reuses a freed m-line only after it was negotiated', () => {
		const s = fresh();
		s.add([source('a-v0', 1)]);
		s.remove([source('a-v0', 1)]);
		s.add([source('b-v0', 2)]);
		expect(s.slots.map((x) => x.source?.name)).toEqual([undefined, undefined, undefined, 'b-v0']);
		s.negotiated(s.inactiveMids());
		s.add([source('c-v0', 3)]);
		expect(s.find('c-v0')!.mid).toBe('2');
	});
	it('ignores what it knows and replaces a source that changed its SSRC', () => {
		const s = fresh();
		expect(s.add([source('a-v0', 1)])).toBe(true);
		expect(s.add([source('a-v0', 1)])).toBe(false);
		expect(s.add([source('a-v0', 9)])).toBe(true);
		expect(s.remoteSources().map((x) => x.ssrc)).toEqual([9]);
	});
	it('never gives away the m-lines of the bridge', () => {
		const s = new SlotMap(source('jvb-a0', 10), source('jvb-v0', 11));
		expect(s.add([source('jvb-v0', 12), source('x-v0', 11)])).toBe(false);
		expect(s.removeOwner('jvb')).toBe(false);
		expect(s.slots).toHaveLength(2);
	});
	it('two SSRCs never clash', () => {
		const s = fresh();
		s.add([source('a-v0', 1)]);
		s.add([source('b-v0', 1)]);
		expect(s.remoteSources().map((x) => x.name)).toEqual(['b-v0']);
	});
	it('opens and closes one screen', () => {
		const s = fresh();
		expect(s.openScreen()).toBe(s.openScreen());
		expect(s.closeScreen()).toBe(true);
		expect(s.closeScreen()).toBe(false);
	});
});
