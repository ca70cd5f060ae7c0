/** A file that somebody chose, and where it lies in what they chose. */
export interface ChosenFile {
  /** “unet/config.json”; the folder that was chosen is left out. */
  readonly path: string;
  readonly file: File;
}

export interface Chosen {
  /** Of the folder, or of the one file without its ending. */
  readonly name: string;
  readonly files: readonly ChosenFile[];
  /** How many were left out, for they are what systems leave in folders. */
  readonly leftOut: number;
}

/** As many as one commit takes. */
export const MAX_FILES = 10_000;
const litter = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);
const litterFolders = new Set(["__MACOSX", ".git", ".cache"]);

function isLitter(path: string): boolean {
  const folders = path.split("/");
  const name = folders.pop()!;
  return litter.has(name) || name.startsWith("._") || folders.some((folder) => litterFolders.has(folder));
}

/** What was chosen by a button: a folder comes with its name in front of each path. */
export const fromInput = (list: FileList): Chosen =>
  toChosen(Array.from(list, (file) => ({ path: file.webkitRelativePath || file.name, file })));

/** What was dropped: folders are walked. @throws what the browser says of a folder that cannot be read */
export async function fromDrop(items: DataTransferItemList): Promise<Chosen> {
  const dropped = Array.from(items, (item) => item.webkitGetAsEntry() ?? item.getAsFile()); // all at once: the list is empty after the first wait
  const files: ChosenFile[] = [];
  for (const one of dropped) {
    if (one instanceof File) files.push({ path: one.name, file: one });
    else if (one) await walk(one, "", files);
  }
  return toChosen(files);
}

async function walk(entry: FileSystemEntry, above: string, files: ChosenFile[]): Promise<void> {
  if (files.length > MAX_FILES) return; // enough to see that it is too much
  const path = above + entry.name;
  if (entry.isFile) {
    files.push({
      path,
      file: await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)),
    });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at a time
    if (batch.length === 0) return;
    for (const one of batch) await walk(one, `${path}/`, files);
  }
}

export function toChosen(all: readonly ChosenFile[]): Chosen {
  const kept = all.filter(({ path }) => !isLitter(path));
  const { top, files } = withoutTop(kept.map(({ path, file }) => ({ path: path.normalize("NFC"), file }))); // a Mac writes é as two characters
  const name = top ?? (files.length === 1 ? files[0]!.path.replace(/\.[^.]+$/, "") : "");
  return { name, files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), leftOut: all.length - kept.length };
}

/** The folder that holds everything is the model, not a part of it; so is one further down, where the model lies alone in it. */
function withoutTop(all: readonly ChosenFile[]): { top: string | null; files: readonly ChosenFile[] } {
  let [top, files]: [string | null, readonly ChosenFile[]] = [null, all];
  for (;;) {
    const end = files[0]?.path.indexOf("/") ?? -1;
    const folder = files[0]?.path.slice(0, end + 1) ?? "";
    if (end === -1 || !files.every(({ path }) => path.startsWith(folder))) return { top, files };
    if (top !== null && !files.some(({ path }) => path === `${folder}model_index.json`)) return { top, files };
    top = folder.slice(0, -1);
    files = files.map(({ path, file }) => ({ path: path.slice(folder.length), file }));
  }
}
