/** What one log may hold. Every number is reached in a test; beyond it the reader refuses with the code named here, or says in a notice what it left out. */

/** Open brackets at once. Real logs stay under 30. `sarif_too_deep` */
export const depthMax = 256;
/** One result, one rule, one entry of a list: it is parsed as a whole. `sarif_element_too_large` */
export const elementBytesMax = 32 * 1024 * 1024;
/** Values (objects, lists, texts, numbers) in one such entry: empty lists take a hundred times the memory of their text. `sarif_element_too_large` */
export const elementValuesMax = 1_000_000;
/** Characters of one number. `sarif_number_too_long` */
export const numberBytesMax = 1_024;
/** Longer property names belong to no part of a log that is read. */
export const keyBytesMax = 1_024;

/** `sarif_too_many_runs` */
export const runsMax = 1_000;
/** Results of all runs. `sarif_too_many_results` */
export const resultsMax = 2_000_000;
/** Rules of all components of all runs. `sarif_too_many_rules` */
export const rulesMax = 100_000;
/** Drivers, extensions and taxonomies of all runs. `sarif_too_many_components` */
export const componentsMax = 50_000;
/** Entries of one taxonomy. `sarif_too_many_taxa` */
export const taxaOfComponentMax = 100_000;
/**
 * What is kept of rules, message strings, taxa and bases while results are read, in characters, `ruleOverhead` for each rule and
 * `referenceOverhead` for each reference and CWE on top. `sarif_metadata_too_large`
 */
export const keptCharactersMax = 32 * 1024 * 1024;
export const ruleOverhead = 256;
export const referenceOverhead = 64;
/**
 * Characters of artifacts' URIs that are kept for results that name them by index alone, `referenceOverhead` for each on top. What is
 * beyond is left out, with the notice `artifacts_left_out`: nearly all tools repeat the URI in the result.
 */
export const artifactCharactersMax = 32 * 1024 * 1024;

/** Steps of one chain of base URIs. */
export const uriBaseStepsMax = 32;
/** Base URIs of one run. */
export const uriBasesMax = 1_000;
/** Message strings of one rule or component. */
export const messageStringsMax = 1_000;
/** References to taxa that are followed for one rule or result, and CWEs that are kept of one rule. */
export const referencesMax = 256;
/** Characters of a rule's description, shown where a result has no message. */
export const descriptionCharactersMax = 256;
/** Levels and entries of the lists in property bags where CWE and OWASP names are looked for. */
export const tagDepthMax = 8;
export const tagsMax = 1_024;
/** Characters of one tag that are looked at. */
export const tagCharactersMax = 512;
/** Characters of a line's text or a message that go into a computed fingerprint. */
export const fingerprintTextCharactersMax = 4_096;
