/** Calls over a bad network: loss, interruptions and new addresses of single participants. */
import { Browsers, endpointOf, hearsAndSees, sleep } from './lib/browsers.mjs';
import { operatorToken, participant } from './lib/operator.mjs';
import { Relay, RELAY_IP } from './lib/relay.mjs';
import { expect, test } from './lib/report.mjs';
import { PASSWORD, Server, URL_ } from './lib/server.mjs';

const PORT = 10000;
const NAMES = ['teacher', 'student1', 'student2'];

async function flowOf(relay, token, user) {
	for (let i = 0; i < 50; i++) {
		const p = await participant(token, user);
		const flow = p?.remote && relay.flowOf(p.remote);
		if (flow) return flow;
		await sleep(100);
	}
	throw new Error(`no flow of ${user}`);
}

async function cases(browsers, relay) {
	const people = {};
	let token;
	await test('three people talk through a relay', async () => {
		for (const name of NAMES) {
			people[name] = await browsers.open(name);
			await people[name].login();
			await people[name].prejoin('history');
			await people[name].join(name !== 'teacher');
		}
		token = await operatorToken();
		for (const name of NAMES) {
			await hearsAndSees(people[name], await Promise.all(NAMES.filter((n) => n !== name).map((n) => endpointOf(people[n]))));
		}
	});
	await test('12 % of one participant lost: pictures go on, and the operator page says whose and which way', async () => {
		const flow = await flowOf(relay, token, 'student1');
		flow.up = 0.12;
		const op = await browsers.open('operator');
		await op.goto(`${URL_}/operator`);
		await op.fill('op-name', 'operator');
		await op.fill('op-password', PASSWORD);
		await op.click('op-submit');
		await op.until(() => /Student 1.*on the way to the server/.test(document.querySelector('[data-testid="op-why"]')?.textContent ?? ''),
			undefined, 'the reason on the operator page', 20_000);
		expect(!/Teacher.*on the way to the server/.test(await op.text('op-why')), `the wrong one is blamed: ${await op.text('op-why')}`);
		await hearsAndSees(people.teacher, [await endpointOf(people.student1)]);
		flow.up = 0;
		await op.until(() => !document.querySelector('[data-testid="op-why"]'), undefined, 'the call good again', 30_000);
		await op.close();
	}, 80_000);
	await test('a new address in the middle of the call: sound and pictures go on', async () => {
		const flow = await flowOf(relay, token, 'student2');
		const session = await people.student2.eval(() => window.lyceum.state().endpoint);
		await relay.rebind(flow);
		await hearsAndSees(people.teacher, [session], 15_000);
		await hearsAndSees(people.student2, [await endpointOf(people.teacher)], 15_000);
		expect((await people.student2.state()).endpoint === session, 'it was a new session');
	});
	for (const seconds of [4, 10]) {
		await test(`an interruption of ${seconds} seconds: the call comes back by itself`, async () => {
			const flow = await flowOf(relay, token, 'student1');
			const before = (await people.student1.state()).tracks.length;
			flow.up = 1;
			flow.down = 1;
			await sleep(seconds * 1000);
			flow.up = 0;
			flow.down = 0;
			await people.student1.until(() => {
				const s = window.lyceum.state();
				return s.call === 'live' && s.pc === 'connected';
			}, undefined, 'live again', 25_000);
			await hearsAndSees(people.student1, [await endpointOf(people.teacher)]);
			await hearsAndSees(people.teacher, [await endpointOf(people.student1)]);
			expect((await people.student1.state()).tracks.length === before, 'devices were opened again');
		}, 80_000);
	}
	await test('a network that stays away: the call ends with a reason, camera and microphone off', async () => {
		const lost = await endpointOf(people.student2);
		const flow = await flowOf(relay, token, 'student2');
		flow.up = 1;
		flow.down = 1;
		relay.dropNew = true;
		const start = Date.now();
		const state = await people.student2.until(() => {
			const s = window.lyceum.state();
			return s.call === 'ended' && s;
		}, undefined, 'the end', 50_000);
		console.log(`FIGURE network gone → call ended: ${Date.now() - start} ms (${state.reason})`);
		expect(state.tracks.every((t) => t.readyState === 'ended'), 'a track is live');
		await people.teacher.until((e) => !document.querySelector(`[data-endpoint="${e}"]`), lost, 'the tile gone');
		relay.dropNew = false;
	}, 90_000);
	await test('and can be joined again when the network is back', async () => {
		await people.student2.prejoin('history');
		await people.student2.join();
	});
}

/** With a server of its own that advertises the relay. */
export async function network() {
	const server = new Server({ advertise: RELAY_IP });
	const relay = new Relay(PORT);
	const browsers = new Browsers();
	try {
		await relay.start();
		await server.start();
		server.makeAccounts();
		await cases(browsers, relay);
	} catch (e) {
		await test('the network tests could run', () => Promise.reject(e));
	} finally {
		await browsers.closeAll();
		await server.stop();
		relay.stop();
		server.remove();
	}
}
