/** The operator API's answer (docs/PROTOCOL.md), and what is wrong with a call, in words. */

export interface Direction {
	bitrate_bps: number;
	loss: number;
	jitter_ms: number;
}

export interface SourceInfo {
	name: string;
	kind: 'audio' | 'video';
	ssrc: number;
	muted: boolean;
	video_type?: string;
	bitrate_bps: number;
	packets: number;
	lost: number;
	loss: number;
	jitter_ms: number;
}

export interface Participant {
	jid: string;
	user: string;
	endpoint: string;
	device: string;
	state: string;
	joined: string;
	remote: string;
	rtt_ms: number;
	dominant: boolean;
	up: Direction;
	down: Direction;
	sources: SourceInfo[];
}

export interface CallInfo {
	id: string;
	room: string;
	started: string;
	participants: Participant[];
}

export interface CallsAnswer {
	now: string;
	server: { version: string; uptime_s: number; sessions: number; rss_bytes: number };
	calls: CallInfo[];
	users?: { jid: string; call: string; since: string }[];
}

export type Level = 'good' | 'fair' | 'bad';

type Metric = 'loss' | 'jitter' | 'rtt';

/** From these values on a person notices (fair), and is disturbed (bad). */
export const LIMITS: Record<Metric, [number, number]> = {
	loss: [0.02, 0.08],
	jitter: [30, 80],
	rtt: [200, 400],
};

export function levelOf(metric: Metric, value: number): Level {
	const [fair, bad] = LIMITS[metric];
	return value >= bad ? 'bad' : value >= fair ? 'fair' : 'good';
}

export interface Finding {
	level: Level;
	who: string;
	text: string;
}

const percent = (v: number) => `${(v * 100).toFixed(1)} %`;

/** A young participant's rates are still ramping up. */
const SETTLED_MS = 8000;

/**
 * Why this participant's call is bad; empty when it is not. What was lost before it reached the
 * server (`upstreamLoss`) is missing from what they are sent, too: that is not their network's doing.
 */
export function findings(p: Participant, now: number, upstreamLoss = 0): Finding[] {
	const out: Finding[] = [];
	const add = (level: Level, text: string) => {
		if (level !== 'good') out.push({ level, who: p.user, text });
	};
	if (p.state !== 'connected') {
		add('bad', p.state === 'failed' ? 'has no connection for sound and pictures'
			: 'is still connecting: UDP may be blocked between them and the server');
		return out;
	}
	add(levelOf('loss', p.up.loss), `loses ${percent(p.up.loss)} on the way to the server: all others see and hear the gaps`);
	add(levelOf('loss', p.down.loss - upstreamLoss), `loses ${percent(p.down.loss)} on the way from the server: only they are disturbed`);
	add(levelOf('rtt', p.rtt_ms), `has a round trip of ${Math.round(p.rtt_ms)} ms: they talk over each other`);
	add(levelOf('jitter', p.up.jitter_ms), `has a jitter of ${Math.round(p.up.jitter_ms)} ms towards the server`);
	add(levelOf('jitter', p.down.jitter_ms), `has a jitter of ${Math.round(p.down.jitter_ms)} ms from the server`);
	const settled = now - Date.parse(p.joined) > SETTLED_MS;
	for (const s of settled ? p.sources : []) {
		if (s.muted || s.bitrate_bps > 0) continue;
		add('bad', `${sourceWord(s)} is on, but nothing arrives from it`);
	}
	return out;
}

export function sourceWord(s: SourceInfo): string {
	return s.kind === 'audio' ? 'the microphone' : s.video_type === 'desktop' ? 'the shared screen' : 'the camera';
}

export function worstLevel(list: Finding[]): Level {
	return list.some((f) => f.level === 'bad') ? 'bad' : list.length > 0 ? 'fair' : 'good';
}

/** The share of what all others sent that did not reach the server. */
function lossOfOthers(call: CallInfo, p: Participant): number {
	let sent = 0;
	let lost = 0;
	for (const o of call.participants) {
		if (o === p) continue;
		sent += o.up.bitrate_bps;
		lost += o.up.bitrate_bps * o.up.loss;
	}
	return sent === 0 ? 0 : lost / sent;
}

export function callFindings(call: CallInfo, now: number): Finding[] {
	const order: Level[] = ['bad', 'fair', 'good'];
	return call.participants.flatMap((p) => findings(p, now, lossOfOthers(call, p)))
		.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

/** The last minute of a value, one a second, for the small graphs. */
export class History {
	private readonly values = new Map<string, number[]>();

	constructor(private readonly length = 60) {}

	push(key: string, value: number): void {
		const list = this.values.get(key) ?? [];
		list.push(value);
		if (list.length > this.length) list.shift();
		this.values.set(key, list);
	}

	get(key: string): number[] {
		return this.values.get(key) ?? [];
	}

	/** Forgets all that is not in this set. */
	keep(keys: Set<string>): void {
		for (const key of [...this.values.keys()]) if (!keys.has(key)) this.values.delete(key);
	}
}

/** An SVG path for values in a box; flat zero stays on the ground. */
export function sparkPath(values: number[], width: number, height: number, length = 60): string {
	if (values.length === 0) return '';
	const top = Math.max(...values, 1);
	const step = width / (length - 1);
	const x0 = width - (values.length - 1) * step;
	return values
		.map((v, i) => `${i === 0 ? 'M' : 'L'}${(x0 + i * step).toFixed(1)} ${(height - 1 - (v / top) * (height - 2)).toFixed(1)}`)
		.join('');
}
