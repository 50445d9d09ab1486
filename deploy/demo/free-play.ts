import { watch } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { changedLines } from './mesh-folder.ts';
import type { EditView, Scene } from './view.ts';
import type { Stage } from './run-story.ts';

/** After the story: the user edits the files, and the demo shows what changed and what it led to. */

/** Milliseconds between looks at Weir's metrics. */
const lookInterval = 1_000;

/** Shows edits until the signal. */
export async function freePlay(stage: Stage, signal: AbortSignal): Promise<void> {
  const { visitors, show } = stage;
  // Whoever plays will inject faults, and they are no surprise then.
  visitors.expect({ kind: 'any' });
  show(playScene([]));
  await Promise.all([followEdits(stage, signal), followLatencies(stage, signal)]);
}

function playScene(edits: readonly EditView[]): Scene {
  return { title: 'your turn', lesson: 'edit a file; the bars show the last seconds', edits, state: 'Ctrl-C ends' };
}

async function followEdits({ mesh: { folder }, show }: Stage, signal: AbortSignal): Promise<void> {
  const known = new Map<string, string>();
  for (const file of await folder.files()) known.set(file, await folder.read(file));
  try {
    for await (const { filename: file } of watch(folder.path, { signal })) {
      if (file === null || !file.endsWith('.yaml')) continue;
      const before = known.get(file);
      const after = await folder.read(file).catch(() => undefined);
      if (after === before) continue;
      if (after === undefined) known.delete(file);
      else known.set(file, after);
      show(playScene([editOf(file, before, after)]));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function editOf(file: string, before: string | undefined, after: string | undefined): EditView {
  if (after === undefined) return { did: `deleted ${file}`, lines: [] };
  if (before === undefined) return { did: `added ${file}`, lines: [] };
  return { did: `edited ${file}`, lines: changedLines(before, after) };
}

async function followLatencies({ arrivals }: Stage, signal: AbortSignal): Promise<void> {
  try {
    for (;;) {
      await delay(lookInterval, undefined, { signal });
      await arrivals.look();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
