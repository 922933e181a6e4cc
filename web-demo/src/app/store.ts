import { useEffect, useState } from 'preact/hooks';

/** Something that changes and can be watched; changes in one turn are told once. */
export class Store {
	private readonly watchers = new Set<() => void>();
	private queued = false;

	watch(fn: () => void): () => void {
		this.watchers.add(fn);
		return () => this.watchers.delete(fn);
	}

	changed(): void {
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
	useEffect(() => store.watch(() => set((n) => n + 1)), [store]);
}
