import { useState } from 'preact/hooks';
import type { App } from '../app/app';
import { Avatar, Dialog, IconButton, SHOW_TEXT } from './common';
import { Messages } from './Messages';

export function ChatPane({ app, jid }: { app: App; jid: string }) {
	const [removing, setRemoving] = useState(false);
	const contact = app.roster.contacts.get(jid);
	const name = app.roster.nameOf(jid);
	const chat = app.chat(jid);
	const remove = async () => {
		setRemoving(false);
		await app.roster.remove(jid).catch((e: unknown) => app.tell(`Not removed: ${e instanceof Error ? e.message : e}.`));
		app.go({ view: 'home' });
	};
	return (
		<>
			<header class="pane-head">
				<IconButton icon="back" label="Back to the lists" class="back" onClick={() => app.go({ view: 'home' })} />
				<Avatar name={name} show={app.roster.showOf(jid)} />
				<div class="grow">
					<h1>{name}</h1>
					<small class="muted">{contact ? SHOW_TEXT[app.roster.showOf(jid)] : jid}</small>
				</div>
				{!contact && <button class="small" onClick={() => void app.roster.add(jid, '')}>Add to contacts</button>}
				{contact && <IconButton icon="trash" label={`Remove ${name} from the contacts`} class="quiet" onClick={() => setRemoving(true)} />}
			</header>
			<Messages conversation={chat} label={name} disabled={app.link !== 'online'} typing={chat.typing ? `${name} is writing…` : undefined}
				onSend={(body) => app.say(jid, body)} onTyping={() => app.typing(jid)} />
			{removing && (
				<Dialog title={`Remove ${name}?`} testid="remove-dialog" onCancel={() => setRemoving(false)}>
					<p>You will not see each other's presence any more.</p>
					<div class="actions">
						<button onClick={() => setRemoving(false)}>Cancel</button>
						<button class="danger" onClick={() => void remove()}>Remove</button>
					</div>
				</Dialog>
			)}
		</>
	);
}
