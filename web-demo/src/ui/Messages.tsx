import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ChatMessage, Conversation } from '../app/chat';
import { Avatar, formatTime, IconButton } from './common';
import { splitLinks } from './links';

/** Within this time, messages of one person stand together under one name. */
const TOGETHER_MS = 5 * 60_000;

export function Messages(props: {
	conversation: Conversation; onSend: (body: string) => void; onTyping?: () => void; label: string;
	disabled?: boolean; typing?: string;
}) {
	const { messages } = props.conversation;
	const end = useRef<HTMLDivElement>(null);
	const last = messages[messages.length - 1];
	useLayoutEffect(() => {
		const box = end.current;
		if (box) box.scrollTop = box.scrollHeight;
	}, [last?.id, messages.length, props.typing]);
	return (
		<div class="messages">
			<div class="message-list" ref={end} role="log" aria-label={props.label} data-testid="messages" tabIndex={0}>
				{messages.length === 0 && <p class="empty muted">No messages yet.</p>}
				{messages.map((m, i) => <Message key={m.id || i} message={m} follows={follows(messages[i - 1], m)} />)}
				{props.typing && <p class="typing muted">{props.typing}</p>}
			</div>
			<Composer onSend={props.onSend} onTyping={props.onTyping} disabled={props.disabled} label={props.label} />
		</div>
	);
}

function follows(before: ChatMessage | undefined, m: ChatMessage): boolean {
	return !!before && !before.system && before.mine === m.mine && before.name === m.name && m.at - before.at < TOGETHER_MS;
}

function Message({ message: m, follows: together }: { message: ChatMessage; follows: boolean }) {
	if (m.system) return <p class="system muted">{m.body}</p>;
	return (
		<div class={`message ${m.mine ? 'mine' : ''} ${together ? 'together' : ''}`} data-testid="message">
			{!m.mine && <span class="face">{!together && <Avatar name={m.name} size="small" />}</span>}
			<div class="bubble-box">
				{!together && <div class="who">{m.mine ? 'You' : m.name} <time>{formatTime(m.at)}</time></div>}
				<div class="bubble" title={formatTime(m.at)}>{linked(m.body)}</div>
				{m.failed && <div class="error small-text">Not delivered.</div>}
			</div>
		</div>
	);
}

/** Addresses of web pages become links; everything else stays text. */
function linked(body: string) {
	return splitLinks(body).map((part, i) => (part.link
		? <a key={i} href={part.text} target="_blank" rel="noopener noreferrer nofollow">{part.text}</a> : part.text));
}

function Composer(props: { onSend: (body: string) => void; onTyping?: () => void; disabled?: boolean; label: string }) {
	const [text, setText] = useState('');
	const send = (e?: Event) => {
		e?.preventDefault();
		const body = text.trim();
		if (!body || props.disabled) return;
		props.onSend(body);
		setText('');
	};
	return (
		<form class="composer" onSubmit={send}>
			<textarea rows={1} value={text} placeholder="Write a message" aria-label={`Message to ${props.label}`} maxLength={8000}
				data-testid="message-input" disabled={props.disabled}
				onInput={(e) => {
					setText(e.currentTarget.value);
					props.onTyping?.();
				}}
				onKeyDown={(e) => {
					if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) send(e);
				}} />
			<IconButton icon="send" label="Send" class="send" testid="message-send" disabled={!text.trim() || props.disabled}
				onClick={() => send()} />
		</form>
	);
}
