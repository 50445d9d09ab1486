import { configKey, type ConfigKey } from '../model/keys.ts';
import { noObserver, type XdsObserver } from '../xds/observer.ts';

/** Tells which objects proxies refuse, at the moment in which they do. */
export class NackedObjects {
  readonly #followers = new Set<(key: ConfigKey) => void>();

  readonly observer: XdsObserver = {
    ...noObserver,
    nacked: ({ objects }) => {
      for (const { kind, namespace, name } of objects) {
        for (const follower of this.#followers) follower(configKey(kind, namespace, name));
      }
    },
  };

  /** Gives the function that ends it. */
  follow(follower: (key: ConfigKey) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }
}
