/** Drawn people before drawn walls, as Y4M files for Chromium's fake camera. */
import fs from 'node:fs';

const W = 640;
const H = 360;
const FRAMES = 24;

const SCENES = [
	{ wall: [214, 222, 214], shelf: [168, 148, 120], skin: [214, 168, 138], hair: [70, 52, 44], shirt: [42, 90, 96] },
	{ wall: [226, 214, 196], shelf: [120, 138, 130], skin: [150, 104, 78], hair: [34, 28, 28], shirt: [186, 120, 60] },
	{ wall: [198, 208, 222], shelf: [146, 134, 150], skin: [232, 192, 164], hair: [160, 110, 60], shirt: [110, 76, 120] },
	{ wall: [222, 206, 206], shelf: [134, 112, 104], skin: [190, 140, 108], hair: [48, 40, 52], shirt: [64, 96, 60] },
];

const books = [[176, 84, 70], [70, 104, 130], [204, 168, 92], [92, 120, 92], [140, 100, 130], [220, 214, 200]];

function inEllipse(x, y, cx, cy, rx, ry) {
	const dx = (x - cx) / rx;
	const dy = (y - cy) / ry;
	return dx * dx + dy * dy <= 1;
}

function pixel(scene, x, y, t) {
	const sway = Math.sin((t / FRAMES) * Math.PI * 2) * 5;
	const cx = W / 2 + sway;
	if (inEllipse(x, y, cx - 20, 158, 5, 5) || inEllipse(x, y, cx + 20, 158, 5, 5)) return [40, 34, 34];
	if (inEllipse(x, y, cx, 194, 16, 5 + Math.abs(sway) / 2)) return [150, 80, 76];
	if (y < 142 && inEllipse(x, y, cx, 152, 66, 78)) return scene.hair;
	if (inEllipse(x, y, cx, 168, 56, 70)) return scene.skin;
	if (Math.abs(x - cx) < 24 && y > 220 && y < 264) return scene.skin.map((c) => c - 14);
	if (inEllipse(x, y, cx, 372, 150, 122)) return scene.shirt;
	if (x > 420 && y > 40 && y < 230) return shelf(scene, x, y);
	if (x < 190 && x > 50 && y > 50 && y < 190) {
		return x < 58 || x > 182 || y < 58 || y > 182 ? scene.shelf : [206 + y / 8, 224, 236];
	}
	const shade = 1 - (y / H) * 0.16;
	return scene.wall.map((c) => c * shade);
}

function shelf(scene, x, y) {
	const row = (y - 40) % 64;
	if (row > 56) return scene.shelf;
	const book = Math.floor((x - 420) / 17) + Math.floor((y - 40) / 64) * 5;
	if (row < 8 + ((book * 7) % 13)) return scene.wall.map((c) => c * 0.8);
	return books[(book * 5) % books.length];
}

/** Writes scene number i into the working folder; the file's name is what the page shows as the camera's. */
export function writeScene(i) {
	const scene = SCENES[i % SCENES.length];
	const parts = [Buffer.from(`YUV4MPEG2 W${W} H${H} F12:1 Ip A1:1 C420jpeg\n`)];
	for (let t = 0; t < FRAMES; t++) {
		const y = Buffer.alloc(W * H);
		const u = Buffer.alloc((W * H) / 4);
		const v = Buffer.alloc((W * H) / 4);
		for (let py = 0; py < H; py++) {
			for (let px = 0; px < W; px++) {
				const [r, g, b] = pixel(scene, px, py, t);
				y[py * W + px] = 0.299 * r + 0.587 * g + 0.114 * b;
				if (px % 2 || py % 2) continue;
				const at = (py / 2) * (W / 2) + px / 2;
				u[at] = 128 - 0.169 * r - 0.331 * g + 0.5 * b;
				v[at] = 128 + 0.5 * r - 0.419 * g - 0.081 * b;
			}
		}
		parts.push(Buffer.from('FRAME\n'), y, u, v);
	}
	const file = `camera${i + 1}.y4m`;
	fs.writeFileSync(file, Buffer.concat(parts));
	return file;
}

/** A second of silence: in a picture not everybody should speak. */
export function writeSilence() {
	const bytes = 48000 * 2;
	const head = Buffer.alloc(44);
	head.write('RIFF', 0);
	head.writeUInt32LE(36 + bytes, 4);
	head.write('WAVEfmt ', 8);
	head.writeUInt32LE(16, 16);
	head.writeUInt16LE(1, 20);
	head.writeUInt16LE(1, 22);
	head.writeUInt32LE(48000, 24);
	head.writeUInt32LE(bytes, 28);
	head.writeUInt16LE(2, 32);
	head.writeUInt16LE(16, 34);
	head.write('data', 36);
	head.writeUInt32LE(bytes, 40);
	fs.writeFileSync('silence.wav', Buffer.concat([head, Buffer.alloc(bytes)]));
	return 'silence.wav';
}
