import { useState } from 'preact/hooks';
import type { App } from '../app/app';
import type { Occupant, Room } from '../app/rooms';
import type { Quality } from '../rtc/stats';
import { Avatar, formatBps, IconButton } from './common';
import { Icon } from './icons';
import type { TileInfo } from './layout';
import { mayRemove, RemoveButton, RemoveDialog } from './RemovePerson';
import { Video } from './Video';

/** Our own tile first, then the others by name: tiles do not jump. */
export function tilesOf(app: App, room: Room): TileInfo[] {
	const { call } = app;
	const tiles: TileInfo[] = [{ id: 'me', endpoint: call.endpointId, name: app.myName(), me: true, screen: false }];
	const known = new Map<string, Occupant | undefined>();
	for (const t of call.session?.remoteTracks() ?? []) known.set(t.source.owner, room.occupants.get(t.source.owner));
	for (const o of room.inCall()) if (o.nick !== call.endpointId) known.set(o.nick, o);
	const others = [...known.keys()]
		.map((endpoint) => ({ endpoint, name: known.get(endpoint)?.name ?? room.names.get(endpoint) ?? endpoint }))
		.sort((a, b) => a.name.localeCompare(b.name) || a.endpoint.localeCompare(b.endpoint));
	for (const { endpoint, name } of others) {
		tiles.push({ id: endpoint, endpoint, name, me: false, screen: false });
		if (call.videoOf(endpoint, 'desktop')) {
			tiles.push({ id: `${endpoint}-screen`, endpoint, name: `${name}'s screen`, me: false, screen: true });
		}
	}
	return tiles;
}

export function Tile({ app, tile, pinned, onPin, start }: {
	app: App; tile: TileInfo; pinned: boolean; onPin: () => void; start?: number;
}) {
	const { call } = app;
	const [details, setDetails] = useState(false);
	const [removing, setRemoving] = useState(false);
	const room = app.rooms.get(call.room);
	const occupant = room.occupants.get(tile.endpoint);
	const camera = occupant?.sources.get(`${tile.endpoint}-v0`);
	const mic = occupant?.sources.get(`${tile.endpoint}-a0`);
	const micOff = tile.me ? !call.media.audio.on : mic?.muted === true;
	const remote = tile.me ? undefined : call.videoOf(tile.endpoint, tile.screen ? 'desktop' : 'camera');
	const shown = tile.me ? call.media.video.track
		: tile.screen || camera?.muted !== true ? remote?.stream : undefined;
	const quality = call.monitor.quality.get(tile.me ? 'me' : tile.endpoint);
	const speaking = !tile.screen && (call.monitor.speaking.has(tile.me ? 'me' : tile.endpoint)
		|| (call.dominant === tile.endpoint && !micOff && !tile.me && call.monitor.speaking.size === 0));
	return (
		<section style={start ? { gridColumnStart: start } : undefined} class={`tile ${speaking ? 'speaking' : ''} ${tile.screen ? 'screen' : ''}`} aria-label={tile.name}
			data-testid={tile.me ? 'tile-me' : 'tile'} data-endpoint={tile.endpoint} data-name={tile.name} data-speaking={speaking}>
			{shown
				? <Video stream={shown} mirrored={tile.me} contain={tile.screen} label={tile.name} testid={tile.screen ? 'screen-video' : 'tile-video'} />
				: <Avatar name={tile.name} size="large" />}
			<div class="tile-top">
				{quality && <QualityButton quality={quality} name={tile.name} open={details} onClick={() => setDetails(!details)} />}
				<span class="grow" />
				{!tile.screen && mayRemove(room, occupant) && <RemoveButton name={tile.name} class="tile-pin" onClick={() => setRemoving(true)} />}
				<IconButton icon="pin" label={pinned ? 'Unpin' : `Show ${tile.name} large`} pressed={pinned} class={`tile-pin ${pinned ? 'lit' : ''}`} onClick={onPin} />
			</div>
			{removing && occupant && <RemoveDialog app={app} room={room} person={occupant} onDone={() => setRemoving(false)} />}
			{details && quality && <QualityDetails quality={quality} me={tile.me} />}
			<div class="tile-name">
				{micOff && !tile.screen && <span class="muted-mark" title="Microphone off"><Icon name="micOff" size={16} /></span>}
				<span class="text">{tile.name}{tile.me ? ' (you)' : ''}</span>
			</div>
		</section>
	);
}

const GRADE_TEXT = { good: 'Good connection', fair: 'Weak connection', poor: 'Bad connection', unknown: 'Measuring' } as const;

function QualityButton(props: { quality: Quality; name: string; open: boolean; onClick: () => void }) {
	const { grade, why } = props.quality;
	const text = `${GRADE_TEXT[grade]}${why ? `: ${why}` : ''}`;
	const bars = grade === 'good' ? 3 : grade === 'fair' ? 2 : 1;
	return (
		<button type="button" class={`quality ${grade}`} title={text} aria-label={`${props.name}. ${text}. Details`} aria-expanded={props.open}
			data-testid="quality" data-grade={grade} onClick={props.onClick}>
			<svg viewBox="0 0 18 14" width="18" height="14" aria-hidden="true">
				{[0, 1, 2].map((i) => <rect key={i} class={i < bars ? 'on' : ''} x={i * 6.5} y={9 - i * 4.500} width="4" height={5 + i * 4.500} rx="1" />)}
			</svg>
		</button>
	);
}

function QualityDetails({ quality: q, me }: { quality: Quality; me: boolean }) {
	const rows: [string, string][] = [
		[me ? 'Sending' : 'Receiving', formatBps(q.bps)],
		['Loss', `${(q.loss * 100).toFixed(1)} %`],
	];
	if (q.rttMs !== undefined) rows.push(['Round trip', `${Math.round(q.rttMs)} ms`]);
	if (!me) rows.push(['Jitter', `${Math.round(q.jitterMs)} ms`]);
	if (q.width) rows.push(['Picture', `${q.width} × ${q.height}, ${Math.round(q.fps ?? 0)} fps`]);
	return (
		<dl class="quality-details" data-testid="quality-details">
			{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
		</dl>
	);
}
