/**
 * The state of this page's call as a pure machine: events in, next state out.
 * Whatever is done because of a state (opening devices, sending stanzas) is done
 * by the controller; media may be live only in the states that `holdsMedia` names.
 */

export interface BusyInfo {
	callId: string;
	room: string;
	device: string;
	jid: string;
	since: string;
}

export type EndKind =
	| 'left' | 'moved' | 'kicked' | 'ended' | 'lost' | 'server' | 'replaced' | 'refused' | 'failed';

export type CallState =
	| { phase: 'idle' }
	| { phase: 'prejoin'; room: string }
	/** the conference IQ was sent */
	| { phase: 'claiming'; room: string; move?: BusyInfo }
	| { phase: 'busy'; room: string; busy: BusyInfo }
	/** granted; waiting for the focus's offer and for ICE */
	| { phase: 'connecting'; room: string }
	| { phase: 'live'; room: string }
	/** media or signalling was lost and is being brought back */
	| { phase: 'recovering'; room: string; why: string }
	| { phase: 'ended'; room: string; kind: EndKind; text: string };

export type CallEvent =
	| { type: 'open'; room: string }
	| { type: 'join'; room: string }
	| { type: 'conflict'; busy: BusyInfo }
	| { type: 'move' }
	| { type: 'granted' }
	| { type: 'connected' }
	| { type: 'trouble'; why: string }
	| { type: 'end'; kind: EndKind; text: string }
	| { type: 'close' };

export function holdsMedia(state: CallState): boolean {
	return state.phase !== 'idle' && state.phase !== 'ended';
}

/** In a call or on the way into one: an end must be announced to the focus. */
export function inCall(state: CallState): boolean {
	return state.phase === 'claiming' || state.phase === 'connecting' || state.phase === 'live'
		|| state.phase === 'recovering';
}

export function step(state: CallState, event: CallEvent): CallState {
	switch (event.type) {
	case 'open':
		return inCall(state) ? state : { phase: 'prejoin', room: event.room };
	case 'join':
		if (state.phase === 'prejoin' || state.phase === 'ended' || state.phase === 'idle') {
			return { phase: 'claiming', room: event.room };
		}
		return state.phase === 'recovering' ? { phase: 'claiming', room: state.room } : state;
	case 'conflict':
		return state.phase === 'claiming' ? { phase: 'busy', room: state.room, busy: event.busy } : state;
	case 'move':
		return state.phase === 'busy' ? { phase: 'claiming', room: state.room, move: state.busy } : state;
	case 'granted':
		return state.phase === 'claiming' ? { phase: 'connecting', room: state.room } : state;
	case 'connected':
		return state.phase === 'connecting' || state.phase === 'recovering'
			? { phase: 'live', room: state.room } : state;
	case 'trouble':
		return state.phase === 'connecting' || state.phase === 'live'
			? { phase: 'recovering', room: state.room, why: event.why } : state;
	case 'end':
		return inCall(state) || state.phase === 'busy'
			? { phase: 'ended', room: roomOf(state), kind: event.kind, text: event.text } : state;
	case 'close':
		return inCall(state) ? state : { phase: 'idle' };
	}
}

export function roomOf(state: CallState): string {
	return state.phase === 'idle' ? '' : state.room;
}
