import type { SpeakingDetector } from './audio';
import type { CallController } from './controller';
import { gradeOf, inboundQuality, rateBps, summarize, worst, type CallStats, type Quality } from '../rtc/stats';
import { Store } from '../app/store';

const STATS_MS = 1000;
const LEVEL_MS = 150;
/** EndpointStats to the bridge, for operators. */
const REPORT_EVERY = 5;

/** Measures a running call: speakers several times a second, quality once. */
export class CallMonitor extends Store {
	/** by endpoint; "me" for what this page sends */
	quality = new Map<string, Quality>();
	speaking = new Set<string>();
	private last: CallStats | undefined;
	private timers: ReturnType<typeof setInterval>[] = [];
	private ticks = 0;

	constructor(private readonly call: CallController, private readonly detector: SpeakingDetector) {
		super();
	}

	start(): void {
		if (this.timers.length > 0) return;
		this.timers = [
			setInterval(() => void this.measure(), STATS_MS),
			setInterval(() => this.listen(), LEVEL_MS),
		];
	}

	stop(): void {
		this.timers.forEach(clearInterval);
		this.timers = [];
		this.quality.clear();
		this.speaking.clear();
		this.last = undefined;
		this.changed();
	}

	private listen(): void {
		const levels = new Map<string, number>();
		for (const t of this.call.session?.remoteTracks() ?? []) {
			if (t.source.media !== 'audio') continue;
			levels.set(t.source.owner, t.receiver.getSynchronizationSources?.()[0]?.audioLevel ?? 0);
		}
		levels.set('me', this.call.media.level());
		const now = Date.now();
		if (!this.detector.update(levels, now)) return;
		this.speaking = this.detector.speakers(now);
		this.changed();
	}

	private async measure(): Promise<void> {
		const session = this.call.session;
		if (!session) return;
		const report = await session.pc.getStats().catch(() => undefined);
		if (!report || session !== this.call.session) return;
		const entries: [string, unknown][] = [];
		report.forEach((value: unknown, key: string) => entries.push([key, value]));
		const now = summarize(entries);
		const quality = new Map<string, Quality>();
		for (const { source } of session.remoteTracks()) {
			const inbound = now.inbound.get(source.ssrc);
			if (!inbound) continue;
			const q = inboundQuality(inbound, this.last?.inbound.get(source.ssrc), now.rttMs);
			quality.set(source.owner, worst(quality.get(source.owner), q)!);
		}
		quality.set('me', this.own(now));
		this.quality = quality;
		this.last = now;
		this.changed();
		if (++this.ticks % REPORT_EVERY === 0) this.report(now);
	}

	private own(now: CallStats): Quality {
		const before = new Map(this.last?.outbound.map((o) => [o.ssrc, o]));
		let bps = 0;
		let loss = 0;
		for (const o of now.outbound) {
			const old = before.get(o.ssrc);
			if (old) bps += rateBps(o, old);
			loss = Math.max(loss, o.lossFraction);
		}
		const video = now.outbound.find((o) => o.kind === 'video' && o.width > 0);
		return {
			...gradeOf(loss, now.rttMs, 0), loss, bps, jitterMs: 0, rttMs: now.rttMs,
			fps: video?.fps, width: video?.width, height: video?.height,
		};
	}

	private report(now: CallStats): void {
		const me = this.quality.get('me');
		const others = [...this.quality].filter(([who]) => who !== 'me').map(([, q]) => q);
		this.call.sendStats({
			bitrate: {
				upload: Math.round((me?.bps ?? 0) / 1000),
				download: Math.round(others.reduce((sum, q) => sum + q.bps, 0) / 1000),
			},
			packetLoss: {
				upload: Math.round((me?.loss ?? 0) * 100),
				download: Math.round(Math.max(0, ...others.map((q) => q.loss)) * 100),
			},
			jvbRTT: now.rttMs === undefined ? undefined : Math.round(now.rttMs),
		});
	}
}
