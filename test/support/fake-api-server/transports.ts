/** The ways in which a client reaches an API server: each fault is tried on both. */
export const transports: readonly { readonly name: string; readonly tls: boolean }[] = [
  { name: 'HTTP/1.1', tls: false },
  { name: 'HTTP/2', tls: true },
];
