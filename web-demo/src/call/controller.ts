import { markReloadable, type CallHost } from './host';
import { AudioOut, SpeakingDetector } from './audio';
import { endingOfNotice, endingOfTermination, moved, type Ending } from './endings';
import { conferenceRequest, parseBusy, parseConference, type CallNotice } from './focus';
import { LocalMedia } from './media';
import { CallMonitor } from './monitor';
import { holdsMedia, inCall, roomOf, step, type BusyInfo, type CallEvent, type CallState } from './state';
import { BridgeChannel, channelUrl, type BridgeMessage } from '../rtc/bridge';
import { deviceName } from '../rtc/devices';
import {
	parseSessionInitiate, parseTermination, sessionTerminate, sourcesOf, transportOf,
} from '../rtc/jingle';
import { RtcSession, type RemoteTrack } from '../rtc/session';
import { machineId, newEndpointId, savedChoice, saveChoice } from '../app/settings';
import { FOCUS_NICK, type Room } from '../app/rooms';
import { Store } from '../app/store';
import { StanzaError } from '../xmpp/client';
import { bareJid, resourceOf } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { attr, child, x } from '../xmpp/xml';

/** Waiting for the focus's offer after the grant. */
const OFFER_TIMEOUT_MS = 15_000;
/** ICE "disconnected" often heals by itself within this time. */
const DISCONNECTED_MS = 2_500;
/** After an ICE restart was asked for: then the call is set up anew. */
const RESTART_MS = 6_000;
/** Media that does not come back for this long, whatever was tried, ends the call. */
const MEDIA_GONE_MS = 20_000;
/** Without the server for this long, camera and microphone are released. */
const SERVER_GONE_MS = 25_000;

type Timer = ReturnType<typeof setTimeout> | undefined;

/** This page's call: what the state machine decides is done here. */
export class CallController extends Store {
	state: CallState = { phase: 'idle' };
	readonly media: LocalMedia;
	readonly monitor: CallMonitor;
	session: RtcSession | undefined;
	dominant: string | null = null;
	soundBlocked = false;
	/** a passing message about devices or sharing */
	notice = '';
	private bridge: BridgeChannel | undefined;
	private callId = '';
	private focusJid = '';
	private endpoint = '';
	private unloading = false;
	private readonly audioOut = new AudioOut((blocked) => {
		this.soundBlocked = blocked;
		this.changed();
	});
	private timers: Record<'offer' | 'ice' | 'gone' | 'server', Timer> = {
		offer: undefined, ice: undefined, gone: undefined, server: undefined,
	};

	constructor(private readonly host: CallHost) {
		super();
		this.media = new LocalMedia(savedChoice(),
			(media, track) => void this.session?.setLocal(media, track).catch(() => undefined),
			() => void this.stopScreen());
		this.media.watch(() => {
			if (this.unloading) return;
			this.publishPresence();
			markReloadable(this.state, this.media);
			this.changed();
		});
		this.monitor = new CallMonitor(this, new SpeakingDetector());
	}

	get room(): string {
		return roomOf(this.state);
	}

	get endpointId(): string {
		return this.endpoint;
	}

	private to(event: CallEvent): boolean {
		const next = step(this.state, event);
		if (next === this.state) return false;
		const held = holdsMedia(this.state);
		this.state = next;
		// Released at once: nothing below may come between an end and this.
		if (held && !holdsMedia(next)) this.media.stopAll();
		markReloadable(this.state, this.media);
		this.changed();
		return true;
	}

	/** Opens the pre-join page with a preview of what the user had on last. */
	async open(room: string): Promise<void> {
		if (!this.to({ type: 'open', room })) return;
		await Promise.all([this.media.setAudio(true), this.media.setVideo(true)]);
	}

	closePrejoin(): void {
		this.to({ type: 'close' });
	}

	async join(room: string): Promise<void> {
		// Read on the pre-join page: no news in the call.
		this.media.audio.error = '';
		this.media.video.error = '';
		if (this.to({ type: 'join', room })) await this.claim();
	}

	/** After a reload: straight back, with what was on before. */
	async rejoin(room: string, mic: boolean, camera: boolean): Promise<void> {
		if (!this.to({ type: 'join', room })) return;
		// Devices and the request go side by side; whichever is later joins in.
		const devices = Promise.all([mic && this.media.setAudio(true), camera && this.media.setVideo(true)]);
		await Promise.all([devices, this.claim()]);
	}

	async move(): Promise<void> {
		if (this.to({ type: 'move' })) await this.claim();
	}

	/** Moves the call of another device here, without the detour over a refusal. */
	async takeOver(busy: BusyInfo): Promise<void> {
		if (!this.to({ type: 'join', room: busy.room })) return;
		await Promise.all([this.media.setAudio(true), this.media.setVideo(true), this.claim(busy.callId)]);
	}

	/** Takes the user's call slot; a conflict with this very tab's past is moved silently. */
	private async claim(moveId?: string): Promise<void> {
		if (this.state.phase !== 'claiming') return;
		const room = this.state.room;
		const id = moveId ?? this.state.move?.callId;
		this.callId = '';
		const request = conferenceRequest(room, deviceName(navigator.userAgent), machineId(), id);
		try {
			const iq = await this.host.iq('set', this.host.config.focus, request);
			const answer = parseConference(iq);
			if (!answer.ready) throw new Error('the server is not ready for calls');
			this.granted(room, answer.focusJid);
		} catch (e) {
			this.claimFailed(e, moveId);
		}
	}

	private claimFailed(e: unknown, moveId: string | undefined): void {
		if (this.state.phase !== 'claiming') return;
		const busy = e instanceof StanzaError ? parseBusy(e.stanza) : undefined;
		if (busy && busy.jid === this.host.jid && !moveId) {
			void this.claim(busy.callId);
		} else if (busy) {
			this.to({ type: 'conflict', busy });
		} else if (e instanceof StanzaError) {
			this.finish({ kind: 'refused', text: refusal(e) }, false);
		} else if (this.host.online) {
			this.finish({ kind: 'failed', text: `The call could not be started: ${String(e instanceof Error ? e.message : e)}.` }, false);
		}
		// Not online: the reconnect claims again.
	}

	private granted(room: string, focusJid: string): void {
		if (!this.to({ type: 'granted' })) return;
		this.focusJid = focusJid;
		this.dropSession();
		this.endpoint = this.host.room(room)?.nick || newEndpointId();
		this.publishPresence();
		this.host.enterRoom(room, this.endpoint);
		this.arm('offer', OFFER_TIMEOUT_MS, () => {
			this.finish({ kind: 'failed', text: 'The server did not offer sound and pictures in time.' }, true);
		});
	}

	private arm(name: keyof typeof this.timers, ms: number, job: () => void): void {
		clearTimeout(this.timers[name]);
		this.timers[name] = setTimeout(job, ms);
	}

	private disarm(...names: (keyof typeof this.timers)[]): void {
		for (const name of names) {
			clearTimeout(this.timers[name]);
			this.timers[name] = undefined;
		}
	}

	/** SourceInfo tells the others what is muted, and that we are in the call at all. */
	private publishPresence(): void {
		const active = this.state.phase === 'connecting' || this.state.phase === 'live' || this.state.phase === 'recovering';
		if (!active || !this.endpoint) return;
		const info: Record<string, { muted: boolean; videoType?: string }> = {
			[`${this.endpoint}-a0`]: { muted: !this.media.audio.on },
			[`${this.endpoint}-v0`]: { muted: !this.media.video.on, videoType: 'camera' },
		};
		if (this.media.screen) info[`${this.endpoint}-v1`] = { muted: false, videoType: 'desktop' };
		this.host.setCallPresence(this.room, x('SourceInfo', {}, JSON.stringify(info)));
	}

	/** A Jingle IQ; true when it was answered. */
	jingle(iq: Element): boolean {
		const jingle = child(iq, 'jingle', NS.JINGLE);
		if (!jingle || attr(iq, 'type') !== 'set') return false;
		if (!this.isFocus(attr(iq, 'from') ?? '')) {
			this.host.refuse(iq, 'not-allowed');
			return true;
		}
		const action = attr(jingle, 'action');
		if (action === 'session-initiate') {
			this.host.reply(iq);
			void this.initiate(jingle);
			return true;
		}
		if (!this.session || attr(jingle, 'sid') !== this.session.init.sid) {
			this.host.refuse(iq, 'item-not-found');
			return true;
		}
		this.host.reply(iq);
		this.inSession(action, jingle, this.session);
		return true;
	}

	/** Only the focus of the room we asked for may set up our media. */
	private isFocus(from: string): boolean {
		const expected = inCall(this.state) && bareJid(from) === this.room && resourceOf(from) === FOCUS_NICK;
		const real = this.host.room(this.room)?.occupants.get(FOCUS_NICK)?.jid;
		return expected && (!real || !this.focusJid || bareJid(real) === bareJid(this.focusJid));
	}

	private inSession(action: string | undefined, jingle: Element, session: RtcSession): void {
		switch (action) {
		case 'source-add':
			session.addSources(sourcesOf(jingle));
			break;
		case 'source-remove':
			session.removeSources(sourcesOf(jingle));
			break;
		case 'transport-info': {
			const transport = transportOf(jingle);
			session.transportInfo(transport, transport?.candidates ?? []);
			break;
		}
		case 'session-terminate':
			this.finish(endingOfTermination(parseTermination(jingle)), false);
			break;
		}
	}

	private async initiate(jingle: Element): Promise<void> {
		this.disarm('offer', 'ice');
		this.dropSession();
		let session: RtcSession;
		try {
			const init = parseSessionInitiate(jingle);
			session = new RtcSession(init, { endpoint: this.endpoint, jid: this.host.jid },
				{ audio: this.media.audio.track, video: this.media.video.track }, {
					send: (node) => this.host.iq('set', `${this.room}/${FOCUS_NICK}`, node),
					tracksChanged: () => this.tracksChanged(session),
					connectionState: (state) => this.iceState(session, state),
					failed: (e) => this.finish({ kind: 'failed', text: `The call failed: ${e.message}.` }, true),
				});
			this.session = session;
			if (init.transport.webSocket) {
				this.bridge = new BridgeChannel(channelUrl(init.transport.webSocket, location.origin), (m) => this.onBridge(m));
				this.bridge.setConstraints([], 360, 720);
			}
			await session.start();
			if (this.media.screen) await session.startScreen(this.media.screen);
		} catch (e) {
			if (inCall(this.state) && this.host.online) {
				this.finish({ kind: 'failed', text: `The call could not be set up: ${e instanceof Error ? e.message : e}.` }, true);
			}
		}
	}

	private dropSession(): void {
		this.bridge?.close();
		this.bridge = undefined;
		this.session?.close();
		this.session = undefined;
		this.dominant = null;
		this.audioOut.close();
	}

	private tracksChanged(session: RtcSession): void {
		if (session !== this.session) return;
		const voices = session.remoteTracks().filter((t) => t.source.media === 'audio');
		this.audioOut.set(new Map(voices.map((t) => [`${t.source.name}/${t.source.ssrc}`, t.stream])));
		this.changed();
	}

	private iceState(session: RtcSession, state: RTCPeerConnectionState): void {
		if (session !== this.session) return;
		if (state === 'connected') {
			this.disarm('ice', 'gone');
			this.to({ type: 'connected' });
			this.monitor.start();
		} else if (state === 'disconnected') {
			this.arm('ice', DISCONNECTED_MS, () => this.restartIce(session));
		} else if (state === 'failed') {
			this.restartIce(session);
		}
	}

	private restartIce(session: RtcSession): void {
		if (session !== this.session || !this.host.online) return;
		this.to({ type: 'trouble', why: 'The connection for sound and pictures broke off.' });
		// A new session starts the server's own clock anew: this one runs over all attempts.
		if (!this.timers.gone) {
			this.arm('gone', MEDIA_GONE_MS, () => this.finish({
				kind: 'lost', text: 'Sound and pictures could not get through any more, so the call was ended.',
			}, true));
		}
		session.requestIceRestart().catch(() => this.setUpAnew());
		this.arm('ice', RESTART_MS, () => this.setUpAnew());
	}

	/** A whole new session in the same room; devices stay open. */
	private setUpAnew(): void {
		if (this.state.phase !== 'recovering' || !this.host.online) return;
		this.sayGoodbye('connectivity-error');
		this.dropSession();
		if (this.to({ type: 'join', room: this.room })) void this.claim();
	}

	private onBridge(message: BridgeMessage): void {
		if (message.kind === 'speaker') {
			this.dominant = message.endpoint;
			this.changed();
		}
	}

	/** What is shown large is asked for in a higher resolution. */
	setStage(names: string[]): void {
		this.bridge?.setConstraints(names, 360, 720);
	}

	sendStats(stats: Record<string, unknown>): void {
		this.bridge?.send({ colibriClass: 'EndpointStats', ...stats });
	}

	videoOf(endpoint: string, kind: 'camera' | 'desktop'): RemoteTrack | undefined {
		return this.session?.remoteTracks().find(
			(t) => t.source.media === 'video' && t.source.owner === endpoint && t.source.videoType === kind);
	}

	async toggleScreen(): Promise<void> {
		if (this.media.screen) {
			await this.stopScreen();
			return;
		}
		try {
			const track = await this.media.startScreen();
			if (track) await this.session?.startScreen(track);
		} catch (e) {
			this.media.stopScreen();
			this.say(e instanceof Error ? e.message : String(e));
		}
	}

	private async stopScreen(): Promise<void> {
		this.media.stopScreen();
		this.publishPresence();
		await this.session?.stopScreen().catch(() => undefined);
	}

	say(text: string): void {
		this.notice = text;
		this.changed();
	}

	unblockSound(): void {
		this.audioOut.unblock();
	}

	chooseDevices(choice: LocalMedia['choice']): void {
		saveChoice(choice);
		void this.media.choose(choice);
	}

	private sayGoodbye(reason: string): void {
		if (this.session) {
			this.host.send(x('iq', { type: 'set', to: `${this.room}/${FOCUS_NICK}`, id: this.host.newId() },
				sessionTerminate(this.session.init.sid, reason)));
		}
	}

	leave(): void {
		this.finish({ kind: 'left', text: 'You left the call.' }, true);
	}

	/** "Cancel" in the busy dialog. */
	cancel(): void {
		if (this.state.phase === 'busy') this.finish({ kind: 'left', text: 'The call goes on on the other device.' }, false);
	}

	/** The one way out of a call. `announce`: the focus does not know yet. */
	finish(ending: Ending, announce: boolean): void {
		const room = this.room;
		const wasGranted = this.state.phase === 'connecting' || this.state.phase === 'live' || this.state.phase === 'recovering';
		const session = this.session;
		if (!this.to({ type: 'end', ...ending })) return;
		this.disarm('offer', 'ice', 'gone', 'server');
		if (announce && session) {
			this.host.send(x('iq', { type: 'set', to: `${room}/${FOCUS_NICK}`, id: this.host.newId() },
				sessionTerminate(session.init.sid, ending.kind === 'failed' ? 'failed-application' : 'success')));
		}
		this.monitor.stop();
		this.dropSession();
		this.host.setCallPresence(room, undefined);
		// Granted but without a session: leaving the room is what frees the slot.
		if (announce && wasGranted && !session) this.host.leaveRoom(room);
		this.callId = '';
		this.notice = '';
		this.host.callEnded(room, ending.text);
		this.changed();
	}

	close(): void {
		this.to({ type: 'close' });
	}

	/** The page goes away: tell the focus while the socket still takes bytes. */
	unload(): void {
		this.unloading = true;
		if (!inCall(this.state)) return;
		this.sayGoodbye('success');
		this.media.stopAll();
		this.session?.close();
	}

	/** The call states of all the user's devices, told by the server. */
	onNotice(notice: CallNotice): void {
		const ours = notice.jid === this.host.jid;
		const settled = this.state.phase === 'connecting' || this.state.phase === 'live' || this.state.phase === 'recovering';
		if (notice.state === 'active') {
			if (ours && inCall(this.state)) this.callId = notice.id;
			else if (!ours && settled) this.finish(moved(notice.device || 'another device'), false);
		} else if (settled && this.callId && notice.id === this.callId) {
			this.finish(endingOfNotice(notice.reason), false);
		}
	}

	occupantLeft(room: Room, nick: string): void {
		if (room.jid === this.room && nick !== FOCUS_NICK) this.session?.removeEndpoint(nick);
	}

	selfLeft(room: Room, reason: string): void {
		if (room.jid !== this.room) return;
		this.finish({ kind: 'kicked', text: reason || 'You left the classroom.' }, false);
	}

	/** The WebSocket is gone; media may still flow for a while. */
	linkLost(): void {
		if (!inCall(this.state)) return;
		this.disarm('offer', 'ice', 'gone');
		this.to({ type: 'trouble', why: 'The connection to the server was lost.' });
		this.arm('server', SERVER_GONE_MS, () => {
			this.finish({ kind: 'server', text: 'The server could not be reached for a while, so the call was ended.' }, false);
		});
	}

	/** Logged in again: back into the call. */
	async linkBack(): Promise<void> {
		this.disarm('server');
		if (this.state.phase === 'recovering') this.to({ type: 'join', room: this.room });
		await this.claim();
	}
}

function refusal(e: StanzaError): string {
	switch (e.condition) {
	case 'forbidden':
	case 'not-allowed':
	case 'not-authorized':
		return `You may not join the call of this classroom${e.text ? `: ${e.text}` : ''}.`;
	case 'service-unavailable':
	case 'resource-constraint':
		return `The server cannot take another call now${e.text ? `: ${e.text}` : ''}.`;
	case 'remote-server-not-found':
		return 'This server offers no calls.';
	case 'item-not-found':
		return 'This classroom does not exist.';
	default:
		return `The server refused the call: ${e.text || e.condition.replace(/-/g, ' ')}.`;
	}
}
