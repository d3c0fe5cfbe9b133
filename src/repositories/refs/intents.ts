import type { PersonFacts } from '../../events/git-facts.ts';
import type { Reader, Tx } from '../../storage/database/database.ts';
import type { Purpose, RefCommand } from './refs.ts';

/** What is about to be done to refs, as its row says it: there before they move, gone in the unit that records what came of it. */
export interface Intent {
  readonly id: string;
  /** Organization id. */
  readonly organization: string;
  /** Repository id. */
  readonly repository: string;
  readonly actor: PersonFacts;
  /** In git's order. Each could be done when this was written: `before` was there, and `after` is another. */
  readonly commands: readonly RefCommand[];
  readonly options: readonly string[];
  readonly purpose: Purpose | null;
  readonly created: number;
}

/** How the row writes commands down: what a change of it is compared with. */
const commandsText = (commands: readonly RefCommand[]): string =>
  JSON.stringify(commands.map(({ ref, before, after }) => ({ ref, before, after })));

export async function insertIntent(options: {
  readonly tx: Tx;
  readonly intent: Intent;
  /** The data directory that the repository lies in. */
  readonly node: string;
  readonly pid: number | null;
}): Promise<void> {
  const { tx, intent, node, pid } = options;
  const { actor, commands, options: pushOptions, purpose, ...rest } = intent;
  await tx
    .insertInto('ref_intents')
    .values({
      ...rest,
      node,
      pid,
      actor: JSON.stringify(actor),
      commands: commandsText(commands),
      options: JSON.stringify(pushOptions),
      purpose: purpose === null ? null : JSON.stringify(purpose),
    })
    .execute();
}

export interface LeftIntent extends Intent {
  readonly pid: number | null;
}

/** What this node was about to do, oldest first. */
export async function readIntents({ read, node }: { readonly read: Reader; readonly node: string }): Promise<readonly LeftIntent[]> {
  const rows = await read
    .selectFrom('ref_intents')
    .select(['id', 'organization', 'repository', 'actor', 'commands', 'options', 'purpose', 'pid', 'created'])
    .where('node', '=', node)
    .orderBy('id')
    .execute();
  return rows.map(({ actor, commands, options, purpose, ...rest }) => ({
    ...rest,
    actor: JSON.parse(actor) as PersonFacts,
    commands: JSON.parse(commands) as readonly RefCommand[],
    options: JSON.parse(options) as readonly string[],
    purpose: purpose === null ? null : (JSON.parse(purpose) as Purpose),
  }));
}

/**
 * In the unit that records what came of it: the intent is gone, or has only these commands left. False: an earlier try has done so, whose answer was
 * lost; then nothing is to be recorded again.
 */
export async function closeIntent(options: {
  readonly tx: Tx;
  readonly intent: Intent;
  readonly left: readonly RefCommand[];
}): Promise<boolean> {
  const { tx, intent, left } = options;
  const { id, organization } = intent;
  const text = commandsText(intent.commands);
  if (left.length > 0) {
    const changed = await tx
      .updateTable('ref_intents')
      .set({ commands: commandsText(left) })
      .where('organization', '=', organization)
      .where('id', '=', id)
      .where('commands', '=', text)
      .executeTakeFirst();
    return changed.numUpdatedRows === 1n;
  }
  const gone = await tx
    .deleteFrom('ref_intents')
    .where('organization', '=', organization)
    .where('id', '=', id)
    .where('commands', '=', text)
    .executeTakeFirst();
  return gone.numDeletedRows === 1n;
}
