/** Makes docs/pictures from a real call of four people. Run by: run.sh pictures.mjs */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Browsers, sleep } from './lib/browsers.mjs';
import { operatorToken, participant } from './lib/operator.mjs';
import { Relay, RELAY_IP } from './lib/relay.mjs';
import { finish, test } from './lib/report.mjs';
import { writeScene, writeSilence } from './lib/scene.mjs';
import { PASSWORD, Server, URL_ } from './lib/server.mjs';

const out = process.env.PICTURES ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../docs/pictures');
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };
const NAMES = ['teacher', 'student1', 'student2', 'student3'];

const server = new Server({ advertise: RELAY_IP });
const relay = new Relay(10000);
const groups = [];
const people = {};

async function shots(person, name, between) {
	for (const [size, label] of [[WIDE, 1280], [NARROW, 390]]) {
		await person.page.setViewportSize(size);
		if (label === 390) await between?.();
		await sleep(700);
		await person.screenshot(`${out}/${name}-${label}.png`);
	}
	await person.page.setViewportSize(WIDE);
}

async function say(person, text) {
	await person.fill('message-input', text);
	await person.click('message-send');
}

async function openAll() {
	process.chdir(server.dir);
	for (const [i, name] of NAMES.entries()) {
		const group = new Browsers({ video: writeScene(i), audio: name === 'student1' ? undefined : writeSilence(), quality: 'standard' });
		groups.push(group);
		people[name] = await group.open(name, { viewport: WIDE });
	}
}

async function main() {
	fs.mkdirSync(out, { recursive: true });
	await relay.start();
	await server.start();
	server.makeAccounts();
	await openAll();
	const { teacher, student1 } = people;
	await test('log-in', async () => {
		await teacher.goto(URL_);
		await teacher.has('login-form');
		await shots(teacher, 'login');
		for (const x of Object.values(people)) await x.login();
	});
	await test('pre-join', async () => {
		await teacher.click('new-room');
		await teacher.fill('room-title', 'Algebra');
		await teacher.click('room-submit');
		await teacher.click('open-prejoin');
		await teacher.has('preview');
		await sleep(1500);
		await shots(teacher, 'prejoin');
	});
	await test('call', async () => {
		await teacher.join(false);
		for (const name of NAMES.slice(1)) {
			await people[name].prejoin('algebra');
			await people[name].join();
		}
		for (const [name, text] of [['teacher', 'Good morning! Today: quadratic equations.'],
			['student1', 'Good morning! Will there be homework?'], ['teacher', 'Only a little. Page 42, please.']]) {
			if (!(await people[name].eval(() => !!document.querySelector('[data-testid="call-chat"]')))) await people[name].click('toggle-chat');
			await say(people[name], text);
			await sleep(300);
		}
		await teacher.until(() => document.querySelectorAll('[data-testid="tile"] video').length === 3, undefined, 'three pictures');
		await sleep(4000);
		await shots(teacher, 'call', () => teacher.click('close-chat'));
	});
	await test('operator', async () => {
		const op = await groups[0].open('operator', { viewport: WIDE });
		await op.goto(`${URL_}/operator`);
		await op.fill('op-name', 'operator');
		await op.fill('op-password', PASSWORD);
		await op.click('op-submit');
		await op.has('op-call');
		await sleep(45_000);
		// What the page is for: somebody's network is bad, and it says whose and how.
		const flow = relay.flowOf((await participant(await operatorToken(), 'student3')).remote);
		flow.up = 0.14;
		await op.has('op-why');
		await sleep(12_000);
		await op.page.click('[data-user="student3@localhost"] .person');
		await shots(op, 'operator');
		flow.up = 0;
		await op.close();
	}, 120_000);
	await test('busy', async () => {
		const second = await groups[1].open('student1', { viewport: WIDE });
		await second.login();
		await second.prejoin('physics');
		await second.click('join-call');
		await second.has('busy-dialog');
		await shots(second, 'busy');
		await second.close();
		await student1.click('leave-call');
	});
}

let ok = false;
try {
	await main();
} catch (e) {
	await test('the pictures could be made', () => Promise.reject(e));
} finally {
	await Promise.all(groups.map((g) => g.closeAll()));
	await server.stop();
	relay.stop();
	server.remove();
	ok = finish();
}
process.exit(ok ? 0 : 1);
