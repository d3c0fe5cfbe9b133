import { commitsOfPushMax, pathsOfPushMax } from '../../events/git-facts.ts';
import {
  commitsOfPushesMax,
  commitsOfRefMin,
  messagesOfPushBytesMax,
  messagesOfPushesBytesMax,
  pathBytesOfPushMax,
  pathBytesOfPushesMax,
  pathsOfPushesMax,
} from './limits.ts';

/** How much may still be shown; whoever shows something takes it off. */
export interface Budget {
  commits: number;
  messageBytes: number;
  paths: number;
  pathBytes: number;
}

/** What one ref, or one list, may show. */
export function budgetOfOne(): Budget {
  return { commits: commitsOfPushMax, messageBytes: messagesOfPushBytesMax, paths: pathsOfPushMax, pathBytes: pathBytesOfPushMax };
}

/** What the refs of one push may show in all. Each is handed what it may have itself, and what it used is taken off the whole. */
export function createBudgets(): { spend<Answer>(use: (budget: Budget) => Promise<Answer>): Promise<Answer> } {
  const left: Budget = {
    commits: commitsOfPushesMax,
    messageBytes: messagesOfPushesBytesMax,
    paths: pathsOfPushesMax,
    pathBytes: pathBytesOfPushesMax,
  };
  return {
    async spend(use) {
      const whole = budgetOfOne();
      const given: Budget = {
        commits: Math.max(commitsOfRefMin, Math.min(whole.commits, left.commits)),
        messageBytes: Math.min(whole.messageBytes, left.messageBytes),
        paths: Math.min(whole.paths, left.paths),
        pathBytes: Math.min(whole.pathBytes, left.pathBytes),
      };
      const used = { ...given };
      const answer = await use(used);
      left.commits = Math.max(0, left.commits - (given.commits - used.commits));
      left.messageBytes -= given.messageBytes - used.messageBytes;
      left.paths -= given.paths - used.paths;
      left.pathBytes -= given.pathBytes - used.pathBytes;
      return answer;
    },
  };
}
