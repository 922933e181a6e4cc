import type { App } from '../app/app';
import type { BusyInfo } from '../call/state';
import { displayName } from '../xmpp/jid';
import { Dialog, formatTime } from './common';
import { Icon } from './icons';

export function BusyDialog({ app, busy }: { app: App; busy: BusyInfo }) {
	const room = app.rooms.rooms.get(busy.room)?.title ?? displayName(busy.room);
	const since = Date.parse(busy.since);
	const cancel = () => {
		app.call.cancel();
		app.call.close();
	};
	return (
		<Dialog title="You are already in a call" testid="busy-dialog" onCancel={cancel}>
			<p>
				You are already in a call on <strong data-testid="busy-device">{busy.device}</strong> in{' '}
				<strong data-testid="busy-room">{room}</strong>{Number.isNaN(since) ? '' : `, since ${formatTime(since)}`}.
			</p>
			<p class="muted">You can be in one call at a time. If you move it here, it ends on the other device.</p>
			<div class="actions">
				<button data-testid="busy-cancel" onClick={cancel}>Cancel</button>
				<button class="primary" data-testid="busy-move" onClick={() => void app.call.move()}>
					<Icon name="screen" /> Move the call here
				</button>
			</div>
		</Dialog>
	);
}
