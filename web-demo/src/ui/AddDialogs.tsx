import { useState } from 'preact/hooks';
import type { App } from '../app/app';
import { completeJid, roomLocalPart } from '../xmpp/jid';
import { Dialog } from './common';

export function AddContact({ app, onClose }: { app: App; onClose: () => void }) {
	const [name, setName] = useState('');
	const [error, setError] = useState('');
	const submit = async (e: Event) => {
		e.preventDefault();
		const jid = completeJid(name, app.config!.domain);
		if (jid === app.client.bare) {
			setError('That is you.');
			return;
		}
		try {
			await app.roster.add(jid, '');
			onClose();
			app.tell(`A request was sent to ${jid}.`);
		} catch (err) {
			setError(`The contact could not be added: ${err instanceof Error ? err.message : err}.`);
		}
	};
	return (
		<Dialog title="Add a contact" testid="add-contact-dialog" onCancel={onClose}>
			<form onSubmit={(e) => void submit(e)}>
				<label for="contact-name">User name or address</label>
				<input id="contact-name" data-testid="contact-name" required autocapitalize="none" spellcheck={false} autofocus
					value={name} placeholder="teacher" onInput={(e) => setName(e.currentTarget.value)} />
				{error && <p class="error" role="alert">{error}</p>}
				<div class="actions">
					<button type="button" onClick={onClose}>Cancel</button>
					<button type="submit" class="primary" data-testid="contact-submit">Add</button>
				</div>
			</form>
		</Dialog>
	);
}

export function CreateRoom({ app, onClose }: { app: App; onClose: () => void }) {
	const [title, setTitle] = useState('');
	const local = roomLocalPart(title);
	const submit = (e: Event) => {
		e.preventDefault();
		if (!local) return;
		onClose();
		void app.createRoom(title);
	};
	return (
		<Dialog title="New classroom" testid="new-room-dialog" onCancel={onClose}>
			<form onSubmit={submit}>
				<label for="room-title">Name</label>
				<input id="room-title" data-testid="room-title" required maxLength={60} autofocus value={title}
					placeholder="Algebra" onInput={(e) => setTitle(e.currentTarget.value)} />
				<p class="muted small-text">{local ? `Its address: ${local}@${app.config!.muc}` : 'Letters or digits are needed.'}</p>
				<div class="actions">
					<button type="button" onClick={onClose}>Cancel</button>
					<button type="submit" class="primary" data-testid="room-submit" disabled={!local}>Open classroom</button>
				</div>
			</form>
		</Dialog>
	);
}
