import { defineConfig } from 'vite';

// The pages are served by lyceumd itself; during development the same paths are
// passed on to a running one (LYCEUM_URL, default http://localhost:8080).
declare const process: { env: Record<string, string | undefined> };
const server = process.env.LYCEUM_URL ?? 'http://localhost:8080';
const proxy = {
	'/config.json': server,
	'/api': server,
	'/xmpp-websocket': { target: server, ws: true },
	'/colibri-ws': { target: server, ws: true },
};

export default defineConfig({
	base: '/',
	esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
	build: {
		target: 'es2021',
		outDir: 'dist',
		sourcemap: false,
		rollupOptions: { input: { index: 'index.html', operator: 'operator.html' } },
	},
	server: { proxy },
	preview: { proxy },
});
