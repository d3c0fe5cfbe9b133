import { gateRoutes } from './analyses/gates/routes.ts';
import { assertGateThere, gateDeletionSteps } from './analyses/gates/store.ts';
import { analysisRoutes } from './analyses/routes.ts';
import { sourceDeletionSteps } from './analyses/sonarqube/source-deletion.ts';
import { reportDeletionSteps } from './reports/deletion.ts';
import { reportArchiveRoutes } from './reports/archive/routes.ts';
import { reportListRoutes } from './reports/list/routes.ts';
import { reportsOfAnalyses } from './reports/of-analyses.ts';
import { createOpenLimits } from './reports/open-limits.ts';
import { readyMadeRoutes } from './reports/ready-made-routes.ts';
import { renameListed } from './reports/renaming.ts';
import { reportRoutes } from './reports/routes.ts';
import type { SonarqubeApiDeps } from './sonarqube-api/action.ts';
import { webhookDeletionSteps } from './webhooks/deletion.ts';
import { deliveryRoutes } from './webhooks/delivery/routes.ts';
import { replayRoutes } from './webhooks/delivery/replay-routes.ts';
import { webhookRoutes } from './webhooks/subscriptions/routes.ts';
import type { FindCaller } from './http/authentication.ts';
import type { HealthCheck } from './http/health.ts';
import { healthRoutes } from './http/health.ts';
import type { HttpServer } from './http/http-server.ts';
import type { DeletionStep } from './organizations/deletion.ts';
import { organizationRoutes } from './organizations/routes.ts';
import { tokenRoutes } from './organizations/token-routes.ts';
import { projectsOfOrganization } from './projects/deletion.ts';
import { projectRoutes } from './projects/routes.ts';
import { findProject, unknownProject } from './projects/store.ts';
import { languages } from './reports/report.ts';
import { standards } from './reports/standards/standard.ts';
import { dashboardRoutes } from './sonarqube-api/dashboard.ts';
import type { Database } from './storage/database/database.ts';

import type { Ground, Workers } from './app-parts.ts';

/** What these nouns delete when a project or an organization goes; what points to other rows goes before them. */
const stepsBefore: readonly DeletionStep[] = [...webhookDeletionSteps, ...reportDeletionSteps];

export async function addRoutes(server: HttpServer, ground: Ground, workers: Workers, findCaller: FindCaller): Promise<void> {
  const { configuration, database, clock, ids, artifacts, sealer } = ground;
  const { uploadBytesMax, retryForMs } = configuration;
  const common = { database, clock, ids };
  const { repositories } = workers;
  const deletionSteps = [...stepsBefore, ...repositories.deletionSteps];
  healthRoutes(server, { checks: checksOf(ground) });
  organizationRoutes(server, {
    ...common,
    languages,
    standards: standards.map(({ type, edition }) => ({ type, edition })),
    deletionSteps: [...deletionSteps, ...sourceDeletionSteps, ...gateDeletionSteps, projectsOfOrganization],
  });
  tokenRoutes(server, { ...common, projectId: (named) => projectIdOf(database, named) });
  projectRoutes(server, { ...common, deletionSteps, assertGateThere, renamed: (scope) => renameListed(database, scope) });
  await analysisRoutes(server, {
    ...common,
    artifacts,
    uploadBytesMax,
    reportsOf: (organization, analyses) => reportsOfAnalyses(database.read, organization, analyses),
    nudge: workers.analyses.nudge,
    pushOf: repositories.pushOf,
  });
  gateRoutes(server, { ...common, standards });
  reportRoutes(server, { ...common, artifacts });
  const { nudge, wake, fanOut } = workers.webhooks.delivery;
  await readyMadeRoutes(server, { ...common, artifacts, uploadBytesMax, onRecorded: fanOut.onRecorded, recorded: nudge });
  const limits = createOpenLimits({
    clock,
    perSecond: configuration.openPerSecond,
    archivesPerAddress: configuration.archivesPerAddress,
    archivesPerOrganization: configuration.archivesPerOrganization,
  });
  reportListRoutes(server, { database, limits });
  dashboardRoutes(server, { database });
  reportArchiveRoutes(server, { database, artifacts, limits });
  const dialectsMax = { sonarqube: configuration.sonarqubeWebhooksMax };
  webhookRoutes(server, { ...common, sealer, guard: workers.webhooks.guard, dialectsMax, wake, repositories: repositories.forWebhooks });
  deliveryRoutes(server, { database, clock, retryForMs, wake });
  replayRoutes(server, { ...common, begun: workers.webhooks.replayBegun });
  await workers.sonarqube.routes(server);
  await repositories.routes(server, findCaller);
}

/** SonarQube's own front door: its clients are told another version than ours. */
export function sonarqubeApiDeps({ configuration, ...ground }: Ground, { webhooks }: Workers): SonarqubeApiDeps {
  const { sonarqubeVersion: version, sonarqubeWebhooksMax: webhooksMax } = configuration;
  return { ...ground, version, webhooksMax, guard: webhooks.guard, wake: webhooks.delivery.wake };
}

function checksOf({ database, artifacts }: Ground): readonly HealthCheck[] {
  return [
    { name: 'database', check: async () => void (await database.read.selectFrom('settings').select('name').limit(1).execute()) },
    // Makes a file durable beside the store's own, so it tells a full or read-only disk.
    { name: 'artifacts', check: async () => void (await artifacts.identity()) },
  ];
}

async function projectIdOf(database: Database, named: { readonly organization: string; readonly key: string }): Promise<string> {
  const project = await findProject({ read: database.read, ...named });
  if (project === null) throw unknownProject();
  return project.id;
}
