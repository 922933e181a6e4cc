/** The model of a Jingle session between the focus and this client (docs/PROTOCOL.md). */
export type Media = 'audio' | 'video';

export interface PayloadType {
	id: number;
	name: string;
	clockrate: number;
	channels: number;
	parameters: [string, string][];
	feedback: { type: string; subtype?: string }[];
}

export interface HeaderExtension {
	id: number;
	uri: string;
}

/** One logical stream: a main SSRC and, for video, its retransmission SSRC (RFC 4588). */
export interface Source {
	/** ENDPOINT-a0, ENDPOINT-v0 (camera), ENDPOINT-v1 (screen) */
	name: string;
	owner: string;
	media: Media;
	ssrc: number;
	rtx?: number;
	videoType?: 'camera' | 'desktop';
	/** "stream track" */
	msid?: string;
	cname?: string;
}

export interface Candidate {
	foundation: string;
	component: string;
	protocol: string;
	priority: string;
	ip: string;
	port: string;
	type: string;
	relAddr?: string;
	relPort?: string;
	tcpType?: string;
	generation?: string;
	id?: string;
}

export interface Transport {
	ufrag: string;
	pwd: string;
	fingerprints: { hash: string; setup: string; value: string }[];
	candidates: Candidate[];
	webSocket?: string;
	/** set on an in-place ICE restart */
	generation?: string;
}

export interface Content {
	name: string;
	media: Media;
	payloadTypes: PayloadType[];
	extensions: HeaderExtension[];
	extmapAllowMixed: boolean;
	sources: Source[];
	transport?: Transport;
}

export interface SessionInitiate {
	sid: string;
	initiator: string;
	bridgeSessionId?: string;
	contents: Content[];
	transport: Transport;
}

/** The focus's error text when an offer cannot be used. */
export class OfferError extends Error {}
