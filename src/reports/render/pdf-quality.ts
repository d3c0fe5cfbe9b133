import { webAddress } from '../../http/pages/clean.ts';
import { originOf } from './origin.ts';
import { detailsOf, gateOf, hotspotsOf } from './quality.ts';
import type { Section } from './sections.ts';

type Shown = (text: string, charactersMax?: number) => string;

const nameCharactersShown = 120;
const valueCharactersShown = 80;
const coloured: ReadonlySet<string> = new Set(['OK', 'ERROR', 'WARN']);

/** What the template is given of the gate, of hotspots, new code and effort, and of the server: null each where there is nothing to say. */
export function qualityData(section: Section, shown: Shown): object {
  return {
    gate: gateData(section, shown),
    hotspots: hotspotsData(section, shown),
    details: detailsData(section, shown),
    origin: originData(section, shown),
  };
}

function gateData(section: Section, shown: Shown): object | null {
  const gate = gateOf(section);
  if (gate === null) return null;
  return {
    line: shown(gate.line, nameCharactersShown),
    // A word of our own choice: whatever else came is not coloured, and never in the data uncleaned.
    status: coloured.has(gate.status) ? gate.status : '',
    statusText: shown(gate.statusText, valueCharactersShown),
    notes: gate.notes,
    rows: gate.rows.map((row) => [
      shown(row.metric, nameCharactersShown),
      row.metric === row.key ? '' : shown(row.key, nameCharactersShown),
      shown(row.failsWhen, nameCharactersShown),
      shown(row.value, valueCharactersShown),
      shown(row.status, valueCharactersShown),
      row.failed ? 'failed' : '',
    ]),
  };
}

function hotspotsData(section: Section, shown: Shown): object | null {
  const hotspots = hotspotsOf(section);
  if (hotspots === null) return null;
  const { rating, ratingText, countText, notes } = hotspots;
  return {
    rating: rating ?? '',
    ratingText,
    countText,
    notes,
    rows: hotspots.rows.map(([name, probability, ...counts]) => [
      shown(name, nameCharactersShown),
      shown(probability, valueCharactersShown),
      ...counts,
    ]),
  };
}

function detailsData(section: Section, shown: Shown): object | null {
  const details = detailsOf(section);
  if (details === null) return null;
  return {
    notes: details.notes,
    newCode: details.newCode.map(({ label, counts, rating }) => [label, ...counts, rating ?? '']),
    rows: details.rows.map(({ id, name, cells }) => [id, shown(name), ...cells.map((cell) => cell ?? '')]),
  };
}

function originData(section: Section, shown: Shown): object | null {
  const origin = originOf(section);
  if (origin === null) return null;
  return {
    facts: origin.facts.map(({ label, value, url }) => [label, shown(value), webAddress(url) ?? '']),
    measures: origin.measures.map((row) => row.map((cell) => shown(cell, valueCharactersShown))),
  };
}
