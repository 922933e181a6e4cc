import type { XmlNode } from '../xmpp/xml';
import { iceRestartRequest, sessionAccept, sourceChange, transportInfo } from './jingle';
import { Serial } from './queue';
import { buildOffer, candidateLine, localSource, localTransport, negotiatedContent } from './sdp';
import { SlotMap, type Slot } from './slots';
import type { Candidate, SessionInitiate, Source, Transport } from './types';

/** A remote stream that can be shown or played. */
export interface RemoteTrack {
	source: Source;
	track: MediaStreamTrack;
	stream: MediaStream;
	receiver: RTCRtpReceiver;
}

export interface RtcSessionEvents {
	/** sends a Jingle element to the focus; rejects on an error answer */
	send(jingle: XmlNode): Promise<unknown>;
	tracksChanged(): void;
	connectionState(state: RTCPeerConnectionState): void;
	failed(error: Error): void;
}

export interface LocalTracks {
	audio?: MediaStreamTrack | null;
	video?: MediaStreamTrack | null;
}

const CAMERA_BPS = 900_000;
const SCREEN_BPS = 2_000_000;

/**
 * One Jingle session with the bridge on one RTCPeerConnection. The remote side
 * always offers; every change rebuilds the whole remote offer from the slots,
 * and renegotiations run strictly one after the other.
 */
export class RtcSession {
	readonly pc: RTCPeerConnection;
	private readonly slots: SlotMap;
	private readonly queue = new Serial();
	private transport: Transport;
	private version = 0;
	private dirty = false;
	private closed = false;
	private screenTrack: MediaStreamTrack | undefined;
	private announcedScreen: Source | undefined;
	private tracks = new Map<string, RemoteTrack>();
	private readonly sdpId = String(Math.floor(Math.random() * 2 ** 48));

	constructor(
		readonly init: SessionInitiate,
		private readonly me: { endpoint: string; jid: string },
		private local: LocalTracks,
		private readonly events: RtcSessionEvents,
	) {
		const primary = (media: string) =>
			init.contents.find((c) => c.media === media)?.sources.find((s) => s.owner === 'jvb');
		this.slots = new SlotMap(primary('audio'), primary('video'));
		this.slots.add(init.contents.flatMap((c) => c.sources).filter((s) => this.isRemote(s)));
		this.transport = init.transport;
		this.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
		this.pc.onconnectionstatechange = () => {
			if (!this.closed) this.events.connectionState(this.pc.connectionState);
		};
	}

	private isRemote(source: Source): boolean {
		return source.owner !== 'jvb' && source.owner !== this.me.endpoint;
	}

	/** Answers the session-initiate. Resolves when the focus has taken the answer. */
	async start(): Promise<void> {
		await this.queue.run(async () => {
			const answer = await this.negotiate();
			const own = this.primarySources(answer);
			const contents = this.init.contents.map((c) =>
				negotiatedContent(c, answer, c.media === 'audio' ? '0' : '1', own.filter((s) => s.media === c.media)));
			await this.events.send(sessionAccept(this.init, this.me.jid, contents, localTransport(answer)));
		});
	}

	private primarySources(sdp: string): Source[] {
		const { endpoint } = this.me;
		return [localSource(sdp, '0', `${endpoint}-a0`), localSource(sdp, '1', `${endpoint}-v0`, 'camera')]
			.filter((s) => s !== undefined);
	}

	addSources(sources: Source[]): void {
		if (this.slots.add(sources.filter((s) => this.isRemote(s)))) this.renegotiate();
	}

	removeSources(sources: Source[]): void {
		if (this.slots.remove(sources)) this.renegotiate();
	}

	removeEndpoint(endpoint: string): void {
		if (this.slots.removeOwner(endpoint)) this.renegotiate();
	}

	/** Several changes that arrive during one negotiation are applied by one more. */
	private renegotiate(): void {
		if (this.dirty || this.closed) return;
		this.dirty = true;
		this.queue.run(() => this.negotiate()).catch((e: unknown) => this.fail(e));
	}

	private fail(error: unknown): void {
		if (this.closed) return;
		this.events.failed(error instanceof Error ? error : new Error(String(error)));
	}

	/** One offer/answer turn; returns the local answer. */
	private async negotiate(): Promise<string> {
		this.dirty = false;
		const idle = this.slots.inactiveMids();
		const sdp = buildOffer({
			sessionId: this.sdpId,
			version: ++this.version,
			transport: this.transport,
			contents: this.init.contents,
			slots: this.slots.slots,
		});
		await this.pc.setRemoteDescription({ type: 'offer', sdp });
		await this.attachLocal();
		const answer = await this.pc.createAnswer();
		await this.pc.setLocalDescription(answer);
		this.slots.negotiated(idle);
		await this.limitBitrates();
		this.collectTracks();
		return this.pc.localDescription?.sdp ?? answer.sdp ?? '';
	}

	private transceiver(slot: Slot): RTCRtpTransceiver | undefined {
		return this.pc.getTransceivers().find((t) => t.mid === slot.mid);
	}

	private async attachLocal(): Promise<void> {
		for (const slot of this.slots.slots) {
			const t = this.transceiver(slot);
			if (!t) continue;
			if (slot.role === 'primary') {
				t.direction = 'sendrecv';
				const track = this.local[slot.media] ?? null;
				if (t.sender.track !== track) await t.sender.replaceTrack(track);
			} else if (slot.role === 'screen') {
				t.direction = 'sendonly';
				if (t.sender.track !== this.screenTrack) await t.sender.replaceTrack(this.screenTrack ?? null);
			} else {
				t.direction = 'recvonly';
				if (t.sender.track) await t.sender.replaceTrack(null);
			}
		}
	}

	private async limitBitrates(): Promise<void> {
		for (const slot of this.slots.slots) {
			if (slot.media !== 'video' || (slot.role !== 'primary' && slot.role !== 'screen')) continue;
			const sender = this.transceiver(slot)?.sender;
			const parameters = sender?.getParameters();
			const encoding = parameters?.encodings?.[0];
			const limit = slot.role === 'screen' ? SCREEN_BPS : CAMERA_BPS;
			if (!sender || !parameters || !encoding || encoding.maxBitrate === limit) continue;
			encoding.maxBitrate = limit;
			// A browser that refuses the limit still sends within the bridge's estimate.
			await sender.setParameters(parameters).catch(() => undefined);
		}
	}

	private collectTracks(): void {
		const now = new Map<string, RemoteTrack>();
		for (const slot of this.slots.slots) {
			if (slot.role !== 'remote' || !slot.source || slot.direction !== 'sendonly') continue;
			const receiver = this.transceiver(slot)?.receiver;
			if (!receiver) continue;
			const old = this.tracks.get(slot.source.name);
			const same = old && old.track === receiver.track && old.source.ssrc === slot.source.ssrc;
			const stream = same ? old.stream : new MediaStream([receiver.track]);
			now.set(slot.source.name, { source: slot.source, track: receiver.track, stream, receiver });
		}
		this.tracks = now;
		this.events.tracksChanged();
	}

	remoteTracks(): RemoteTrack[] {
		return [...this.tracks.values()];
	}

	/** Replaces the microphone or camera without a negotiation; null sends nothing. */
	async setLocal(media: 'audio' | 'video', track: MediaStreamTrack | null): Promise<void> {
		this.local = { ...this.local, [media]: track };
		const slot = this.slots.slots.find((s) => s.role === 'primary' && s.media === media);
		const sender = slot && this.transceiver(slot)?.sender;
		if (sender) await sender.replaceTrack(track);
	}

	async startScreen(track: MediaStreamTrack): Promise<void> {
		this.screenTrack = track;
		const slot = this.slots.openScreen();
		await this.queue.run(async () => {
			const answer = await this.negotiate();
			const source = localSource(answer, slot.mid, `${this.me.endpoint}-v1`, 'desktop');
			if (!source) throw new Error('the browser did not offer the screen as a source');
			await this.events.send(sourceChange(this.init.sid, 'source-add', [source]));
			this.announcedScreen = source;
		});
	}

	async stopScreen(): Promise<void> {
		this.screenTrack = undefined;
		await this.queue.run(async () => {
			const source = this.announcedScreen;
			this.announcedScreen = undefined;
			if (this.slots.closeScreen()) await this.negotiate();
			if (source) await this.events.send(sourceChange(this.init.sid, 'source-remove', [source]));
		});
	}

	/** New remote credentials are an ICE restart (answered in kind); else plain candidates. */
	transportInfo(transport: Transport | undefined, candidates: Candidate[]): void {
		if (transport && transport.ufrag !== this.transport.ufrag) {
			const fingerprints = transport.fingerprints.length > 0 ? transport.fingerprints : this.transport.fingerprints;
			const list = transport.candidates.length > 0 ? transport.candidates : this.transport.candidates;
			this.transport = { ...transport, fingerprints, candidates: list };
			this.queue.run(async () => {
				const answer = localTransport(await this.negotiate());
				await this.events.send(transportInfo(this.init.sid, { ...answer, generation: transport.generation }));
			}).catch((e: unknown) => this.fail(e));
			return;
		}
		for (const c of candidates) {
			this.queue.run(() => this.pc.addIceCandidate({ candidate: candidateLine(c), sdpMid: '0' }))
				.catch(() => undefined);
		}
	}

	requestIceRestart(): Promise<unknown> {
		return this.events.send(iceRestartRequest(this.init.sid, this.init.bridgeSessionId));
	}

	/** Stops everything at once; the tracks given in belong to the caller. */
	close(): void {
		if (this.closed) return;
		this.closed = true;
		this.queue.close();
		this.pc.onconnectionstatechange = null;
		this.pc.close();
		this.tracks.clear();
	}
}
