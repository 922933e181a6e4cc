/** How tiles are arranged. */

export interface TileInfo {
	/** endpoint, or endpoint-screen */
	id: string;
	endpoint: string;
	name: string;
	me: boolean;
	screen: boolean;
}

const ASPECT = 16 / 9;

/** The number of columns at which pictures of 16:9 become largest in this box. */
export function bestColumns(count: number, width: number, height: number): number {
	let best = 1;
	let area = 0;
	for (let columns = 1; columns <= count; columns++) {
		const rows = Math.ceil(count / columns);
		const w = Math.min(width / columns, (height / rows) * ASPECT);
		if (w > area) {
			area = w;
			best = columns;
		}
	}
	return best;
}

/**
 * Where the tile at `index` begins, in half columns (CSS counts from 1): the last row is centred.
 * Undefined where it just follows the one before.
 */
export function columnStart(index: number, count: number, columns: number): number | undefined {
	const rest = count % columns;
	return rest > 0 && index === count - rest ? columns - rest + 1 : undefined;
}

/** What is large: the pinned tile, else a shared screen, else who speaks, else anybody but us. */
export function stageTile(tiles: TileInfo[], pinned: string | undefined, dominant: string | null): TileInfo | undefined {
	return tiles.find((t) => t.id === pinned)
		?? tiles.find((t) => t.screen && !t.me)
		?? tiles.find((t) => !t.me && t.endpoint === dominant)
		?? tiles.find((t) => !t.me)
		?? tiles[0];
}
