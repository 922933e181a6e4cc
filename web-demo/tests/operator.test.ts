import { describe, expect, it } from 'vitest';
import { callFindings, findings, History, levelOf, sparkPath, worstLevel, type Participant } from '../src/operator/model';

const now = Date.parse('2026-01-01T00:01:00Z');
const calm = { bitrate_bps: 500_000, loss: 0, jitter_ms: 2 };
const person = (more: Partial<Participant> = {}): Participant => ({
	jid: 'student1@localhost/w', user: 'student1@localhost', endpoint: 'aaaa0001', device: 'Chromium on Linux', state: 'connected',
	joined: '2026-01-01T00:00:00Z', remote: '192.0.2.2:5000', rtt_ms: 5, dominant: false, up: calm, down: calm,
	sources: [{ name: 'aaaa0001-v0', kind: 'video', ssrc: 1, muted: false, bitrate_bps: 400_000, packets: 1, lost: 0, loss: 0, jitter_ms: 1 }],
	...more,
});

describe('findings', () => {
	it('says nothing about a good call', () => {
		expect(findings(person(), now)).toEqual([]);
		expect(worstLevel([])).toBe('good');
	});
	it.each([
		[{ up: { ...calm, loss: 0.1 } }, 'bad', 'to the server'],
		[{ down: { ...calm, loss: 0.03 } }, 'fair', 'from the server'],
		[{ rtt_ms: 450 }, 'bad', 'round trip of 450 ms'],
		[{ up: { ...calm, jitter_ms: 40 } }, 'fair', 'jitter'],
		[{ state: 'connecting' }, 'bad', 'UDP'],
		[{ sources: [{ ...person().sources[0]!, bitrate_bps: 0 }] }, 'bad', 'the camera is on'],
	] as [Partial<Participant>, string, string][])('finds %o', (more, level, words) => {
		const found = findings(person(more), now);
		expect(found).toHaveLength(1);
		expect(found[0]!.level).toBe(level);
		expect(found[0]!.text).toContain(words);
	});
	it('gives a new participant time, and a muted source peace', () => {
		const silent = [{ ...person().sources[0]!, bitrate_bps: 0 }];
		expect(findings(person({ sources: silent, joined: '2026-01-01T00:00:58Z' }), now)).toEqual([]);
		expect(findings(person({ sources: [{ ...silent[0]!, muted: true }] }), now)).toEqual([]);
	});
	it('blames the one whose network it is', () => {
		const lossy = person({ user: 'student2@localhost', up: { ...calm, loss: 0.15 } });
		const hearer = person({ down: { ...calm, loss: 0.04 } });
		const call = { id: '1', room: 'r@m', started: '', participants: [lossy, hearer, person()] };
		expect(callFindings(call, now).map((f) => f.who)).toEqual(['student2@localhost']);
		hearer.down = { ...calm, loss: 0.2 };
		expect(callFindings(call, now).map((f) => f.who)).toEqual(['student2@localhost', 'student1@localhost']);
	});
	it('puts the worst first', () => {
		const call = { id: '1', room: 'r@m', started: '', participants: [person({ rtt_ms: 250 }), person({ rtt_ms: 500 })] };
		expect(callFindings(call, now).map((f) => f.level)).toEqual(['bad', 'fair']);
		expect(levelOf('loss', 0.02)).toBe('fair');
	});
});

describe('graphs', () => {
	it('keeps a minute', () => {
		const h = new History(3);
		[1, 2, 3, 4].forEach((v) => h.push('a', v));
		expect(h.get('a')).toEqual([2, 3, 4]);
		h.keep(new Set());
		expect(h.get('a')).toEqual([]);
	});
	it('draws within its box', () => {
		expect(sparkPath([], 10, 10)).toBe('');
		expect(sparkPath([0, 5, 10], 20, 11, 3)).toBe('M0.0 10.0L10.0 5.5L20.0 1.0');
	});
});
