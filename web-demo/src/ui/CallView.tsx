import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { App } from '../app/app';
import { useStore } from '../app/store';
import { IconButton, formatDuration } from './common';
import { DeviceChoice } from './Prejoin';
import { LinkBanner } from './Root';
import { Icon } from './icons';
import { Messages } from './Messages';
import { bestColumns, columnStart, stageTile, type TileInfo } from './layout';
import { Tile, tilesOf } from './Tile';

export function CallView({ app }: { app: App }) {
	const { call } = app;
	useStore(call.monitor);
	const [layout, setLayout] = useState<'grid' | 'speaker'>('grid');
	const [pinned, setPinned] = useState<string | undefined>();
	const [settings, setSettings] = useState(false);
	const room = app.rooms.get(call.room);
	const tiles = tilesOf(app, room);
	const sharing = tiles.some((t) => t.screen);
	const speaker = layout === 'speaker' || sharing || tiles.some((t) => t.id === pinned);
	const stage = speaker ? stageTile(tiles, pinned, call.dominant) : undefined;
	useStageRequest(app, stage);
	useShortcuts(app);
	const state = call.state;
	return (
		<main class={`call ${app.chatOpen ? 'with-chat' : ''}`} data-testid="call" data-phase={state.phase}>
			<header class="call-head">
				<IconButton icon="back" label="Show chats and classrooms; the call goes on" class="on-dark" onClick={() => app.go({ view: 'home' })} />
				<h1 class="grow">{room.title}</h1>
				<Clock running={state.phase === 'live'} />
				<span class="head-count" title="People in the call"><Icon name="people" size={18} />{tiles.filter((t) => !t.screen).length}</span>
			</header>
			<div class="call-status">
				<LinkBanner app={app} />
				<CallStatus app={app} alone={tiles.length === 1} />
			</div>
			<div class="call-body">
				<Stage app={app} tiles={tiles} stage={stage} onPin={(id) => setPinned(pinned === id ? undefined : id)} pinned={pinned} />
				{app.chatOpen && (
					<aside class="call-chat" aria-label="Chat" data-testid="call-chat">
						<header><h2 class="grow">Chat</h2><IconButton icon="close" label="Close the chat" class="quiet" testid="close-chat" onClick={() => app.toggleChat()} /></header>
						<Messages conversation={room.conversation} label={room.title} disabled={!room.joined}
							onSend={(body) => app.rooms.say(room.jid, body)} />
					</aside>
				)}
				{settings && (
					<aside class="call-chat call-settings" aria-label="Devices">
						<header><h2 class="grow">Devices</h2><IconButton icon="close" label="Close" class="quiet" onClick={() => setSettings(false)} /></header>
						<div class="pad"><DeviceChoice app={app} /></div>
					</aside>
				)}
			</div>
			<Controls app={app} unread={room.conversation.unread} speaker={layout === 'speaker'}
				onLayout={() => setLayout(layout === 'grid' ? 'speaker' : 'grid')} onSettings={() => setSettings(!settings)} />
		</main>
	);
}

/** The source shown large is asked for in a higher resolution. */
function useStageRequest(app: App, stage: TileInfo | undefined): void {
	const name = stage && !stage.me ? `${stage.endpoint}-${stage.screen ? 'v1' : 'v0'}` : '';
	useEffect(() => app.call.setStage(name ? [name] : []), [name, app.call.session]);
}

function useShortcuts(app: App): void {
	useEffect(() => {
		const onKey = (e: KeyboardEvent) => {
			const target = e.target as HTMLElement | null;
			if (e.ctrlKey || e.metaKey || e.altKey || e.repeat || target?.closest('input, textarea, select, dialog')) return;
			const { media } = app.call;
			if (e.key === 'm') void media.setAudio(!media.audio.on);
			else if (e.key === 'v') void media.setVideo(!media.video.on);
		};
		window.addEventListener('keydown', onKey);
		return () => window.removeEventListener('keydown', onKey);
	}, [app]);
}

function Clock({ running }: { running: boolean }) {
	const [since, setSince] = useState<number | undefined>();
	const [, tick] = useState(0);
	useEffect(() => {
		if (!running) return;
		setSince((s) => s ?? Date.now());
		const timer = setInterval(() => tick((n) => n + 1), 1000);
		return () => clearInterval(timer);
	}, [running]);
	if (since === undefined) return null;
	return <time class="clock" aria-label="Time in the call">{formatDuration(Date.now() - since)}</time>;
}

function CallStatus({ app, alone }: { app: App; alone: boolean }) {
	const { call } = app;
	const { state, media } = call;
	const line = state.phase === 'claiming' ? 'Asking the server for the call…'
		: state.phase === 'connecting' ? 'Connecting sound and pictures…'
			: state.phase === 'recovering' ? `${state.why} Trying to bring the call back…`
				: alone ? 'You are the first one here. Others join from the classroom.' : '';
	const trouble = call.notice || media.audio.error || media.video.error;
	const dismiss = () => {
		media.audio.error = '';
		media.video.error = '';
		call.say('');
	};
	return (
		<>
			{line && <div class={`banner ${state.phase === 'recovering' ? 'warn' : 'calm'}`} role="status" data-testid="call-status">{line}</div>}
			{trouble && (
				<div class="banner warn" role="alert" data-testid="call-trouble">
					<Icon name="warning" /><span class="grow">{trouble}</span>
					<IconButton icon="close" label="Dismiss" class="quiet" onClick={dismiss} />
				</div>
			)}
			{call.soundBlocked && (
				<div class="banner warn" role="alert">
					The browser holds back the sound until you click.
					<button class="link" onClick={() => call.unblockSound()}>Turn the sound on</button>
				</div>
			)}
			{media.screen && <div class="banner calm" role="status" data-testid="sharing"><Icon name="screen" />You are sharing your screen.
				<button class="link" onClick={() => void call.toggleScreen()}>Stop sharing</button></div>}
		</>
	);
}

function Stage(props: { app: App; tiles: TileInfo[]; stage: TileInfo | undefined; pinned: string | undefined; onPin: (id: string) => void }) {
	const { app, tiles, stage } = props;
	const box = useRef<HTMLDivElement>(null);
	const size = useSize(box, !stage);
	const tile = (t: TileInfo, start?: number) => (
		<Tile key={t.id} app={app} tile={t} pinned={props.pinned === t.id} onPin={() => props.onPin(t.id)} start={start} />
	);
	if (stage) {
		const rest = tiles.filter((t) => t !== stage);
		return (
			<div class="stage speaker-view" data-testid="stage" data-layout="speaker">
				<div class="spot">{tile(stage)}</div>
				{rest.length > 0 && <div class="strip">{rest.map((t) => tile(t))}</div>}
			</div>
		);
	}
	const columns = bestColumns(tiles.length, size.width, size.height);
	return (
		<div class="stage grid-view" ref={box} data-testid="stage" data-layout="grid" style={{ '--half-columns': 2 * columns } as Record<string, number>}>
			{tiles.map((t, i) => tile(t, columnStart(i, tiles.length, columns)))}
		</div>
	);
}

function useSize(box: RefObject<HTMLElement>, active: boolean): { width: number; height: number } {
	const [size, setSize] = useState({ width: 16, height: 9 });
	useLayoutEffect(() => {
		const element = box.current;
		if (!element) return;
		const read = () => setSize({ width: element.clientWidth, height: element.clientHeight });
		read();
		const observer = new ResizeObserver(read);
		observer.observe(element);
		return () => observer.disconnect();
	}, [active]);
	return size;
}

function Controls(props: { app: App; unread: number; speaker: boolean; onLayout: () => void; onSettings: () => void }) {
	const { app } = props;
	const { call } = app;
	const { media } = call;
	const canShare = typeof navigator.mediaDevices?.getDisplayMedia === 'function';
	return (
		<footer class="controls" role="toolbar" aria-label="Call controls">
			<IconButton icon={media.audio.on ? 'mic' : 'micOff'} label={media.audio.on ? 'Mute (M)' : 'Unmute (M)'} pressed={!media.audio.on}
				class={`round ${media.audio.on ? '' : 'off'}`} testid="toggle-mic" onClick={() => void media.setAudio(!media.audio.on)} />
			<IconButton icon={media.video.on ? 'camera' : 'cameraOff'} label={media.video.on ? 'Camera off (V)' : 'Camera on (V)'} pressed={!media.video.on}
				class={`round ${media.video.on ? '' : 'off'}`} testid="toggle-camera" onClick={() => void media.setVideo(!media.video.on)} />
			{canShare && <IconButton icon="screen" label={media.screen ? 'Stop sharing your screen' : 'Share your screen'} pressed={!!media.screen}
				class={`round ${media.screen ? 'lit' : ''}`} testid="toggle-screen" disabled={call.state.phase !== 'live'}
				onClick={() => void call.toggleScreen()} />}
			<IconButton icon={props.speaker ? 'grid' : 'speaker'} label={props.speaker ? 'Show everybody alike' : 'Show the speaker large'}
				class="round" testid="toggle-layout" onClick={props.onLayout} />
			<IconButton icon="settings" label="Choose camera and microphone" class="round wide-only" testid="call-devices" onClick={props.onSettings} />
			<IconButton icon="chat" label={app.chatOpen ? 'Close the chat' : 'Open the chat'} pressed={app.chatOpen} badge={app.chatOpen ? 0 : props.unread}
				class={`round ${app.chatOpen ? 'lit' : ''}`} testid="toggle-chat" onClick={() => app.toggleChat()} />
			<IconButton icon="leave" label="Leave the call" class="round hang-up" testid="leave-call" onClick={() => call.leave()} />
		</footer>
	);
}
