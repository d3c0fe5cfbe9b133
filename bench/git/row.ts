export interface Size {
  /** Of the large repository. */
  readonly megabytes: number;
  readonly pairs: number;
  /** How long small pushes are made. */
  readonly seconds: number;
}

/** One line of the bench's table: what it prints. */
export interface Row {
  readonly name: string;
  run(options: { readonly directory: string; readonly size: Size }): Promise<readonly string[]>;
}
