import { useState } from 'preact/hooks';
import type { App } from '../app/app';
import { Icon, Mark } from './icons';

export function Login({ app }: { app: App }) {
	const [name, setName] = useState(app.loginName);
	const [password, setPassword] = useState('');
	const [remember, setRemember] = useState(true);
	const busy = app.link === 'connecting' || app.link === 'waiting';
	const unreachable = app.configError || (app.link === 'waiting' ? 'The server cannot be reached. Trying again…' : '');
	const submit = (e: Event) => {
		e.preventDefault();
		if (name.trim() && password) app.login(name, password, remember);
	};
	return (
		<main class="login">
			<section class="login-art" aria-hidden="true">
				<svg viewBox="0 0 480 360" preserveAspectRatio="xMidYMax meet">
					<path class="art-far" d="M0 300c90-40 150-30 240-20s150-10 240-30v110H0z" />
					<path class="art-hall" d="M96 168 240 92l144 76zM112 178h256v12H112zM100 300h280v14H100zM84 320h312v14H84z" />
					<path class="art-column" d="M132 196h24v100h-24zM196 196h24v100h-24zM260 196h24v100h-24zM324 196h24v100h-24z" />
					<circle class="art-sun" cx="392" cy="70" r="26" />
				</svg>
				<p>Talk, listen and learn in one place.</p>
			</section>
			<section class="login-panel">
				<form onSubmit={submit} data-testid="login-form">
					<div class="brand"><Mark size={44} /><h1>Lyceum</h1></div>
					<p class="muted">Log in to your classrooms{app.config ? ` at ${app.config.domain}` : ''}.</p>
					<label for="login-name">User name</label>
					<input id="login-name" data-testid="login-name" name="username" autocomplete="username" autocapitalize="none"
						spellcheck={false} required value={name} placeholder="student1"
						onInput={(e) => setName(e.currentTarget.value)} />
					<label for="login-password">Password</label>
					<input id="login-password" data-testid="login-password" name="password" type="password" required
						autocomplete="current-password" value={password} onInput={(e) => setPassword(e.currentTarget.value)} />
					<label class="check">
						<input type="checkbox" data-testid="login-remember" checked={remember}
							onChange={(e) => setRemember(e.currentTarget.checked)} />
						Remember on this tab
					</label>
					{app.loginError && (
						<p class="error" role="alert" data-testid="login-error"><Icon name="warning" />{app.loginError}</p>
					)}
					{unreachable && <p class="error" role="alert" data-testid="login-unreachable"><Icon name="warning" />{unreachable}</p>}
					<button class="primary wide" type="submit" data-testid="login-submit" disabled={busy || !app.config}>
						{busy ? 'Logging in…' : 'Log in'}
					</button>
					{app.link === 'waiting' && <button type="button" class="link" onClick={() => app.cancelLogin()}>Cancel</button>}
				</form>
			</section>
		</main>
	);
}
