/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly says: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export function ok(name: string, says: string): Check {
  return { name, state: 'ok', says };
}

export function warning(name: string, says: string, remedy: string): Check {
  return { name, state: 'warning', says, remedy };
}

export function failed(name: string, says: string, remedy: string): Check {
  return { name, state: 'failed', says, remedy };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
