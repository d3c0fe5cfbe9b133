// What an answer of a source holds, read without believing that it is there.

export type Answered = Readonly<Record<string, unknown>>;

export function objectIn(value: unknown): Answered {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Answered) : {};
}

export function listIn(value: unknown, name: string): readonly Answered[] {
  const list = objectIn(value)[name];
  return Array.isArray(list) ? list.map(objectIn) : [];
}

/** Null where it is missing, empty or no text. */
export function textIn(value: Answered, name: string): string | null {
  const text = value[name];
  return typeof text === 'string' && text !== '' ? text : null;
}

export function totalIn(value: unknown): number {
  const total = objectIn(objectIn(value)['paging'])['total'];
  return typeof total === 'number' ? total : 0;
}
