import { createHash } from 'node:crypto';
import type { FakeConnection } from './fake-connection.ts';
import { bad, good, type Message } from './wire.ts';

/** The store of configurations of a Nacos that is played. */
export class FakeConfigs {
  readonly #contents = new Map<string, string>();
  readonly #listeners = new Map<string, Set<FakeConnection>>();

  publish(dataId: string, group: string, content: string): void {
    const key = `${group}/${dataId}`;
    this.#contents.set(key, content);
    // Without the default namespace's name, as a real one sends it.
    for (const connection of this.#listeners.get(key) ?? []) {
      connection.push('ConfigChangeNotifyRequest', { dataId, group, module: 'config' });
    }
  }

  answer(type: string, message: Message, connection: FakeConnection): Message {
    switch (type) {
      case 'ConfigQueryRequest': {
        const content = this.#contents.get(`${String(message['group'])}/${String(message['dataId'])}`);
        return content === undefined
          ? { ...bad(300, 'config data not exist'), lastModified: 0, beta: false }
          : good({ content, contentType: 'text', md5: md5(content) });
      }
      case 'ConfigPublishRequest':
        this.publish(String(message['dataId']), String(message['group']), String(message['content']));
        return good();
      case 'ConfigBatchListenRequest': {
        const contexts = message['configListenContexts'] as readonly Message[];
        return good({ changedConfigs: contexts.filter((context) => this.#listen(context, connection)) });
      }
      default:
        return bad(302, `${type} is not played`);
    }
  }

  /** @returns whether it is different from what the client knows */
  #listen(context: Message, connection: FakeConnection): boolean {
    const key = `${String(context['group'])}/${String(context['dataId'])}`;
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(connection));
    const content = this.#contents.get(key);
    return (content === undefined ? '' : md5(content)) !== context['md5'];
  }
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
