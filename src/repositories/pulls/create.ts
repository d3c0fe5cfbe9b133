import type { PullsDeps } from './deps.ts';
import { scopeOf } from './deps.ts';
import { createMoveListener } from './moved.ts';
import { createNumberBook } from './numbers.ts';
import { planPush } from './plan.ts';
import type { Pulls } from './pulls.ts';
import { createRefresher } from './refresh.ts';
import { contentRoutes } from './routes-content.ts';
import { pullRoutes } from './routes.ts';
import { findPull, listPulls, openPullsOf } from './store.ts';
import { pullDiff, pullPatch } from './text.ts';
import { whatCame } from './what-came.ts';

/** Pull requests of all repositories of this server. Whoever moves refs is given `listener`, whoever takes pushes `planFor`. */
export function createPulls(deps: PullsDeps): Pulls {
  const { database, git } = deps;
  const { read } = database;
  const refresher = createRefresher(deps);
  const book = createNumberBook(database);
  return {
    listener: createMoveListener(deps),
    routes(server) {
      pullRoutes(server, { ...deps, refresher });
      contentRoutes(server, { ...deps, refresher });
    },
    planFor: (push) => planPush(deps, book, push),
    async find({ repository, number }) {
      const pull = await findPull({ read, ...scopeOf(repository), number });
      return pull === null ? null : refresher.refreshed({ repository, pull });
    },
    async openOf({ repository, refs }) {
      const branches = refs.flatMap((ref) => (ref.startsWith('refs/heads/') ? [ref.slice('refs/heads/'.length)] : []));
      const numbers = refs.flatMap((ref) => /^refs\/pull\/(\d{1,9})\/head$/.exec(ref)?.slice(1).map(Number) ?? []);
      const found = await openPullsOf({ read, ...scopeOf(repository), branches, numbers });
      return found.filter(({ number, head }) => numbers.includes(number) || (head !== null && branches.includes(head)));
    },
    whatCame: (push) => whatCame(deps, push),
    list: ({ repository, ...page }) => listPulls({ read, ...scopeOf(repository), ...page }),
    diff: (options) => pullDiff({ git, ...options }),
    patch: (options) => pullPatch({ git, ...options }),
  };
}
