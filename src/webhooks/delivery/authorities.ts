import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SecureContext } from 'node:tls';
import { createSecureContext, getCACertificates } from 'node:tls';
import { GatepostError, invalid } from '../../errors.ts';

export const authorityCharactersMax = 64 * 1024;
export const authorityCertificatesMax = 20;
/** Contexts held ready. Each holds all certificates of the system parsed, so a webhook's own is made anew when it is seldom used. */
export const contextsHeldMax = 32;

const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The rules of a private authority's certificates: PEM, 1 to `authorityCertificatesMax`, none of them a key. Answers the certificates alone,
 * without what stood between them. Fails with `invalid_ca`, whose message repeats none of it.
 */
export function checkedAuthorities(pem: string): string {
  if (pem.length > authorityCharactersMax)
    throw invalid('invalid_ca', `The certificates are longer than ${authorityCharactersMax} characters.`);
  // Whoever puts a key in has taken the wrong file, and it must not be kept.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw invalid('invalid_ca', 'There is a private key among the certificates.');
  const blocks = pem.match(block) ?? [];
  if (blocks.length === 0 || blocks.length !== pem.split('-----BEGIN').length - 1) {
    throw invalid('invalid_ca', 'The certificates must be in PEM form, beginning with -----BEGIN CERTIFICATE-----.');
  }
  if (blocks.length > authorityCertificatesMax)
    throw invalid('invalid_ca', `There are more than ${authorityCertificatesMax} certificates.`);
  for (const [index, text] of blocks.entries()) {
    if (!isReadable(text)) {
      throw invalid('invalid_ca', `Certificate ${index + 1} cannot be read.`);
    }
  }
  return `${blocks.join('\n')}\n`;
}

/** What `GATEPOST_CA_FILE` names, checked as above. Fails with `invalid_ca_file`. */
export function readAuthorities(path: string): string {
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new GatepostError('invalid', 'invalid_ca_file', `GATEPOST_CA_FILE: ${path} cannot be read.`, { cause });
  }
  try {
    return checkedAuthorities(pem);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : '';
    throw new GatepostError('invalid', 'invalid_ca_file', `GATEPOST_CA_FILE: ${path}: ${problem}`, { cause });
  }
}

function isReadable(certificate: string): boolean {
  try {
    return new X509Certificate(certificate).raw.length > 0;
  } catch {
    return false;
  }
}

export interface Authorities {
  /** Whom a connection believes: the system, those of the settings, and a webhook's own. Undefined where the system's alone do. */
  contextFor(own: string | null): SecureContext | undefined;
}

/** `forAll`: certificates (PEM) of the settings, which every connection believes beside the system's own. */
export function createAuthorities(forAll: string | null): Authorities {
  const held = new Map<string, SecureContext>();
  return {
    contextFor(own) {
      if (own === null && forAll === null) return undefined;
      const key = own ?? '';
      const context =
        held.get(key) ?? createSecureContext({ ca: [...getCACertificates('default'), ...[forAll, own].filter((one) => one !== null)] });
      // Put last again: the first is the one that was not asked for longest.
      held.delete(key);
      held.set(key, context);
      const oldest = held.size > contextsHeldMax ? held.keys().next().value : undefined;
      if (oldest !== undefined) held.delete(oldest);
      return context;
    },
  };
}
