import { forbidden, invalid, notFound } from './refusals.ts';

// What SonarQube says when it refuses (its contract, section 4): clients match on these words, so they stand exactly so.

export const refused = {
  insufficient: () => forbidden('Insufficient privileges'),
  unknownUrl: (path: string) => notFound(`Unknown url : ${path}`),
  incorrectUrl: (path: string) => invalid(`Url is incorrect : '${path}'`),
  projectNotFound: (key: string) => notFound(`Project '${key}' not found`),
  componentNotFound: (key: string) => notFound(`Component key '${key}' not found`),
  componentKeyNotFound: (key: string) => notFound(`Component '${key}' not found`),
  branchNotFound: (branch: string, project: string) => notFound(`Branch '${branch}' in project '${project}' not found`),
  pullRequestNotFound: (key: string, project: string) => notFound(`Pull request '${key}' in project '${project}' not found`),
  analysisNotFound: (id: string) => notFound(`Analysis with id '${id}' is not found`),
  taskNotFound: (id: string) => notFound(`No activity found for task '${id}'`),
  webhookNotFound: (key: string) => notFound(`No webhook with key '${key}'`),
  deliveryNotFound: () => notFound('Webhook delivery not found'),
  badUrl: (url: string) => invalid(`Url parameter with value '${url}' is not a valid url`),
  loopback: () => invalid('Invalid URL: loopback and wildcard addresses are not allowed for webhooks.'),
  address: () =>
    invalid(
      'Invalid URL: loopback, wildcard, link-local, site-local, multicast, cloud metadata addresses and addresses of the SonarQube server itself are not allowed for webhooks.',
    ),
  secretLength: () => invalid('Secret length must between 16 and 200 characters'),
  tooManyGlobal: () => invalid('Maximum number of global webhooks reached'),
  tooManyOfProject: (key: string) => invalid(`Maximum number of webhook reached for project '${key}'`),
  oneSelector: () => invalid("Either 'ceTaskId' or 'componentKey' or 'webhook' must be provided"),
  oneOfAnalysis: () => invalid("Either 'analysisId', 'projectId' or 'projectKey' must be provided"),
} as const;
