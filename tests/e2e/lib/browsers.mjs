/** Chromium (playwright-core) and Firefox (WebDriver BiDi by puppeteer-core) behind one small interface. */
import fs from 'node:fs';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { Failure } from './report.mjs';
import { PASSWORD, URL_ } from './server.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
export const hasFirefox = () => fs.existsSync(FIREFOX);

/** The page's own setting; the machine may have two cores, so small pictures by default. */
const choice = (quality) => JSON.stringify({ quality });

const CHROMIUM_ARGS = [
	'--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required',
	'--disable-background-networking', '--disable-component-update', '--disable-background-timer-throttling',
	'--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows', '--mute-audio',
];

const FIREFOX_PREFS = {
	'media.navigator.streams.fake': true,
	'media.navigator.permission.disabled': true,
	'media.peerconnection.ice.obfuscate_host_addresses': false,
	'media.autoplay.default': 0,
	'app.update.enabled': false,
	'network.captive-portal-service.enabled': false,
	'network.connectivity-service.enabled': false,
	'datareporting.healthreport.uploadEnabled': false,
	'toolkit.telemetry.enabled': false,
	'browser.safebrowsing.malware.enabled': false,
	'browser.safebrowsing.phishing.enabled': false,
	'services.settings.server': 'http://192.0.2.1/',
};

const by = (id) => `[data-testid="${id}"]`;
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

/** One page of one user. */
class Person {
	constructor(user, page, kind, close) {
		this.user = user;
		this.page = page;
		this.kind = kind;
		this.closeAll = close;
	}

	/** Runs a function in the page; puppeteer and playwright agree on one argument. */
	eval(fn, arg) {
		return this.page.evaluate(fn, arg);
	}

	state() {
		return this.eval(() => window.lyceum?.state() ?? {});
	}

	stats() {
		return this.eval(() => window.lyceum.stats());
	}

	/** Waits for a condition in the page; polls, so that it works in both drivers alike. */
	async until(fn, arg, what, ms = 15_000) {
		const end = Date.now() + ms;
		for (;;) {
			const value = await this.eval(fn, arg).catch(() => undefined);
			if (value) return value;
			if (Date.now() > end) {
				const state = await this.state().catch(() => ({}));
				throw new Failure(`${this.user}: ${what} not within ${ms} ms; ${JSON.stringify(state).slice(0, 700)}`);
			}
			await sleep(40);
		}
	}

	has(id, ms) {
		return this.until((s) => !!document.querySelector(s), by(id), id, ms);
	}

	hasNot(id, ms) {
		return this.until((s) => !document.querySelector(s), by(id), `${id} gone`, ms);
	}

	text(id) {
		return this.eval((s) => document.querySelector(s)?.textContent ?? '', by(id));
	}

	async click(id) {
		await this.until((s) => {
			const e = document.querySelector(s);
			return e && !e.disabled;
		}, by(id), `${id} to click`);
		await this.page.click(by(id));
	}

	async fill(id, text) {
		await this.has(id);
		if (this.kind === 'chromium') {
			await this.page.fill(by(id), text);
			return;
		}
		await this.page.click(by(id), { count: 3 });
		await this.page.type(by(id), text);
	}

	goto(url) {
		return this.page.goto(url, { waitUntil: 'load' });
	}

	reload() {
		return this.page.reload({ waitUntil: 'commit' }).catch(() => this.page.reload());
	}

	async login(url = URL_) {
		await this.goto(url);
		await this.fill('login-name', this.user);
		await this.fill('login-password', PASSWORD);
		await this.click('login-submit');
		await this.has('me');
	}

	/** From the start page into the pre-join page of a room. */
	async prejoin(room) {
		await this.eval((hash) => {
			location.hash = hash;
		}, `#/room/${encodeURIComponent(`${room}@conference.localhost`)}`);
		await this.click('open-prejoin');
		await this.until(() => {
			const live = window.lyceum.state().tracks.filter((t) => t.readyState === 'live').map((t) => t.kind);
			return live.includes('audio') && live.includes('video');
		}, undefined, 'camera and microphone');
	}

	/** Clicks "Join now"; with others present returns the ms until a picture of one of them plays. */
	async join(waitForVideo = true) {
		await this.eval(() => {
			window.joinClicked = undefined;
			document.querySelector('[data-testid="join-call"]').addEventListener('click', () => {
				window.joinClicked = performance.now();
			}, { capture: true, once: true });
		});
		await this.click('join-call');
		if (!waitForVideo) {
			await this.live();
			return 0;
		}
		return this.playing('joinClicked');
	}

	async live(ms = 15_000) {
		const state = await this.until(() => {
			const s = window.lyceum.state();
			return ['live', 'ended', 'busy'].includes(s.call) && s;
		}, undefined, 'the call', ms);
		if (state.call !== 'live') throw new Failure(`${this.user}: ${state.call} instead of in the call: ${state.reason ?? JSON.stringify(state.busy)}`);
	}

	/** ms from the mark until a remote video element has a frame; measured in the page itself. */
	async playing(mark) {
		await this.live();
		return this.until(async (name) => {
			const from = window[name] ?? 0;
			for (let i = 0; i < 200; i++) {
				const video = [...document.querySelectorAll('[data-testid="tile-video"]')].find(
					(v) => !v.closest('[data-testid="tile-me"]') && v.readyState >= 2 && v.videoWidth > 0 && v.currentTime > 0);
				if (video) return performance.now() - from;
				await new Promise((r) => setTimeout(r, 10));
			}
			return undefined;
		}, mark, 'a remote picture', 20_000);
	}

	screenshot(file) {
		return this.page.screenshot({ path: file });
	}

	close() {
		return this.closeAll();
	}
}

export class Browsers {
	people = [];

	/** `video`, `audio`: Y4M and WAV files for the fake devices; `quality`: as in the page's settings. */
	constructor({ video, audio, quality = 'low' } = {}) {
		this.args = [...CHROMIUM_ARGS];
		if (video) this.args.push(`--use-file-for-fake-video-capture=${video}`);
		if (audio) this.args.push(`--use-file-for-fake-audio-capture=${audio}`);
		this.choice = choice(quality);
	}

	async chromium() {
		this.browser ??= await chromium.launch({ executablePath: CHROMIUM, args: this.args });
		return this.browser;
	}

	async prepare(context) {
		await context.addInitScript((low) => localStorage.setItem('lyceum.devices', low), this.choice);
		return context.newPage();
	}

	async open(user, options = {}) {
		const browser = await this.chromium();
		const context = await browser.newContext({ permissions: ['camera', 'microphone'], ...options });
		const page = await this.prepare(context);
		const person = new Person(user, page, 'chromium', () => context.close());
		person.context = context;
		this.people.push(person);
		return person;
	}

	/** In a process of its own, to be killed without any goodbye. */
	async openKillable(user) {
		const server = await chromium.launchServer({ executablePath: CHROMIUM, args: CHROMIUM_ARGS });
		const browser = await chromium.connect(server.wsEndpoint());
		const page = await this.prepare(await browser.newContext({ permissions: ['camera', 'microphone'] }));
		const person = new Person(user, page, 'chromium', () => server.close());
		person.kill = () => server.kill();
		return person;
	}

	async openFirefox(user) {
		const browser = await puppeteer.launch({
			browser: 'firefox', executablePath: FIREFOX, headless: true, extraPrefsFirefox: FIREFOX_PREFS,
		});
		const page = await browser.newPage();
		await page.setViewport({ width: 1100, height: 700 });
		await page.goto(`${URL_}/favicon.svg`);
		await page.goto(URL_);
		await page.evaluate((low) => localStorage.setItem('lyceum.devices', low), this.choice);
		const person = new Person(user, page, 'firefox', () => browser.close());
		this.people.push(person);
		return person;
	}

	async closeAll() {
		await Promise.all(this.people.map((p) => p.close().catch(() => undefined)));
		await this.browser?.close().catch(() => undefined);
	}
}

/** Two measurements apart: every other endpoint's pictures and sound must go on. */
export async function hearsAndSees(person, others, ms = 12_000) {
	const first = (await person.stats()).endpoints;
	const end = Date.now() + ms;
	let missing = [];
	for (;;) {
		await sleep(400);
		const now = (await person.stats()).endpoints;
		missing = [];
		for (const other of others) {
			const video = now[other]?.[`${other}-v0`];
			const audio = now[other]?.[`${other}-a0`];
			const videoBefore = first[other]?.[`${other}-v0`]?.framesDecoded ?? 0;
			const audioBefore = first[other]?.[`${other}-a0`]?.totalAudioEnergy ?? 0;
			if (!video || video.framesDecoded < videoBefore + 5) missing.push(`video of ${other} (${video?.framesDecoded})`);
			if (!audio || audio.totalAudioEnergy <= audioBefore) missing.push(`sound of ${other} (${audio?.totalAudioEnergy})`);
		}
		if (missing.length === 0) return;
		if (Date.now() > end) throw new Failure(`${person.user} (${person.kind}) lacks ${missing.join(', ')}`);
	}
}

export async function endpointOf(person) {
	return (await person.state()).endpoint;
}

export { by, sleep };
