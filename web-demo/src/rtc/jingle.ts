import { NS } from '../xmpp/ns';
import { attr, child, children, numAttr, x, type XmlNode } from '../xmpp/xml';
import type {
	Candidate, Content, HeaderExtension, Media, PayloadType, SessionInitiate, Source, Transport,
} from './types';
import { OfferError } from './types';

/** Reading and writing Jingle (XEP-0166, 0167, 0176, 0293, 0294, 0320, 0339). */

function parsePayloadType(el: Element): PayloadType | undefined {
	const id = numAttr(el, 'id');
	const name = attr(el, 'name');
	const clockrate = numAttr(el, 'clockrate');
	if (id === undefined || !name || clockrate === undefined) return undefined;
	return {
		id,
		name,
		clockrate,
		channels: numAttr(el, 'channels') ?? 1,
		parameters: children(el, 'parameter').map((p) => [attr(p, 'name') ?? '', attr(p, 'value') ?? '']),
		feedback: children(el, 'rtcp-fb', NS.RTCP_FB).map((f) => ({
			type: attr(f, 'type') ?? '',
			subtype: attr(f, 'subtype'),
		})),
	};
}

function parseExtension(el: Element): HeaderExtension | undefined {
	const id = numAttr(el, 'id');
	const uri = attr(el, 'uri');
	return id === undefined || !uri ? undefined : { id, uri };
}

function parseSsrc(el: Element): number | undefined {
	const ssrc = numAttr(el, 'ssrc');
	if (ssrc === undefined || !Number.isInteger(ssrc) || ssrc < 0 || ssrc > 0xffffffff) return undefined;
	return ssrc;
}

/** ab12cd34-v0 → ab12cd34 */
export function ownerOfName(name: string): string {
	const dash = name.lastIndexOf('-');
	return dash < 0 ? name : name.slice(0, dash);
}

function sourceFrom(el: Element, media: Media, ssrc: number, rtx: number | undefined): Source {
	const info = child(el, 'ssrc-info', NS.JITMEET);
	const name = attr(el, 'name') ?? '';
	const infoOwner = attr(info, 'owner') ?? '';
	const params = new Map(children(el, 'parameter').map((p) => [attr(p, 'name'), attr(p, 'value')]));
	const videoType = attr(el, 'videoType');
	return {
		name: name || `${ssrc}`,
		owner: name ? ownerOfName(name) : infoOwner.slice(infoOwner.lastIndexOf('/') + 1),
		media,
		ssrc,
		rtx,
		videoType: media === 'audio' ? undefined : videoType === 'desktop' ? 'desktop' : 'camera',
		msid: params.get('msid'),
		cname: params.get('cname'),
	};
}

/** Folds FID groups: the retransmission SSRC belongs to its main SSRC's source. */
export function parseSources(description: Element, media: Media): Source[] {
	const rtxOf = new Map<number, number>();
	const isRtx = new Set<number>();
	for (const group of children(description, 'ssrc-group', NS.SSMA)) {
		if (attr(group, 'semantics') !== 'FID') continue;
		const [main, rtx] = children(group, 'source').map(parseSsrc);
		if (main === undefined || rtx === undefined) continue;
		rtxOf.set(main, rtx);
		isRtx.add(rtx);
	}
	const sources: Source[] = [];
	for (const el of children(description, 'source', NS.SSMA)) {
		const ssrc = parseSsrc(el);
		if (ssrc === undefined || isRtx.has(ssrc)) continue;
		sources.push(sourceFrom(el, media, ssrc, rtxOf.get(ssrc)));
	}
	return sources;
}

function parseCandidate(el: Element): Candidate | undefined {
	const ip = attr(el, 'ip');
	const port = attr(el, 'port');
	if (!ip || !port) return undefined;
	return {
		foundation: attr(el, 'foundation') ?? '1',
		component: attr(el, 'component') ?? '1',
		protocol: attr(el, 'protocol') ?? 'udp',
		priority: attr(el, 'priority') ?? '1',
		ip,
		port,
		type: attr(el, 'type') ?? 'host',
		relAddr: attr(el, 'rel-addr'),
		relPort: attr(el, 'rel-port'),
		tcpType: attr(el, 'tcptype'),
		generation: attr(el, 'generation'),
		id: attr(el, 'id'),
	};
}

export function parseTransport(el: Element | undefined): Transport | undefined {
	const ufrag = attr(el, 'ufrag');
	const pwd = attr(el, 'pwd');
	if (!el || !ufrag || !pwd) return undefined;
	return {
		ufrag,
		pwd,
		fingerprints: children(el, 'fingerprint', NS.DTLS).map((f) => ({
			hash: attr(f, 'hash') ?? 'sha-256',
			setup: attr(f, 'setup') ?? 'actpass',
			value: (f.textContent ?? '').trim(),
		})),
		candidates: children(el, 'candidate').map(parseCandidate).filter((c) => c !== undefined),
		webSocket: attr(child(el, 'web-socket', NS.COLIBRI), 'url'),
		generation: attr(el, 'ice-generation'),
	};
}

function parseContent(el: Element): Content | undefined {
	const description = child(el, 'description', NS.RTP);
	const media = attr(description, 'media') ?? attr(el, 'name');
	if (!description || (media !== 'audio' && media !== 'video')) return undefined;
	return {
		name: attr(el, 'name') ?? media,
		media,
		payloadTypes: children(description, 'payload-type').map(parsePayloadType).filter((p) => p !== undefined),
		extensions: children(description, 'rtp-hdrext', NS.HDREXT).map(parseExtension).filter((e) => e !== undefined),
		extmapAllowMixed: !!child(description, 'extmap-allow-mixed'),
		sources: parseSources(description, media),
		transport: parseTransport(child(el, 'transport', NS.ICE_UDP)),
	};
}

export function parseContents(jingle: Element): Content[] {
	return children(jingle, 'content').map(parseContent).filter((c) => c !== undefined);
}

/** The transport of a transport-info, whose contents come without a description. */
export function transportOf(jingle: Element): Transport | undefined {
	return children(jingle, 'content')
		.map((c) => parseTransport(child(c, 'transport', NS.ICE_UDP)))
		.find((t) => t !== undefined);
}

/** All sources of a source-add, source-remove or session-initiate, jvb's included. */
export function sourcesOf(jingle: Element): Source[] {
	return parseContents(jingle).flatMap((c) => c.sources);
}

/** Throws OfferError with a sentence when the offer lacks what a call needs. */
export function parseSessionInitiate(jingle: Element): SessionInitiate {
	const contents = parseContents(jingle);
	const transport = contents.find((c) => c.transport)?.transport;
	if (!contents.some((c) => c.media === 'audio')) throw new OfferError('the offer has no audio');
	if (!transport) throw new OfferError('the offer has no ICE transport');
	if (transport.fingerprints.length === 0) throw new OfferError('the offer has no DTLS fingerprint');
	const webSocket = contents.map((c) => c.transport?.webSocket).find(Boolean);
	return {
		sid: attr(jingle, 'sid') ?? '',
		initiator: attr(jingle, 'initiator') ?? '',
		bridgeSessionId: attr(child(jingle, 'bridge-session', NS.FOCUS), 'id'),
		contents,
		transport: { ...transport, webSocket },
	};
}

/** Jingle elements this client sends. */

export function sourceNodes(sources: Source[]): XmlNode[] {
	const nodes: XmlNode[] = [];
	for (const s of sources) {
		for (const ssrc of s.rtx === undefined ? [s.ssrc] : [s.ssrc, s.rtx]) {
			nodes.push(x('source', { xmlns: NS.SSMA, ssrc, name: s.name, videoType: s.videoType },
				s.cname ? x('parameter', { name: 'cname', value: s.cname }) : null,
				s.msid ? x('parameter', { name: 'msid', value: s.msid }) : null));
		}
	}
	for (const s of sources) {
		if (s.rtx === undefined) continue;
		nodes.push(x('ssrc-group', { xmlns: NS.SSMA, semantics: 'FID' },
			x('source', { ssrc: s.ssrc }), x('source', { ssrc: s.rtx })));
	}
	return nodes;
}

function payloadNode(p: PayloadType): XmlNode {
	return x('payload-type',
		{ id: p.id, name: p.name, clockrate: p.clockrate, channels: p.channels > 1 ? p.channels : undefined },
		...p.parameters.map(([name, value]) => x('parameter', { name, value })),
		...p.feedback.map((f) => x('rtcp-fb', { xmlns: NS.RTCP_FB, type: f.type, subtype: f.subtype })));
}

export function transportNode(t: Transport): XmlNode {
	return x('transport', { xmlns: NS.ICE_UDP, ufrag: t.ufrag, pwd: t.pwd, 'ice-generation': t.generation },
		...t.fingerprints.map((f) => x('fingerprint', { xmlns: NS.DTLS, hash: f.hash, setup: f.setup }, f.value)),
		...t.candidates.map((c) => x('candidate', {
			foundation: c.foundation, component: c.component, protocol: c.protocol, priority: c.priority,
			ip: c.ip, port: c.port, type: c.type, 'rel-addr': c.relAddr, 'rel-port': c.relPort,
			tcptype: c.tcpType, generation: c.generation ?? '0', id: c.id ?? `${c.foundation}-${c.port}`, network: '0',
		})));
}

function contentNode(c: Content, transport: Transport): XmlNode {
	return x('content', { name: c.name, creator: 'initiator', senders: 'both' },
		x('description', { xmlns: NS.RTP, media: c.media },
			...c.payloadTypes.map(payloadNode),
			...c.extensions.map((e) => x('rtp-hdrext', { xmlns: NS.HDREXT, id: e.id, uri: e.uri })),
			x('rtcp-mux'),
			...sourceNodes(c.sources)),
		transportNode(transport));
}

export function sessionAccept(
	init: { sid: string; initiator: string }, responder: string, contents: Content[], transport: Transport,
): XmlNode {
	return x('jingle',
		{ xmlns: NS.JINGLE, action: 'session-accept', sid: init.sid, initiator: init.initiator, responder },
		x('group', { xmlns: NS.GROUPING, semantics: 'BUNDLE' }, ...contents.map((c) => x('content', { name: c.name }))),
		...contents.map((c) => contentNode(c, transport)));
}

export function sourceChange(sid: string, action: 'source-add' | 'source-remove', sources: Source[]): XmlNode {
	const media: Media[] = ['audio', 'video'];
	return x('jingle', { xmlns: NS.JINGLE, action, sid },
		...media.map((m) => {
			const mine = sources.filter((s) => s.media === m);
			return mine.length === 0 ? null : x('content', { name: m, creator: 'initiator', senders: 'both' },
				x('description', { xmlns: NS.RTP, media: m }, ...sourceNodes(mine)));
		}));
}

export function sessionTerminate(sid: string, reason: string, text?: string): XmlNode {
	return x('jingle', { xmlns: NS.JINGLE, action: 'session-terminate', sid },
		x('reason', {}, x(reason), text ? x('text', {}, text) : null));
}

export function iceRestartRequest(sid: string, bridgeSessionId: string | undefined): XmlNode {
	return x('jingle', { xmlns: NS.JINGLE, action: 'session-info', sid },
		x('bridge-session', { xmlns: NS.FOCUS, id: bridgeSessionId, 'ice-restart': 'true' }));
}

export function transportInfo(sid: string, transport: Transport): XmlNode {
	const bare = { ...transport, candidates: [] };
	return x('jingle', { xmlns: NS.JINGLE, action: 'transport-info', sid },
		...(['audio', 'video'] as const).map((name) =>
			x('content', { name, creator: 'initiator' }, transportNode(bare))));
}

export interface Termination {
	condition: string;
	text?: string;
	/** the device a call was moved to */
	movedTo?: string;
}

/** The reason of a session-terminate; the moved element may sit in or beside reason. */
export function parseTermination(jingle: Element): Termination {
	const reason = child(jingle, 'reason');
	const moved = child(reason, 'moved', NS.CALLS) ?? child(jingle, 'moved', NS.CALLS);
	const first = reason && Array.from(reason.children).find((c) => c.localName !== 'text' && c.localName !== 'moved');
	return {
		condition: first?.localName ?? 'success',
		text: child(reason, 'text')?.textContent ?? undefined,
		movedTo: moved ? attr(moved, 'device') ?? 'another device' : undefined,
	};
}
