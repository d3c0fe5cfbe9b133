import { createHmac } from 'node:crypto';

/** What a caller sends: requests as they go over the wire, made before anything is measured. */
export interface Requests {
  readonly port: number;
  readonly path: string;
  readonly secret: string;
  readonly count: number;
  readonly firstTag?: number;
}

const tagAt = 84;
const tagDigits = 10;
const opening = '{"serverUrl":"https://sonar.example.test/';
/** Bytes of a body: between 1 and 4 KB, as they come. */
const sizes = [1_024, 1_536, 2_048, 3_072, 4_096] as const;

/** A payload of a task of its own that carries its number where the receiver looks for it, as large as its turn says. */
export function payload(tag: number): string {
  const number = String(tag).padStart(tagDigits, '0');
  const size = sizes[tag % sizes.length] ?? 0;
  const task = `00000000-0000-4000-8000-${String(tag).padStart(12, '0')}`;
  const head = opening + 'x'.repeat(tagAt - opening.length) + number;
  const gate = Array.from({ length: 4 }, (_, index) => ({
    metric: `new_metric_${index}`,
    operator: 'GREATER_THAN',
    value: '0',
    status: 'OK',
    errorThreshold: '1',
  }));
  const body = (fill: string): string =>
    `${head}","taskId":"${task}","status":"SUCCESS","analysedAt":"2026-03-02T09:15:04+0100","revision":"9b1f6a0c2d3e4f5061728394a5b6c7d8e9f00112",` +
    `"changedAt":"2026-03-02T09:15:04+0100","project":{"key":"shop","name":"Shop","url":"https://sonar.example.test/dashboard?id\\u003dshop"},` +
    `"branch":{"name":"main","type":"BRANCH","isMain":true,"url":"https://sonar.example.test/dashboard?id\\u003dshop"},` +
    `"qualityGate":{"name":"Sonar way","status":"OK","conditions":${JSON.stringify(gate)}},"properties":{"sonar.analysis.fill":"${fill}"}}`;
  return body('y'.repeat(Math.max(0, size - body('').length)));
}

/** The whole requests, head and body, each with its signature. */
export function requestsOf({ port, path, secret, count, firstTag = 0 }: Requests): readonly Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const body = Buffer.from(payload(firstTag + index));
    const head =
      `POST ${path} HTTP/1.1\r\nX-SonarQube-Project: shop\r\n` +
      `X-Sonar-Webhook-HMAC-SHA256: ${createHmac('sha256', secret).update(body).digest('hex')}\r\n` +
      `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\nHost: 127.0.0.1:${port}\r\n` +
      'Connection: Keep-Alive\r\nUser-Agent: SonarQube/26.9.0.129388\r\n\r\n';
    return Buffer.concat([Buffer.from(head), body]);
  });
}
