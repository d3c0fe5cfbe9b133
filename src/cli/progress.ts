import type { Call } from './command.ts';

const drawnEachMs = 100;
const barCells = 24;

export interface Progress {
  /** So many more bytes are done. */
  add(bytes: number): void;
  /** Takes the bar off the screen. */
  end(): void;
}

export interface ProgressOptions {
  readonly screen: Call['screen'];
  readonly label: string;
  /** Null where it is not known. */
  readonly bytes: number | null;
  /** What was there before, for a transfer that goes on where it broke off. */
  readonly from?: number;
  readonly now?: () => number;
}

/** A bar on a terminal; silent everywhere else. */
export function createProgress({ screen, label, bytes, from = 0, now = () => performance.now() }: ProgressOptions): Progress {
  if (screen === null) return { add() {}, end() {} };
  const began = now();
  let done = from;
  let drawn = -drawnEachMs;
  return {
    add(more) {
      done += more;
      const at = now();
      if (at - drawn < drawnEachMs && done !== bytes) return;
      drawn = at;
      const rate = ((done - from) / Math.max(at - began, 1)) * 1000;
      screen.write(`\r\u001b[K${drawLine({ label, done, bytes, rate }).slice(0, screen.columns - 1)}`);
    },
    end: () => screen.write('\r\u001b[K'),
  };
}

function drawLine({ label, done, bytes, rate }: { label: string; done: number; bytes: number | null; rate: number }): string {
  const speed = `${sizeText(rate)}/s`;
  if (bytes === null || bytes === 0) return `${label}  ${sizeText(done)}  ${speed}`;
  const share = Math.min(done / bytes, 1);
  const full = Math.round(share * barCells);
  return `${label}  [${'#'.repeat(full)}${'.'.repeat(barCells - full)}] ${Math.floor(share * 100)} %  ${sizeText(done)} of ${sizeText(bytes)}  ${speed}`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.4 MiB`. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
