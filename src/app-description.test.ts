// The API's description and the page made from it, of the whole server.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Description, Operation } from '../test/app.ts';
import { configure, describe, startApp } from '../test/app.ts';

/** What scripts and checks of others rely on. */
const promised: Readonly<Record<string, readonly string[]>> = {
  '/security/report/list': ['get'],
  '/security/report/files': ['get'],
  '/v1/projects': ['get'],
  '/v1/projects/{key}': ['get', 'patch', 'delete'],
  '/v1/projects/{key}/analyses': ['post'],
  '/v1/analyses/{id}': ['get'],
  '/v1/reports': ['get', 'post'],
  '/v1/reports/{id}': ['get', 'delete'],
  '/v1/reports/{id}/artifacts/{name}': ['get'],
  '/v1/webhooks': ['get', 'post'],
  '/v1/webhooks/{id}': ['get', 'patch', 'delete'],
  '/v1/webhooks/{id}/test': ['post'],
  '/v1/webhooks/{id}/secret': ['post'],
  '/v1/deliveries': ['get'],
  '/v1/deliveries/{id}': ['get'],
  '/v1/deliveries/{id}/resend': ['post'],
  '/v1/organization': ['get', 'patch', 'delete'],
  '/v1/tokens': ['get', 'post'],
  '/v1/audit': ['get'],
  '/openapi.json': ['get'],
  '/docs': ['get'],
  '/healthz': ['get'],
  '/readyz': ['get'],
  '/metrics': ['get'],
};

function checkOperation(method: string, path: string, operation: Operation, description: Description): void {
  const at = `${method.toUpperCase()} ${path}`;
  for (const part of [operation.summary, operation.description, operation.operationId])
    assert.ok((part ?? '').length > 2, `${at} is not described`);
  assert.ok(
    description.tags.some(({ name }) => name === operation.tags?.[0]),
    `${at} has no known tag`,
  );
  const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
  const declared = (operation.parameters ?? []).filter((one) => one.in === 'path').map((one) => one.name);
  assert.deepEqual(declared.sort(), named.sort(), `${at}: path parameters`);
  for (const one of operation.parameters ?? [])
    assert.ok(['path', 'query', 'header'].includes(one.in) && typeof one.schema === 'object', `${at} ${one.name}`);
  assert.ok(
    ['4XX', '5XX'].every((status) => status in operation.responses),
    `${at}: answers`,
  );
  for (const [status, answer] of Object.entries(operation.responses)) {
    assert.match(status, /^([1-5]\d\d|[45]XX)$/, at);
    assert.ok('description' in answer, `${at} ${status} has no description`);
  }
  assert.equal(operation.security.length, path.startsWith('/v1/') ? 1 : 0, `${at}: security`);
}

function checkReferences(node: unknown, description: Description): void {
  if (Array.isArray(node)) for (const one of node) checkReferences(one, description);
  if (typeof node !== 'object' || node === null) return;
  if ('$ref' in node) {
    const steps = String(node.$ref).split('/');
    assert.equal(steps.shift(), '#', String(node.$ref));
    let target: unknown = description;
    for (const step of steps) target = (target as Record<string, unknown> | undefined)?.[step];
    assert.ok(target !== undefined, `${String(node.$ref)} leads nowhere`);
  }
  for (const one of Object.values(node)) checkReferences(one, description);
}

test('the OpenAPI description has every route, whole, and every reference in it resolves', async (t) => {
  const { app, base } = await startApp(t, await configure(t, 'sqlite', { GATEPOST_PATH: '/g' }));
  const description = await describe(app);
  assert.match(description.openapi, /^3\.1\./);
  assert.deepEqual(description.servers, [{ url: base }]);
  for (const [path, methods] of Object.entries(promised)) {
    for (const method of methods) assert.ok(description.paths[path]?.[method] !== undefined, `${method} ${path} is not there`);
  }
  const operations = Object.entries(description.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );
  for (const { path, method, operation } of operations) checkOperation(method, path, operation, description);
  const names = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(names).size, names.length);
  checkReferences(description, description);
  const upload = description.paths['/v1/projects/{key}/analyses']?.['post']?.requestBody?.content ?? {};
  assert.deepEqual(Object.keys(upload).sort(), ['application/json', 'application/sarif+json']);
});

test('the reference page names every operation and loads nothing', async (t) => {
  const { app, base } = await startApp(t, await configure(t, 'sqlite', { GATEPOST_PATH: '/g' }));
  const answer = await fetch(`${base}/docs`);
  const page = await answer.text();
  const policy = answer.headers.get('content-security-policy') ?? '';
  const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
  assert.ok(policy.startsWith("default-src 'none';"));
  assert.ok(policy.includes(`'sha256-${createHash('sha256').update(style).digest('base64')}'`), 'its own style is allowed');
  assert.doesNotMatch(page, /<script|<link|<img|<iframe|\ssrc=|\sstyle=|url\(|@import/i);
  for (const [path, methods] of Object.entries(promised)) {
    for (const method of methods) assert.ok(page.includes(`${method.toUpperCase()}</span> <code>${path}</code>`), `${method} ${path}`);
  }
  for (const match of page.matchAll(/href="([^"]+)"/g)) assert.match(match[1] ?? '', /^(#|openapi\.json$)/);
  assert.equal(app.address(), base);
});
