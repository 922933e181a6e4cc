import { summarize } from '../rtc/stats';
import type { App } from './app';

/** `window.lyceum`: what the page is doing, for tests and support. */
export interface Inspector {
	state(): Record<string, unknown>;
	stats(): Promise<Record<string, unknown>>;
}

declare global {
	interface Window {
		lyceum?: Inspector;
	}
}

export function inspector(app: App): Inspector {
	return {
		state() {
			const call = app.call;
			const state = call?.state;
			return {
				phase: app.phase,
				link: app.link,
				jid: app.client?.jid ?? '',
				call: state?.phase ?? 'idle',
				room: call?.room ?? '',
				endpoint: call?.endpointId ?? '',
				ending: state?.phase === 'ended' ? state.kind : undefined,
				reason: state?.phase === 'ended' ? state.text : undefined,
				busy: state?.phase === 'busy' ? state.busy : undefined,
				dominant: call?.dominant ?? null,
				pc: call?.session?.pc.connectionState ?? 'none',
				tracks: (call?.media.opened ?? []).map((t) => ({
					kind: t.kind, label: t.label, readyState: t.readyState, enabled: t.enabled,
				})),
				occupants: (call?.room ? app.rooms.rooms.get(call.room)?.people() ?? [] : []).map((o) => ({
					nick: o.nick, name: o.name, jid: o.jid, sources: [...o.sources.keys()],
				})),
			};
		},
		async stats() {
			const session = app.call?.session;
			if (!session) return { endpoints: {}, rttMs: undefined, sent: [] };
			const entries: [string, unknown][] = [];
			(await session.pc.getStats()).forEach((value: unknown, key: string) => entries.push([key, value]));
			const all = summarize(entries);
			const endpoints: Record<string, Record<string, unknown>> = {};
			for (const { source, track } of session.remoteTracks()) {
				const s = all.inbound.get(source.ssrc);
				const of = (endpoints[source.owner] ??= {});
				of[source.name] = {
					kind: source.media, ssrc: source.ssrc, videoType: source.videoType, track: track.readyState,
					framesDecoded: s?.framesDecoded ?? 0, fps: s?.fps ?? 0, width: s?.width ?? 0, height: s?.height ?? 0,
					bytes: s?.bytes ?? 0, packets: s?.packets ?? 0, lost: s?.lost ?? 0, jitterMs: s?.jitterMs ?? 0,
					totalAudioEnergy: s?.totalAudioEnergy ?? 0, concealed: s?.concealed ?? 0, samples: s?.samples ?? 0,
				};
			}
			return { endpoints, rttMs: all.rttMs, sent: all.outbound };
		},
	};
}
