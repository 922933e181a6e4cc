/** Runs asynchronous jobs one after the other; a failed job does not stop the next. */
export class Serial {
	private tail: Promise<unknown> = Promise.resolve();
	private closed = false;

	run<T>(job: () => Promise<T>): Promise<T | undefined> {
		const next = this.tail.then(() => (this.closed ? undefined : job()));
		this.tail = next.catch(() => undefined);
		return next;
	}

	/** Jobs that have not started will not. */
	close(): void {
		this.closed = true;
	}
}
