import type { Retries } from '../model/routing.ts';

/**
 * The retries of a rule: its own, else the mesh's. Own retries that do not say on what take the mesh's conditions.
 * undefined, also in `on`: the built-in default (policy A12).
 */
export function effectiveRetries(own: Retries | undefined, mesh: Retries | undefined): Retries | undefined {
  if (own === undefined) return mesh;
  if (own.on !== undefined || own.statusCodes.length > 0 || mesh === undefined) return own;
  return { ...own, on: mesh.on, statusCodes: mesh.statusCodes };
}
