import ipaddr from 'ipaddr.js';

/** How one kind of value is read. `parse` throws a plain sentence about what is wrong; it never repeats a secret. */
export interface Kind<T> {
  readonly type: string;
  readonly parse: (text: string) => T;
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export const text: Kind<string> = { type: 'text', parse: (value) => value };
export const integer = (min: number, max: number): Kind<number> => ({
  type: `number ${min} to ${max}`,
  parse(value) {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max)) throw new Error(`must be a whole number from ${min} to ${max}`);
    return number;
  },
});
const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
export const duration: Kind<number> = {
  type: 'duration',
  parse(value) {
    const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(value);
    const ms = Number(match?.[1]) * (durationUnits[match?.[2] ?? ''] ?? Number.NaN);
    if (!(ms > 0)) throw new Error('must be a duration such as 30s, 15m, 1h or 5d');
    return ms;
  },
};
const sizeUnits: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
export const size: Kind<number> = {
  type: 'size',
  parse(value) {
    const match = /^(\d{1,9})(B|KiB|MiB|GiB|TiB)$/.exec(value);
    const bytes = Number(match?.[1]) * (sizeUnits[match?.[2] ?? ''] ?? Number.NaN);
    if (!(bytes > 0)) throw new Error('must be a size such as 500MiB or 1GiB');
    return bytes;
  },
};
export const url = (protocols: readonly string[]): Kind<string | null> => ({
  type: 'URL',
  parse(value) {
    const parsed = URL.parse(value);
    if (parsed === null || !protocols.includes(parsed.protocol)) {
      throw new Error(`must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);
    }
    return value;
  },
});
export const publicUrl: Kind<string | null> = {
  type: 'URL',
  parse(value) {
    const parsed = new URL(url(['http:', 'https:']).parse(value) ?? '');
    if (parsed.search !== '' || parsed.hash !== '' || parsed.username !== '' || parsed.password !== '') {
      throw new Error('must have no user, no query and no fragment');
    }
    return value.replace(/\/+$/, '');
  },
};
export const mailServer = url(['smtp:', 'smtps:']);
export const mailbox: Kind<string> = {
  type: 'mail address',
  parse(value) {
    if (
      !/^([^<>\p{Cc}]{1,200}<)?[^\s@<>\p{Cc}]{1,64}@[^\s@<>\p{Cc}]{1,253}>?$/u.test(value) ||
      value.includes('<') !== value.endsWith('>')
    ) {
      throw new Error('must be a mail address, such as gatepost@example.com or Gatepost <gatepost@example.com>');
    }
    return value;
  },
};
export const pathPrefix: Kind<string> = {
  type: 'path',
  parse(value) {
    if (!/^(\/[\w.~-]+)*\/?$/.test(value) || value.split('/').some((part) => part === '.' || part === '..')) {
      throw new Error('must be a path such as /gatepost');
    }
    return value.replace(/\/+$/, '') || '/';
  },
};
const list = (type: string, isEntry: (entry: string) => boolean): Kind<readonly string[]> => ({
  type: `${type}, comma between`,
  parse(value) {
    const entries = value.split(/[\s,]+/).filter((entry) => entry !== '');
    const bad = entries.find((entry) => !isEntry(entry));
    if (bad !== undefined) throw new Error(`has an entry that is none of ${type}: "${bad}"`);
    return entries;
  },
});
const isNetwork = (entry: string): boolean => (entry.includes('/') ? ipaddr.isValidCIDR(entry) : ipaddr.isValid(entry));
const isHost = (entry: string): boolean => /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i.test(entry);
export const networks = list('addresses and CIDRs', isNetwork);
export const networksAndHosts = list('CIDRs and hosts', (entry) => isNetwork(entry) || (!/^[\d.]+$/.test(entry) && isHost(entry)));
export const level: Kind<LogLevel> = {
  type: logLevels.join(' | '),
  parse(value) {
    const found = logLevels.find((name) => name === value);
    if (found === undefined) throw new Error(`must be one of ${logLevels.join(', ')}`);
    return found;
  },
};
const secretKeyBytes = 32;
export const secretKey: Kind<Buffer | null> = {
  type: '32 bytes, base64',
  parse(value) {
    const bytes = /^[A-Za-z0-9+/_-]{43}=?$/.test(value) ? Buffer.from(value, 'base64') : null;
    if (bytes?.length !== secretKeyBytes) throw new Error('must be 32 bytes as base64 (openssl rand -base64 32)');
    return bytes;
  },
};

export const headers: Kind<Readonly<Record<string, string>>> = {
  type: 'JSON object',
  parse(value) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(value);
    } catch {
      parsed = null;
    }
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    const entries: [string, unknown][] = isObject ? Object.entries(parsed as object) : [];
    const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    if (!isObject || texts.length < entries.length) throw new Error('must be a JSON object of names and texts, such as {"x-env":"test"}');
    return Object.fromEntries(texts);
  },
};
