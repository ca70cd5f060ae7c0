/** Which upload of the hub a file belongs to, kept in the browser, so that after a reload only what is missing is sent. */
const key = (repo: string): string => `guidepost-upload ${repo}`;

export interface Remembered {
  /** Of the upload. */
  readonly id: string;
}

const nameOf = (path: string, { size, lastModified }: File): string => `${path}|${size}|${lastModified}`;

function read(repo: string): Record<string, Remembered> {
  try {
    return JSON.parse(localStorage.getItem(key(repo)) ?? "{}") as Record<string, Remembered>;
  } catch {
    return {}; // a browser that keeps nothing, or something else of that name
  }
}

export const recall = (repo: string, path: string, file: File): Remembered | null => read(repo)[nameOf(path, file)] ?? null;

export function remember(repo: string, path: string, file: File, id: string): void {
  try {
    localStorage.setItem(key(repo), JSON.stringify({ ...read(repo), [nameOf(path, file)]: { id } }));
  } catch {
    // it is then sent anew after a reload
  }
}

export function forget(repo: string): void {
  localStorage.removeItem(key(repo));
}

/** Repos to which something was begun and not finished here. */
export function unfinished(): string[] {
  const start = key("");
  return Object.keys(localStorage).flatMap((name) => (name.startsWith(start) ? [name.slice(start.length)] : []));
}
