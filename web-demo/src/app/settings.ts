import type { ChatMessage } from './chat';
import type { Secret } from '../xmpp/client';
import type { Choice, QualityName } from '../rtc/devices';
import { QUALITIES } from '../rtc/devices';

/**
 * What is kept where: choices of devices in localStorage; the log-in of this tab and
 * the call it is in in sessionStorage, which ends with the tab.
 */

export interface SavedLogin {
	jid: string;
	secret: Secret;
}

export interface SavedCall {
	room: string;
	mic: boolean;
	camera: boolean;
}

function read<T>(storage: () => Storage, key: string): T | undefined {
	try {
		const text = storage().getItem(`lyceum.${key}`);
		return text === null ? undefined : (JSON.parse(text) as T);
	} catch {
		return undefined;
	}
}

function write(storage: () => Storage, key: string, value: unknown): void {
	try {
		if (value === undefined) storage().removeItem(`lyceum.${key}`);
		else storage().setItem(`lyceum.${key}`, JSON.stringify(value));
	} catch {
		// Storage may be full or forbidden: the page works without it.
	}
}

const tab = () => sessionStorage;
const browser = () => localStorage;

function randomHex(bytes: number): string {
	return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, '0')).join('');
}

export const newEndpointId = () => randomHex(4);

export const savedLogin = () => read<SavedLogin>(tab, 'login');
export const saveLogin = (login: SavedLogin | undefined) => write(tab, 'login', login);
export const savedCall = () => read<SavedCall>(tab, 'call');
export const saveCall = (call: SavedCall | undefined) => write(tab, 'call', call);

/**
 * This tab's XMPP resource. A duplicated tab copies sessionStorage while the first
 * still lives: it must not pass for it, so the mark that unloading leaves is needed.
 */
export function tabIdentity(): { resource: string; reloaded: boolean } {
	const left = read<boolean>(tab, 'left') === true;
	const known = read<string>(tab, 'resource');
	write(tab, 'left', undefined);
	if (left && known) return { resource: known, reloaded: true };
	const resource = `web-${randomHex(4)}`;
	write(tab, 'resource', resource);
	return { resource, reloaded: false };
}

export const markLeft = () => write(tab, 'left', true);

export function machineId(): string {
	const known = read<string>(browser, 'machine');
	if (known) return known;
	const fresh = randomHex(16);
	write(browser, 'machine', fresh);
	return fresh;
}

export function savedChoice(): Choice {
	const choice = read<Partial<Choice>>(browser, 'devices') ?? {};
	const quality = choice.quality && choice.quality in QUALITIES ? choice.quality : ('standard' as QualityName);
	return { audioId: choice.audioId, videoId: choice.videoId, quality };
}

export const saveChoice = (choice: Choice) => write(browser, 'devices', choice);

export const savedName = (jid: string) => read<string>(browser, `name.${jid}`);
export const saveName = (jid: string, name: string) => write(browser, `name.${jid}`, name);

/** 1:1 chats of this tab, so that a reload keeps them; they end with the tab or the log-out. */
export const savedChats = (jid: string) => read<Record<string, ChatMessage[]>>(tab, `chats.${jid}`) ?? {};
export const saveChats = (jid: string, chats: Record<string, ChatMessage[]> | undefined) => write(tab, `chats.${jid}`, chats);
