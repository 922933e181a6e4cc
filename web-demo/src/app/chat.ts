import { NS } from '../xmpp/ns';
import { attr, child, childText } from '../xmpp/xml';

export interface ChatMessage {
	id: string;
	/** who wrote it: a bare JID in 1:1 chats, a nick in rooms */
	from: string;
	name: string;
	mine: boolean;
	body: string;
	at: number;
	/** a line of the room itself, such as a changed subject */
	system?: boolean;
	failed?: boolean;
}

const MAX_MESSAGES = 500;

/** Messages with one peer or in one room, with what was not read yet. */
export class Conversation {
	messages: ChatMessage[] = [];
	unread = 0;
	typing = false;

	/** False when the message was there already (an echo or repeated history). */
	add(message: ChatMessage, read: boolean): boolean {
		if (message.id && this.messages.some((m) => m.id === message.id && m.from === message.from)) return false;
		const last = this.messages[this.messages.length - 1];
		this.messages.push(message);
		if (last && last.at > message.at) this.messages.sort((a, b) => a.at - b.at);
		if (this.messages.length > MAX_MESSAGES) this.messages.splice(0, this.messages.length - MAX_MESSAGES);
		if (!read && !message.mine && !message.system) this.unread++;
		return true;
	}

	fail(id: string): void {
		const message = this.messages.find((m) => m.id === id && m.mine);
		if (message) message.failed = true;
	}
}

export function stampOf(stanza: Element): number | undefined {
	const stamp = attr(child(stanza, 'delay', NS.DELAY), 'stamp');
	const time = stamp ? Date.parse(stamp) : NaN;
	return Number.isNaN(time) ? undefined : time;
}

export const bodyOf = (stanza: Element) => childText(stanza, 'body');

/** XEP-0085: the peer is writing or has stopped. */
export function chatState(stanza: Element): boolean | undefined {
	if (child(stanza, 'composing', NS.CHATSTATES)) return true;
	for (const other of ['active', 'paused', 'inactive', 'gone']) {
		if (child(stanza, other, NS.CHATSTATES)) return false;
	}
	return undefined;
}
