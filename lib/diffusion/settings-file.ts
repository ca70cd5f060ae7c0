import type { Folder } from "#lib/weights/folder.ts";
import type { SettingsFile } from "./model.ts";

/** A file beside the weights that decides what is computed. */
export const settingsFile = (folder: Folder, role: SettingsFile["role"], file: string): SettingsFile => ({
  role,
  name: `${folder.name}/${file}`,
  path: folder.locate(file),
});
