import { invalidArgument } from './errors.ts';
import { snakeCase } from './query.ts';

const pathsMax = 50;

/** What a patch is about. */
export interface FieldMask {
  /** Whether the field is overwritten, by what the body has or, where it has none, by its default. */
  names(field: string): boolean;
}

export interface MaskFields {
  /** The fields that can be changed, each with the paths that mean it; the first is the one it is called by. */
  readonly changeable: Readonly<Record<string, readonly string[]>>;
  /** Fields that are there, and that no patch changes: naming them is no mistake. */
  readonly fixed: readonly string[];
}

/**
 * `updateMask`: paths of the resource with commas between, in camelCase or snake_case. `*` is full replacement: all fields that can be changed. Left
 * out, or empty: the fields that the body has. Fails with INVALID_ARGUMENT for a path that is none.
 */
export function readFieldMask(text: string | undefined, { changeable, fixed }: MaskFields, inBody: ReadonlySet<string>): FieldMask {
  if (text === undefined) return { names: (field) => inBody.has(field) };
  const paths = text.split(',').map((path) => path.trim());
  if (paths.length > pathsMax) throw wrong(`has more than ${pathsMax} paths`);
  if (paths.includes('*')) {
    if (paths.length > 1) throw wrong('has "*" beside other paths: it stands alone, and means all of them');
    return { names: () => true };
  }
  const named = new Set<string>();
  for (const path of paths) {
    const field = Object.keys(changeable).find((one) => changeable[one]?.some((known) => isSpelled(path, known)));
    if (field !== undefined) named.add(field);
    else if (!fixed.some((known) => isSpelled(path, known))) throw wrong(`has the path "${path}", and there is no such field`);
  }
  return { names: (field) => named.has(field) };
}

function isSpelled(path: string, field: string): boolean {
  return path === field || path === snakeCase(field);
}

function wrong(what: string): Error {
  return invalidArgument(`The update mask ${what}.`, { field: 'updateMask' });
}
