import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';

/**
 * Compiles schemas into checks. Text from the URL becomes the number or truth value that its schema names; JSON is taken as it is: a name
 * that is the number 5 is refused. Nothing is removed in silence.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<Record<string, unknown>> {
  const common = { strict: true, strictTypes: false, allErrors: false, useDefaults: true, removeAdditional: false } as const;
  const ofUrl = new Ajv({ ...common, coerceTypes: 'array' });
  const ofBody = new Ajv({ ...common, coerceTypes: false });
  for (const ajv of [ofUrl, ofBody]) addFormats.default(ajv);
  return ({ schema, httpPart }) => (httpPart === 'body' ? ofBody : ofUrl).compile(schema);
}
