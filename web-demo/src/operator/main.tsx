import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, endCall, fetchCalls, login, savedToken, saveToken } from './api';
import { CallCard } from './CallCard';
import { History, callFindings, worstLevel, type CallInfo, type CallsAnswer } from './model';
import { Dialog, formatBps, formatDuration } from '../ui/common';
import { Icon, Mark } from '../ui/icons';
import { completeJid, displayName } from '../xmpp/jid';
import '../styles/theme.css';
import '../styles/operator.css';

const POLL_MS = 1000;

function Operator() {
	const [token, setToken] = useState(savedToken());
	const [error, setError] = useState('');
	const out = (text: string) => {
		saveToken(undefined);
		setToken(undefined);
		setError(text);
	};
	if (!token) {
		return <OperatorLogin error={error} onToken={(t) => {
			saveToken(t);
			setError('');
			setToken(t);
		}} />;
	}
	return <Console token={token} onOut={out} />;
}

function OperatorLogin(props: { error: string; onToken: (token: string) => void }) {
	const [name, setName] = useState('');
	const [password, setPassword] = useState('');
	const [error, setError] = useState('');
	const [busy, setBusy] = useState(false);
	const [domain, setDomain] = useState('localhost');
	useEffect(() => {
		fetch('/config.json').then((r) => r.json()).then((c: { domain: string }) => setDomain(c.domain)).catch(() => undefined);
	}, []);
	const submit = async (e: Event) => {
		e.preventDefault();
		setBusy(true);
		setError('');
		try {
			props.onToken(await login(completeJid(name, domain), password));
		} catch (err) {
			setError(err instanceof Error ? err.message : String(err));
		} finally {
			setBusy(false);
		}
	};
	const shown = error || props.error;
	return (
		<main class="op-login">
			<form onSubmit={(e) => void submit(e)} data-testid="operator-login">
				<div class="brand"><Mark size={40} /><h1>Lyceum operator</h1></div>
				<p class="muted">Live calls and their quality. Operator accounts only.</p>
				<label for="op-name">User name</label>
				<input id="op-name" data-testid="op-name" required autocomplete="username" autocapitalize="none" spellcheck={false}
					placeholder="operator" value={name} onInput={(e) => setName(e.currentTarget.value)} />
				<label for="op-password">Password</label>
				<input id="op-password" data-testid="op-password" type="password" required autocomplete="current-password" value={password}
					onInput={(e) => setPassword(e.currentTarget.value)} />
				{shown && <p class="error" role="alert" data-testid="op-error"><Icon name="warning" />{shown}</p>}
				<button class="primary wide" type="submit" data-testid="op-submit" disabled={busy}>{busy ? 'Logging in…' : 'Log in'}</button>
			</form>
		</main>
	);
}

function Console({ token, onOut }: { token: string; onOut: (text: string) => void }) {
	const [answer, setAnswer] = useState<CallsAnswer | undefined>();
	const [error, setError] = useState('');
	const [ending, setEnding] = useState<CallInfo | undefined>();
	const history = useRef(new History());
	useEffect(() => {
		let stopped = false;
		let timer: ReturnType<typeof setTimeout>;
		const poll = async () => {
			try {
				const next = await fetchCalls(token);
				if (stopped) return;
				remember(history.current, next);
				setAnswer(next);
				setError('');
			} catch (e) {
				if (stopped) return;
				if (e instanceof ApiError && (e.status === 401 || e.status === 403)) {
					onOut('Your log-in has ended. Log in again.');
					return;
				}
				setError(e instanceof Error ? e.message : String(e));
			}
			timer = setTimeout(() => void poll(), POLL_MS);
		};
		void poll();
		return () => {
			stopped = true;
			clearTimeout(timer);
		};
	}, [token]);
	const end = async (call: CallInfo) => {
		setEnding(undefined);
		await endCall(token, call.id).catch((e: unknown) => setError(e instanceof Error ? e.message : String(e)));
	};
	const calls = [...(answer?.calls ?? [])].sort((a, b) => a.started.localeCompare(b.started));
	return (
		<div class="op">
			<header class="op-head">
				<span class="brand"><Mark size={32} /><h1>Lyceum operator</h1></span>
				{answer && <Summary answer={answer} />}
				<button class="small" data-testid="op-logout" onClick={() => onOut('')}><Icon name="logout" size={18} />Log out</button>
			</header>
			{error && <div class="banner bad" role="alert" data-testid="op-stale"><Icon name="warning" />{error} The figures below may be old.</div>}
			<main class="op-main" data-testid="op-calls">
				{answer && calls.length === 0 && (
					<div class="op-empty"><Icon name="camera" size={40} /><h2>No calls at the moment</h2>
						<p class="muted">A call appears here within a second of its first participant.</p></div>
				)}
				{!answer && !error && <p class="muted op-empty">Loading…</p>}
				{calls.map((call) => <CallCard key={call.id} call={call} now={Date.parse(answer!.now)} history={history.current} onEnd={() => setEnding(call)} />)}
			</main>
			{ending && (
				<Dialog title="End this call?" testid="end-dialog" onCancel={() => setEnding(undefined)}>
					<p>The call in <strong>{displayName(ending.room)}</strong> ends for {ending.participants.length === 1
						? 'its one participant' : `all ${ending.participants.length} participants`}. Their chat goes on.</p>
					<div class="actions">
						<button data-testid="end-cancel" onClick={() => setEnding(undefined)}>Cancel</button>
						<button class="danger" data-testid="end-confirm" onClick={() => void end(ending)}>End the call</button>
					</div>
				</Dialog>
			)}
		</div>
	);
}

function remember(history: History, answer: CallsAnswer): void {
	const keys = new Set<string>();
	for (const call of answer.calls) {
		for (const p of call.participants) {
			for (const [way, d] of [['up', p.up], ['down', p.down]] as const) {
				const key = `${call.id}/${p.endpoint}/${way}`;
				keys.add(key);
				history.push(key, d.bitrate_bps);
			}
		}
	}
	history.keep(keys);
}

function Summary({ answer }: { answer: CallsAnswer }) {
	const people = answer.calls.reduce((n, c) => n + c.participants.length, 0);
	const now = Date.parse(answer.now);
	const bad = answer.calls.filter((c) => worstLevel(callFindings(c, now)) === 'bad').length;
	const down = answer.calls.flatMap((c) => c.participants).reduce((n, p) => n + p.down.bitrate_bps, 0);
	const facts: [string, string, string?][] = [
		['Calls', String(answer.calls.length)],
		['In calls', String(people)],
		['With trouble', String(bad), bad > 0 ? 'bad' : undefined],
		['Sent', formatBps(down)],
		['Sessions', String(answer.server.sessions)],
		['Memory', `${Math.round(answer.server.rss_bytes / 1048576)} MB`],
		['Up', formatDuration(answer.server.uptime_s * 1000)],
	];
	return (
		<dl class="op-summary">
			{facts.map(([name, value, level]) => <div key={name} class={level}><dt>{name}</dt><dd>{value}</dd></div>)}
		</dl>
	);
}

render(<Operator />, document.getElementById('app')!);
