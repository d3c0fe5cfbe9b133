import { createHash } from 'node:crypto';

/** The parts of an OpenAPI document that the page shows. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly $ref?: string;
}
interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> };
  readonly responses?: Readonly<
    Record<string, { readonly description?: string; readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>
  >;
}
interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths?: Readonly<Record<string, unknown>>;
}
interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const style = `
:root{color-scheme:light dark;--line:#8886;--soft:#8881;--accent:light-dark(#0b5cad,#7cb7ff)}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}
a{color:var(--accent)}code,pre{font:14px/1.45 ui-monospace,monospace}code{overflow-wrap:anywhere}td code{white-space:nowrap}
h2{margin-top:3rem;border-bottom:1px solid var(--line)}h3{margin:0;font-size:1rem;display:inline}
details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.5rem .75rem}summary{cursor:pointer}
.method{display:inline-block;min-width:4.2rem;font-weight:700}.says{opacity:.85}
table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}td,th{text-align:left;vertical-align:top;padding:.25rem .6rem;border-bottom:1px solid var(--line)}
pre{background:var(--soft);padding:.6rem;overflow:auto;border-radius:6px}`;

/** The page may use its own style and nothing else: no script, no image, no font, no frame. */
export const referencePagePolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** The whole API on one page of plain HTML: no script, nothing loaded, every operation under its tag with parameters, body and answers. */
export function referencePage(document: object): string {
  const { info, tags = [], paths = {} } = document as Document;
  const entries = Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method): Entry[] => {
      const operation = (item as Readonly<Record<string, Operation | undefined>>)[method];
      return operation === undefined ? [] : [{ method, path, operation }];
    }),
  );
  const sections = tags.map(({ name, description }) => {
    const own = entries.filter((entry) => entry.operation.tags?.[0] === name);
    return own.length === 0
      ? ''
      : `<section id="${slug(name)}"><h2>${text(name)}</h2><p>${prose(description)}</p>${own.map(operationHtml).join('')}</section>`;
  });
  const contents = tags.map(({ name }) => `<li><a href="#${slug(name)}">${text(name)}</a></li>`).join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${text(info.title)} API</title><style>${style}</style></head><body><header><h1>${text(info.title)} API ${text(info.version)}</h1><p>${prose(info.description)}</p><p>Calls under <code>/v1</code> need <code>Authorization: Bearer</code> and a token of the organization. An error has the status 4xx or 5xx and the body <code>{"code","message","details"?}</code>: <code>code</code> is stable, <code>message</code> is for people.</p><p>The same as a document for programs: <a href="openapi.json">openapi.json</a>.</p></header><nav aria-label="Contents"><ul>${contents}</ul></nav><main>${sections.join('')}</main></body></html>\n`;
}

function operationHtml({ method, path, operation }: Entry): string {
  const parameters = operation.parameters ?? [];
  const rows = parameters.map(
    (one) =>
      `<tr><td><code>${text(one.name)}</code></td><td>${text(one.in)}${one.required === true ? ', required' : ''}</td><td>${text(shortType(one.schema))}</td><td>${prose(one.description ?? one.schema?.description)}</td></tr>`,
  );
  const table =
    rows.length === 0
      ? ''
      : `<h4>Parameters</h4><table><thead><tr><th>Name</th><th>In</th><th>Type</th><th>Meaning</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
  const bodies = Object.entries(operation.requestBody?.content ?? {}).map(
    ([type, { schema }]) => `<h4>Body: <code>${text(type)}</code></h4>${schemaHtml(schema)}`,
  );
  const answers = Object.entries(operation.responses ?? {})
    .filter(([status]) => !status.endsWith('XX'))
    .map(([status, answer]) => {
      const [content] = Object.values(answer.content ?? {});
      const says = answer.description === 'Default Response' ? '' : prose(answer.description);
      return `<h4>${text(status.toUpperCase())}</h4>${says === '' ? '' : `<p>${says}</p>`}${schemaHtml(content?.schema)}`;
    });
  return `<details id="${text(operation.operationId ?? '')}"><summary><h3><span class="method">${method.toUpperCase()}</span> <code>${text(path)}</code></h3> <span class="says">${text(operation.summary ?? '')}</span></summary><p>${prose(operation.description)}</p>${table}${bodies.join('')}${answers.join('')}</details>`;
}

function schemaHtml(schema: Schema | undefined): string {
  return schema === undefined ? '' : `<pre>${text(outline(schema, ''))}</pre>`;
}

/** A schema as people read it: one field a line, optional ones with a question mark, the meaning behind `//`. */
function outline(schema: Schema, indent: string): string {
  if (schema.type === 'array' && schema.items !== undefined) return `[${outline(schema.items, indent)}]`;
  const options = schema.anyOf ?? schema.oneOf;
  if (options?.some((option) => option.properties !== undefined) === true)
    return options.map((option) => outline(option, indent)).join(' | ');
  if (schema.properties === undefined) return shortType(schema);
  const lines = Object.entries(schema.properties).map(([name, property]) => {
    const mark = schema.required?.includes(name) === true ? '' : '?';
    const meaning = property.description === undefined ? '' : `  // ${property.description}`;
    return `${indent}  ${name}${mark}: ${outline(property, `${indent}  `)}${meaning}`;
  });
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`;
}

function shortType(schema: Schema | undefined): string {
  if (schema === undefined) return '';
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) ?? '';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return options.map(shortType).join(' | ');
  if (schema.type === 'array') return `[${shortType(schema.items)}]`;
  const [inner] = Object.values(schema.patternProperties ?? {});
  if (inner !== undefined) return `{ [name]: ${shortType(inner)} }`;
  const range = [
    schema.minimum === undefined ? '' : `from ${schema.minimum}`,
    schema.maximum === undefined ? '' : `to ${schema.maximum}`,
    schema.default === undefined ? '' : `default ${JSON.stringify(schema.default)}`,
  ];
  return [[schema.type ?? 'any'].flat().join(' | '), schema.format ?? '', ...range].filter((part) => part !== '').join(' ');
}

function text(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Plain prose: blank lines part paragraphs, backticks mark code. */
function prose(value: string | undefined): string {
  return text(value ?? '')
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll(/\n\n+/g, '</p><p>');
}

function slug(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}
