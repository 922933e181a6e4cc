/** Cameras, microphones and screens, with what can go wrong said in words. */

export interface Choice {
	audioId?: string;
	videoId?: string;
	quality: QualityName;
}

export const QUALITIES = {
	low: { label: 'Low (320 × 180)', width: 320, height: 180, frameRate: 15 },
	standard: { label: 'Standard (640 × 360)', width: 640, height: 360, frameRate: 24 },
	high: { label: 'High (1280 × 720)', width: 1280, height: 720, frameRate: 30 },
} as const;
export type QualityName = keyof typeof QUALITIES;

export class MediaError extends Error {}

type Kind = 'camera' | 'microphone' | 'screen';

/** getUserMedia's error names (Media Capture and Streams §10.2.2) as sentences. */
export function mediaErrorText(name: string, kind: Kind): string {
	const the = kind === 'screen' ? 'your screen' : `your ${kind}`;
	switch (name) {
	case 'NotAllowedError':
	case 'SecurityError':
		return kind === 'screen'
			? 'The screen was not shared: permission was not given.'
			: `This page may not use ${the}. Allow it in the browser's address bar, then try again.`;
	case 'NotFoundError':
	case 'DevicesNotFoundError':
		return `No ${kind} was found. You can join without one.`;
	case 'NotReadableError':
	case 'TrackStartError':
	case 'AbortError':
		return `The ${kind} could not be started. Another program may be using it.`;
	case 'OverconstrainedError':
		return `The chosen ${kind} is not there any more. Choose another one.`;
	case 'insecure':
		return `Browsers give ${the} only to pages over HTTPS or on localhost.`;
	default:
		return `The ${kind} could not be started (${name}).`;
	}
}

function mediaDevices(kind: Kind): MediaDevices {
	const devices = navigator.mediaDevices as MediaDevices | undefined;
	if (!devices) throw new MediaError(mediaErrorText('insecure', kind));
	return devices;
}

async function one(kind: 'camera' | 'microphone', constraints: MediaStreamConstraints): Promise<MediaStreamTrack> {
	try {
		const stream = await mediaDevices(kind).getUserMedia(constraints);
		const track = stream.getTracks()[0];
		if (!track) throw new MediaError(mediaErrorText('NotFoundError', kind));
		return track;
	} catch (e) {
		if (e instanceof MediaError) throw e;
		throw new MediaError(mediaErrorText(e instanceof Error ? e.name : 'unknown', kind));
	}
}

export function openMicrophone(choice: Choice): Promise<MediaStreamTrack> {
	return one('microphone', {
		audio: {
			deviceId: choice.audioId ? { ideal: choice.audioId } : undefined,
			echoCancellation: true, noiseSuppression: true, autoGainControl: true,
		},
	});
}

export function openCamera(choice: Choice): Promise<MediaStreamTrack> {
	const q = QUALITIES[choice.quality];
	return one('camera', {
		video: {
			deviceId: choice.videoId ? { ideal: choice.videoId } : undefined,
			width: { ideal: q.width }, height: { ideal: q.height }, frameRate: { ideal: q.frameRate, max: q.frameRate },
		},
	});
}

export async function openScreen(): Promise<MediaStreamTrack> {
	try {
		const devices = mediaDevices('screen');
		if (!devices.getDisplayMedia) throw new MediaError('This browser cannot share a screen.');
		const stream = await devices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: false });
		const track = stream.getVideoTracks()[0];
		if (!track) throw new MediaError(mediaErrorText('NotFoundError', 'screen'));
		track.contentHint = 'detail';
		return track;
	} catch (e) {
		if (e instanceof MediaError) throw e;
		throw new MediaError(mediaErrorText(e instanceof Error ? e.name : 'unknown', 'screen'));
	}
}

export interface DeviceList {
	cameras: MediaDeviceInfo[];
	microphones: MediaDeviceInfo[];
}

export async function listDevices(): Promise<DeviceList> {
	const devices = navigator.mediaDevices as MediaDevices | undefined;
	const all = devices ? await devices.enumerateDevices().catch(() => []) : [];
	return {
		cameras: all.filter((d) => d.kind === 'videoinput'),
		microphones: all.filter((d) => d.kind === 'audioinput'),
	};
}

/** "Chromium on Linux": how this device is named to the user's other devices. */
export function deviceName(agent: string): string {
	const browser = /Firefox\//.test(agent) ? 'Firefox'
		: /Edg\//.test(agent) ? 'Edge'
			: /OPR\//.test(agent) ? 'Opera'
				: /Chrome\//.test(agent) ? 'Chromium'
					: /Safari\//.test(agent) ? 'Safari' : 'Browser';
	const system = /Android/.test(agent) ? 'Android'
		: /iPhone|iPad/.test(agent) ? 'iOS'
			: /Windows/.test(agent) ? 'Windows'
				: /Mac OS X/.test(agent) ? 'macOS'
					: /CrOS/.test(agent) ? 'ChromeOS'
						: /Linux/.test(agent) ? 'Linux' : 'an unknown system';
	return `${browser} on ${system}`;
}
