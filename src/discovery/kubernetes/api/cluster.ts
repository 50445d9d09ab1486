/** Where an API server is, why to trust it, and as whom to speak to it: plain data, from a kubeconfig or a pod's own files. */
export interface ApiCluster {
  /** `https://host:port`, or `http://host:port` for a server without TLS; a path goes before the path of every request. */
  readonly server: string;
  /** URL of the HTTP proxy behind which the server is, which has to speak TLS then; undefined: there is none. */
  readonly proxy?: string;
  /** Certificates of authorities; undefined: those that Node knows. */
  readonly authorities?: Pem;
  /** The name that the server's certificate must have; undefined: that of `server`. */
  readonly tlsServerName?: string;
  /** Trusts whoever answers. */
  readonly skipsTlsVerification?: boolean;
  /** For a connection that is authenticated by itself. */
  readonly clientCertificate?: { readonly certificate: Pem; readonly key: Pem };
  readonly credentials: Credentials;
  /** Where objects are looked for if nobody says; undefined: `default`. */
  readonly namespace?: string;
}

/** Text in PEM, or the path of a file that holds it and may be replaced at any time. */
export type Pem = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'file'; readonly path: string };

/** What every request carries. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'token-file'; readonly path: string }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'plug-in'; readonly plugIn: CredentialPlugIn }
  /** Gives the value of the header `authorization`; undefined: none. */
  | { readonly kind: 'provider'; readonly authorization: () => Promise<string | undefined> };

/** A program that prints an `ExecCredential` (client.authentication.k8s.io). */
export interface CredentialPlugIn {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the environment of Weir. */
  readonly environment: Readonly<Record<string, string>>;
  /** Told to the program; undefined: it does not want to know. */
  readonly cluster: Readonly<Record<string, unknown>> | undefined;
  /** What to tell people to do when there is no such program. */
  readonly installHint: string | undefined;
}
