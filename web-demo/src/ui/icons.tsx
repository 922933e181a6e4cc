/** Line icons on a 24-unit grid, drawn for this page. */
const PATHS = {
	mic: 'M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM6 11a6 6 0 0 0 12 0M12 17v4M9 21h6',
	micOff: 'M4 4l16 16M9 9v2a3 3 0 0 0 4.600 2.550M15 11V6a3 3 0 0 0-5.700-1.300M6 11a6 6 0 0 0 9.200 5.060M18 11a6 6 0 0 1-.5 2.400M12 17v4M9 21h6',
	camera: 'M4 7h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2zM15 11l5.500-3v8L15 13',
	cameraOff: 'M3 4l17 16M8.500 7H13a2 2 0 0 1 2 2v3.500M15 11l5.500-3v8l-2.500-1.400M12.800 17H4a2 2 0 0 1-2-2V9a2 2 0 0 1 1.600-1.960',
	screen: 'M3 5h18v11H3zM8 20h8M12 16v4M12 13V8M9.500 10.300 12 7.800l2.500 2.500',
	leave: 'M3.200 14.200c-.6-1-.5-2.300.4-3.100 4.700-4.100 12.100-4.100 16.800 0 .9.800 1 2.100.4 3.100l-.6 1c-.4.700-1.300 1-2 .6l-2.600-1.100c-.6-.3-1-.9-.9-1.600l.1-1.300a12 12 0 0 0-5.600 0l.1 1.300c.1.700-.3 1.300-.9 1.600l-2.600 1.100c-.7.400-1.600.1-2-.6z',
	chat: 'M4 5h16v11H9l-4 4v-4H4zM8 9h8M8 12h5',
	grid: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
	speaker: 'M3 4h18v11H3zM3 18h5v2H3zM9.500 18h5v2h-5zM16 18h5v2h-5z',
	people: 'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 20a6.500 6.500 0 0 1 13 0M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14a6.500 6.500 0 0 1 3.500 6',
	back: 'M15 5l-7 7 7 7',
	close: 'M6 6l12 12M18 6L6 18',
	plus: 'M12 5v14M5 12h14',
	send: 'M4 12l16-8-5 16-3.500-6.500zM11.500 13.500L20 4',
	logout: 'M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9',
	trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
	check: 'M5 12.500l4.500 4.500L19 7.500',
	warning: 'M12 4l9.500 16h-19zM12 10v4.500M12 17.300v.2',
	settings: 'M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4',
	door: 'M6 21V3h12v18M3 21h18M14.500 12v.5',
	dots: 'M12 6v.1M12 12v.1M12 18v.1',
	pin: 'M9 4h6l-1 6 3 3H7l3-3zM12 13v7',
	refresh: 'M20 12a8 8 0 1 1-2.500-5.800M20 3v4.500h-4.500',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
	return (
		<svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
			<path d={PATHS[name]} />
		</svg>
	);
}

/** The mark: a gabled hall with three columns. */
export function Mark({ size = 36 }: { size?: number }) {
	return (
		<svg class="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
			<rect class="mark-field" width="32" height="32" rx="8" />
			<path class="mark-fill" d="M6.500 12.500 16 7l9.500 5.500z" />
			<path class="mark-line" d="M10 16v6M16 16v6M22 16v6M7 25.500h18" />
		</svg>
	);
}
