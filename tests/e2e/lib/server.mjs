/** A lyceumd of the test's own: release build, fresh data, demo accounts. */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const build = process.env.LYCEUM_BUILD ?? path.join(top, 'build');
export const PASSWORD = 'lyceum-demo';
export const URL_ = 'http://localhost:8080';
const ACCOUNTS = { teacher: 'teacher', student1: 'student', student2: 'student', student3: 'student', operator: 'operator' };

export class Server {
	/** `advertise`: the address that clients are told to send media to. */
	constructor({ advertise } = {}) {
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ly-e2e-'));
		this.conf = path.join(this.dir, 'lyceum.conf');
		this.logFile = process.env.LYCEUM_LOG ?? path.join(this.dir, 'lyceumd.log');
		fs.writeFileSync(this.conf, [
			'[server]', 'domain = localhost', `data_dir = ${this.dir}/data`,
			...(advertise ? ['[listen]', 'media = 192.0.2.2:10000', `advertise = ${advertise}`] : []),
			'[http]', `web_root = ${top}/web-demo/dist`,
			'[log]', `level = ${process.env.LYCEUM_LOG_LEVEL ?? 'info'}`, '',
		].join('\n'));
	}

	async start() {
		const log = fs.openSync(this.logFile, 'a');
		this.child = spawn(path.join(build, 'server/lyceumd'), ['-c', this.conf], { stdio: ['ignore', log, log] });
		this.exited = new Promise((done) => this.child.on('exit', (code, signal) => {
			this.ended = `lyceumd ended with ${signal ?? code}`;
			done();
		}));
		this.ended = undefined;
		for (let i = 0; i < 100; i++) {
			if (this.ended) break;
			const ok = await fetch(`${URL_}/config.json`).then((r) => r.ok, () => false);
			if (ok) return;
			await new Promise((r) => setTimeout(r, 100));
		}
		throw new Error(`${this.ended ?? 'lyceumd does not answer'}: ${this.tail()}`);
	}

	ctl(...args) {
		const r = spawnSync(path.join(build, 'server/lyceumctl'), ['-c', this.conf, ...args], { encoding: 'utf8' });
		if (r.status !== 0) throw new Error(`lyceumctl ${args.join(' ')}: ${r.stderr || r.stdout || r.error}`);
		return r.stdout;
	}

	makeAccounts() {
		const names = Object.keys(ACCOUNTS);
		for (const name of names) this.ctl('user', 'add', `${name}@localhost`, '--password', PASSWORD, '--role', ACCOUNTS[name]);
		names.forEach((a, i) => names.slice(i + 1).forEach((b) => this.ctl('roster', 'link', `${a}@localhost`, `${b}@localhost`)));
	}

	tail() {
		try {
			return fs.readFileSync(this.logFile, 'utf8').split('\n').slice(-15).join('\n');
		} catch {
			return '';
		}
	}

	/** Without a goodbye to anyone. */
	async kill() {
		this.child.kill('SIGKILL');
		await this.exited;
	}

	async stop() {
		if (!this.child || this.ended) return;
		this.child.kill('SIGTERM');
		const late = setTimeout(() => this.child.kill('SIGKILL'), 8000);
		await this.exited;
		clearTimeout(late);
	}

	remove() {
		fs.rmSync(this.dir, { recursive: true, force: true });
	}
}
