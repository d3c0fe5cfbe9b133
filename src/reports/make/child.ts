import { serveStage } from './stages.ts';

// The program of the child processes that `makeReports` starts. It gets files and gives files.
serveStage({
  readSarif: async () => (await import('../../analyses/sarif/read.ts')).readSarif,
  readSonarqube: async () => (await import('../../analyses/sonarqube/read.ts')).readSonarqube,
  renderHtml: async () => (await import('../render/html.ts')).renderHtml,
  renderPdf: async () => (await import('../render/pdf.ts')).renderPdfOfFile,
});
