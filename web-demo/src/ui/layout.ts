/** How tiles are arranged. */

export interface TileInfo {
	/** endpoint, or endpoint-screen */
	id: string;
	endpoint: string;
	name: string;
	me: boolean;
	screen: boolean;
}

/** Columns that keep tiles largest in a wide and in a tall window. */
export function gridShape(count: number): { wide: number; tall: number } {
	const wide = count <= 1 ? 1 : count <= 4 ? 2 : count <= 9 ? 3 : count <= 16 ? 4 : 5;
	const tall = count <= 3 ? 1 : count <= 10 ? 2 : 3;
	return { wide, tall };
}

/** What is large: the pinned tile, else a shared screen, else who speaks, else anybody but us. */
export function stageTile(tiles: TileInfo[], pinned: string | undefined, dominant: string | null): TileInfo | undefined {
	return tiles.find((t) => t.id === pinned)
		?? tiles.find((t) => t.screen && !t.me)
		?? tiles.find((t) => !t.me && t.endpoint === dominant)
		?? tiles.find((t) => !t.me)
		?? tiles[0];
}
