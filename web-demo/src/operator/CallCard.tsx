import { useState } from 'preact/hooks';
import {
	callFindings, levelOf, sparkPath, worstLevel, type CallInfo, type Direction, type History, type Participant,
} from './model';
import { Avatar, formatBps, formatDuration } from '../ui/common';
import { Icon } from '../ui/icons';
import { displayName } from '../xmpp/jid';

const VERDICT = { good: 'Good', fair: 'Weak', bad: 'Bad' } as const;

export function CallCard(props: { call: CallInfo; now: number; history: History; onEnd: () => void }) {
	const { call, now } = props;
	const found = callFindings(call, now);
	const level = worstLevel(found);
	return (
		<article class={`call-card ${level}`} aria-label={`Call in ${displayName(call.room)}`} data-testid="op-call" data-level={level}>
			<header>
				<span class={`verdict ${level}`}>{VERDICT[level]}</span>
				<h2>{displayName(call.room)}</h2>
				<small class="muted grow">{call.room} · {formatDuration(now - Date.parse(call.started))} · {call.participants.length}{' '}
					{call.participants.length === 1 ? 'participant' : 'participants'}</small>
				<button class="small" data-testid="op-end" onClick={props.onEnd}><Icon name="leave" size={18} />End call</button>
			</header>
			{found.length > 0 && (
				<ul class="why" aria-label="Why the call is bad" data-testid="op-why">
					{found.map((f, i) => <li key={i} class={f.level}><Icon name="warning" size={16} /><span><strong>{displayName(f.who)}</strong> {f.text}.</span></li>)}
				</ul>
			)}
			<div class="table-box">
				<table>
					<thead>
						<tr><th scope="col">Participant</th><th scope="col">To the server</th><th scope="col">Loss</th><th scope="col">Jitter</th>
							<th scope="col">From the server</th><th scope="col">Loss</th><th scope="col">Jitter</th><th scope="col">Round trip</th></tr>
					</thead>
					<tbody>{call.participants.map((p) => <Row key={p.endpoint} call={call} p={p} history={props.history} now={now} />)}</tbody>
				</table>
			</div>
		</article>
	);
}

function Row({ call, p, history, now }: { call: CallInfo; p: Participant; history: History; now: number }) {
	const [open, setOpen] = useState(false);
	const name = displayName(p.user);
	const ways: [string, 'up' | 'down', Direction][] = [['To the server', 'up', p.up], ['From the server', 'down', p.down]];
	return (
		<>
			<tr data-testid="op-participant" data-user={p.user} data-endpoint={p.endpoint}>
				<th scope="row">
					<button class="person" aria-expanded={open} onClick={() => setOpen(!open)} title="Show sources">
						<Avatar name={name} size="small" />
						<span class="person-text">
							<span>{name}{p.dominant && <small class="tag"> speaking</small>}</span>
							<small class="muted">{p.device}</small>
							{p.state !== 'connected' && <small class="state-bad">{p.state}</small>}
						</span>
					</button>
				</th>
				{ways.map(([label, way, d]) => (
					<>
						<td data-label={label} class="rate">
							<Spark values={history.get(`${call.id}/${p.endpoint}/${way}`)} />{formatBps(d.bitrate_bps)}
						</td>
						<td data-label={`${label}: loss`} class={levelOf('loss', d.loss)}>{(d.loss * 100).toFixed(1)} %</td>
						<td data-label={`${label}: jitter`} class={levelOf('jitter', d.jitter_ms)}>{d.jitter_ms.toFixed(1)} ms</td>
					</>
				))}
				<td data-label="Round trip" class={levelOf('rtt', p.rtt_ms)}>{p.rtt_ms.toFixed(1)} ms</td>
			</tr>
			{open && <tr class="sources"><td colSpan={8}><Sources p={p} now={now} /></td></tr>}
		</>
	);
}

function Sources({ p, now }: { p: Participant; now: number }) {
	return (
		<div class="source-list">
			<p class="muted small-text">{p.jid} · {p.remote || 'no address yet'} · joined {formatDuration(now - Date.parse(p.joined))} ago</p>
			<table>
				<thead><tr><th scope="col">Source</th><th scope="col">Kind</th><th scope="col">Bit rate</th><th scope="col">Packets</th><th scope="col">Lost</th><th scope="col">Jitter</th></tr></thead>
				<tbody>
					{p.sources.map((s) => (
						<tr key={s.ssrc}>
							<td data-label="Source"><code>{s.name}</code></td>
							<td data-label="Kind">{s.kind === 'audio' ? 'microphone' : s.video_type === 'desktop' ? 'screen' : 'camera'}{s.muted ? ', off' : ''}</td>
							<td data-label="Bit rate">{formatBps(s.bitrate_bps)}</td>
							<td data-label="Packets">{s.packets}</td>
							<td data-label="Lost" class={levelOf('loss', s.loss)}>{s.lost} ({(s.loss * 100).toFixed(1)} %)</td>
							<td data-label="Jitter" class={levelOf('jitter', s.jitter_ms)}>{s.jitter_ms.toFixed(1)} ms</td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

function Spark({ values }: { values: number[] }) {
	const line = sparkPath(values, 80, 22);
	const start = /^M([\d.]+)/.exec(line)?.[1];
	return (
		<svg class="spark" viewBox="0 0 80 22" width="80" height="22" role="img" aria-label="Bit rate of the last minute">
			{start && <path class="area" d={`${line}L80 22L${start} 22Z`} />}
			<path class="ground" d="M0 21.5H80" />
			<path d={line} />
		</svg>
	);
}
