import type { Media, Source } from './types';

/**
 * The m-lines of the remote description. Their place never changes (RFC 3264):
 * a source that goes leaves an inactive m-line, which a later source of the same
 * media may take once the change has been negotiated.
 *
 * Slot 0 (audio) and 1 (video) hold the bridge's own sources; this client's
 * microphone and camera are sent on them. A "screen" slot carries only ours.
 */
export interface Slot {
	mid: string;
	media: Media;
	role: 'primary' | 'remote' | 'screen';
	source?: Source;
	/** direction seen from the offerer, the bridge */
	direction: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
	/** freed since the last negotiation: not to be reused before the next one */
	fresh: boolean;
}

export class SlotMap {
	readonly slots: Slot[] = [];

	constructor(audio: Source | undefined, video: Source | undefined) {
		this.slots.push(this.primary('0', 'audio', audio), this.primary('1', 'video', video));
	}

	private primary(mid: string, media: Media, source: Source | undefined): Slot {
		return { mid, media, role: 'primary', source, direction: 'sendrecv', fresh: false };
	}

	/** Adds or replaces sources by name; true when anything changed. */
	add(sources: Source[]): boolean {
		let changed = false;
		for (const source of sources) {
			const old = this.find(source.name);
			if (old?.role === 'primary') continue;
			if (old?.source?.ssrc === source.ssrc && old.source.rtx === source.rtx) continue;
			if (old) this.free(old);
			const clash = this.slots.find((s) => s.source?.ssrc === source.ssrc);
			if (clash) {
				if (clash.role !== 'remote') continue;
				this.free(clash);
			}
			const slot = this.take(source.media);
			slot.source = source;
			slot.role = 'remote';
			slot.direction = 'sendonly';
			changed = true;
		}
		return changed;
	}

	/** Removes by SSRC (a source-remove names them); true when anything changed. */
	remove(sources: Source[]): boolean {
		const gone = new Set(sources.map((s) => s.ssrc));
		return this.freeWhere((s) => gone.has(s.source!.ssrc));
	}

	/** Removes all of one endpoint, when its occupant left the room. */
	removeOwner(owner: string): boolean {
		return this.freeWhere((s) => s.source!.owner === owner);
	}

	/** The m-line on which this client's screen goes out. */
	openScreen(): Slot {
		const open = this.slots.find((s) => s.role === 'screen');
		if (open) return open;
		const slot = this.take('video');
		slot.role = 'screen';
		slot.direction = 'recvonly';
		return slot;
	}

	closeScreen(): boolean {
		const slot = this.slots.find((s) => s.role === 'screen');
		if (!slot) return false;
		this.free(slot);
		return true;
	}

	/** The m-lines an offer built now shows as inactive. */
	inactiveMids(): string[] {
		return this.slots.filter((s) => s.direction === 'inactive').map((s) => s.mid);
	}

	/** To be called when an offer that showed these m-lines as inactive was applied. */
	negotiated(inactiveMids: string[]): void {
		for (const slot of this.slots) {
			if (inactiveMids.includes(slot.mid)) slot.fresh = false;
		}
	}

	remoteSources(): Source[] {
		return this.slots.filter((s) => s.role === 'remote' && s.source).map((s) => s.source!);
	}

	find(name: string): Slot | undefined {
		return this.slots.find((s) => s.source?.name === name);
	}

	private freeWhere(test: (slot: Slot) => boolean): boolean {
		const hit = this.slots.filter((s) => s.role === 'remote' && s.source && test(s));
		hit.forEach((s) => this.free(s));
		return hit.length > 0;
	}

	private free(slot: Slot): void {
		slot.source = undefined;
		slot.role = 'remote';
		slot.direction = 'inactive';
		slot.fresh = true;
	}

	private take(media: Media): Slot {
		const idle = this.slots.find((s) => s.media === media && s.direction === 'inactive' && !s.fresh);
		if (idle) return idle;
		const slot: Slot = {
			mid: String(this.slots.length), media, role: 'remote', direction: 'inactive', fresh: false,
		};
		this.slots.push(slot);
		return slot;
	}
}
