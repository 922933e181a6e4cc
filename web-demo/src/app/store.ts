import { useLayoutEffect, useState } from 'preact/hooks';

/** Something that changes and can be watched; changes in one turn are told once. */
export class Store {
	private readonly watchers = new Set<() => void>();
	private queued = false;
	/** counts the changes, so that a watcher can see what it missed */
	version = 0;

	watch(fn: () => void): () => void {
		this.watchers.add(fn);
		return () => this.watchers.delete(fn);
	}

	changed(): void {
		this.version++;
		if (this.queued) return;
		this.queued = true;
		// Not requestAnimationFrame: a page in the background must keep working.
		queueMicrotask(() => {
			this.queued = false;
			for (const fn of [...this.watchers]) fn();
		});
	}
}

/** Renders the component again whenever the store changes. */
export function useStore(store: Store): void {
	const [, set] = useState(0);
	const drawn = store.version;
	useLayoutEffect(() => {
		// The store may have changed between drawing and watching.
		if (store.version !== drawn) set((n) => n + 1);
		return store.watch(() => set((n) => n + 1));
	}, [store]);
}
