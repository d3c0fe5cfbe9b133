import { aptInstall, canInstall, findProgram, isExecutable } from './system.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const macPath = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** The path of a Chromium that the tests of the HTML report can drive. Installs it where we may, else says what to install. */
export function findChromium(): string {
  const given = process.env.TEST_CHROMIUM;
  if (given !== undefined && given !== '') return given;
  const found = find();
  if (found !== null) return found;
  if (canInstall()) {
    aptInstall('chromium');
    const installed = find();
    if (installed !== null) return installed;
  }
  throw new Error('The tests need Chromium. Please install it (Debian: apt-get install chromium), or name it in TEST_CHROMIUM.');
}

function find(): string | null {
  for (const name of names) {
    const path = findProgram(name);
    if (path !== null) return path;
  }
  return isExecutable(macPath) ? macPath : null;
}
