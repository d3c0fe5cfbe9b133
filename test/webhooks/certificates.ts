import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Issued {
  readonly key: string;
  readonly cert: string;
}

export interface TestAuthority {
  /** PEM: what a client must believe. */
  readonly ca: string;
  /** A certificate for these names, such as `DNS:receiver.example` or `IP:127.0.0.1`. */
  issue(names: string): Issued;
}

/** An authority that nobody else knows, made by openssl for two days. */
export function makeAuthority(): TestAuthority {
  const { key, cert } = inDirectory((path, openssl) => {
    openssl('req', '-x509', ...newKey(path('key')), '-out', path('cert'), '-days', '2', '-subj', '/CN=Test authority');
    return { key: readFileSync(path('key'), 'utf8'), cert: readFileSync(path('cert'), 'utf8') };
  });
  return {
    ca: cert,
    issue: (names) =>
      inDirectory((path, openssl) => {
        writeFileSync(path('ca.key'), key);
        writeFileSync(path('ca'), cert);
        writeFileSync(path('names'), `subjectAltName=${names}`);
        openssl('req', ...newKey(path('key')), '-out', path('request'), '-subj', '/CN=Test receiver');
        const signing = ['-CA', path('ca'), '-CAkey', path('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', path('names')];
        openssl('x509', '-req', '-in', path('request'), ...signing, '-out', path('cert'));
        return { key: readFileSync(path('key'), 'utf8'), cert: readFileSync(path('cert'), 'utf8') };
      }),
  };
}

const newKey = (path: string) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path];

function inDirectory<Made>(make: (path: (name: string) => string, openssl: (...words: string[]) => void) => Made): Made {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-tls-'));
  try {
    return make(
      (name) => join(directory, name),
      (...words) => void execFileSync('openssl', words, { stdio: 'ignore' }),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}
