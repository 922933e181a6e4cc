import { Strophe } from 'strophe.js';
import { bareJid } from './jid';
import { NS } from './ns';
import { attr, child, children, parseXml, serialize, x, type XmlNode } from './xml';

type Connection = InstanceType<typeof Strophe.Connection>;

/** A password, or the keys SCRAM derived from one: those can be kept instead of it. */
export type Secret = string | ScramKeys;
export interface ScramKeys {
	name: string;
	iter: number;
	salt: string;
	ck: string;
	sk: string;
}

export class StanzaError extends Error {
	constructor(readonly condition: string, readonly text: string | undefined, readonly stanza: Element) {
		super(text || condition.replace(/-/g, ' '));
	}
}

export type LinkState = 'offline' | 'connecting' | 'online' | 'waiting';

/** Why a log-in or a session ended for good; the page shows `text`. */
export interface FinalError {
	kind: 'auth' | 'replaced' | 'server';
	text: string;
}

export interface ClientEvents {
	/** logged in and bound; also after each automatic reconnect */
	online(): void;
	link(state: LinkState, retryInMs?: number): void;
	final(error: FinalError): void;
	message(stanza: Element): void;
	presence(stanza: Element): void;
	/** an IQ of type set or get; true when it was answered */
	request(iq: Element): boolean;
}

const IQ_TIMEOUT_MS = 10_000;
const LOGIN_TIMEOUT_MS = 8_000;
const PING_EVERY_MS = 30_000;
const RETRY_MS = [300, 1000, 2000, 4000, 8000, 15_000];

/** One XMPP session over a WebSocket (RFC 7395) that reconnects until told to stop. */
export class XmppClient {
	jid = '';
	private connection: Connection | undefined;
	private secret: Secret = '';
	private wanted = false;
	private wasOnline = false;
	private tries = 0;
	private retryTimer: ReturnType<typeof setTimeout> | undefined;
	private loginTimer: ReturnType<typeof setTimeout> | undefined;
	private pingTimer: ReturnType<typeof setInterval> | undefined;
	private ids = 0;
	private readonly prefix = Math.random().toString(36).slice(2, 8);
	private pending = new Map<string, {
		to: string; resolve: (iq: Element) => void; reject: (e: Error) => void; timer: ReturnType<typeof setTimeout>;
	}>();

	constructor(private readonly url: string, private readonly resource: string, private readonly events: ClientEvents) {
		Strophe.setLogLevel(Strophe.LogLevel.FATAL);
		window.addEventListener('online', () => this.retryNow());
	}

	get bare(): string {
		return bareJid(this.jid);
	}

	get online(): boolean {
		return this.connection?.connected === true && this.wasOnline;
	}

	login(bare: string, secret: Secret): void {
		this.jid = `${bare}/${this.resource}`;
		this.secret = secret;
		this.wanted = true;
		this.tries = 0;
		this.open();
	}

	/** After a log-in: what can be stored in place of the password. */
	keys(): ScramKeys | undefined {
		return this.connection?.scram_keys ?? (typeof this.secret === 'object' ? this.secret : undefined);
	}

	logout(): void {
		this.wanted = false;
		this.stopTimers();
		this.connection?.disconnect('logout');
		this.connection = undefined;
		this.rejectAll('logged out');
		this.events.link('offline');
	}

	private stopTimers(): void {
		clearTimeout(this.retryTimer);
		clearTimeout(this.loginTimer);
		clearInterval(this.pingTimer);
	}

	retryNow(): void {
		if (!this.wanted || this.online || this.retryTimer === undefined) return;
		clearTimeout(this.retryTimer);
		this.open();
	}

	private open(): void {
		this.stopTimers();
		this.retryTimer = undefined;
		this.wasOnline = false;
		const connection = new Strophe.Connection(this.url);
		this.connection = connection;
		this.events.link('connecting');
		this.loginTimer = setTimeout(() => this.lost(connection), LOGIN_TIMEOUT_MS);
		connection.connect(this.jid, this.secret, (status, condition) => {
			if (this.connection === connection) this.status(connection, status, condition);
		});
	}

	private status(connection: Connection, status: number, condition?: string): void {
		const S = Strophe.Status;
		if (status === S.CONNECTED || status === S.ATTACHED) {
			this.connected(connection);
		} else if (status === S.AUTHFAIL) {
			this.finish({ kind: 'auth', text: authText(condition) });
		} else if (status === S.ERROR && condition === 'conflict') {
			this.finish({ kind: 'replaced', text: 'This session was replaced by a newer one with the same name.' });
		} else if (status === S.CONNFAIL && condition === 'no-auth-mech') {
			this.finish({ kind: 'server', text: 'The server offers no way to log in over this connection.' });
		} else if (status === S.CONNFAIL || status === S.DISCONNECTED || status === S.ERROR) {
			this.lost(connection);
		}
	}

	private connected(connection: Connection): void {
		clearTimeout(this.loginTimer);
		this.jid = connection.jid;
		this.tries = 0;
		this.wasOnline = true;
		// After the first log-in the derived keys serve for reconnects.
		if (connection.scram_keys) this.secret = connection.scram_keys;
		connection.addHandler((s) => { this.events.message(s); return true; }, null, 'message');
		connection.addHandler((s) => { this.events.presence(s); return true; }, null, 'presence');
		connection.addHandler((s) => { this.onIq(s); return true; }, null, 'iq');
		this.pingTimer = setInterval(() => this.ping(connection), PING_EVERY_MS);
		this.events.link('online');
		this.events.online();
	}

	private ping(connection: Connection): void {
		this.iq('get', undefined, x('ping', { xmlns: NS.PING })).catch((e: unknown) => {
			if (!(e instanceof StanzaError) && this.connection === connection) this.lost(connection);
		});
	}

	private finish(error: FinalError): void {
		this.wanted = false;
		this.stopTimers();
		const connection = this.connection;
		this.connection = undefined;
		connection?.disconnect('done');
		this.rejectAll(error.text);
		this.events.link('offline');
		this.events.final(error);
	}

	/** The connection is gone or hangs: try again after a while. */
	private lost(connection: Connection): void {
		if (this.connection !== connection) return;
		this.stopTimers();
		this.connection = undefined;
		this.wasOnline = false;
		connection.reset();
		this.rejectAll('the connection was lost');
		if (!this.wanted) return;
		const delay = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)]!;
		this.tries++;
		this.retryTimer = setTimeout(() => this.open(), delay);
		this.events.link('waiting', delay);
	}

	private rejectAll(why: string): void {
		for (const p of this.pending.values()) {
			clearTimeout(p.timer);
			p.reject(new Error(why));
		}
		this.pending.clear();
	}

	newId(): string {
		return `${this.prefix}-${++this.ids}`;
	}

	/** False when there is no connection to send on. */
	send(node: XmlNode): boolean {
		if (!this.online) return false;
		this.connection!.send(parseXml(serialize({ ...node, attrs: { xmlns: NS.CLIENT, ...node.attrs } })));
		this.connection!.flush();
		return true;
	}

	iq(type: 'get' | 'set', to: string | undefined, payload: XmlNode, timeoutMs = IQ_TIMEOUT_MS): Promise<Element> {
		const id = this.newId();
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				this.pending.delete(id);
				reject(new Error('the server did not answer in time'));
			}, timeoutMs);
			this.pending.set(id, { to: to ?? '', resolve, reject, timer });
			if (this.send(x('iq', { type, to, id }, payload))) return;
			clearTimeout(timer);
			this.pending.delete(id);
			reject(new Error('there is no connection to the server'));
		});
	}

	private onIq(iq: Element): void {
		const type = attr(iq, 'type');
		if (type === 'get' || type === 'set') {
			if (!this.builtIn(iq) && !this.events.request(iq)) this.refuse(iq, 'service-unavailable');
			return;
		}
		const id = attr(iq, 'id') ?? '';
		const p = this.pending.get(id);
		if (!p || !this.answersFrom(attr(iq, 'from'), p.to)) return;
		this.pending.delete(id);
		clearTimeout(p.timer);
		if (type === 'result') p.resolve(iq);
		else p.reject(toError(iq));
	}

	/** Only whom we asked may answer; our own account answers for an absent `to` (RFC 6120 §8.1.2.1). */
	private answersFrom(from: string | undefined, to: string): boolean {
		if (!from || from === to) return true;
		return to === '' && (from === this.bare || from === this.jid || from === this.bare.split('@')[1]);
	}

	private builtIn(iq: Element): boolean {
		if (attr(iq, 'type') !== 'get') return false;
		if (child(iq, 'ping', NS.PING)) {
			this.reply(iq);
			return true;
		}
		if (child(iq, 'query', NS.VERSION)) {
			this.reply(iq, x('query', { xmlns: NS.VERSION }, x('name', {}, 'Lyceum classroom'), x('version', {}, '0.1.0')));
			return true;
		}
		const info = child(iq, 'query', NS.DISCO_INFO);
		if (!info) return false;
		this.reply(iq, x('query', { xmlns: NS.DISCO_INFO, node: attr(info, 'node') },
			x('identity', { category: 'client', type: 'web', name: 'Lyceum' }),
			...FEATURES.map((f) => x('feature', { var: f }))));
		return true;
	}

	reply(iq: Element, payload?: XmlNode): void {
		this.send(x('iq', { type: 'result', to: attr(iq, 'from'), id: attr(iq, 'id') }, payload));
	}

	refuse(iq: Element, condition: string): void {
		this.send(x('iq', { type: 'error', to: attr(iq, 'from'), id: attr(iq, 'id') },
			x('error', { type: 'cancel' }, x(condition, { xmlns: NS.STANZAS }))));
	}
}

const FEATURES: string[] = [
	NS.DISCO_INFO, NS.PING, NS.VERSION, NS.MUC, NS.CHATSTATES, NS.JINGLE, NS.RTP,
	'urn:xmpp:jingle:apps:rtp:audio', 'urn:xmpp:jingle:apps:rtp:video', NS.ICE_UDP, NS.DTLS, 'urn:ietf:rfc:4588', 'http://jitsi.org/tcc',
	'http://jitsi.org/source-name', 'http://jitsi.org/receive-multiple-video-streams',
];

function authText(condition: string | undefined): string {
	switch (condition) {
	case 'account-disabled':
		return 'This account is disabled.';
	case 'temporary-auth-failure':
	case 'policy-violation':
		return 'Too many wrong passwords were tried. Wait a minute, then try again.';
	default:
		return 'The user name or the password is wrong.';
	}
}

export function toError(stanza: Element): StanzaError {
	const error = child(stanza, 'error');
	const condition = error && Array.from(error.children).find(
		(c) => c.namespaceURI === NS.STANZAS && c.localName !== 'text');
	const text = error && children(error, 'text', NS.STANZAS)[0]?.textContent;
	return new StanzaError(condition?.localName ?? 'undefined-condition', text ?? undefined, stanza);
}
