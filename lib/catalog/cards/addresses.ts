/** Where relative addresses begin, with a slash at the end: that of files, and that of pages about files. */
export interface Places {
  readonly files: string;
  readonly pages: string;
}

/** A noncharacter: Unicode has it for no text, so that no text of strangers can hold a mark of ours. */
const MARK = "\ufffe";
const marks: Readonly<Record<keyof Places, string>> = { files: `${MARK}f`, pages: `${MARK}p` };

export const withoutMarks = (text: string): string => text.replaceAll(MARK, "\ufffd");

export const isElsewhere = (address: string): boolean => /^[a-z][a-z0-9+.-]*:|^\/\//i.test(address);

/** An address of the same hub, marked where it depends on the repo and revision that the text stands in. */
export const addressIn = (place: keyof Places, address: string): string =>
  address.startsWith("/") ? address : marks[place] + address.replace(/^(\.\/)+/, "");

/** The HTML of a text in its place: the same text may stand in many repos. */
export const placeMarkdown = (html: string, { files, pages }: Places): string =>
  html.replaceAll(marks.files, () => attribute(files)).replaceAll(marks.pages, () => attribute(pages));

const attribute = (value: string): string => value.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
