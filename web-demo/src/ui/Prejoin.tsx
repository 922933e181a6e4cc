import { useEffect, useRef, useState } from 'preact/hooks';
import type { App } from '../app/app';
import { listDevices, QUALITIES, type DeviceList, type QualityName } from '../rtc/devices';
import { Avatar, IconButton } from './common';
import { Icon } from './icons';
import { Video } from './Video';

export function Prejoin({ app }: { app: App }) {
	const { media } = app.call;
	const room = app.rooms.get(app.call.room);
	const talking = room.inCall().filter((o) => o.nick !== room.nick);
	const [name, setName] = useState(app.myName());
	const join = () => {
		if (name.trim() && name.trim() !== app.myName()) app.setMyName(name);
		void app.call.join(room.jid);
	};
	return (
		<main class="prejoin" data-testid="prejoin">
			<header class="pane-head">
				<IconButton icon="back" label="Back to the classroom" testid="prejoin-back" onClick={() => app.call.closePrejoin()} />
				<h1>{room.title}</h1>
			</header>
			<div class="prejoin-grid">
				<div>
					<div class="preview">
						{media.video.track
							? <Video stream={media.video.track} mirrored muted testid="preview" label="Your camera" />
							: <div class="preview-empty"><Avatar name={app.myName()} size="large" />
								<p>{media.video.opening ? 'Starting the camera…' : media.video.error || 'Your camera is off.'}</p></div>}
						<div class="preview-controls">
							<IconButton icon={media.audio.on ? 'mic' : 'micOff'} label={media.audio.on ? 'Turn the microphone off' : 'Turn the microphone on'}
								class={`round ${media.audio.on ? '' : 'off'}`} pressed={media.audio.on} testid="prejoin-mic"
								onClick={() => void media.setAudio(!media.audio.on)} />
							<IconButton icon={media.video.on ? 'camera' : 'cameraOff'} label={media.video.on ? 'Turn the camera off' : 'Turn the camera on'}
								class={`round ${media.video.on ? '' : 'off'}`} pressed={media.video.on} testid="prejoin-camera"
								onClick={() => void media.setVideo(!media.video.on)} />
						</div>
					</div>
					<MicLevel app={app} />
				</div>
				<div class="prejoin-form">
					<h2>Ready to join?</h2>
					<p class="muted" data-testid="prejoin-people">{talking.length === 0 ? 'Nobody is in the call yet.'
						: `In the call: ${talking.map((o) => o.name).join(', ')}.`}</p>
					<label for="shown-name">Your name in the call</label>
					<input id="shown-name" data-testid="shown-name" value={name} maxLength={60} onInput={(e) => setName(e.currentTarget.value)} />
					<DeviceChoice app={app} />
					{media.audio.error && <p class="error" role="alert" data-testid="mic-error"><Icon name="warning" />{media.audio.error}</p>}
					{media.video.error && <p class="error" role="alert" data-testid="camera-error"><Icon name="warning" />{media.video.error}</p>}
					<button class="primary wide" data-testid="join-call" disabled={app.link !== 'online'} onClick={join}>
						<Icon name="camera" /> Join now
					</button>
				</div>
			</div>
		</main>
	);
}

export function DeviceChoice({ app }: { app: App }) {
	const { media } = app.call;
	const [devices, setDevices] = useState<DeviceList>({ cameras: [], microphones: [] });
	const granted = !!media.audio.track || !!media.video.track;
	useEffect(() => {
		const load = () => void listDevices().then(setDevices);
		load();
		navigator.mediaDevices?.addEventListener('devicechange', load);
		return () => navigator.mediaDevices?.removeEventListener('devicechange', load);
		// Labels are known only after permission was given.
	}, [granted]);
	const choose = (part: Partial<typeof media.choice>) => app.call.chooseDevices({ ...media.choice, ...part });
	const options = (list: MediaDeviceInfo[], kind: string) => list.length === 0
		? <option value="">No {kind} found</option>
		: list.map((d, i) => <option key={d.deviceId} value={d.deviceId}>{d.label || `${kind} ${i + 1}`}</option>);
	return (
		<>
			<label for="choose-camera">Camera</label>
			<select id="choose-camera" data-testid="choose-camera" value={media.choice.videoId ?? devices.cameras[0]?.deviceId ?? ''}
				onChange={(e) => choose({ videoId: e.currentTarget.value || undefined })}>{options(devices.cameras, 'camera')}</select>
			<label for="choose-mic">Microphone</label>
			<select id="choose-mic" data-testid="choose-mic" value={media.choice.audioId ?? devices.microphones[0]?.deviceId ?? ''}
				onChange={(e) => choose({ audioId: e.currentTarget.value || undefined })}>{options(devices.microphones, 'microphone')}</select>
			<label for="choose-quality">Picture quality</label>
			<select id="choose-quality" data-testid="choose-quality" value={media.choice.quality}
				onChange={(e) => choose({ quality: e.currentTarget.value as QualityName })}>
				{Object.entries(QUALITIES).map(([key, q]) => <option key={key} value={key}>{q.label}</option>)}
			</select>
		</>
	);
}

/** Drawn straight to the element: twelve times a second is no work for the whole page. */
function MicLevel({ app }: { app: App }) {
	const bar = useRef<HTMLSpanElement>(null);
	useEffect(() => {
		const timer = setInterval(() => {
			const percent = Math.round(app.call.media.level() * 100);
			if (!bar.current) return;
			bar.current.style.width = `${percent}%`;
			bar.current.parentElement?.setAttribute('aria-valuenow', String(percent));
		}, 80);
		return () => clearInterval(timer);
	}, [app]);
	return (
		<div class="meter-row">
			<Icon name={app.call.media.audio.on ? 'mic' : 'micOff'} size={18} />
			<span class="meter" role="meter" aria-label="Microphone level" aria-valuemin={0} aria-valuemax={100} aria-valuenow={0}
				data-testid="mic-level"><span ref={bar} /></span>
		</div>
	);
}
