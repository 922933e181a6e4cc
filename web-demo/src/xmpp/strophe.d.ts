/** The part of Strophe.js 3 that this program uses; its own typings are not published. */
declare module 'strophe.js' {
	interface ScramKeys {
		name: string;
		iter: number;
		salt: string;
		ck: string;
		sk: string;
	}
	class Connection {
		constructor(service: string, options?: Record<string, unknown>);
		jid: string;
		connected: boolean;
		scram_keys: ScramKeys | null;
		connect(jid: string, pass: string | ScramKeys, callback: (status: number, condition?: string, elem?: Element) => void): void;
		disconnect(reason: string): void;
		reset(): void;
		send(stanza: Element): void;
		flush(): void;
		addHandler(handler: (stanza: Element) => boolean, ns: string | null, name: string | null): unknown;
		xmlInput: (elem: Element) => void;
	}
	export const Strophe: {
		Connection: typeof Connection;
		Status: Record<
			'ERROR' | 'CONNECTING' | 'CONNFAIL' | 'AUTHENTICATING' | 'AUTHFAIL' | 'CONNECTED' | 'DISCONNECTED'
			| 'DISCONNECTING' | 'ATTACHED' | 'REDIRECT' | 'CONNTIMEOUT' | 'BINDREQUIRED' | 'ATTACHFAIL' | 'RECONNECTING',
			number>;
		setLogLevel(level: number): void;
		LogLevel: Record<'DEBUG' | 'INFO' | 'WARN' | 'ERROR' | 'FATAL', number>;
	};
}
