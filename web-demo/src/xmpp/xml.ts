/**
 * A small XML tree to write stanzas with, and helpers to read parsed ones.
 * Reading goes by local name and namespace, so prefixes do not matter.
 */
export type Child = Node_ | string | null | undefined | false;

interface Node_ {
	name: string;
	attrs: Attrs;
	children: Child[];
}
export type XmlNode = Node_;
export type Attrs = Record<string, string | number | undefined>;

/** x('iq', { type: 'get' }, x('ping', { xmlns: NS.PING })) */
export function x(name: string, attrs: Attrs = {}, ...children: Child[]): XmlNode {
	return { name, attrs, children };
}

const ESCAPES: Record<string, string> = {
	'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;',
};

/** Characters that XML 1.0 forbids even when escaped are dropped. */
export function escapeXml(text: string): string {
	return text
		// eslint-disable-next-line no-control-regex
		.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
		.replace(/[&<>"']/g, (c) => ESCAPES[c] ?? c);
}

export function serialize(node: XmlNode): string {
	let out = `<${node.name}`;
	for (const [key, value] of Object.entries(node.attrs)) {
		if (value !== undefined) out += ` ${key}="${escapeXml(String(value))}"`;
	}
	const inner = node.children
		.filter((c): c is XmlNode | string => !!c)
		.map((c) => (typeof c === 'string' ? escapeXml(c) : serialize(c)))
		.join('');
	return inner ? `${out}>${inner}</${node.name}>` : `${out}/>`;
}

/** Parses one element; throws a SyntaxError when it is not well-formed. */
export function parseXml(text: string): Element {
	const doc = new DOMParser().parseFromString(text, 'text/xml');
	const root = doc.documentElement;
	if (!root || doc.getElementsByTagName('parsererror').length > 0) {
		throw new SyntaxError('not well-formed XML');
	}
	return root;
}

function matches(el: Element, name: string, ns?: string): boolean {
	return el.localName === name && (ns === undefined || el.namespaceURI === ns);
}

export function children(el: Element, name: string, ns?: string): Element[] {
	return Array.from(el.children).filter((c) => matches(c, name, ns));
}

export function child(el: Element | undefined, name: string, ns?: string): Element | undefined {
	if (!el) return undefined;
	for (const c of Array.from(el.children)) {
		if (matches(c, name, ns)) return c;
	}
	return undefined;
}

export function childText(el: Element | undefined, name: string, ns?: string): string | undefined {
	return child(el, name, ns)?.textContent ?? undefined;
}

/** Finds a descendant by a path of local names. */
export function find(el: Element, ...path: string[]): Element | undefined {
	let at: Element | undefined = el;
	for (const name of path) at = child(at, name);
	return at;
}

export function attr(el: Element | undefined, name: string): string | undefined {
	return el?.getAttribute(name) ?? undefined;
}

/** A decimal attribute; undefined when absent or no finite number. */
export function numAttr(el: Element | undefined, name: string): number | undefined {
	const text = attr(el, name);
	if (text === undefined || !/^-?\d+(\.\d+)?$/.test(text)) return undefined;
	return Number(text);
}
