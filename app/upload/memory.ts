import type { ChosenFile } from "./dropped-files.ts";

/** Which upload of the hub a file belongs to, kept in the browser, so that after a reload only what is missing is sent. */
export interface Remembered {
  /** The Idempotency-Key, which finds the upload even where the hub's answer was lost. */
  readonly key: string;
  /** Of the upload; null until the hub has told it. */
  readonly id: string | null;
  readonly path: string;
  readonly size: number;
}

export interface Begun {
  readonly repo: string;
  readonly files: readonly Remembered[];
}

/** One entry a file, so that two tabs do not write over each other; `person`, for browsers have several. */
export class Memory {
  readonly #start: string;

  constructor(person: string) {
    this.#start = `guidepost-upload ${person} `;
  }

  #nameOf(repo: string, { path, file: { size, lastModified } }: ChosenFile): string {
    return `${this.#start}${repo} ${size} ${lastModified} ${path}`;
  }

  recall(repo: string, file: ChosenFile): Remembered | null {
    return parse(storage()?.getItem(this.#nameOf(repo, file)) ?? null);
  }

  remember(repo: string, file: ChosenFile, { key, id }: Pick<Remembered, "key" | "id">): void {
    try {
      storage()?.setItem(this.#nameOf(repo, file), JSON.stringify({ key, id, path: file.path, size: file.file.size }));
    } catch {
      // It is full: the file is sent anew after a reload.
    }
  }

  forget(repo: string): void {
    for (const name of this.#names(`${repo} `)) storage()?.removeItem(name);
  }

  /** What was begun and not finished here, by repo. */
  begun(): Begun[] {
    const entries = this.#names("").flatMap((name) => {
      const remembered = parse(storage()?.getItem(name) ?? null);
      return remembered ? [{ repo: name.slice(this.#start.length).split(" ")[0]!, remembered }] : [];
    });
    return [...Map.groupBy(entries, ({ repo }) => repo)].map(([repo, all]) => ({
      repo,
      files: all.map(({ remembered }) => remembered),
    }));
  }

  /** The repo to which most of these files were begun; null where none was. */
  whereBegun(files: readonly ChosenFile[]): string | null {
    const counted = this.begun().map(({ repo }) => ({
      repo,
      count: files.filter((file) => this.recall(repo, file) !== null).length,
    }));
    return counted.filter(({ count }) => count > 0).toSorted((a, b) => b.count - a.count)[0]?.repo ?? null;
  }

  #names(more: string): string[] {
    return Object.keys(storage() ?? {}).filter((name) => name.startsWith(this.#start + more));
  }
}

/** Null in a browser that is told to keep nothing. */
function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

function parse(text: string | null): Remembered | null {
  try {
    const value = JSON.parse(text ?? "null") as Partial<Remembered> | null;
    return typeof value?.key === "string" && typeof value.path === "string" && typeof value.size === "number"
      ? { key: value.key, id: value.id ?? null, path: value.path, size: value.size }
      : null;
  } catch {
    return null; // something else of that name
  }
}
