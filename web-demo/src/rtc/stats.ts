/** Reduces getStats() to what the page shows and the tests assert. */

/** The fields used of the reports; browsers add many more. */
interface Report {
	id: string;
	type: string;
	timestamp: number;
	kind?: string;
	ssrc?: number;
	bytesReceived?: number;
	bytesSent?: number;
	packetsReceived?: number;
	packetsLost?: number;
	packetsSent?: number;
	jitter?: number;
	framesDecoded?: number;
	framesPerSecond?: number;
	frameWidth?: number;
	frameHeight?: number;
	freezeCount?: number;
	totalAudioEnergy?: number;
	audioLevel?: number;
	concealedSamples?: number;
	totalSamplesReceived?: number;
	roundTripTime?: number;
	fractionLost?: number;
	currentRoundTripTime?: number;
	availableOutgoingBitrate?: number;
	state?: string;
	nominated?: boolean;
	selected?: boolean;
}

export interface InboundStats {
	ssrc: number;
	kind: string;
	at: number;
	bytes: number;
	packets: number;
	lost: number;
	jitterMs: number;
	framesDecoded: number;
	fps: number;
	width: number;
	height: number;
	freezes: number;
	totalAudioEnergy: number;
	concealed: number;
	samples: number;
}

export interface OutboundStats {
	ssrc: number;
	kind: string;
	at: number;
	bytes: number;
	packets: number;
	fps: number;
	width: number;
	height: number;
	/** as the receiver reports it, 0..1 */
	lossFraction: number;
	rttMs?: number;
}

export interface CallStats {
	at: number;
	rttMs?: number;
	availableOutBps?: number;
	inbound: Map<number, InboundStats>;
	outbound: OutboundStats[];
}

/** lib.dom's report map is a ReadonlyMap in effect; tests pass a Map. */
export function summarize(report: Iterable<[string, unknown]>): CallStats {
	const all = [...report].map(([, r]) => r as Report);
	const out: CallStats = { at: 0, inbound: new Map(), outbound: [] };
	const remoteBySsrc = new Map(all.filter((r) => r.type === 'remote-inbound-rtp').map((r) => [r.ssrc, r]));
	for (const r of all) {
		out.at = Math.max(out.at, r.timestamp ?? 0);
		if (r.type === 'inbound-rtp' && r.ssrc !== undefined) out.inbound.set(r.ssrc, inbound(r));
		if (r.type === 'outbound-rtp' && r.ssrc !== undefined) out.outbound.push(outbound(r, remoteBySsrc.get(r.ssrc)));
		if (r.type === 'candidate-pair' && r.state === 'succeeded' && (r.nominated || r.selected)) {
			if (r.currentRoundTripTime !== undefined) out.rttMs = r.currentRoundTripTime * 1000;
			out.availableOutBps = r.availableOutgoingBitrate;
		}
	}
	out.rttMs ??= out.outbound.find((o) => o.rttMs !== undefined)?.rttMs;
	return out;
}

function inbound(r: Report): InboundStats {
	return {
		ssrc: r.ssrc!, kind: r.kind ?? '', at: r.timestamp,
		bytes: r.bytesReceived ?? 0, packets: r.packetsReceived ?? 0, lost: r.packetsLost ?? 0,
		jitterMs: (r.jitter ?? 0) * 1000, framesDecoded: r.framesDecoded ?? 0, fps: r.framesPerSecond ?? 0,
		width: r.frameWidth ?? 0, height: r.frameHeight ?? 0, freezes: r.freezeCount ?? 0,
		totalAudioEnergy: r.totalAudioEnergy ?? 0, concealed: r.concealedSamples ?? 0,
		samples: r.totalSamplesReceived ?? 0,
	};
}

function outbound(r: Report, remote: Report | undefined): OutboundStats {
	return {
		ssrc: r.ssrc!, kind: r.kind ?? '', at: r.timestamp,
		bytes: r.bytesSent ?? 0, packets: r.packetsSent ?? 0, fps: r.framesPerSecond ?? 0,
		width: r.frameWidth ?? 0, height: r.frameHeight ?? 0, lossFraction: remote?.fractionLost ?? 0,
		rttMs: remote?.roundTripTime === undefined ? undefined : remote.roundTripTime * 1000,
	};
}

export type Grade = 'good' | 'fair' | 'poor' | 'unknown';

export interface Quality {
	grade: Grade;
	/** 0..1 over the last interval */
	loss: number;
	bps: number;
	jitterMs: number;
	rttMs?: number;
	fps?: number;
	width?: number;
	height?: number;
	/** what is wrong, in words; empty when good */
	why: string;
}

export function rateBps(now: { at: number; bytes: number }, before: { at: number; bytes: number }): number {
	const ms = now.at - before.at;
	return ms > 0 ? Math.max(0, ((now.bytes - before.bytes) * 8000) / ms) : 0;
}

/** Loss since the last sample; retransmitted packets count as received (RFC 3550 allows negative). */
export function lossSince(now: InboundStats, before: InboundStats): number {
	const lost = Math.max(0, now.lost - before.lost);
	const got = Math.max(0, now.packets - before.packets);
	return lost + got === 0 ? 0 : lost / (lost + got);
}

const LIMITS = { loss: [0.02, 0.08], rttMs: [200, 400], jitterMs: [40, 100] } as const;

/** The worst of the values decides, and is named. */
export function gradeOf(loss: number, rttMs: number | undefined, jitterMs: number): { grade: Grade; why: string } {
	const checks: [number, readonly [number, number], string][] = [
		[loss, LIMITS.loss, `${(loss * 100).toFixed(1)} % of the packets are lost`],
		[rttMs ?? 0, LIMITS.rttMs, `round trip of ${Math.round(rttMs ?? 0)} ms`],
		[jitterMs, LIMITS.jitterMs, `jitter of ${Math.round(jitterMs)} ms`],
	];
	let grade: Grade = 'good';
	const why: string[] = [];
	for (const [value, [fair, poor], words] of checks) {
		if (value < fair) continue;
		why.push(words);
		if (value >= poor) grade = 'poor';
		else if (grade === 'good') grade = 'fair';
	}
	return { grade, why: why.join(', ') };
}

export function inboundQuality(now: InboundStats, before: InboundStats | undefined, rttMs?: number): Quality {
	if (!before) {
		return { grade: 'unknown', loss: 0, bps: 0, jitterMs: now.jitterMs, rttMs, why: '' };
	}
	const loss = lossSince(now, before);
	return {
		...gradeOf(loss, rttMs, now.jitterMs),
		loss, rttMs, jitterMs: now.jitterMs, bps: rateBps(now, before),
		fps: now.fps, width: now.width, height: now.height,
	};
}

const ORDER: Grade[] = ['unknown', 'good', 'fair', 'poor'];

export function worst(a: Quality | undefined, b: Quality | undefined): Quality | undefined {
	if (!a || !b) return a ?? b;
	const [bad, other] = ORDER.indexOf(b.grade) > ORDER.indexOf(a.grade) ? [b, a] : [a, b];
	return { ...bad, bps: a.bps + b.bps, fps: bad.fps ?? other.fps, width: bad.width ?? other.width };
}
