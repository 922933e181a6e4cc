import type { App } from '../app/app';
import type { Occupant, Room } from '../app/rooms';
import { Dialog, IconButton } from './common';

/** Moderators may remove others; owners are out of their reach (XEP-0045 §8.2). */
export function mayRemove(room: Room, o: Occupant | undefined): boolean {
	return room.occupants.get(room.nick)?.role === 'moderator' && !!o && o.nick !== room.nick
		&& o.affiliation !== 'owner' && o.affiliation !== 'admin';
}

export function RemoveButton({ name, onClick, class: extra }: { name: string; onClick: () => void; class: string }) {
	return <IconButton icon="close" label={`Remove ${name} from the classroom`} class={extra} testid="remove-person" onClick={onClick} />;
}

export function RemoveDialog({ app, room, person, onDone }: { app: App; room: Room; person: Occupant; onDone: () => void }) {
	const remove = () => {
		onDone();
		app.rooms.remove(room.jid, person.nick).catch(
			(e: unknown) => app.tell(`${person.name} was not removed: ${e instanceof Error ? e.message : e}.`));
	};
	return (
		<Dialog title={`Remove ${person.name}?`} testid="remove-dialog" onCancel={onDone}>
			<p>They leave the classroom and its call at once. They can enter again.</p>
			<div class="actions">
				<button onClick={onDone}>Cancel</button>
				<button class="danger" data-testid="remove-confirm" onClick={remove}>Remove</button>
			</div>
		</Dialog>
	);
}
