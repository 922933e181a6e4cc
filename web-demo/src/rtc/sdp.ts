import type { Slot } from './slots';
import type { Candidate, Content, Media, PayloadType, Source, Transport } from './types';

/** Remote offers are written from the Jingle model; local answers are read into it. */

/**
 * The server forwards without stamping MIDs, and with one BUNDLE a receiver that
 * was promised MIDs would drop or misplace such packets: SSRC signalling does it.
 */
const NOT_OFFERED = new Set([
	'urn:ietf:params:rtp-hdrext:sdes:mid',
	'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
	'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
]);

export interface OfferModel {
	sessionId: string;
	version: number;
	transport: Transport;
	contents: Content[];
	slots: Slot[];
}

export function candidateLine(c: Candidate): string {
	let line = `candidate:${c.foundation} ${c.component} ${c.protocol} ${c.priority} ${c.ip} ${c.port} typ ${c.type}`;
	if (c.relAddr && c.relPort) line += ` raddr ${c.relAddr} rport ${c.relPort}`;
	if (c.tcpType) line += ` tcptype ${c.tcpType}`;
	return `${line} generation ${c.generation ?? '0'}`;
}

function codecLines(p: PayloadType): string[] {
	const channels = p.channels > 1 ? `/${p.channels}` : '';
	const lines = [`a=rtpmap:${p.id} ${p.name}/${p.clockrate}${channels}`];
	if (p.parameters.length > 0) {
		const list = p.parameters.map(([name, value]) => (name ? `${name}=${value}` : value)).join(';');
		lines.push(`a=fmtp:${p.id} ${list}`);
	}
	for (const f of p.feedback) {
		lines.push(`a=rtcp-fb:${p.id} ${f.type}${f.subtype ? ` ${f.subtype}` : ''}`);
	}
	return lines;
}

/** Camera and microphone of one person share a stream, so browsers keep lips in sync. */
export function msidOf(source: Source): string {
	if (source.owner === 'jvb' && source.msid) return source.msid;
	const suffix = source.videoType === 'desktop' ? '-screen' : '';
	return `${source.owner}${suffix} ${source.name}`;
}

function sourceLines(source: Source): string[] {
	const cname = source.cname ?? source.owner;
	const lines = [`a=msid:${msidOf(source)}`];
	if (source.rtx !== undefined) lines.push(`a=ssrc-group:FID ${source.ssrc} ${source.rtx}`);
	for (const ssrc of source.rtx === undefined ? [source.ssrc] : [source.ssrc, source.rtx]) {
		lines.push(`a=ssrc:${ssrc} cname:${cname}`, `a=ssrc:${ssrc} msid:${msidOf(source)}`);
	}
	return lines;
}

function transportLines(t: Transport, withCandidates: boolean): string[] {
	const lines = [`a=ice-ufrag:${t.ufrag}`, `a=ice-pwd:${t.pwd}`];
	for (const f of t.fingerprints) lines.push(`a=fingerprint:${f.hash} ${f.value.toUpperCase()}`);
	lines.push('a=setup:actpass');
	if (withCandidates) t.candidates.forEach((c) => lines.push(`a=${candidateLine(c)}`));
	return lines;
}

function mediaSection(slot: Slot, content: Content, t: Transport, first: boolean): string[] {
	const lines = [
		`m=${slot.media} 9 UDP/TLS/RTP/SAVPF ${content.payloadTypes.map((p) => p.id).join(' ')}`,
		'c=IN IP4 0.0.0.0',
		'a=rtcp:9 IN IP4 0.0.0.0',
		...transportLines(t, first),
		`a=mid:${slot.mid}`,
		`a=${slot.direction}`,
		'a=rtcp-mux',
		'a=rtcp-rsize',
	];
	for (const e of content.extensions) {
		if (!NOT_OFFERED.has(e.uri)) lines.push(`a=extmap:${e.id} ${e.uri}`);
	}
	if (content.extmapAllowMixed) lines.push('a=extmap-allow-mixed');
	for (const p of content.payloadTypes) lines.push(...codecLines(p));
	const sends = slot.direction === 'sendrecv' || slot.direction === 'sendonly';
	if (sends && slot.source) lines.push(...sourceLines(slot.source));
	return lines;
}

/** A remote offer with one m-line per slot, all in one BUNDLE. */
export function buildOffer(model: OfferModel): string {
	const byMedia = new Map<Media, Content>(model.contents.map((c) => [c.media, c]));
	const slots = model.slots.filter((s) => byMedia.has(s.media));
	const lines = [
		'v=0',
		`o=- ${model.sessionId} ${model.version} IN IP4 0.0.0.0`,
		's=-',
		't=0 0',
		`a=group:BUNDLE ${slots.map((s) => s.mid).join(' ')}`,
		'a=msid-semantic: WMS *',
		'a=ice-options:trickle',
	];
	slots.forEach((slot, i) => {
		lines.push(...mediaSection(slot, byMedia.get(slot.media)!, model.transport, i === 0));
	});
	return `${lines.join('\r\n')}\r\n`;
}

export interface MediaSection {
	media: string;
	mid: string;
	lines: string[];
}

export function splitSdp(sdp: string): { session: string[]; sections: MediaSection[] } {
	const session: string[] = [];
	const sections: MediaSection[] = [];
	for (const line of sdp.split(/\r?\n/)) {
		if (!line) continue;
		if (line.startsWith('m=')) sections.push({ media: line.slice(2).split(' ')[0] ?? '', mid: '', lines: [] });
		const at = sections[sections.length - 1];
		if (!at) {
			session.push(line);
			continue;
		}
		at.lines.push(line);
		if (line.startsWith('a=mid:')) at.mid = line.slice(6);
	}
	return { session, sections };
}

function value(lines: string[], prefix: string): string | undefined {
	return lines.find((l) => l.startsWith(prefix))?.slice(prefix.length);
}

function parseCandidateLine(line: string): Candidate | undefined {
	const p = line.replace(/^a=candidate:/, '').split(' ');
	const [foundation, component, protocol, priority, ip, port, , type] = p;
	if (!foundation || !component || !protocol || !priority || !ip || !port || !type) return undefined;
	const option = (name: string) => {
		const i = p.indexOf(name, 8);
		return i < 0 ? undefined : p[i + 1];
	};
	return {
		foundation, component, protocol: protocol.toLowerCase(), priority, ip, port, type,
		relAddr: option('raddr'), relPort: option('rport'), tcpType: option('tcptype'),
		generation: option('generation'),
	};
}

/** This client's transport, from its answer. */
export function localTransport(sdp: string): Transport {
	const { session, sections } = splitSdp(sdp);
	const lines = [...(sections[0]?.lines ?? []), ...session];
	const fingerprint = value(lines, 'a=fingerprint:') ?? '';
	const space = fingerprint.indexOf(' ');
	return {
		ufrag: value(lines, 'a=ice-ufrag:') ?? '',
		pwd: value(lines, 'a=ice-pwd:') ?? '',
		fingerprints: [{
			hash: fingerprint.slice(0, space),
			setup: value(lines, 'a=setup:') ?? 'active',
			value: fingerprint.slice(space + 1),
		}],
		candidates: (sections[0]?.lines ?? [])
			.filter((l) => l.startsWith('a=candidate:'))
			.map(parseCandidateLine)
			.filter((c) => c !== undefined)
			// The bridge speaks UDP only.
			.filter((c) => c.protocol === 'udp'),
	};
}

/** The source that this client sends on one m-line, undefined when it sends none there. */
export function localSource(
	sdp: string, mid: string, name: string, videoType?: 'camera' | 'desktop',
): Source | undefined {
	const section = splitSdp(sdp).sections.find((s) => s.mid === mid);
	if (!section || !section.lines.some((l) => l === 'a=sendrecv' || l === 'a=sendonly')) return undefined;
	const ssrcs: number[] = [];
	let cname: string | undefined;
	for (const line of section.lines) {
		const match = /^a=ssrc:(\d+) (?:cname:(.*))?/.exec(line);
		if (!match) continue;
		const ssrc = Number(match[1]);
		if (!ssrcs.includes(ssrc)) ssrcs.push(ssrc);
		cname ??= match[2];
	}
	const fid = value(section.lines, 'a=ssrc-group:FID ')?.split(' ').map(Number);
	const ssrc = fid?.[0] ?? ssrcs[0];
	if (ssrc === undefined) return undefined;
	const owner = name.slice(0, name.lastIndexOf('-'));
	return {
		name, owner, media: section.media === 'audio' ? 'audio' : 'video', ssrc, rtx: fid?.[1],
		videoType, cname, msid: `${owner}${videoType === 'desktop' ? '-screen' : ''} ${name}`,
	};
}

/** The payload types and header extensions that survived in the answer. */
export function negotiatedContent(offered: Content, sdp: string, mid: string, sources: Source[]): Content {
	const section = splitSdp(sdp).sections.find((s) => s.mid === mid);
	const lines = section?.lines ?? [];
	const ids = new Set((lines[0] ?? '').split(' ').slice(3).map(Number));
	const uris = new Set(lines.filter((l) => l.startsWith('a=extmap:')).map((l) => l.split(' ')[1]));
	return {
		...offered,
		payloadTypes: offered.payloadTypes.filter((p) => ids.has(p.id)),
		extensions: offered.extensions.filter((e) => uris.has(e.uri)),
		sources,
	};
}
