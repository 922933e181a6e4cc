import { useEffect } from 'preact/hooks';
import type { App } from '../app/app';
import { useStore } from '../app/store';
import { inCall } from '../call/state';
import { BusyDialog } from './BusyDialog';
import { CallView } from './CallView';
import { ChatPane } from './ChatPane';
import { Home } from './Home';
import { Icon } from './icons';
import { Login } from './Login';
import { Prejoin } from './Prejoin';
import { RoomPane } from './RoomPane';
import { Sidebar } from './Sidebar';

export function Root({ app }: { app: App }) {
	useStore(app);
	const unread = app.unreadTotal();
	useEffect(() => {
		document.title = unread > 0 ? `(${unread}) Lyceum` : 'Lyceum';
	}, [unread]);
	if (app.phase === 'starting') return <main class="splash" aria-busy="true" />;
	if (app.phase === 'login') return <Login app={app} />;
	const { call, route } = app;
	const state = call.state;
	const here = route.view === 'room' && route.jid === call.room;
	if (here && inCall(state)) {
		return <><CallView app={app} /><Toast app={app} /></>;
	}
	if (here && (state.phase === 'prejoin' || state.phase === 'busy')) {
		return (
			<>
				<Prejoin app={app} />
				{state.phase === 'busy' && <BusyDialog app={app} busy={state.busy} />}
				<Toast app={app} />
			</>
		);
	}
	return (
		<div class={`shell view-${route.view}`}>
			<LinkBanner app={app} />
			{inCall(state) && (
				<button class="call-bar" data-testid="return-to-call" onClick={() => app.go({ view: 'room', jid: call.room })}>
					<Icon name="camera" /> In a call in {app.rooms.get(call.room).title}: return to it
				</button>
			)}
			{app.elsewhere && !inCall(state) && (
				<div class="banner calm" role="status" data-testid="elsewhere">
					<Icon name="camera" />
					<span class="grow">You are in a call on {app.elsewhere.device || 'another device'}, in {app.rooms.get(app.elsewhere.room).title}.</span>
					<button class="link" data-testid="move-here" onClick={() => app.moveHere()}>Move it here</button>
				</div>
			)}
			<div class="columns">
				<Sidebar app={app} />
				<main class="pane">
					{route.view === 'home' && <Home app={app} />}
					{route.view === 'chat' && <ChatPane app={app} jid={route.jid} />}
					{route.view === 'room' && <RoomPane app={app} jid={route.jid} />}
				</main>
			</div>
			<Toast app={app} />
		</div>
	);
}

export function LinkBanner({ app }: { app: App }) {
	if (app.link === 'online') return null;
	return (
		<div class="banner warn" role="status" data-testid="link-banner">
			<Icon name="warning" />
			{app.link === 'connecting' ? 'Connecting to the server…' : 'The server cannot be reached. Trying again…'}
			{app.link === 'waiting' && <button class="link" onClick={() => app.client.retryNow()}>Try now</button>}
		</div>
	);
}

function Toast({ app }: { app: App }) {
	return <div class="toast-area" role="status" aria-live="polite">{app.toast && <div class="toast">{app.toast}</div>}</div>;
}
