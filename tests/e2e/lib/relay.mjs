/**
 * A bad network between browsers and server: a UDP relay that drops, blacks out or re-addresses one
 * participant's packets. The server advertises the relay's address; it sees each browser as a port of the relay.
 */
import dgram from 'node:dgram';

export const RELAY_IP = '192.0.2.3';
const SERVER_IP = '192.0.2.2';

const bind = (ip, port) => new Promise((done, fail) => {
	const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 });
	socket.once('error', fail);
	socket.bind(port, ip, () => done(socket));
});

export class Relay {
	flows = new Map();
	/** packets of browsers not seen before go nowhere */
	dropNew = false;

	constructor(port) {
		this.port = port;
	}

	async start() {
		this.front = await bind(RELAY_IP, this.port);
		this.front.on('message', (data, from) => void this.fromClient(data, from));
		return this;
	}

	async fromClient(data, from) {
		const key = `${from.address}:${from.port}`;
		let flow = this.flows.get(key);
		if (!flow) {
			flow = { key, address: from.address, port: from.port, up: this.dropNew ? 1 : 0, down: this.dropNew ? 1 : 0 };
			this.flows.set(key, flow);
			flow.opening = this.open(flow);
		}
		await flow.opening;
		if (Math.random() < flow.up) return;
		flow.back.send(data, this.port, SERVER_IP, () => undefined);
	}

	async open(flow) {
		const old = flow.back;
		const back = await bind(SERVER_IP, 0);
		back.on('message', (data) => {
			if (Math.random() >= flow.down) this.front.send(data, flow.port, flow.address, () => undefined);
		});
		flow.back = back;
		if (old) old.close();
	}

	/** The flow whose packets the server sees from this "ip:port". */
	flowOf(remote) {
		const port = Number(remote.slice(remote.lastIndexOf(':') + 1));
		return [...this.flows.values()].find((f) => f.back?.address().port === port);
	}

	/** As when a NAT forgets: the server suddenly sees another address. */
	rebind(flow) {
		return this.open(flow);
	}

	stop() {
		this.front?.close();
		for (const f of this.flows.values()) f.back?.close();
	}
}
