// What tests of taking in need: a source, payloads of our own, and SonarQube's way of sending them.
import { createHmac } from 'node:crypto';
import type { App } from '../../src/app.ts';
import type { Called } from '../app.ts';
import { call } from '../app.ts';

export interface MadeSource {
  readonly id: string;
  readonly secret: string;
  readonly ingestUrl: string;
}

export async function makeSource(app: App, as: string, more: Readonly<Record<string, unknown>> = {}): Promise<MadeSource> {
  // Port 9 is where nobody answers.
  const body = { kind: 'sonarqube', name: 'Sonar', url: 'http://127.0.0.1:9/sonar', token: `squ_${'a'.repeat(40)}`, ...more };
  const { status, json } = await call(app, 'POST', '/v1/sources', { as, body });
  if (status !== 201) throw new Error(`The source was not made: ${status} ${JSON.stringify(json)}`);
  return { id: String(json['id']), secret: String(json['secret']), ingestUrl: String(json['ingestUrl']) };
}

/** As SonarQube writes it: compact, and safe inside HTML. */
export function payloadText(changes: Readonly<Record<string, unknown>> = {}): string {
  const whole = {
    serverUrl: 'https://sonar.example.test',
    taskId: 'AaIEdEABEEeIsvarASFK',
    status: 'SUCCESS',
    analysedAt: '2026-03-02T09:15:04+0100',
    revision: '9b1f6a0c2d3e4f5061728394a5b6c7d8e9f00112',
    changedAt: '2026-03-02T09:15:04+0100',
    project: { key: 'shop:api', name: 'Shop <API> & Söhne', url: 'https://sonar.example.test/dashboard?id=shop%3Aapi' },
    branch: { name: 'main', type: 'BRANCH', isMain: true, url: 'https://sonar.example.test/dashboard?id=shop%3Aapi' },
    qualityGate: {
      name: 'House gate',
      status: 'ERROR',
      conditions: [{ metric: 'vulnerabilities', operator: 'GREATER_THAN', value: '7', status: 'ERROR', errorThreshold: '0' }],
    },
    properties: { 'sonar.analysis.detectedscm': 'git', 'sonar.analysis.detectedci': 'undetected' },
    ...changes,
  };
  return JSON.stringify(whole).replaceAll(
    /[<>&='\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function signatureOf(secret: string, body: string | Uint8Array): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

/** The server's headers in its order and case; null leaves the signature out. */
export async function send(url: string, body: string | Uint8Array<ArrayBuffer>, signature: string | null): Promise<Called> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'X-SonarQube-Project': 'shop:api',
      ...(signature === null ? {} : { 'X-Sonar-Webhook-HMAC-SHA256': signature }),
      'Content-Type': 'application/json; charset=utf-8',
      'User-Agent': 'SonarQube/26.9.0.129388',
    },
    body,
  });
  const text = await answer.text();
  return { status: answer.status, json: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

/** Signed as it should be. */
export function sendSigned({ ingestUrl, secret }: MadeSource, body: string): Promise<Called> {
  return send(ingestUrl, body, signatureOf(secret, body));
}
