import {
  advance,
  advanceBytes,
  f32x4Add,
  f32x4Eq,
  f32x4Mul,
  f64x2Add,
  f64x2PromoteLowF32x4,
  get,
  repeat,
  set,
  v128And,
  v128AndNot,
  v128Load,
  v128Load32Splat,
  v128Load64Zero,
  v128Store,
  type Code,
} from './instructions.js';
import { defineFunction, type SimdFunction } from './module.js';

/** The rows of a block of the filter's gradient, at most. Six need more registers than there are, and were a third slower. */
export const BLOCK_ROWS_MAX = 4;
/** Its columns: one or two vectors. */
export const BLOCK_COLUMNS = [8, 4] as const;

const VECTOR_BYTES = 16;
const VALUE_BYTES = 4;

/**
 * out[i][j] += Σ x[i] · dy[j] over a grid of positions, for a block of `rows` × `columns` values that stays in
 * registers meanwhile. Distances are in bytes: from a position to the next in a row of the grid (`xStep`, `dyStep`), at
 * the end of such a row in addition (`xRowSkip`), and from one row of the block to the next in memory (`outStep`).
 */
export const blockName = (rows: number, columns: number): string => `outerProductSum${rows}x${columns}`;

function outerProductSum(rows: number, columns: number): SimdFunction {
  const width = columns / 4;
  return defineFunction(
    blockName(rows, columns),
    ['x', 'dy', 'out', 'gridRows', 'gridColumns', 'xStep', 'xRowSkip', 'dyStep', 'outStep'],
    { vectors: rows * width + width + 1, integers: 1 },
    ({ x, dy, out, gridRows, gridColumns, xStep, xRowSkip, dyStep, outStep }, vectors, [column]) => {
      const sums = vectors.slice(0, rows * width);
      const gradients = vectors.slice(rows * width, -1);
      const value = vectors.at(-1)!;
      const eachRow = (body: (row: number) => Code): Code => Array.from({ length: rows }, (_, row) => body(row));
      const eachVector = (body: (vector: number) => Code): Code => Array.from({ length: width }, (_, v) => body(v));
      const addProducts = (row: number): Code => [
        set(value, v128Load32Splat(x, row * VALUE_BYTES)),
        eachVector((v) => {
          const sum = sums[row * width + v]!;
          return set(sum, f32x4Add(get(sum), f32x4Mul(get(value), get(gradients[v]!))));
        }),
      ];
      const addToMemory = (row: number): Code => [
        eachVector((v) =>
          v128Store(out, f32x4Add(v128Load(out, v * VECTOR_BYTES), get(sums[row * width + v]!)), v * VECTOR_BYTES),
        ),
        advance(out, outStep),
      ];
      return [
        repeat(gridRows, [
          set(column!, get(gridColumns)),
          repeat(column!, [
            eachVector((v) => set(gradients[v]!, v128Load(dy, v * VECTOR_BYTES))),
            eachRow(addProducts),
            advance(x, xStep),
            advance(dy, dyStep),
          ]),
          advance(x, xRowSkip),
        ]),
        eachRow(addToMemory),
      ];
    },
  );
}

/**
 * Gives each gradient of one pooling position to the first value of its window that equals the maximum, four channels
 * at a time: what is left of the gradient after a hit is nothing. Distances in bytes; the window is already cut to
 * what lies inside the image.
 */
const scatterToMaximum = defineFunction(
  'scatterToMaximum',
  ['x', 'dx', 'maximum', 'dy', 'vectors', 'rows', 'columns', 'pixelStep', 'rowSkip'],
  { vectors: 3, integers: 4 },
  (p, [maximum, left, hit], [from, to, row, column]) => [
    repeat(p.vectors, [
      set(maximum!, v128Load(p.maximum)),
      set(left!, v128Load(p.dy)),
      set(from!, get(p.x)),
      set(to!, get(p.dx)),
      set(row!, get(p.rows)),
      repeat(row!, [
        set(column!, get(p.columns)),
        repeat(column!, [
          set(hit!, f32x4Eq(v128Load(from!), get(maximum!))),
          v128Store(to!, f32x4Add(v128Load(to!), v128And(get(left!), get(hit!)))),
          set(left!, v128AndNot(get(left!), get(hit!))),
          advance(from!, p.pixelStep),
          advance(to!, p.pixelStep),
        ]),
        advance(from!, p.rowSkip),
        advance(to!, p.rowSkip),
      ]),
      [p.x, p.dx, p.maximum, p.dy].map((pointer) => advanceBytes(pointer, VECTOR_BYTES)),
    ]),
  ],
);

/** sums[0…3] += four neighbouring columns of a matrix; the matrix is float32 and the sums are float64. */
const addColumns = defineFunction(
  'addColumns',
  ['values', 'rows', 'rowStep', 'sums'],
  { vectors: 2, integers: 0 },
  ({ values, rows, rowStep, sums }, [low, high]) => [
    set(low!, v128Load(sums)),
    set(high!, v128Load(sums, VECTOR_BYTES)),
    repeat(rows, [
      set(low!, f64x2Add(get(low!), f64x2PromoteLowF32x4(v128Load64Zero(values)))),
      set(high!, f64x2Add(get(high!), f64x2PromoteLowF32x4(v128Load64Zero(values, 8)))),
      advance(values, rowStep),
    ]),
    v128Store(sums, get(low!)),
    v128Store(sums, get(high!), VECTOR_BYTES),
  ],
);

const BLOCKS = Array.from({ length: BLOCK_ROWS_MAX }, (_, i) => i + 1).flatMap((rows) =>
  BLOCK_COLUMNS.map((columns) => outerProductSum(rows, columns)),
);

/** All functions of our module. */
export const SIMD_FUNCTIONS: readonly SimdFunction[] = [...BLOCKS, scatterToMaximum, addColumns];
