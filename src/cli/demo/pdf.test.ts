import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pagesOfPdf } from './pdf.ts';

const body = (pages: number) => `%PDF-1.7
1 0 obj
<< /Type /Pages /Kids [3 0 R] /Count ${pages} >>
endobj
2 0 obj
<< /Type /Catalog /Pages 1 0 R >>
endobj
trailer
<< /Root 2 0 R >>
%%EOF
`;

test('the pages of a PDF are those of its page tree', () => {
  assert.equal(pagesOfPdf(Buffer.from(body(7), 'latin1')), 7);
});

test('an update that was appended counts before what it replaces', () => {
  const update =
    '2 0 obj\n<< /Type /Catalog /Pages 1 0 R /Lang (en) >>\nendobj\n1 0 obj\n<< /Type /Pages /Count 9 >>\nendobj\ntrailer\n<< /Root 2 0 R >>\n';
  assert.equal(pagesOfPdf(Buffer.from(body(7) + update, 'latin1')), 9);
});

test('what is no PDF has no number of pages', () => {
  assert.equal(pagesOfPdf(Buffer.from('<html>')), null);
  assert.equal(pagesOfPdf(Buffer.from('%PDF-1.7 /Root 2 0 R')), null);
});
