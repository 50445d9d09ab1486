import { setTimeout as delay } from 'node:timers/promises';
import { untilSeen, type Arrivals } from './arrivals.ts';
import { changedLines } from './mesh-folder.ts';
import type { Mesh } from './mesh.ts';
import type { Edit, Step } from './story.ts';
import type { Terminal } from './terminal.ts';
import { renderFinished, renderReasons, type EditView, type Scene } from './view.ts';
import type { Visitors } from './visitors.ts';

/** Tells the story to a running mesh while visitors come, and says whether each step went as it should. */

export interface Stage {
  readonly mesh: Mesh;
  readonly visitors: Visitors;
  readonly arrivals: Arrivals;
  readonly terminal: Terminal;
  /** Shows what is going on. */
  readonly show: (scene: Scene) => void;
}

/** @returns what was not as it should be, in sentences */
export async function tellStory(
  stage: Stage,
  story: readonly Step[],
  requestsPerStep: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [index, step] of story.entries()) {
    const problem = await tellStep(stage, step, `${index + 1}/${story.length}`, requestsPerStep, signal);
    if (problem !== undefined) problems.push(`${step.title}: ${problem}`);
  }
  // What was made sick for the story gets well, so that the mesh is worth playing with.
  for (const { service } of stage.mesh.workloads.values()) delete service.behaviour.status;
  return problems;
}

async function tellStep(
  stage: Stage,
  step: Step,
  number: string,
  requestsPerStep: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { mesh, visitors, arrivals, terminal, show } = stage;
  const { title, lesson, injects } = step;
  const departure = await arrivals.departure();
  if (injects !== undefined) visitors.expect({ kind: 'status', status: injects });
  visitors.beginScene();
  const edits = await carryOut(mesh, step.edits);
  const scene: Scene = { title: `${number}  ${title}`, lesson, edits, state: 'on its way' };
  show(scene);
  if (!terminal.isLive) terminal.say(scene.title, ...plainEdits(edits));
  await arrivals.arrival(departure, async () => (await step.reached?.(mesh)) ?? true, signal);
  if (injects === undefined) visitors.expectNothing();
  await step.afterwards?.(mesh);
  await untilSeen(title, async () => (await step.reachedAfterwards?.(mesh)) ?? true, signal);
  visitors.beginScene();
  show({ ...scene, state: 'in force' });
  while (visitors.scene.requests < requestsPerStep) await delay(1000 / visitors.perSecond, undefined, { signal });
  const problem = step.check(visitors.scene);
  terminal.say(
    ...renderFinished(scene.title, visitors.scene, problem, arrivals.last),
    ...renderReasons(visitors.scene),
  );
  return problem;
}

async function carryOut(mesh: Mesh, edits: readonly Edit[]): Promise<readonly EditView[]> {
  const done: EditView[] = [];
  for (const edit of edits) {
    if (edit.kind === 'add') {
      await mesh.add(edit.file, edit.text);
      done.push({ did: `added ${edit.file}`, lines: changedLines('', edit.text) });
    } else if (edit.kind === 'remove') {
      await mesh.remove(edit.file);
      done.push({ did: `deleted ${edit.file}`, lines: [] });
    } else {
      const { before, after } = await mesh.edit(edit.file, edit.change);
      done.push({ did: `edited ${edit.file}`, lines: changedLines(before, after) });
    }
  }
  return done;
}

function plainEdits(edits: readonly EditView[]): readonly string[] {
  return edits.flatMap(({ did, lines }) => [`    ${did}`, ...lines.map((line) => `      ${line}`)]);
}
