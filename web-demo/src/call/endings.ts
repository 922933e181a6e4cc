import type { Termination } from '../rtc/jingle';
import type { EndKind } from './state';

/** Why a call ended, as a sentence for the user. */

export interface Ending {
	kind: EndKind;
	text: string;
}

export function endingOfTermination(t: Termination): Ending {
	if (t.movedTo !== undefined) return moved(t.movedTo);
	switch (t.condition) {
	case 'gone':
		if (t.text && /moved/i.test(t.text)) return moved('another device');
		return { kind: 'ended', text: 'The call was ended.' };
	case 'success':
		return { kind: 'ended', text: 'The call was ended.' };
	case 'expired':
	case 'timeout':
	case 'connectivity-error':
		return { kind: 'lost', text: 'The connection for sound and pictures was lost, so the server ended your call.' };
	case 'media-error':
	case 'failed-application':
	case 'incompatible-parameters':
	case 'unsupported-applications':
		return { kind: 'failed', text: `This browser and the server could not agree on sound and pictures${tail(t.text)}.` };
	case 'security-error':
		return { kind: 'failed', text: 'The encryption of the call could not be set up.' };
	case 'decline':
	case 'cancel':
		return { kind: 'refused', text: `The server refused the call${tail(t.text)}.` };
	default:
		return { kind: 'ended', text: `The call was ended${tail(t.text ?? t.condition.replace(/-/g, ' '))}.` };
	}
}

function tail(text: string | undefined): string {
	return text ? `: ${text.replace(/[.\s]+$/, '')}` : '';
}

export function moved(device: string): Ending {
	return { kind: 'moved', text: `The call was moved to ${device}.` };
}

/** From a call-state notice whose state is idle. */
export function endingOfNotice(reason: string): Ending {
	switch (reason) {
	case 'moved':
		return moved('another device');
	case 'lost':
		return { kind: 'lost', text: 'The connection for sound and pictures was lost, so the server ended your call.' };
	case 'revoked':
		return { kind: 'kicked', text: 'You were removed from the call.' };
	case 'left':
		return { kind: 'left', text: 'You left the call.' };
	default:
		return { kind: 'ended', text: 'The call was ended.' };
	}
}
