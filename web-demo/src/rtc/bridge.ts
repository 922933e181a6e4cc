/** The bridge channel: JSON objects with a colibriClass over a WebSocket. */

export type BridgeMessage =
	| { kind: 'hello' }
	| { kind: 'speaker'; endpoint: string | null }
	| { kind: 'forwarded'; sources: string[] }
	| { kind: 'connectivity'; endpoint: string; active: boolean }
	| { kind: 'message'; from: string; payload: unknown }
	| { kind: 'stats'; from: string; stats: Record<string, unknown> }
	| { kind: 'other'; name: string };

function record(value: unknown): Record<string, unknown> | undefined {
	return typeof value === 'object' && value !== null && !Array.isArray(value)
		? (value as Record<string, unknown>) : undefined;
}

/** Undefined when the text is no message of the channel. */
export function parseBridgeMessage(text: string): BridgeMessage | undefined {
	let json: Record<string, unknown> | undefined;
	try {
		json = record(JSON.parse(text));
	} catch {
		return undefined;
	}
	const name = json?.colibriClass;
	if (!json || typeof name !== 'string') return undefined;
	const str = (key: string) => (typeof json![key] === 'string' ? (json![key] as string) : '');
	switch (name) {
	case 'ServerHello':
		return { kind: 'hello' };
	case 'DominantSpeakerEndpointChangeEvent':
		return { kind: 'speaker', endpoint: str('dominantSpeakerEndpoint') || null };
	case 'ForwardedSources': {
		const list = Array.isArray(json.forwardedSources) ? json.forwardedSources : [];
		return { kind: 'forwarded', sources: list.filter((s): s is string => typeof s === 'string') };
	}
	case 'EndpointConnectivityStatusChangeEvent':
		return { kind: 'connectivity', endpoint: str('endpoint'), active: String(json.active) === 'true' };
	case 'EndpointMessage':
		return { kind: 'message', from: str('from'), payload: json.msgPayload };
	case 'EndpointStats':
		return { kind: 'stats', from: str('from'), stats: json };
	default:
		return { kind: 'other', name };
	}
}

/** The channel's path on the page's own origin: only path and query are the server's to say. */
export function channelUrl(signalled: string, origin: string): string {
	const url = new URL(signalled, origin);
	const own = new URL(url.pathname + url.search, origin);
	own.protocol = own.protocol === 'https:' ? 'wss:' : 'ws:';
	return own.href;
}

/** Keeps the channel open: reconnects after 1 s, doubling to 30 s, until closed. */
export class BridgeChannel {
	private socket: WebSocket | undefined;
	private timer: ReturnType<typeof setTimeout> | undefined;
	private delay = 1000;
	private closed = false;
	private constraints: Record<string, unknown> | undefined;

	constructor(
		private readonly url: string,
		private readonly onMessage: (message: BridgeMessage) => void,
	) {
		this.open();
	}

	private open(): void {
		if (this.closed) return;
		const socket = new WebSocket(this.url);
		this.socket = socket;
		socket.onopen = () => {
			this.delay = 1000;
			if (this.constraints) this.send(this.constraints);
		};
		socket.onmessage = (event) => {
			const message = typeof event.data === 'string' ? parseBridgeMessage(event.data) : undefined;
			if (message) this.onMessage(message);
		};
		socket.onclose = () => {
			if (this.closed) return;
			this.timer = setTimeout(() => this.open(), this.delay);
			this.delay = Math.min(this.delay * 2, 30_000);
		};
	}

	send(message: Record<string, unknown>): void {
		if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
	}

	/** What this page wants to receive; kept and repeated after a reconnect. */
	setConstraints(onStage: string[], maxHeight: number, stageHeight: number): void {
		this.constraints = {
			colibriClass: 'ReceiverVideoConstraints',
			lastN: -1,
			onStageSources: onStage,
			selectedSources: [],
			defaultConstraints: { maxHeight },
			constraints: Object.fromEntries(onStage.map((s) => [s, { maxHeight: stageHeight }])),
		};
		this.send(this.constraints);
	}

	close(): void {
		this.closed = true;
		clearTimeout(this.timer);
		this.socket?.close(1000);
	}
}
