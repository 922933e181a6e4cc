import type { LocalMedia } from './media';
import { inCall, type CallState } from './state';
import { saveCall } from '../app/settings';
import type { Room } from '../app/rooms';
import type { XmlNode } from '../xmpp/xml';

export interface ServerConfig {
	domain: string;
	muc: string;
	focus: string;
	websocket: string;
	version: string;
}

/** What a call needs of the page around it. */
export interface CallHost {
	readonly config: ServerConfig;
	/** our full JID */
	readonly jid: string;
	readonly online: boolean;
	iq(type: 'get' | 'set', to: string, payload: XmlNode): Promise<Element>;
	send(node: XmlNode): boolean;
	reply(iq: Element): void;
	refuse(iq: Element, condition: string): void;
	newId(): string;
	room(jid: string): Room | undefined;
	/** enters the room when not in it yet */
	enterRoom(jid: string, nick: string): void;
	/** leaves it, and enters its chat again when the user is looking at it */
	leaveRoom(jid: string): void;
	/** for a user who looks at something else */
	callEnded(room: string, text: string): void;
	setCallPresence(room: string, extra: XmlNode | undefined): void;
}

/** Remembers the call in this tab, so that a reload returns to it. */
export function markReloadable(state: CallState, media: LocalMedia): void {
	saveCall(inCall(state) && state.phase !== 'idle'
		? { room: state.room, mic: media.audio.on, camera: media.video.on } : undefined);
}
