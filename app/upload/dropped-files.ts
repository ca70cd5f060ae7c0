/** A file that somebody chose, and where it lies in what they chose. */
export interface ChosenFile {
  /** «unet/config.json»; the folder that was chosen is left out. */
  readonly path: string;
  readonly file: File;
}

export interface Chosen {
  /** Of the folder, or of the one file without its ending. */
  readonly name: string;
  readonly files: readonly ChosenFile[];
}

const MAX_FILES = 10_000;
/** What systems leave in folders, and nobody means. */
const isLitter = (path: string): boolean => /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini|__MACOSX\/.*|\.git\/.*|\.cache\/.*)$/.test(path);

/** What was chosen by a button: a folder comes with its name in front of each path. */
export function fromInput(list: FileList): Chosen {
  const files = Array.from(list, (file) => ({ path: file.webkitRelativePath || file.name, file }));
  return withoutTop(files);
}

/** What was dropped: folders are walked. */
export async function fromDrop(items: DataTransferItemList): Promise<Chosen> {
  const entries = Array.from(items, (item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const files: ChosenFile[] = [];
  for (const entry of entries) await walk(entry, "", files);
  return withoutTop(files);
}

async function walk(entry: FileSystemEntry, above: string, files: ChosenFile[]): Promise<void> {
  if (files.length >= MAX_FILES) return;
  const path = above + entry.name;
  if (entry.isFile) {
    files.push({ path, file: await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)) });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at a time
    if (batch.length === 0) return;
    for (const one of batch) await walk(one, `${path}/`, files);
  }
}

/** The folder that holds everything is the model, not a part of it. */
function withoutTop(all: readonly ChosenFile[]): Chosen {
  const files = all.filter(({ path }) => !isLitter(path));
  const top = files[0]?.path.includes("/") ? files[0].path.slice(0, files[0].path.indexOf("/") + 1) : null;
  if (top !== null && files.every(({ path }) => path.startsWith(top))) {
    return { name: top.slice(0, -1), files: files.map(({ path, file }) => ({ path: path.slice(top.length), file })).toSorted(byPath) };
  }
  const name = files.length === 1 ? files[0]!.path.replace(/\.[^.]+$/, "") : "";
  return { name, files: files.toSorted(byPath) };
}

const byPath = (a: ChosenFile, b: ChosenFile): number => (a.path < b.path ? -1 : 1);
