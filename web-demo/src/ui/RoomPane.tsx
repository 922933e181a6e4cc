import { useState } from 'preact/hooks';
import type { App } from '../app/app';
import type { Occupant, Room } from '../app/rooms';
import { bareJid } from '../xmpp/jid';
import { Avatar, IconButton } from './common';
import { Icon } from './icons';
import { Messages } from './Messages';
import { mayRemove, RemoveButton, RemoveDialog } from './RemovePerson';

export function RoomPane({ app, jid }: { app: App; jid: string }) {
	const room = app.rooms.get(jid);
	const [people, setPeople] = useState(false);
	const talking = room.inCall().length;
	return (
		<>
			<header class="pane-head">
				<IconButton icon="back" label="Back to the lists" class="back" onClick={() => app.go({ view: 'home' })} />
				<div class="grow">
					<h1>{room.title}</h1>
					<small class="muted">{room.subject || (room.joined ? `${room.people().length} here` : 'Entering…')}</small>
				</div>
				<IconButton icon="people" label="Who is here" class="narrow-only" pressed={people} onClick={() => setPeople(!people)} />
				<IconButton icon="logout" label="Leave this classroom" class="quiet" testid="leave-room" onClick={() => app.leaveRoom(jid)} />
				<button class="primary join" data-testid="open-prejoin" disabled={!room.joined} onClick={() => void app.call.open(jid)}>
					<Icon name="camera" /> {talking > 0 ? 'Join call' : 'Start call'}
					{talking > 0 && <span class="count">{talking}</span>}
				</button>
			</header>
			<EndedNotice app={app} jid={jid} />
			{room.error && (
				<div class="banner bad" role="alert" data-testid="room-error">
					<Icon name="warning" />{room.error}
					<button class="link" onClick={() => app.retryRoom(jid)}>Enter again</button>
				</div>
			)}
			<div class="room-columns">
				<Messages conversation={room.conversation} label={room.title} disabled={!room.joined}
					onSend={(body) => app.rooms.say(jid, body)} />
				<People app={app} room={room} open={people} />
			</div>
		</>
	);
}

function People({ app, room, open }: { app: App; room: Room; open: boolean }) {
	const [removing, setRemoving] = useState<Occupant | undefined>();
	const inCall = room.inCall();
	const others = room.people().filter((o) => o.sources.size === 0);
	const row = (o: Occupant) => (
		<li key={o.nick}>
			<Avatar name={o.name} size="small" />
			<span class="grow">{o.name}{o.nick === room.nick && <span class="muted"> (you)</span>}</span>
			{o.affiliation === 'owner' && <small class="muted" title={bareJid(o.jid)}>Owner</small>}
			{o.sources.get(`${o.nick}-a0`)?.muted && <span class="muted" title="Microphone off"><Icon name="micOff" size={16} /></span>}
			{mayRemove(room, o) && <RemoveButton name={o.name} class="quiet tiny" onClick={() => setRemoving(o)} />}
		</li>
	);
	return (
		<aside class={`people ${open ? 'open' : ''}`} aria-label="Who is here" data-testid="people">
			{inCall.length > 0 && <><h2>In the call</h2><ul>{inCall.map(row)}</ul></>}
			<h2>{inCall.length > 0 ? 'In the chat' : 'Here now'}</h2>
			<ul>{others.map(row)}</ul>
			{others.length === 0 && <p class="muted small-text">Nobody else.</p>}
			{app.link !== 'online' && <p class="muted small-text">Not connected.</p>}
			{removing && <RemoveDialog app={app} room={room} person={removing} onDone={() => setRemoving(undefined)} />}
		</aside>
	);
}

function EndedNotice({ app, jid }: { app: App; jid: string }) {
	const state = app.call.state;
	if (state.phase !== 'ended' || state.room !== jid) return null;
	const calm = state.kind === 'left' || state.kind === 'moved';
	return (
		<div class={`banner ${calm ? 'calm' : 'bad'}`} role="alert" data-testid="call-ended">
			<Icon name={calm ? 'check' : 'warning'} />
			<span class="grow">{state.text} Camera and microphone are off.</span>
			<button class="link" data-testid="rejoin" onClick={() => void app.call.open(jid)}>Join again</button>
			<IconButton icon="close" label="Dismiss" class="quiet" onClick={() => app.call.close()} />
		</div>
	);
}
