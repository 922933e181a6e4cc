/** Playing remote voices, and measuring how loud everybody is. */

/** One hidden audio element per remote voice. */
export class AudioOut {
	private readonly elements = new Map<string, HTMLAudioElement>();

	/** `onBlocked` is told when the browser wants a click before it plays. */
	constructor(private readonly onBlocked: (blocked: boolean) => void) {}

	set(streams: Map<string, MediaStream>): void {
		for (const [key, element] of this.elements) {
			if (streams.get(key) === element.srcObject) continue;
			element.srcObject = null;
			this.elements.delete(key);
		}
		for (const [key, stream] of streams) {
			if (this.elements.has(key)) continue;
			const element = new Audio();
			element.autoplay = true;
			element.srcObject = stream;
			this.elements.set(key, element);
			void this.play(element);
		}
	}

	private async play(element: HTMLAudioElement): Promise<void> {
		try {
			await element.play();
		} catch (e) {
			if (e instanceof Error && e.name === 'NotAllowedError') this.onBlocked(true);
		}
	}

	/** To be called from a click. */
	unblock(): void {
		this.onBlocked(false);
		for (const element of this.elements.values()) void this.play(element);
	}

	close(): void {
		this.set(new Map());
	}
}

/** The level of a local microphone, 0..1, by its waveform. */
export class LevelMeter {
	private context: AudioContext | undefined;
	private analyser: AnalyserNode | undefined;
	private samples = new Float32Array(0);

	constructor(track: MediaStreamTrack) {
		try {
			this.context = new AudioContext();
			this.analyser = this.context.createAnalyser();
			this.analyser.fftSize = 512;
			this.samples = new Float32Array(this.analyser.fftSize);
			this.context.createMediaStreamSource(new MediaStream([track])).connect(this.analyser);
			void this.context.resume();
		} catch {
			// Without a meter the call goes on; only the display is missing.
			this.close();
		}
	}

	level(): number {
		if (!this.analyser) return 0;
		this.analyser.getFloatTimeDomainData(this.samples);
		let sum = 0;
		for (const v of this.samples) sum += v * v;
		return Math.min(1, Math.sqrt(sum / this.samples.length) * 3);
	}

	close(): void {
		this.context?.close().catch(() => undefined);
		this.context = undefined;
		this.analyser = undefined;
	}
}

/** Who speaks now: a level above the threshold counts for a while after. */
export class SpeakingDetector {
	private readonly heard = new Map<string, number>();

	constructor(private readonly threshold = 0.03, private readonly holdMs = 700) {}

	/** Takes the current levels; true when the set of speakers changed. */
	update(levels: Map<string, number>, now: number): boolean {
		const before = [...this.speakers(now - 1)].sort().join();
		for (const [who, level] of levels) {
			if (level >= this.threshold) this.heard.set(who, now);
		}
		for (const [who, at] of this.heard) {
			if (!levels.has(who) || now - at > this.holdMs) this.heard.delete(who);
		}
		return before !== [...this.speakers(now)].sort().join();
	}

	speakers(now: number): Set<string> {
		return new Set([...this.heard].filter(([, at]) => now - at <= this.holdMs).map(([who]) => who));
	}
}
