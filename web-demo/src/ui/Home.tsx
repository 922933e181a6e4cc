import type { App } from '../app/app';
import { localPart } from '../xmpp/jid';
import { Icon } from './icons';

/** Shown where there is room beside the lists. */
export function Home({ app }: { app: App }) {
	const online = app.roster.sorted().filter((c) => app.roster.showOf(c.jid) !== 'offline').length;
	return (
		<div class="home">
			<h1>Welcome, {app.myName()}</h1>
			<p class="muted">
				{online === 0 ? 'None of your contacts is online.' : `${online} of your contacts ${online === 1 ? 'is' : 'are'} online.`}
				{' '}Enter a classroom to talk.
			</p>
			<div class="cards">
				{app.rooms.list.slice(0, 6).map((room) => (
					<button key={room.jid} class="card" data-testid={`card-${localPart(room.jid)}`}
						onClick={() => app.go({ view: 'room', jid: room.jid })}>
						<span class="room-icon"><Icon name="door" /></span>
						<strong>{room.name}</strong>
						<small class="muted">{localPart(room.jid)}</small>
					</button>
				))}
			</div>
		</div>
	);
}
