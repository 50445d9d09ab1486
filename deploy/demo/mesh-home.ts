import type { MeshFolder } from './mesh-folder.ts';

/** Where Weir finds the mesh, and how what is saved in the folder of YAML gets there. */
export interface MeshHome {
  /** For people. */
  readonly name: string;
  /** The flags of `weir serve` that say so. */
  readonly flags: readonly string[];
  /** Makes of a file what the place can take. */
  adapt(text: string): string;
  /** Takes the whole folder. Settles when its pods are there. */
  begin(folder: MeshFolder, signal: AbortSignal): Promise<void>;
  /** The file with this path has been changed. */
  saved(path: string): Promise<void>;
  /** The file with this path is about to be deleted. */
  removing(path: string): Promise<void>;
  /** What a user can do to the mesh, in lines. */
  invitation(folder: MeshFolder): readonly string[];
  stop(): Promise<void>;
}

/** Weir watches the folder itself: what is saved is in force. */
export function folderHome(path: string): MeshHome {
  return {
    name: path,
    flags: ['--files', path],
    adapt: (text) => text,
    begin: async () => undefined,
    saved: async () => undefined,
    removing: async () => undefined,
    invitation: () => [`edit the files in ${path} and watch the bars`],
    stop: async () => undefined,
  };
}
