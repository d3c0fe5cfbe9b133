/** Rows of one shape, column by column: a message of objects carries every name with every row and costs three times as much. */
export interface Packed<T> {
  readonly count: number;
  readonly columns: { readonly [Name in keyof T]?: readonly T[Name][] };
}

export function pack<T extends object>(rows: readonly T[]): Packed<T> {
  const columns: { [Name in keyof T]?: T[Name][] } = {};
  const [first] = rows;
  if (first !== undefined) for (const name of Object.keys(first) as (keyof T)[]) columns[name] = rows.map((row) => row[name]);
  return { count: rows.length, columns };
}

export function unpack<T extends object>({ count, columns }: Packed<T>): readonly T[] {
  const names = Object.keys(columns) as (keyof T)[];
  const rows: T[] = [];
  for (let index = 0; index < count; index += 1) {
    const row: Partial<T> = {};
    for (const name of names) row[name] = columns[name]?.[index];
    rows.push(row as T);
  }
  return rows;
}
