/**
 * Typst exports for one standard at a time. A tagged PDF/A-2a file of it lacks only two statements of PDF/UA-1: that the window shows the
 * title, and that the file claims the standard. Both are added as an incremental update, which PDF allows: new versions of two objects
 * and a table of them after the old end, the old bytes untouched.
 */
export function claimUniversalAccess(pdf: Buffer): Buffer {
  const xref = Number(group(pdf.subarray(-64).toString('latin1'), /startxref\n(\d+)\n%%EOF\s*$/, 'startxref'));
  const table = pdf.subarray(xref);
  const trailerAt = table.lastIndexOf('trailer');
  if (trailerAt < 0) {
    throw missing('trailer');
  }
  const trailer = table.subarray(trailerAt, table.lastIndexOf('startxref')).toString('latin1');
  const [size, root, info] = ['Size', 'Root', 'Info'].map((name) => Number(group(trailer, new RegExp(`/${name} (\\d+)`), name)));
  const id = group(trailer, /\/ID (\[\([^()]*\) \([^()]*\)\])/, 'ID');
  if (size === undefined || root === undefined || info === undefined) {
    throw missing('trailer');
  }

  const catalog = objectAt(pdf, table, root);
  const metadata = Number(group(catalog, /\/Metadata (\d+) 0 R/, 'Metadata'));
  const updates = new Map([
    [root, Buffer.from(replaceOnce(catalog, '/ViewerPreferences <<', '/ViewerPreferences <<\n    /DisplayDocTitle true'), 'latin1')],
    [metadata, metadataObject(metadata, claimed(streamAt(pdf, table, metadata)))],
  ]);
  return Buffer.concat([pdf, updateOf({ updates, position: pdf.length, trailer: { size, root, info, id, previous: xref } })]);
}

const identification =
  '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>' +
  '<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>' +
  '<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:category>internal</pdfaProperty:category>' +
  '<pdfaProperty:description>Part of ISO 14289 to which the document conforms</pdfaProperty:description>' +
  '<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType></rdf:li></rdf:Seq>' +
  '</pdfaSchema:property></rdf:li>';

function claimed(xmp: string): string {
  // Each piece starts with a tag, which a title cannot contain: there its `<` is escaped.
  const opening = '<rdf:Description rdf:about=""';
  const named = replaceOnce(xmp, opening, `${opening} xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"`);
  const stated = replaceOnce(named, '<pdfaid:part>', '<pdfuaid:part>1</pdfuaid:part><pdfaid:part>');
  return replaceOnce(stated, '</rdf:Bag></pdfaExtension:schemas>', `${identification}</rdf:Bag></pdfaExtension:schemas>`);
}

/** From `12 0 obj` on, to where the object ends and beyond: of an object that the table of the file knows. */
function bytesFrom(pdf: Buffer, table: Buffer, number: number): Buffer {
  const head = group(table.subarray(0, 32).toString('latin1'), /^(xref\n0 \d+\n)/, 'xref');
  // Each line of the table has 20 bytes: ten digits of offset, five of generation, the kind.
  const line = head.length + number * 20;
  const bytes = pdf.subarray(Number(table.subarray(line, line + 10).toString('latin1')));
  if (!bytes.subarray(0, 24).toString('latin1').startsWith(`${number} 0 obj\n`)) {
    throw missing(`object ${number}`);
  }
  return bytes;
}

/** For an object that holds no text of others, which could contain the word that ends it. */
function objectAt(pdf: Buffer, table: Buffer, number: number): string {
  const bytes = bytesFrom(pdf, table, number);
  return bytes.subarray(0, bytes.indexOf('endobj')).toString('latin1');
}

function streamAt(pdf: Buffer, table: Buffer, number: number): string {
  const bytes = bytesFrom(pdf, table, number);
  const start = bytes.indexOf('stream\n');
  const length = Number(group(bytes.subarray(0, start).toString('latin1'), /\/Length (\d+)/, 'Length'));
  return bytes.subarray(start + 7, start + 7 + length).toString('utf8');
}

function metadataObject(number: number, xmp: string): Buffer {
  const length = Buffer.byteLength(xmp);
  return Buffer.from(`${number} 0 obj\n<<\n  /Length ${length}\n  /Type /Metadata\n  /Subtype /XML\n>>\nstream\n${xmp}\nendstream\n`);
}

function updateOf(options: {
  readonly updates: ReadonlyMap<number, Buffer>;
  readonly position: number;
  readonly trailer: { readonly size: number; readonly root: number; readonly info: number; readonly id: string; readonly previous: number };
}): Buffer {
  const { updates, trailer } = options;
  const pieces: Buffer[] = [Buffer.from('\n')];
  const sections: string[] = [];
  let position = options.position + 1;
  for (const [number, body] of [...updates].sort(([a], [b]) => a - b)) {
    const piece = Buffer.concat([body, Buffer.from('endobj\n\n')]);
    sections.push(`${number} 1\n${String(position).padStart(10, '0')} 00000 n\r\n`);
    pieces.push(piece);
    position += piece.length;
  }
  const { size, root, info, id, previous } = trailer;
  pieces.push(
    Buffer.from(
      `xref\n${sections.join('')}trailer\n<<\n  /Size ${size}\n  /Root ${root} 0 R\n  /Info ${info} 0 R\n  /ID ${id}\n  /Prev ${previous}\n>>\n` +
        `startxref\n${position}\n%%EOF\n`,
      'latin1',
    ),
  );
  return Buffer.concat(pieces);
}

function replaceOnce(text: string, piece: string, by: string): string {
  const at = text.indexOf(piece);
  if (at < 0 || text.includes(piece, at + 1)) {
    throw missing(piece);
  }
  return text.slice(0, at) + by + text.slice(at + piece.length);
}

function group(text: string, pattern: RegExp, name: string): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) {
    throw missing(name);
  }
  return found;
}

/** The file is not built as the exporter's version of today builds it: better no PDF than one that claims what it is not. */
function missing(piece: string): Error {
  return new Error(`the PDF has no ${piece} where it was expected`);
}
