import { receiveWindow } from '../transport.ts';
import { frame, frameFlags, frameTypes, words } from './frames.ts';
import { writeSettings } from './settings.ts';
import { initialWindow } from './windows.ts';

/** What Weir says to every client alike, and what it allows them by it. */

/** An Envoy opens one stream, and one per type at most; a library may carry many clients. */
export const maxConcurrentStreams = 1_000;
export const maxHeaderListSize = 32 * 1024;
export const headerTableSize = 4_096;

/** The first that a client hears. */
export const preface = Buffer.concat([
  frame(
    frameTypes.settings,
    0,
    0,
    writeSettings({ maxConcurrentStreams, initialWindowSize: receiveWindow, maxHeaderListSize }),
  ),
  frame(frameTypes.windowUpdate, 0, 0, words(receiveWindow - initialWindow)),
]);
export const settingsAck = frame(frameTypes.settings, frameFlags.ack, 0);
/** Asks for a sign of life. */
export const question = frame(frameTypes.ping, 0, 0, Buffer.from('weir    '));
