import { CallController } from '../call/controller';
import { parseCallNotice, type CallNotice } from '../call/focus';
import type { CallHost, ServerConfig } from '../call/host';
import { XmppClient, type FinalError, type LinkState, type Secret } from '../xmpp/client';
import { bareJid, completeJid, displayName, roomLocalPart } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { attr, child, x } from '../xmpp/xml';
import { bodyOf, chatState, Conversation, stampOf } from './chat';
import { Rooms } from './rooms';
import { Roster } from './roster';
import { parseRoute, routeHash, type Route } from './route';
import {
	markLeft, newEndpointId, savedCall, savedLogin, savedName, saveCall, savedChats, saveChats,
	saveLogin, saveName, tabIdentity, type SavedCall,
} from './settings';
import { Store } from './store';

export type Phase = 'starting' | 'login' | 'main';

const TYPING_MS = 4000;
/** per chat, over a reload */
const KEPT_MESSAGES = 100;

/** The page: one XMPP session with its contacts, chats, rooms and call. */
export class App extends Store {
	phase: Phase = 'starting';
	link: LinkState = 'offline';
	loginError = '';
	/** the name last typed, kept when a log-in fails */
	loginName = '';
	config: ServerConfig | undefined;
	configError = '';
	client!: XmppClient;
	roster!: Roster;
	rooms!: Rooms;
	call!: CallController;
	route: Route = parseRoute(location.hash);
	readonly chats = new Map<string, Conversation>();
	/** the running call of another device of this user */
	elsewhere: CallNotice | undefined;
	/** text of an error or news shown for a few seconds */
	toast = '';
	private remember = false;
	/** rooms that were open when the connection was lost */
	private toRejoin: string[] = [];
	private backToCall: SavedCall | undefined;
	private toastTimer: ReturnType<typeof setTimeout> | undefined;
	private typingSent = 0;
	private readonly typingTimers = new Map<string, ReturnType<typeof setTimeout>>();
	private readonly tab = tabIdentity();

	async start(): Promise<void> {
		// Read before anything writes the call's state again.
		this.backToCall = this.tab.reloaded ? savedCall() : undefined;
		if (!this.tab.reloaded) saveCall(undefined);
		window.addEventListener('hashchange', () => this.onHash());
		window.addEventListener('pagehide', () => {
			markLeft();
			this.unload();
		});
		// A page taken back from the browser's cache has a closed session.
		window.addEventListener('pageshow', (e) => {
			if (e.persisted) location.reload();
		});
		document.addEventListener('visibilitychange', () => this.readCurrent());
		await this.loadConfig();
	}

	private async loadConfig(): Promise<void> {
		try {
			const response = await fetch('/config.json', { cache: 'no-store' });
			if (!response.ok) throw new Error(`status ${response.status}`);
			this.config = (await response.json()) as ServerConfig;
			this.configError = '';
		} catch {
			this.configError = 'The server cannot be reached. Trying again…';
			this.phase = 'login';
			this.changed();
			setTimeout(() => void this.loadConfig(), 2000);
			return;
		}
		this.build(this.config);
		const saved = savedLogin();
		if (saved) {
			this.remember = true;
			this.loginName = saved.jid;
			this.phase = 'main';
			this.client.login(saved.jid, saved.secret);
		} else {
			this.phase = 'login';
		}
		this.changed();
	}

	private build(config: ServerConfig): void {
		const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
		const url = `${scheme}//${location.host}${config.websocket}`;
		this.client = new XmppClient(url, this.tab.resource, {
			online: () => void this.onOnline(),
			link: (state) => this.onLink(state),
			final: (error) => this.onFinal(error),
			message: (s) => this.onMessage(s),
			presence: (s) => {
				if (!this.rooms.presence(s)) this.roster.presence(s);
			},
			request: (iq) => this.onRequest(iq),
		});
		this.roster = new Roster((type, payload) => this.client.iq(type, undefined, payload), (n) => this.client.send(n));
		this.rooms = new Rooms(config.muc, {
			iq: (type, to, payload) => this.client.iq(type, to, payload),
			send: (node) => this.client.send(node),
			newId: () => this.client.newId(),
			myName: () => this.myName(),
			reading: (jid) => this.isReading(jid),
			occupantLeft: (room, nick) => this.call.occupantLeft(room, nick),
			selfLeft: (room, reason) => this.call.selfLeft(room, reason),
		});
		this.call = new CallController(this.callHost(config));
		for (const store of [this.roster, this.rooms, this.call]) store.watch(() => this.changed());
	}

	private callHost(config: ServerConfig): CallHost {
		// eslint-disable-next-line @typescript-eslint/no-this-alias
		const app = this;
		return {
			config,
			get jid() { return app.client.jid; },
			get online() { return app.client.online; },
			iq: (type, to, payload) => app.client.iq(type, to, payload),
			send: (node) => app.client.send(node),
			reply: (iq) => app.client.reply(iq),
			refuse: (iq, condition) => app.client.refuse(iq, condition),
			newId: () => app.client.newId(),
			room: (jid) => app.rooms.rooms.get(jid),
			enterRoom: (jid, nick) => void app.rooms.join(jid, nick),
			leaveRoom: (jid) => {
				app.rooms.leave(jid);
				app.enterCurrent();
			},
			callEnded: (room, text) => {
				if (app.route.view !== 'room' || app.route.jid !== room) app.tell(text);
			},
			setCallPresence: (room, extra) => app.rooms.setCallPresence(room, extra),
		};
	}

	/* log-in */

	login(typed: string, password: string, remember: boolean): void {
		if (!this.config) return;
		const jid = completeJid(typed, this.config.domain);
		this.loginName = typed;
		this.loginError = '';
		this.remember = remember;
		this.client.login(jid, password);
		this.changed();
	}

	cancelLogin(): void {
		this.client.logout();
	}

	logout(): void {
		this.call.leave();
		this.call.close();
		saveLogin(undefined);
		saveCall(undefined);
		saveChats(this.client.bare, undefined);
		this.client.logout();
		this.chats.clear();
		this.elsewhere = undefined;
		this.rooms.offline();
		this.rooms.rooms.clear();
		this.roster.contacts.clear();
		this.roster.requests.clear();
		this.phase = 'login';
		this.go({ view: 'home' });
	}

	private async onOnline(): Promise<void> {
		this.phase = 'main';
		this.loginError = '';
		const keys = this.client.keys();
		const secret: Secret | undefined = keys ?? savedLogin()?.secret;
		if (this.remember && secret) saveLogin({ jid: this.client.bare, secret });
		if (this.tab.reloaded) this.restoreChats();
		this.client.send(x('presence', {},
			x('c', { xmlns: 'http://jabber.org/protocol/caps', hash: 'sha-1', node: 'urn:lyceum:web', ver: 'lyceum' })));
		// The way back into a call comes first; lists can wait.
		const back = this.backToCall;
		this.backToCall = undefined;
		if (back) {
			this.go({ view: 'room', jid: back.room });
			void this.call.rejoin(back.room, back.mic, back.camera);
		} else {
			void this.call.linkBack();
		}
		for (const jid of this.toRejoin) this.rooms.join(jid, newEndpointId());
		this.toRejoin = [];
		this.changed();
		await this.roster.fetch().catch(() => undefined);
		await this.rooms.refresh();
		this.enterCurrent();
	}

	private onLink(state: LinkState): void {
		const was = this.link;
		this.link = state;
		if (was === 'online' && state !== 'online') {
			this.elsewhere = undefined;
			this.roster.offline();
			this.toRejoin = this.rooms.offline();
			if (state === 'waiting') this.call.linkLost();
		}
		this.changed();
	}
	private onFinal(error: FinalError): void {
		if (this.phase === 'main') {
			this.call.finish({ kind: error.kind === 'replaced' ? 'replaced' : 'server', text: error.text }, false);
		}
		if (error.kind === 'auth') saveLogin(undefined);
		this.loginError = error.text;
		this.phase = 'login';
		this.changed();
	}

	private unload(): void {
		if (!this.client) return;
		if (this.remember && this.phase === 'main') this.keepChats();
		this.call.unload();
		this.client.logout();
	}

	private keepChats(): void {
		saveChats(this.client.bare, Object.fromEntries(
			[...this.chats].filter(([, c]) => c.messages.length > 0).map(([jid, c]) => [jid, c.messages.slice(-KEPT_MESSAGES)])));
	}

	private restoreChats(): void {
		for (const [jid, messages] of Object.entries(savedChats(this.client.bare))) {
			if (!Array.isArray(messages)) continue;
			for (const m of messages) this.chat(jid).add(m, true);
		}
	}

	/* stanzas */

	private onRequest(iq: Element): boolean {
		if (child(iq, 'query', NS.ROSTER) && attr(iq, 'type') === 'set') {
			const from = attr(iq, 'from');
			// Only our own account may push (RFC 6121 §2.1.6).
			if (from && bareJid(from) !== this.client.bare) return false;
			this.client.reply(iq);
			this.roster.push(iq);
			return true;
		}
		return this.call.jingle(iq);
	}

	private onMessage(stanza: Element): void {
		const from = attr(stanza, 'from') ?? '';
		const notice = parseCallNotice(stanza);
		if (notice) {
			if (bareJid(from) === this.client.bare || from === this.config?.domain) this.onNotice(notice);
			return;
		}
		if (this.rooms.message(stanza)) return;
		const jid = bareJid(from);
		if (attr(stanza, 'type') === 'error') {
			this.chats.get(jid)?.fail(attr(stanza, 'id') ?? '');
		} else {
			this.chatMessage(jid, stanza);
		}
		this.changed();
	}

	private onNotice(notice: CallNotice): void {
		this.call.onNotice(notice);
		if (notice.state === 'active') this.elsewhere = notice.jid === this.client.jid ? undefined : notice;
		else if (this.elsewhere?.id === notice.id) this.elsewhere = undefined;
		this.changed();
	}

	/** Takes over the call that another device of this user is in. */
	moveHere(): void {
		const call = this.elsewhere;
		if (!call) return;
		this.go({ view: 'room', jid: call.room });
		void this.call.takeOver({ callId: call.id, room: call.room, device: call.device, jid: call.jid, since: '' });
	}

	private chatMessage(jid: string, stanza: Element): void {
		const body = bodyOf(stanza);
		const typing = chatState(stanza);
		if (!jid || (body === undefined && typing === undefined)) return;
		const chat = this.chat(jid);
		chat.typing = typing === true;
		clearTimeout(this.typingTimers.get(jid));
		if (chat.typing) {
			this.typingTimers.set(jid, setTimeout(() => {
				chat.typing = false;
				this.changed();
			}, 2 * TYPING_MS));
		}
		if (body === undefined) return;
		chat.add({
			id: attr(stanza, 'id') ?? '', from: jid, name: this.roster.nameOf(jid), mine: false, body,
			at: stampOf(stanza) ?? Date.now(),
		}, this.isReading(jid));
	}

	/* chats */

	chat(jid: string): Conversation {
		let chat = this.chats.get(jid);
		if (!chat) {
			chat = new Conversation();
			this.chats.set(jid, chat);
		}
		return chat;
	}

	say(jid: string, body: string): void {
		const id = this.client.newId();
		const chat = this.chat(jid);
		chat.add({ id, from: this.client.bare, name: this.myName(), mine: true, body, at: Date.now() }, true);
		const sent = this.client.send(x('message', { to: jid, type: 'chat', id },
			x('body', {}, body), x('active', { xmlns: NS.CHATSTATES })));
		if (!sent) chat.fail(id);
		this.typingSent = 0;
		this.changed();
	}

	typing(jid: string): void {
		if (Date.now() - this.typingSent < TYPING_MS) return;
		this.typingSent = Date.now();
		this.client.send(x('message', { to: jid, type: 'chat' }, x('composing', { xmlns: NS.CHATSTATES })));
	}

	private isReading(jid: string): boolean {
		return 'jid' in this.route && this.route.jid === jid && document.visibilityState === 'visible'
			&& (this.route.view === 'chat' || this.chatVisible());
	}

	/** In a call the chat panel may be closed. */
	chatOpen = window.innerWidth > 900;
	private chatVisible(): boolean {
		const phase = this.call?.state.phase;
		return phase === undefined || phase === 'idle' || this.chatOpen;
	}

	toggleChat(): void {
		this.chatOpen = !this.chatOpen;
		this.readCurrent();
		this.changed();
	}

	readCurrent(): void {
		if (!('jid' in this.route) || !this.isReading(this.route.jid) || !this.rooms) return;
		const conversation = this.route.view === 'chat'
			? this.chats.get(this.route.jid) : this.rooms.rooms.get(this.route.jid)?.conversation;
		if (!conversation?.unread) return;
		conversation.unread = 0;
		this.changed();
	}

	unreadTotal(): number {
		let total = 0;
		for (const c of this.chats.values()) total += c.unread;
		for (const r of this.rooms?.rooms.values() ?? []) total += r.conversation.unread;
		return total;
	}

	/* rooms and routes */

	myName(): string {
		const bare = this.client?.bare ?? '';
		return savedName(bare) || displayName(bare);
	}

	setMyName(name: string): void {
		saveName(this.client.bare, name.trim().slice(0, 60));
		this.rooms.announceName();
		this.changed();
	}

	async createRoom(title: string): Promise<void> {
		const local = roomLocalPart(title);
		if (!local || !this.config) {
			this.tell('A classroom needs a name with letters or digits.');
			return;
		}
		const jid = `${local}@${this.config.muc}`;
		this.rooms.get(jid).title = title.trim();
		this.go({ view: 'room', jid });
	}

	go(route: Route): void {
		const hash = routeHash(route);
		if (location.hash !== hash && !(hash === '#/' && location.hash === '')) location.hash = hash;
		else this.onHash();
	}

	private onHash(): void {
		this.route = parseRoute(location.hash);
		if (this.call?.state.phase === 'prejoin' && (this.route.view !== 'room' || this.route.jid !== this.call.room)) {
			this.call.closePrejoin();
		}
		this.enterCurrent();
		this.readCurrent();
		this.changed();
	}

	/** Opening a classroom enters its chat. */
	private enterCurrent(): void {
		if (this.route.view !== 'room' || !this.client?.online) return;
		const room = this.rooms.get(this.route.jid);
		if (!room.joined && !room.nick && !room.error) this.rooms.join(this.route.jid, newEndpointId());
	}

	retryRoom(jid: string): void {
		this.rooms.get(jid).error = '';
		this.enterCurrent();
	}

	leaveRoom(jid: string): void {
		if (this.call.room === jid) this.call.leave();
		this.rooms.leave(jid);
		this.rooms.rooms.delete(jid);
		this.go({ view: 'home' });
	}

	tell(text: string): void {
		this.toast = text;
		clearTimeout(this.toastTimer);
		this.toastTimer = setTimeout(() => {
			this.toast = '';
			this.changed();
		}, 5000);
		this.changed();
	}
}
