import { useEffect, useRef } from 'preact/hooks';

/** A video element whose stream may change; always silent, sound is played elsewhere. */
export function Video(props: {
	stream: MediaStream | MediaStreamTrack; mirrored?: boolean; muted?: boolean; contain?: boolean; testid?: string; label: string;
}) {
	const ref = useRef<HTMLVideoElement>(null);
	const { stream } = props;
	useEffect(() => {
		const video = ref.current;
		if (!video) return;
		video.srcObject = stream instanceof MediaStream ? stream : new MediaStream([stream]);
		// Rejected when the element goes away first; autoplay covers the rest.
		video.play().catch(() => undefined);
		return () => {
			video.srcObject = null;
		};
	}, [stream]);
	return (
		<video ref={ref} class={`${props.mirrored ? 'mirrored' : ''} ${props.contain ? 'contain' : ''}`} autoplay playsInline muted
			data-testid={props.testid} aria-label={props.label} />
	);
}
