/** One grey image, row by row, before it is resized and normalised. */
export interface GreyImage {
  readonly height: number;
  readonly width: number;
  /** height · width values; larger is brighter. */
  readonly values: Float64Array;
  /** The lowest and highest value that the file could have stored. */
  readonly range: readonly [lowest: number, highest: number];
}
