/**
 * What a workload takes of those who call it: `strict`: mutual TLS alone, `disable`: never as the mesh's own TLS, `permissive`: with it and
 * without (policy P1).
 */
export type MutualTlsMode = 'disable' | 'permissive' | 'strict';
