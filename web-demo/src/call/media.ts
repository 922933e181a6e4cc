import { LevelMeter } from './audio';
import { openCamera, openMicrophone, openScreen, type Choice } from '../rtc/devices';
import { Store } from '../app/store';

/** How one device stands. */
export interface DeviceState {
	on: boolean;
	track: MediaStreamTrack | null;
	error: string;
	opening: boolean;
}

const fresh = (): DeviceState => ({ on: false, track: null, error: '', opening: false });

/**
 * The microphone, camera and screen of this page. Every track that was ever
 * opened is stopped by stopAll(), also one whose opening is still under way.
 */
export class LocalMedia extends Store {
	audio = fresh();
	video = fresh();
	screen: MediaStreamTrack | null = null;
	/** tracks of this call, or of the last one: the page's own account of them */
	readonly opened: MediaStreamTrack[] = [];
	private meter: LevelMeter | undefined;
	private generation = 0;

	constructor(
		public choice: Choice,
		private readonly replaced: (media: 'audio' | 'video', track: MediaStreamTrack | null) => void,
		private readonly screenEnded: () => void,
	) {
		super();
	}

	private async open(state: DeviceState, media: 'audio' | 'video', get: () => Promise<MediaStreamTrack>): Promise<void> {
		const generation = this.generation;
		state.opening = true;
		state.error = '';
		this.changed();
		try {
			const track = await get();
			if (generation !== this.generation || !state.on) {
				track.stop();
				return;
			}
			this.use(state, media, track);
		} catch (e) {
			if (generation !== this.generation) return;
			state.error = e instanceof Error ? e.message : String(e);
			state.on = false;
		} finally {
			state.opening = false;
			this.changed();
		}
	}

	/** Those of an earlier call are forgotten with the first track of the next. */
	private account(track: MediaStreamTrack): void {
		if (this.opened.every((t) => t.readyState === 'ended')) this.opened.length = 0;
		this.opened.push(track);
	}

	private use(state: DeviceState, media: 'audio' | 'video', track: MediaStreamTrack): void {
		const old = state.track;
		state.track = track;
		this.account(track);
		track.onended = () => {
			if (state.track !== track) return;
			state.on = false;
			state.error = media === 'audio' ? 'The microphone was disconnected.' : 'The camera was disconnected.';
			this.drop(state, media);
			this.changed();
		};
		this.replaced(media, track);
		this.stop(old);
		if (media === 'audio') {
			this.meter?.close();
			this.meter = new LevelMeter(track);
		}
	}

	private drop(state: DeviceState, media: 'audio' | 'video'): void {
		const old = state.track;
		state.track = null;
		if (old) this.replaced(media, null);
		this.stop(old);
	}

	private stop(track: MediaStreamTrack | null): void {
		if (!track) return;
		track.onended = null;
		track.stop();
	}

	/** Muting keeps the microphone open, so that unmuting is immediate. */
	async setAudio(on: boolean): Promise<void> {
		this.audio.on = on;
		if (this.audio.track) this.audio.track.enabled = on;
		else if (on) await this.open(this.audio, 'audio', () => openMicrophone(this.choice));
		this.changed();
	}

	/** Camera off means off: the device is released and its light goes out. */
	async setVideo(on: boolean): Promise<void> {
		this.video.on = on;
		if (!on) this.drop(this.video, 'video');
		else if (!this.video.track) await this.open(this.video, 'video', () => openCamera(this.choice));
		this.changed();
	}

	/** Other devices were chosen: those in use are opened again. */
	async choose(choice: Choice): Promise<void> {
		const old = this.choice;
		this.choice = choice;
		const jobs: Promise<void>[] = [];
		if (old.audioId !== choice.audioId && this.audio.on) {
			jobs.push(this.open(this.audio, 'audio', () => openMicrophone(choice)));
		}
		if ((old.videoId !== choice.videoId || old.quality !== choice.quality) && this.video.on) {
			this.drop(this.video, 'video');
			jobs.push(this.open(this.video, 'video', () => openCamera(choice)));
		}
		await Promise.all(jobs);
	}

	async startScreen(): Promise<MediaStreamTrack | undefined> {
		const generation = this.generation;
		const track = await openScreen();
		if (generation !== this.generation) {
			track.stop();
			return undefined;
		}
		this.screen = track;
		this.account(track);
		track.onended = () => {
			this.screen = null;
			this.screenEnded();
			this.changed();
		};
		this.changed();
		return track;
	}

	stopScreen(): void {
		this.stop(this.screen);
		this.screen = null;
		this.changed();
	}

	level(): number {
		return this.audio.on ? this.meter?.level() ?? 0 : 0;
	}

	/** At once, whatever else is going on. */
	stopAll(): void {
		this.generation++;
		for (const track of this.opened) this.stop(track);
		this.meter?.close();
		this.meter = undefined;
		this.audio = fresh();
		this.video = fresh();
		this.screen = null;
		this.changed();
	}
}
