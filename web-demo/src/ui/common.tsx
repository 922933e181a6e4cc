import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Show } from '../app/roster';
import { initials } from '../xmpp/jid';
import { Icon, type IconName } from './icons';

/** A stable hue for a name, so that people keep their colour. */
export function hueOf(text: string): number {
	let hash = 7;
	for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) >>> 0;
	return hash % 360;
}

export function Avatar({ name, show, size }: { name: string; show?: Show; size?: 'small' | 'large' }) {
	return (
		<span class={`avatar ${size ?? ''}`} style={{ '--hue': hueOf(name) } as JSX.CSSProperties} aria-hidden="true">
			{initials(name)}
			{show && <span class={`dot ${show}`} />}
		</span>
	);
}

export const SHOW_TEXT: Record<Show, string> = {
	online: 'Online', away: 'Away', busy: 'Do not disturb', offline: 'Offline',
};

export function IconButton(props: {
	icon: IconName; label: string; onClick: () => void; testid?: string; pressed?: boolean; class?: string;
	disabled?: boolean; badge?: number;
}) {
	return (
		<button type="button" class={`icon-button ${props.class ?? ''}`} aria-label={props.label} title={props.label}
			aria-pressed={props.pressed} disabled={props.disabled} data-testid={props.testid} onClick={props.onClick}>
			<Icon name={props.icon} />
			{!!props.badge && <span class="badge over">{props.badge > 99 ? '99+' : props.badge}</span>}
		</button>
	);
}

export function Badge({ count }: { count: number }) {
	if (count === 0) return null;
	return <span class="badge" aria-label={`${count} unread`}>{count > 99 ? '99+' : count}</span>;
}

/** A modal dialog with the platform's focus handling; Escape calls onCancel. */
export function Dialog(props: { title: string; testid: string; onCancel: () => void; children: ComponentChildren }) {
	const ref = useRef<HTMLDialogElement>(null);
	useEffect(() => {
		const dialog = ref.current;
		if (dialog && !dialog.open) dialog.showModal();
		return () => dialog?.close();
	}, []);
	return (
		<dialog ref={ref} class="dialog" aria-labelledby={`${props.testid}-title`} data-testid={props.testid}
			onCancel={(e) => {
				e.preventDefault();
				props.onCancel();
			}}>
			<h2 id={`${props.testid}-title`}>{props.title}</h2>
			{props.children}
		</dialog>
	);
}

export function formatBps(bps: number): string {
	if (bps >= 1_000_000) return `${(bps / 1_000_000).toFixed(1)} Mbit/s`;
	return `${Math.round(bps / 1000)} kbit/s`;
}

/** "14:05", or with the date when it was not today. */
export function formatTime(at: number, now = Date.now()): string {
	const date = new Date(at);
	const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
	if (date.toDateString() === new Date(now).toDateString()) return time;
	return `${date.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${time}`;
}

export function formatDuration(ms: number): string {
	const s = Math.max(0, Math.floor(ms / 1000));
	const mm = String(Math.floor(s / 60) % 60).padStart(2, '0');
	const ss = String(s % 60).padStart(2, '0');
	return s >= 3600 ? `${Math.floor(s / 3600)}:${mm}:${ss}` : `${mm}:${ss}`;
}
