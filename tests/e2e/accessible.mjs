/** Every page, light and dark, wide and narrow, against the WCAG 2 A and AA rules of axe-core. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { Browsers } from './lib/browsers.mjs';
import { expect, test } from './lib/report.mjs';
import { PASSWORD, URL_ } from './lib/server.mjs';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];

async function violations(person) {
	await person.eval(axe);
	return person.eval(async () => {
		const result = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
		return result.violations.map((v) => `${v.id} at ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} (${
			n.any[0]?.message ?? n.all[0]?.message ?? ''})`).join(', ')}`);
	});
}

async function check(person, name) {
	await test(`accessible: ${name}`, async () => {
		const found = [];
		for (const size of SIZES) {
			for (const colorScheme of ['light', 'dark']) {
				await person.page.setViewportSize(size);
				await person.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
				for (const v of await violations(person)) found.push(`${size.width} ${colorScheme}: ${v}`);
				const wide = await person.eval(() => document.documentElement.scrollWidth - window.innerWidth);
				if (wide > 0) found.push(`${size.width}: ${wide} px too wide`);
			}
		}
		await person.page.setViewportSize(SIZES[0]);
		expect(found.length === 0, found.join('; '));
	});
}

/** Needs a running server. */
export async function accessible() {
	const browsers = new Browsers();
	try {
		const one = await browsers.open('teacher', { viewport: SIZES[0] });
		const two = await browsers.open('student1', { viewport: SIZES[0] });
		await one.goto(URL_);
		await one.has('login-form');
		await check(one, 'log-in');
		await one.login();
		await two.login();
		await check(one, 'start page');
		await one.click('contact-student1');
		await one.fill('message-input', 'Hello');
		await one.click('message-send');
		await check(one, 'chat');
		await one.click('new-room');
		await check(one, 'new classroom');
		await one.fill('room-title', 'Biology');
		await one.click('room-submit');
		await check(one, 'classroom');
		await one.prejoin('biology');
		await check(one, 'pre-join');
		await one.join(false);
		await two.prejoin('biology');
		await two.join();
		await one.has('quality');
		await check(one, 'call');
		const second = await browsers.open('student1', { viewport: SIZES[0] });
		await second.login();
		await second.prejoin('chemistry');
		await second.click('join-call');
		await second.has('busy-dialog');
		await check(second, 'busy dialog');
		await operator(browsers);
		await two.click('leave-call');
		await check(two, 'after the call');
		await one.click('leave-call');
	} catch (e) {
		await test('accessible: all pages', () => Promise.reject(e));
	} finally {
		await browsers.closeAll();
	}
}

async function operator(browsers) {
	const op = await browsers.open('operator', { viewport: SIZES[0] });
	await op.goto(`${URL_}/operator`);
	await op.has('operator-login');
	await check(op, 'operator log-in');
	await op.fill('op-name', 'operator');
	await op.fill('op-password', PASSWORD);
	await op.click('op-submit');
	await op.has('op-participant');
	await op.page.click('.person');
	await check(op, 'operator console');
	await op.close();
}
