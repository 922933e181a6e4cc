import type { CallsAnswer } from './model';

/** The operator API with its token. */

export class ApiError extends Error {
	constructor(readonly status: number, message: string) {
		super(message);
	}
}

const TOKEN_KEY = 'lyceum.operator';

export function savedToken(): string | undefined {
	try {
		return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
	} catch {
		return undefined;
	}
}

export function saveToken(token: string | undefined): void {
	try {
		if (token) sessionStorage.setItem(TOKEN_KEY, token);
		else sessionStorage.removeItem(TOKEN_KEY);
	} catch {
		// Without storage a reload asks for the password again.
	}
}

const TEXTS: Record<number, string> = {
	401: 'The user name or the password is wrong.',
	403: 'This account is not an operator.',
	404: 'The call is over already.',
};

async function request<T>(method: string, path: string, token?: string, body?: unknown): Promise<T> {
	let response: Response;
	try {
		response = await fetch(path, {
			method,
			cache: 'no-store',
			headers: {
				...(token ? { Authorization: `Bearer ${token}` } : {}),
				...(body ? { 'Content-Type': 'application/json' } : {}),
			},
			body: body ? JSON.stringify(body) : undefined,
			signal: AbortSignal.timeout(8000),
		});
	} catch {
		throw new ApiError(0, 'The server cannot be reached.');
	}
	if (response.status === 429) {
		const wait = response.headers.get('Retry-After');
		throw new ApiError(429, `Too many tries. Wait ${wait ? `${wait} seconds` : 'a minute'}, then try again.`);
	}
	const text = await response.text();
	if (!response.ok) {
		throw new ApiError(response.status, TEXTS[response.status] ?? `The server answered with status ${response.status}.`);
	}
	return (text ? JSON.parse(text) : undefined) as T;
}

export async function login(jid: string, password: string): Promise<string> {
	const answer = await request<{ token: string }>('POST', '/api/v1/login', undefined, { jid, password });
	return answer.token;
}

export const fetchCalls = (token: string) => request<CallsAnswer>('GET', '/api/v1/calls', token);

export const endCall = (token: string, id: string) =>
	request<void>('DELETE', `/api/v1/calls/${encodeURIComponent(id)}`, token);
