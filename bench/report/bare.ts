import { readFileSync, writeFileSync } from 'node:fs';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import { fontFamilies } from '../../src/reports/render/fonts.ts';

// The bare limit: Typst alone sets one volume's rows as a plain table and writes a PDF/A-2a. `bench/report.ts` starts one for each volume.

const [rowsPath = '', pdfPath = ''] = process.argv.slice(2);
const template = `
#let rows = json("rows.json")
#set document(title: "Bench", date: datetime(year: 2026, month: 1, day: 1))
#set page(paper: "a4", flipped: true, margin: 12mm)
#set text(font: "Noto Sans", size: 8pt, lang: "en", fallback: false)
= Findings
#for part in rows.chunks(100) {
  table(
    columns: (22mm, 36mm, 62mm, 1fr),
    table.header([Severity], [Rule], [Place], [Message]),
    ..part.map(row => row.map(value => [#value])).flatten(),
  )
}
`;
const workspace = '/bench';
const compiler = NodeCompiler.create({
  workspace,
  fontArgs: [{ fontBlobs: [readFileSync(fontFamilies.sans.regular), readFileSync(fontFamilies.sans.bold)] }],
});
compiler.mapShadow(`${workspace}/rows.json`, readFileSync(rowsPath));
compiler.addSource(`${workspace}/main.typ`, template);
const compiled = compiler.compile({ mainFilePath: `${workspace}/main.typ` });
if (compiled.result === null) throw new Error(JSON.stringify(compiled.takeError()?.shortDiagnostics));
writeFileSync(pdfPath, compiler.pdf(compiled.result, { pdfStandard: 'a-2a' }));
