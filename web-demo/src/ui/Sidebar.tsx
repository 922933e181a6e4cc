import { useState } from 'preact/hooks';
import type { App } from '../app/app';
import { localPart } from '../xmpp/jid';
import { AddContact, CreateRoom } from './AddDialogs';
import { Avatar, Badge, IconButton, SHOW_TEXT } from './common';
import { Icon, Mark } from './icons';

export function Sidebar({ app }: { app: App }) {
	const [dialog, setDialog] = useState<'contact' | 'room' | undefined>();
	const close = () => setDialog(undefined);
	return (
		<nav class="sidebar" aria-label="Classrooms and contacts">
			<header class="brand-row">
				<button class="brand plain" onClick={() => app.go({ view: 'home' })} aria-label="Lyceum, start page">
					<Mark size={32} /><span>Lyceum</span>
				</button>
			</header>
			<div class="lists">
				<Requests app={app} />
				<Classrooms app={app} onAdd={() => setDialog('room')} />
				<Contacts app={app} onAdd={() => setDialog('contact')} />
			</div>
			<footer class="me" data-testid="me">
				<Avatar name={app.myName()} show={app.link === 'online' ? 'online' : 'offline'} />
				<span class="grow">
					<strong>{app.myName()}</strong>
					<small class="muted">{app.client.bare}</small>
				</span>
				<IconButton icon="logout" label="Log out" testid="logout" onClick={() => app.logout()} />
			</footer>
			{dialog === 'contact' && <AddContact app={app} onClose={close} />}
			{dialog === 'room' && <CreateRoom app={app} onClose={close} />}
		</nav>
	);
}

function Requests({ app }: { app: App }) {
	const list = [...app.roster.requests];
	if (list.length === 0) return null;
	return (
		<section aria-label="Requests">
			{list.map((jid) => (
				<div key={jid} class="request" data-testid={`request-${localPart(jid)}`}>
					<span><strong>{app.roster.nameOf(jid)}</strong> wants to be your contact.</span>
					<span class="row">
						<button class="primary small" data-testid={`accept-${localPart(jid)}`}
							onClick={() => app.roster.accept(jid)}>Accept</button>
						<button class="small" onClick={() => app.roster.refuse(jid)}>Refuse</button>
					</span>
				</div>
			))}
		</section>
	);
}

function Classrooms({ app, onAdd }: { app: App; onAdd: () => void }) {
	const listed = new Map(app.rooms.list.map((r) => [r.jid, r.name]));
	for (const room of app.rooms.rooms.values()) if (room.joined && !listed.has(room.jid)) listed.set(room.jid, room.title);
	const current = app.route.view === 'room' ? app.route.jid : '';
	return (
		<section aria-labelledby="rooms-title">
			<div class="list-title">
				<h2 id="rooms-title">Classrooms</h2>
				<IconButton icon="refresh" label="Refresh the list of classrooms" class="quiet" onClick={() => void app.rooms.refresh()} />
				<IconButton icon="plus" label="New classroom" class="quiet" testid="new-room" onClick={onAdd} />
			</div>
			<ul class="list" data-testid="rooms">
				{[...listed].map(([jid, name]) => {
					const room = app.rooms.rooms.get(jid);
					const talking = room?.inCall().length ?? 0;
					return (
						<li key={jid}>
							<button class={`item ${current === jid ? 'current' : ''}`} aria-current={current === jid ? 'page' : undefined}
								data-testid={`room-${localPart(jid)}`} onClick={() => app.go({ view: 'room', jid })}>
								<span class="room-icon"><Icon name="door" size={18} /></span>
								<span class="grow"><span class="name">{name}</span>
									{talking > 0 && <small class="in-call">{talking} in the call</small>}</span>
								<Badge count={room?.conversation.unread ?? 0} />
							</button>
						</li>
					);
				})}
			</ul>
			{listed.size === 0 && <p class="empty muted">{app.rooms.listError
				? `The list could not be loaded: ${app.rooms.listError}.` : 'No classrooms yet. Create the first one.'}</p>}
		</section>
	);
}

function Contacts({ app, onAdd }: { app: App; onAdd: () => void }) {
	const contacts = app.roster.sorted();
	const known = new Set(contacts.map((c) => c.jid));
	const others = [...app.chats.keys()].filter((jid) => !known.has(jid));
	const current = app.route.view === 'chat' ? app.route.jid : '';
	const item = (jid: string, name: string, note: string) => (
		<li key={jid}>
			<button class={`item ${current === jid ? 'current' : ''}`} aria-current={current === jid ? 'page' : undefined}
				data-testid={`contact-${localPart(jid)}`} data-show={app.roster.showOf(jid)}
				onClick={() => app.go({ view: 'chat', jid })}>
				<Avatar name={name} show={app.roster.showOf(jid)} size="small" />
				<span class="grow"><span class="name">{name}</span><small class="muted">{note}</small></span>
				<Badge count={app.chats.get(jid)?.unread ?? 0} />
			</button>
		</li>
	);
	return (
		<section aria-labelledby="contacts-title">
			<div class="list-title">
				<h2 id="contacts-title">Contacts</h2>
				<IconButton icon="plus" label="Add a contact" class="quiet" testid="add-contact" onClick={onAdd} />
			</div>
			<ul class="list" data-testid="contacts">
				{contacts.map((c) => item(c.jid, c.name, c.pending && c.subscription !== 'to' && c.subscription !== 'both'
					? 'Waiting for their answer' : SHOW_TEXT[app.roster.showOf(c.jid)]))}
				{others.map((jid) => item(jid, app.roster.nameOf(jid), 'Not in your contacts'))}
			</ul>
			{contacts.length + others.length === 0 && <p class="empty muted">No contacts yet. Add someone by user name.</p>}
		</section>
	);
}
