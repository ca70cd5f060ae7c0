const encoder = new TextEncoder();

/** How many bytes a text takes as UTF-8; for code that a browser runs as well. */
export const utf8Length = (text: string): number => encoder.encode(text).byteLength;
