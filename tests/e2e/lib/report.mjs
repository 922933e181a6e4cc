/** PASS and FAIL lines, and the closing count that scripts/test reads. */
let passed = 0;
let failed = 0;
let skipped = 0;

export class Failure extends Error {}

export function expect(condition, text) {
	if (!condition) throw new Failure(text);
}

const only = process.env.ONLY?.split(',');

/** Runs one test; a failure does not stop the next. */
export async function test(name, body, limitMs = 60_000) {
	if (only && !only.some((o) => name.includes(o))) return;
	const start = Date.now();
	let timer;
	try {
		const limit = new Promise((_, no) => {
			timer = setTimeout(() => no(new Failure(`not done after ${limitMs / 1000} s`)), limitMs);
		});
		await Promise.race([body(), limit]);
		passed++;
		console.log(`PASS ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
	} catch (e) {
		failed++;
		const why = e instanceof Failure || process.env.BRIEF ? e.message : e.stack;
		console.log(`FAIL ${name}: ${String(why).split('\n').slice(0, 6).join(' | ')}`);
	} finally {
		clearTimeout(timer);
	}
}

export function skip(name, why) {
	skipped++;
	console.log(`SKIP ${name}: ${why}`);
}

export function figure(name, values, unit) {
	if (values.length === 0) return;
	const sorted = [...values].sort((a, b) => a - b);
	const median = sorted[Math.floor((sorted.length - 1) / 2)];
	console.log(`FIGURE ${name}: median ${Math.round(median)} ${unit}, worst ${Math.round(sorted.at(-1))} ${unit}, of ${sorted.length}`);
}

export function finish() {
	console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
	return failed === 0 && passed > 0;
}
